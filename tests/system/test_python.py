"""Python projects: their wheels, and programs that bring their own Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import greeter
import pytest

import hello
from slipway.platforms import host_platform

pytestmark = pytest.mark.slow
HOST = f"PLATFORMS={host_platform().id}"
NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}


def test_a_wheel_is_released_beside_nothing_else(tmp_path: Path) -> None:
    root = greeter.write(tmp_path, 'form = "none"\n')
    done = hello.run(root, "slipway", "package-all", HOST, **NOWHERE)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((root / "packages/manifest.json").read_text())
    found = {each["name"]: (each["kind"], each["platform"], each["media_type"]) for each in manifest["artifacts"]}
    assert found[greeter.WHEEL] == ("wheel", "any", "application/zip")
    assert greeter.WHEEL in (root / "packages/SHA256SUMS").read_text()
    with zipfile.ZipFile(root / "packages" / greeter.WHEEL) as archive:
        assert "greet/words.txt" in archive.namelist()
    assert not list(root.glob("greet/__pycache__"))
    assert "nothing to do" in hello.run(root, "slipway", "package-all", HOST).stderr
    (root / "greet/words.txt").write_text("good day\n")
    assert "any.greet" in hello.run(root, "slipway", "package-all", HOST).stderr
    target = tmp_path / "target"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", target]
    subprocess.run([*pip, root / "packages" / greeter.WHEEL], check=True)
    assert (target / "greet/words.txt").read_text() == "good day\n"


@pytest.mark.parametrize(
    ("more", "words", "files", "code", "says"),
    [
        ("", [HOST, "VERSION=3.0.0"], {}, 2, ["version 2.1.0rc1, and this release has 3.0.0", "pyproject.toml"]),
        ("", ["PLATFORMS=windows-amd64"], {}, 3, ["PyInstaller makes programs for the platform that it runs on", "PLATFORMS="]),
        ("", [HOST], {}, 42, ["component greet: pip install", "pip config list"]),
        ('python = "python9"\n', [HOST], {}, 3, ["python9 is not installed"]),
        (
            "",
            [HOST],
            {"backend.py": greeter.BACKEND.replace("py3-none-any", "cp311-cp311-linux_x86_64")},
            2,
            ["linux_x86_64.whl", "kind = 'command'"],
        ),
        ("", [HOST], {"backend.py": "import nothing_of_the_kind\n"}, 1, ["component greet: pip wheel", "nothing_of_the_kind"]),
    ],
    ids=["another version", "a foreign platform", "no network", "no interpreter", "a wheel for one machine", "a broken build"],
)
def test_what_cannot_be_built(
    tmp_path: Path, more: str, words: list[str], files: dict[str, str], code: int, says: list[str]
) -> None:
    root = greeter.write(tmp_path, more, **files)
    done = hello.run(root, "slipway", "dist-generate", *words, **NOWHERE)
    assert done.returncode == code, done.stderr
    for text in says:
        assert text in done.stderr
    assert ", in _run" not in done.stderr
    assert not list(root.glob("dist/platform/*-amd64/*"))


@pytest.mark.parametrize("form", ["onefile", "onedir"])
def test_a_program_brings_its_own_python(tmp_path: Path, form: str) -> None:
    root = greeter.write(tmp_path / "project", f'form = "{form}"\nexclude = ["ssl"]\n')
    done = hello.run(root, "slipway", "package-all", HOST)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in hello.run(root, "slipway", "package-all", HOST).stderr
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "readlink", "dirname"):
        (tools / name).symlink_to(Path("/usr/bin") / name)
    (tmp_path / "moved").mkdir()
    staged = tmp_path / "moved/greet"
    (root / f"dist/greet-2.1.0-rc.1-{host_platform().id}-complete").rename(staged)
    (tmp_path / "link").symlink_to("moved/greet/bin/greet")
    for program in (staged / "bin/greet", tmp_path / "link"):
        said = subprocess.run([program, "you"], env={"PATH": str(tools)}, capture_output=True, text=True, check=True)
        assert said.stdout.split() == ["hello", "2.1.0rc1", "you", "unset"]
    own = {"PATH": str(tools), "LD_LIBRARY_PATH": "/opt/mine"}
    said = subprocess.run([staged / "bin/greet"], env=own, capture_output=True, text=True, check=True)
    assert said.stdout.split()[-1] == "/opt/mine"
    assert (staged / "lib/greet/_internal").is_dir() == (form == "onedir")
    # What the libraries inside ask for counts, not what the small program around them does.
    facts = json.loads((root / f".slipway/binaries/{host_platform().id}.greet.json").read_text())
    glibc = str(os.confstr("CS_GNU_LIBC_VERSION")).split()[1]
    needed = max(tuple(map(int, each["facts"]["glibc"].split("."))) for each in facts["binaries"])
    assert (2, 17) < needed <= tuple(map(int, glibc.split(".")))
    deb = next(root.glob("packages/binaries/*.deb"))
    depends = subprocess.run(["dpkg-deb", "--field", deb, "Depends"], capture_output=True, text=True, check=True).stdout
    assert f"libc6 (>= {'.'.join(map(str, needed))})" in depends
