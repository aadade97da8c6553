"""Plan and run the check of the project's own files: TOML, JSON, KCL and Nushell, with no compiler."""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway import console, process
from slipway.components import TreeComponent
from slipway.errors import VerificationError
from slipway.model import Release
from slipway.steps import Step
from slipway.trees import select

STAGE: Final = "validate-config"
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def plan_validation(release: Release) -> tuple[Step, ...]:
    """One Step per tree component that has files which can be checked."""
    steps = []
    for part in release.project.components:
        if isinstance(part, TreeComponent):
            names = select(part.path, part.include, part.exclude, skip=release.paths.made)
            files = tuple(part.path / name for name in names if Path(name).suffix in CHECKS)
            if files:
                run = Validate(component=part.name, folder=part.path, files=files)
                steps.append(Step(stage=STAGE, key=part.name, doc=f"Check the files of {part.name}", run=run, inputs=files))
    return tuple(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validate:
    """Check every file of a component; all faults are told at once."""

    component: str
    folder: Path
    files: tuple[Path, ...]

    def __call__(self) -> None:
        """Raise VerificationError with every fault found."""
        faults = [fault for file in self.files for fault in CHECKS[file.suffix](file)]
        if faults:
            count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise VerificationError(f"component {self.component} has {count}:\n{listed}", hint="mend the files named above")


def _toml(file: Path) -> Iterator[str]:
    try:
        tomllib.loads(file.read_bytes().decode())
    except UnicodeDecodeError as error:
        yield f"{file}: not UTF-8: {error.reason} at byte {error.start}"
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        _, _, place = text.rpartition("(at line ")
        line = place.partition(",")[0]
        yield f"{file}:{line}: {text}" if line.isdigit() else f"{file}: {text}"


def _json(file: Path) -> Iterator[str]:
    try:
        json.loads(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        yield f"{file}: not UTF-8: {error.reason} at byte {error.start}"
    except json.JSONDecodeError as error:
        yield f"{file}:{error.lineno}: {error.msg} (column {error.colno})"


def _kcl(file: Path) -> Iterator[str]:
    from kcl_lib import api

    arguments = api.ExecProgramArgs(work_dir=str(file.parent), k_filename_list=[str(file)])
    # The evaluator is native code that makes no promise about threads.
    with _kcl_lock:
        try:
            said = api.API().exec_program(arguments).err_message
        except Exception as error:  # noqa: BLE001 - the binding raises bare Exceptions
            said = str(error)
    yield from dict.fromkeys(_kcl_faults(file, said))


def _kcl_faults(file: Path, said: str) -> Iterator[str]:
    # Blocks such as "error[E2G22]: TypeError", "--> file:line:column", the line, "| ^ what is wrong there".
    clean = _COLOUR.sub("", said).strip()
    for block in (part.strip() for part in re.split(r"^error\[\w+\]: ", clean, flags=re.MULTILINE) if part.strip()):
        title = block.splitlines()[0]
        place = re.search(r"--> (.+:\d+):\d+", block)
        details = re.findall(r"^ *\| *\^* *([^\s^].*)", block, re.MULTILINE)
        yield f"{place[1]}: {': '.join([title, *details[:1]])}{_rest(details)}" if place else f"{file}: {block}"


def _rest(details: list[str]) -> str:
    return f" ({'; '.join(details[1:])})" if details[1:] else ""


def _nu(file: Path) -> Iterator[str]:
    if (nu := process.which("nu")) is None:
        console.log(f"{file}: not checked, nu is not installed (doit info says how to get it)")
        return
    done = process.question([nu, "--no-config-file", "--ide-check", "100", file], cwd=file.parent)
    if done.code != 0:
        yield f"{file}: {done.output.strip() or f'nu failed with exit code {done.code}'}"
    source = file.read_bytes()
    for line in done.answer.splitlines():
        said: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
        if said.get("type") == "diagnostic" and said.get("severity") == "Error":
            start = said.get("span", {}).get("start", 0)
            line_number = source.count(b"\n", 0, start) + 1
            yield f"{file}:{line_number}: {said.get('message', '')}"


_kcl_lock: Final = threading.Lock()
CHECKS: Final[dict[str, Callable[[Path], Iterator[str]]]] = {".toml": _toml, ".json": _json, ".k": _kcl, ".nu": _nu}
