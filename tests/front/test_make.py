"""The Makefile hands targets and variables on, word for word."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout whose doit only writes down what it is given."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    doit = tmp_path / ".venv/bin/doit"
    doit.parent.mkdir(parents=True)
    doit.write_text('#!/bin/sh\nsleep 0.1\nprintf "[%s]" "$@" >> given\necho >> given\n')
    doit.chmod(0o755)
    (tmp_path / ".venv/.ready").touch()
    return tmp_path


def _make(folder: Path, *words: str) -> list[str]:
    done = subprocess.run(["make", *words], cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "given").read_text().splitlines()


@pytest.mark.req("S0-14", "S0-31")
@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("all", "PLATFORMS=linux-amd64"), "[all][PLATFORMS=linux-amd64]"),
        (("all", "VERSION="), "[all][VERSION=]"),
        (("all", "VERSION=1.0.0;touch x"), "[all][VERSION=1.0.0;touch x]"),
        (("install", 'PREFIX=/opt/it\'s `here` "& there" *'), '[install][PREFIX=/opt/it\'s `here` "& there" *]'),
        (("all", "PLATFORMS:=linux,macos"), "[all][PLATFORMS=linux,macos]"),
        (("all", "PYTHON=python3", "VENV=.venv"), "[all]"),
        (("cd-deploy", "VERSION=2.1.0", "PLATFORMS=linux-amd64"), "[cd-deploy][PLATFORMS=linux-amd64][VERSION=2.1.0]"),
        (("dist-generate:linux-amd64-complete",), "[dist-generate:linux-amd64-complete]"),
        ((), "[all]"),
    ],
)
def test_targets_and_variables_arrive_as_they_were_given(folder: Path, words: tuple[str, ...], given: str) -> None:
    assert _make(folder, *words) == [given]
    assert not (folder / "x").exists()


def test_targets_come_one_after_another(folder: Path) -> None:
    assert _make(folder, "-j4", "linux", "macos", "windows") == ["[linux]", "[macos]", "[windows]"]
