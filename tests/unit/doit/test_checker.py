"""When doit takes a file as changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from slipway.doit.checker import StatChecker


def _touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def _chmod(path: Path) -> None:
    path.chmod(0o755)


def _same_size(path: Path) -> None:
    path.write_bytes(b"drei")
    os.utime(path, ns=(2, 2))


def _longer(path: Path) -> None:
    path.write_bytes(b"fuenf")


@pytest.mark.parametrize(
    ("change", "changed"),
    [(lambda path: None, False), (_touch, False), (_chmod, True), (_same_size, True), (_longer, True)],
    ids=["left alone", "touched", "made executable", "other content of the same size", "longer"],
)
def test_content_and_mode_count_and_times_do_not(tmp_path: Path, change: Any, changed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"vier")
    path.chmod(0o644)
    checker = StatChecker()
    state = checker.get_state(str(path), None)
    change(path)
    assert checker.check_modified(str(path), path.stat(), list(state)) is changed


def test_a_record_that_holds_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"vier")
    state = StatChecker().get_state(str(path), None)
    assert StatChecker().get_state(str(path), list(state)) is None
