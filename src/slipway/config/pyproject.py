"""What a pyproject.toml says about a Python project: its name, its version and its console scripts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.errors import ConfigError
from slipway.version import Version

FILE: Final = "pyproject.toml"
# Where hatchling looks when a project names no pattern of its own: https://hatch.pypa.io/latest/version/
_ASSIGNED: Final = r"""(?im)^(?:__version__|VERSION)(?: ?: ?str)? *= *(['"])v?(?P<version>.+?)\1"""
ENTRY: Final = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """One pyproject.toml; `name` is spelled as in the names of wheels."""

    folder: Path
    name: str
    scripts: Mapping[str, str]
    data: Mapping[str, Any]

    @property
    def facts(self) -> Mapping[str, Any]:
        """The [project] table."""
        return _table(self.data, "project")

    def wheel(self, version: Version) -> str:
        """The file name of the project's wheel for every Python 3."""
        return f"{self.name}-{version.python}-py3-none-any.whl"


def read_pyproject(folder: Path) -> PythonProject:
    """Read the pyproject.toml of a folder; raises ConfigError when there is none, or none that names the project."""
    data = read_data(file := folder / FILE)
    facts = _table(data, "project")
    if not isinstance(name := facts.get("name"), str) or not name:
        raise ConfigError("there is no project.name", file=file, hint="slipway reads the [project] table of PEP 621: add it")
    scripts = {str(key): value for key, value in _table(facts, "scripts").items() if isinstance(value, str)}
    return PythonProject(folder=folder, name=re.sub(r"[-_.]+", "_", name).lower(), scripts=scripts, data=data)


def read_data(file: Path) -> dict[str, Any]:
    """Read a pyproject.toml; raises ConfigError when that cannot be done."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", file=file, hint="a Python project is described by a pyproject.toml") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file, hint="mend the file: pip cannot build it either") from error


def find_version(file: Path) -> tuple[str, Path]:
    """The version that a pyproject.toml says, or that the file which hatchling or setuptools is told to read does."""
    data = read_data(file)
    if isinstance(found := _table(data, "project").get("version"), str):
        return found, file
    for source in _sources(file.parent, data):
        if source.is_file() and (match := re.search(_ASSIGNED, source.read_text(encoding="utf-8", errors="replace"))):
            return match["version"], source
    raise ConfigError(
        "there is no project.version, and no file with __version__ that [tool.hatch.version] or [tool.setuptools.dynamic] names",
        file=file,
        hint="set version.source in slipway.toml to git, file or value",
    )


def _sources(folder: Path, data: Mapping[str, Any]) -> list[Path]:
    if path := _table(data, "tool", "hatch", "version").get("path"):
        return [folder / str(path)]
    told = _table(data, "tool", "setuptools", "dynamic", "version")
    module = str(told.get("attr", "")).rpartition(".")[0].replace(".", "/")
    return [folder / base / f"{module}{end}" for base in ("src", ".") for end in ("/__init__.py", ".py")] if module else []


def _table(data: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = data.get(key)
        data = inner if isinstance(inner, dict) else {}
    return data
