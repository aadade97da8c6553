"""Take the programs of a run from a folder in which others put them, one folder per platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from slipway.components import CommandComponent, Component, Prebuilt, PrebuiltComponent, PythonComponent, TreeComponent
from slipway.errors import UsageError
from slipway.model import Project
from slipway.platforms import PLATFORMS, Platform


def taken_from(project: Project, folder: Path) -> Project:
    """The project with all programs of those platforms that have a folder of their name in `folder`, built there.

    Raises UsageError when there is no such folder, or none in it for a platform that slipway knows.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="SOURCE_DIR names a folder with a folder for each platform in it")
    here = [row for row in PLATFORMS.values() if (folder / row.id).is_dir()]
    if not here:
        wanted = ", ".join(row.id for row in project.platforms)
        raise UsageError(f"{folder} holds no folder of a platform", hint=f"programs lie in folders such as {wanted}")
    return replace(project, components=tuple(_taken(part, folder, here) for part in project.components))


def _taken(part: Component, folder: Path, platforms: list[Platform]) -> Component:
    # The folder that some Python programs need is made only where they are.
    if isinstance(part, TreeComponent) or (isinstance(part, PythonComponent) and part.form != "onefile"):
        return part
    tables = {row.id: _table(part, folder / row.id, row) for row in platforms}
    known = part.prebuilt if isinstance(part, PrebuiltComponent) else {}
    return replace(part, prebuilt={**part.prebuilt, **tables, **known})


def _table(part: Component, folder: Path, platform: Platform) -> Prebuilt:
    return Prebuilt(source=re.sub(r"\{(\w+)\}", r"{{\1}}", str(folder)), files=dict(_files(part, folder, platform)))


def _files(part: Component, folder: Path, platform: Platform) -> Iterator[tuple[str, str]]:
    """The places where slipway itself would have put the files, as far as they are there; others are found by their name."""
    outputs: Mapping[str, str] = part.outputs if isinstance(part, CommandComponent) else {}
    names = {name: f"{name}{platform.exe}" for name in part.programs}
    keys = {f"bin/{name}" if outputs else name: place for name, place in names.items()}
    keys |= {to: f"files/{to}" for to in outputs if not to.startswith("bin/")}
    yield from ((key, place) for key, place in keys.items() if (folder / place).is_file())
