"""The project as it was read last time: pydantic is slow to import, and slipway.toml seldom changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import slipway
from slipway import components, environments, model, plain, platforms, rules
from slipway.errors import SlipwayError
from slipway.files import write_atomic
from slipway.model import Project
from slipway.plain import from_plain, to_plain
from slipway.resources import program

NAME: Final = "project.json"
# What a project becomes, with the usual values of what it does not say.
_FACTS: Final = (components, environments, model, plain, platforms, rules)


def cached_project(file: Path, state: Path) -> Project:
    """Return the project of a slipway.toml; read it anew only when it, slipway or a path that it names has changed.

    A cache that cannot be read is written again; one that cannot be written is done without.
    """
    file, cache = file.absolute(), state / NAME
    key = _key(file)
    if key is not None and (known := _known(cache, key)) is not None:
        return known
    from slipway.config.load import load_project

    project = load_project(file)
    with suppress(SlipwayError, OSError):
        write_atomic(cache, json.dumps({"key": key, "project": to_plain(project)}, indent=1).encode())
    return project


def _key(file: Path) -> str | None:
    """What decides the project: the place and the bytes of its file, and the code that reads it."""
    with suppress(OSError):
        digest = hashlib.sha256(file.read_bytes())
        digest.update(repr((str(file), slipway.__version__, [(str(path), path.stat().st_mtime_ns) for path in _code()])).encode())
        return digest.hexdigest()
    return None


def _code() -> Iterator[Path]:
    if (whole := program()) is not None:
        yield whole
        return
    yield from sorted(Path(__file__).parent.glob("*.py"))
    yield from (Path(module.__file__ or "") for module in _FACTS)


def _known(cache: Path, key: str) -> Project | None:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        data = json.loads(cache.read_bytes())
        if data["key"] == key:
            project = from_plain(Project, data["project"])
            return project if _all_there(project) else None
    return None


def _all_there(project: Project) -> bool:
    """Whether the files and folders that were checked when the project was read still exist."""
    named = [part.path for part in project.components] + list(project.documents)
    named += [project.root / each.approvers for each in project.environments if each.approvers]
    named += [project.root / stamp.file for stamp in project.release.stamps if stamp.find]
    if project.version.source in {"cargo", "file", "python"}:
        named.append(project.version.path)
    return all(path.exists() for path in named)
