"""The project as it was read last time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import slipway
from slipway.config import load
from slipway.config.cache import cached_project
from slipway.errors import ConfigError
from slipway.model import Project

Write = Callable[[str], Path]
TEXT = """\
[project]
name = "hello"
summary = "Greet"
documents = ["README.md"]
[component.hello]
kind = "cargo"
[component.docs]
kind = "tree"
path = "docs"
to = "share/doc/hello"
"""


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read anew."""
    found: list[Path] = []
    real = load.load_project

    def read(file: Path) -> Project:
        found.append(file)
        return real(file)

    monkeypatch.setattr(load, "load_project", read)
    return found


def test_a_second_run_gives_the_same_project_without_reading_it_again(write: Write, root: Path, reads: list[Path]) -> None:
    file = write(TEXT)
    first = cached_project(file, root / ".slipway")
    assert cached_project(file, root / ".slipway") == first == load.load_project(file)
    assert len(reads) == 2


def test_a_second_run_does_not_import_pydantic(write: Write, root: Path) -> None:
    file = write(TEXT)
    cached_project(file, root / ".slipway")
    code = (
        "import sys; from pathlib import Path; from slipway.config.cache import cached_project;"
        "import slipway.config.source, slipway.flow; print(cached_project(Path(sys.argv[1]), Path(sys.argv[2])).name);"
        "print('pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, file, root / ".slipway"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hello", "False"]


def test_a_change_is_seen(write: Write, root: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(TEXT)
    cached_project(file, root / ".slipway")
    assert cached_project(write(TEXT.replace("Greet", "Hail")), root / ".slipway").summary == "Hail"
    monkeypatch.setattr(slipway, "__version__", "99")
    cached_project(file, root / ".slipway")
    assert len(reads) == 3


@pytest.mark.parametrize("gone", ["README.md", "Cargo.toml", "docs"])
def test_a_path_that_is_gone_is_seen(write: Write, root: Path, gone: str) -> None:
    file = write(TEXT)
    cached_project(file, root / ".slipway")
    (root / gone).rename(root / "elsewhere")
    with pytest.raises(ConfigError, match=f"there is no .*{gone}"):
        cached_project(file, root / ".slipway")


@pytest.mark.parametrize("bad", ["", "{", "[]", "null", '{"key": 1}', "KEY", "KEY-PROJECT"])
def test_a_broken_cache_is_written_again(write: Write, root: Path, reads: list[Path], bad: str) -> None:
    file, stored = write(TEXT), root / ".slipway" / "project.json"
    project = cached_project(file, root / ".slipway")
    good = stored.read_bytes()
    data = json.loads(good)
    broken = {"KEY": {"key": data["key"]}, "KEY-PROJECT": {"key": data["key"], "project": {"components": [{"kind": 1}]}}}
    stored.write_text(json.dumps(broken[bad]) if bad in broken else bad)
    assert cached_project(file, root / ".slipway") == project
    assert len(reads) == 2
    assert stored.read_bytes() == good


def test_a_place_that_cannot_be_written_is_fine(write: Write, root: Path) -> None:
    (root / "state").write_text("a file, where a folder should be")
    assert cached_project(write(TEXT), root / "state").name == "hello"


def test_faults_are_never_stored(write: Write, root: Path) -> None:
    file = write(TEXT + "x = 1\n")
    for _ in range(2):
        with pytest.raises(ConfigError, match="unknown key"):
            cached_project(file, root / ".slipway")
    with pytest.raises(ConfigError, match="no such file"):
        cached_project(root / "none.toml", root / ".slipway")
    assert not (root / ".slipway").exists()
