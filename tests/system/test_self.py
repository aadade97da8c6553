"""slipway releases itself: its own engine makes its wheel, its standalone program, its packages and its installer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hello
from slipway import __version__
from slipway.platforms import host_platform

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", "src", "templates", "installers", "self")
HOST = f"PLATFORMS={host_platform().id}"
ARCHIVE = f"slipway-{__version__}-{host_platform().id}-complete.tar.gz"
WHEEL = f"slipway-{__version__}-py3-none-any.whl"
# What install.sh and the hello project need; there is no Python among them.
TOOLS = (
    *("cat", "chmod", "cp", "cut", "dirname", "expr", "getconf", "grep", "gzip", "id", "ln", "ls", "mkdir", "mv", "readlink"),
    *("rm", "rmdir", "sh", "sha256sum", "sleep", "tail", "tar", "uname", "wc"),
)


def release(folder: Path) -> Path:
    """Release slipway from a copy of the checkout, by the code of that copy; returns its packages folder."""
    folder.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".slipway", "dist", "packages", "build.log")
    for name in SOURCES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted if name != "src" else shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    variables = {**os.environ, "PYTHONPATH": str(folder / "src"), "SOURCE_DATE_EPOCH": "1767225600"}
    words = [sys.executable, "-m", "slipway", "--project", "self/slipway.toml", "all", HOST]
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "self/packages"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases, made in folders with other names and other depths."""
    places = (tmp_path_factory.mktemp("one") / "slipway", tmp_path_factory.mktemp("other") / "a/longer/way")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(release, places)
    return first, second


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose PATH has a few programs and no Python."""
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(folder), "HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def installed(released: tuple[Path, Path], bare: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """slipway, installed by its install.sh; the environment that finds it."""
    prefix = tmp_path_factory.mktemp("prefix")
    words: list[str | Path] = [
        "sh",
        released[0] / "installers/install.sh",
        "--prefix",
        prefix,
        "--from",
        released[0] / ARCHIVE,
        "--no-modify-path",
    ]
    done = subprocess.run(words, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {**bare, "PATH": f"{prefix}/bin:{bare['PATH']}"}


def test_every_kind_of_package_is_made_and_the_same_in_every_folder(released: tuple[Path, Path]) -> None:
    first, second = ((folder / "SHA256SUMS").read_text() for folder in released)
    assert first == second
    names = {line.split()[1] for line in first.splitlines()}
    deb = f"slipway_{__version__}_{host_platform().deb}.deb"
    assert {WHEEL, ARCHIVE, deb, "install.sh", f"install-slipway-{__version__}.sh", "uninstall-slipway.sh"} <= names
    manifest = json.loads((released[0] / "manifest.json").read_text())
    assert {each["kind"] for each in manifest["artifacts"]} >= {"wheel", "archive", "deb", "installer"}


def test_no_path_and_no_name_of_this_machine_is_inside(released: tuple[Path, Path]) -> None:
    with tarfile.open(released[0] / ARCHIVE) as archive:
        program = archive.extractfile(next(name for name in archive.getnames() if name.endswith("bin/slipway")))
        assert program is not None
        data = program.read()
    for path in (released[0].parents[1], CHECKOUT):
        assert str(path).encode() not in data


def test_the_installed_program_works_where_there_is_no_python(installed: dict[str, str], tmp_path: Path) -> None:
    def slipway(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["slipway", *words], cwd=folder, env=installed, capture_output=True, text=True, check=False)

    assert slipway("--version").stdout == f"slipway, version {__version__}\n"
    began = time.monotonic()
    slipway("--version")
    assert time.monotonic() - began < 5
    project = hello.write(tmp_path / "hello", dodo=False)
    done = slipway("all", HOST, folder=project)
    assert done.returncode == 0, done.stderr
    packed = {path.name for path in (project / "packages").iterdir()}
    assert f"hello-1.2.3-{host_platform().id}-complete.tar.gz" in packed
    # Its own templates lie in another folder each time that it runs.
    assert "nothing to do" in slipway("all", HOST, folder=project).stderr
    assert "kcl" in slipway("info", folder=project).stdout
    assert slipway("all", "VERSOIN=2", folder=project).returncode == 2
    assert "toml: there is no such file" in slipway("init", folder=tmp_path).stderr
    python = tmp_path / "python"
    python.mkdir()
    (python / "pyproject.toml").write_text(
        '[project]\nname = "greet"\nversion = "1.0.0"\nscripts = { greet = "greet:main" }\n'
        'authors = [{ name = "Greeter", email = "greeter@hello.example" }]\n'
    )
    assert slipway("init", folder=python).returncode == 0
    refused = slipway("all", HOST, folder=python)
    assert refused.returncode == 3
    assert "python3 is not installed" in refused.stderr


def test_the_wheel_is_slipway(released: tuple[Path, Path], tmp_path: Path) -> None:
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        tmp_path / "site",
    ]
    subprocess.run([*pip, released[0] / WHEEL], check=True)
    variables = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    where = "import slipway, slipway.resources as r; print(r.PACKAGE, slipway.__version__, r.source_dir('templates').is_dir())"
    done = subprocess.run([sys.executable, "-c", where], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "site/slipway"), __version__, "True"]
