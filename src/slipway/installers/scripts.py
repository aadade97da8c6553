"""The scripts that users get: where they go, how they are written there, and what their options are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from slipway.files import HashingWriter
from slipway.installers import options
from slipway.installers.options import Option
from slipway.manifest import Artifact, record, record_path
from slipway.model import Release
from slipway.steps import Step

STAGE: Final = "create-installers"
KIND: Final = "installer"
SHELL: Final = "application/x-sh"
POWERSHELL: Final = "text/x-powershell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One file name under which a rendered script is given to users."""

    target: Path
    path: str
    record: Path


def script_of(release: Release, name: str) -> Script:
    """The place of a script in the folder of installers, and of its record; what lies elsewhere is none of the manifest's."""
    paths, target = release.paths, release.paths.installers / name
    if target.is_relative_to(paths.packages):
        return Script(target=target, path=target.relative_to(paths.packages).as_posix(), record=record_path(release, name))
    return Script(target=target, path=name, record=paths.state / "elsewhere" / f"{name}.json")


def script_step(key: str, run: Callable[[], None], scripts: Iterable[Script], inputs: Iterable[Path]) -> Step:
    """The Step that makes a script under each of its names."""
    outputs = tuple(path for script in scripts for path in (script.target, script.record))
    return Step(stage=STAGE, key=key, doc=f"Make {key}", run=run, inputs=tuple(inputs), outputs=outputs)


def write_scripts(text: str, scripts: Iterable[Script], release: str, digests: tuple[str, ...], kind: str = SHELL) -> None:
    """Write a script under each of its names, with its record; one for a Unix shell can be run."""
    data = text.encode()
    for script in scripts:
        with HashingWriter(script.target, *digests, mode=0o755 if kind == SHELL else 0o644) as out:
            out.write(data)
        made = Artifact(
            kind=KIND, name=script.target.name, path=script.path, size=out.size, digests=out.digests(), media_type=kind
        )
        record(script.record, release, made)


def asked(name: str, purpose: str, rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the options of a shell script and their help are made of."""
    said = list(rows)
    groups = [group for group in options.GROUPS if any(row["group"] == group for row in said)]
    return {"options": said, "groups": groups, "purpose": purpose, "exits": options.EXITS, "env": environment_name(name)}


def rows_of(name: str, shared: Iterable[str], own: Iterable[Option], variants: str = "") -> list[Mapping[str, Any]]:
    """Some of the options of install.sh, and a script's own in their stead."""
    mine = {option.name: option for option in own}
    wanted = {*shared} - mine.keys()
    rows = [row for row in options.rows(name, variants) if row["name"] in wanted]
    rows += [
        asdict(option) | {"twin": option.twin, "doc": option.doc.format(name=name, variants=variants)} for option in mine.values()
    ]
    order = (*options.OPTIONS, *mine.values())
    places = {option.name: place for place, option in reversed([*enumerate(order)])}
    return sorted(rows, key=lambda row: places[row["name"]])


def environment_name(name: str) -> str:
    """What the names of a project's variables in the environment begin with."""
    word = re.sub(r"[^A-Z0-9]", "_", name.upper())
    return f"_{word}" if word[0].isdigit() else word
