"""A staged release, and a way to stage any tree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import sample
from slipway.contents import Contents, File
from slipway.model import Cell, Release

Tree = Mapping[str, tuple[int, bytes]]
StageTree = Callable[..., Contents]


@pytest.fixture
def staged(tmp_path: Path) -> Release:
    """The sample release with all its distributions laid out."""
    made = sample.release(tmp_path)
    for cell in made.matrix:
        sample.stage(made, cell)
    return made


@pytest.fixture(scope="session")
def stage_tree() -> StageTree:
    """A function that lays out any files as a distribution."""
    return _stage_tree


def _stage_tree(made: Release, cell: Cell, tree: Tree, mtime: int = 0) -> Contents:
    folder, files = made.staged(cell), []
    for name, (mode, data) in sorted(tree.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        os.utime(path, (mtime, mtime))
        digest, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        files.append(File(path=name, mode=mode, size=len(data), sha256=digest, md5=md5))
    contents = Contents(name=made.name_of(cell), platform=cell.platform.id, variant=cell.variant.name, files=tuple(files))
    made.contents(cell).parent.mkdir(parents=True, exist_ok=True)
    made.contents(cell).write_bytes(contents.dump())
    return contents
