"""The files of a pipeline on disk: whether they are current, and whether somebody changed them by hand."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from slipway.errors import GateError, SlipwayError
from slipway.files import write_atomic

MARK: Final = "SHA-256 of all lines below: "
SHOWN: Final = 24  # lines of a difference; whoever wants more asks for a dry run
_HEADER: Final = re.compile(rf"\A(?:(?:#|//) .*\n)*?(?:#|//) {re.escape(MARK)}([0-9a-f]{{64}})\n")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One file of a pipeline as it has to be; `command` is what makes it."""

    path: Path
    text: str
    command: str

    @property
    def found(self) -> str | None:
        """What is there; None where nothing is."""
        try:
            return self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SlipwayError(f"cannot read {self.path}: {error}", hint="check the file, or move it away") from error

    @property
    def state(self) -> str:
        """`current`, `missing`, `stale`, or `changed by hand`."""
        there = self.found
        if there is None:
            return "missing"
        if there == self.text:
            return "current"
        return "stale" if _is_as_made(there) else "changed by hand"

    def difference(self) -> list[str]:
        """The first lines of what would change, as diff tells it."""
        there = (self.found or "").splitlines()
        lines = difflib.unified_diff(there, self.text.splitlines(), "there", "wanted", n=1, lineterm="")
        shown = list(islice(lines, SHOWN + 1))
        return [*shown[:SHOWN], "…"] if len(shown) > SHOWN else shown


def headed(body: str, command: str, comment: str) -> str:
    """A file with the lines at its top by which a later run knows that nobody changed it."""
    lines = (
        f"Made by: {command}",
        "Change slipway.toml, or templates/ci beside it, and make it again; what is changed here is not overwritten.",
        MARK + _digest(body),
    )
    return "".join(f"{comment} {line}\n" for line in lines) + body


def require_current(pipelines: Iterable[Pipeline], root: Path) -> tuple[Path, ...]:
    """Return where the files are; raises GateError, which shows what differs, when one is not as it has to be."""
    found = tuple(pipelines)
    bad = [each for each in found if each.state != "current"]
    if not bad:
        return tuple(each.path for each in found)
    told = (line for each in bad for line in (f"{_shown(each.path, root)} is {each.state}", *_indented(each)))
    commands = " && ".join(dict.fromkeys(_mending(each) for each in bad))
    raise GateError("\n".join(told), hint=f"{commands} writes what is wanted")


def write(pipelines: Iterable[Pipeline], root: Path, *, force: bool) -> tuple[Path, ...]:
    """Write the files that are not as they have to be, and return where; nothing is written when one was changed by hand."""
    wanted = [each for each in pipelines if each.state != "current"]
    theirs = [_shown(each.path, root) for each in wanted if each.state == "changed by hand"]
    if theirs and not force:
        raise GateError(
            f"{', '.join(theirs)}: changed by hand, or made by somebody else, and therefore left alone",
            hint="--check shows the difference, --force overwrites; templates/ci beside slipway.toml keeps changes for good",
        )
    for each in wanted:
        write_atomic(each.path, each.text.encode())
    return tuple(each.path for each in wanted)


def _is_as_made(text: str) -> bool:
    match = _HEADER.match(text)
    return match is not None and match[1] == _digest(text[match.end() :])


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _indented(pipeline: Pipeline) -> list[str]:
    return [] if pipeline.state == "missing" else [f"    {line}".rstrip() for line in pipeline.difference()]


def _mending(pipeline: Pipeline) -> str:
    return f"{pipeline.command} --force" if pipeline.state == "changed by hand" else pipeline.command


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
