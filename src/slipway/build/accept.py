"""What was built is checked before it gets its place, whoever built it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from slipway import console
from slipway.build.executable import check_executable
from slipway.files import copy_hashed
from slipway.platforms import Platform


def accept(built: Mapping[str, Path], places: Mapping[str, Path], platform: Platform, *, paths: Collection[str] = ()) -> None:
    """Check every binary, and only when all are right put each in its place; `paths` must not be inside them."""
    for name, path in built.items():
        check_executable(path, platform, name)
    for name, place in places.items():
        copy_hashed(built[name], place, "sha256", mode=0o755)
        _warn_of_paths(place, paths)


def _warn_of_paths(path: Path, folders: Collection[str]) -> None:
    data = path.read_bytes()
    for folder in sorted(folders):
        if f"{folder}/".encode() in data:
            console.warn(f"{path.name} contains the path {folder}, so it will differ when it is built elsewhere")
