"""What a Python component has to agree on with the files of its project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.parts import PythonTable
from slipway.config.pyproject import FILE, read_pyproject
from slipway.errors import ConfigError


def python_faults(path: lines.Path, part: PythonTable, folder: Path) -> Iterator[Fault]:
    """Check one component, which stands at `path` in slipway.toml and has its sources in a folder."""
    if part.form == "none" and not part.wheel:
        yield Fault((*path, "wheel"), "is false and form is 'none', so that nothing would be made", "leave one of them out")
    if part.requirements and not (folder / part.requirements).is_file():
        yield Fault((*path, "requirements"), f"there is no file {part.requirements}", f"paths are relative to {folder}")
    yield from _data(path, part, folder)
    yield from _script(path, part, folder)


def _data(path: lines.Path, part: PythonTable, folder: Path) -> Iterator[Fault]:
    for source, place in part.data.items():
        if not (folder / source).exists():
            yield Fault((*path, "data", source), f"there is no {source}", f"paths are relative to {folder}")
        inside = PurePosixPath(place)
        if inside.is_absolute() or ".." in inside.parts or "\\" in place:
            hint = "use one such as 'package/data'"
            yield Fault((*path, "data", source), f"{place!r} is no plain path inside the program", hint)


def _script(path: lines.Path, part: PythonTable, folder: Path) -> Iterator[Fault]:
    try:
        found = read_pyproject(folder)
    except ConfigError as error:
        yield Fault((*path, "path"), error.message, error.hint or "")
        return
    script = part.script or str(path[-1])
    if part.form != "none" and not part.entry and script not in found.scripts:
        near = suggestion(script, found.scripts) if found.scripts else "name a function: entry = 'package.module:main'"
        key = ("script",) if part.script else ()
        yield Fault((*path, *key), f"{folder / FILE} has no console script {script!r}", near)
