"""The built wheel: it carries everything, pollutes nothing, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, CHECKOUT],
        check=True,
    )
    return next(folder.glob("slipway-*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("name", ["templates", "installers"])
def test_the_sources_in_the_wheel_are_those_of_the_checkout(unpacked: Path, name: str) -> None:
    shipped = {
        path.relative_to(unpacked / "slipway/data" / name): path.read_bytes() for path in _files(unpacked / "slipway/data" / name)
    }
    assert shipped == {path.relative_to(CHECKOUT / name): path.read_bytes() for path in _files(CHECKOUT / name)}
    assert shipped


def test_only_slipway_is_installed(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {"slipway"}
    assert (unpacked / "slipway/py.typed").exists()
    modules = {path.relative_to(unpacked / "slipway") for path in _files(unpacked / "slipway") if path.suffix == ".py"}
    assert modules == {path.relative_to(CHECKOUT / "src/slipway") for path in (CHECKOUT / "src/slipway").rglob("*.py")}


def test_it_renders_an_installer_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import slipway.installers.unix as unix; print(unix.__file__); print(unix.uninstall_script('hello', None))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(unpacked)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    where, script = done.stdout.split("\n", 1)
    assert Path(where).is_relative_to(unpacked)
    assert script.startswith("#!/bin/sh\n")


def test_it_runs_as_a_module(unpacked: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slipway", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("slipway, version ")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
