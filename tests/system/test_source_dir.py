"""Programs that others built, in a folder per platform: every format is made of them, and nothing is compiled."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import py7zr
import pytest
from elves import elf

import hello

MORE = """
[platform.windows-amd64]
archives = ["zip", "7z"]
"""
ELF = elf()
PLATFORMS = ("linux-amd64", "windows-amd64")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    toml = hello.TOML.replace('"sh", "-c", "cp hello hello-server', '"sh", "-c", "exit 7; cp hello hello-server') + MORE
    folder = hello.write(tmp_path_factory.mktemp("elsewhere") / "hello", toml=toml, dodo=False)
    for platform in PLATFORMS:
        for name in ("hello", "hello-server"):
            path = folder / "ci" / platform / (f"{name}.exe" if platform == "windows-amd64" else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\necho {name} of {platform}\n")
    return folder


def ok(project: Path, *words: str, **environment: str) -> str:
    done = hello.run(project, "slipway", *words, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


@pytest.mark.req("S0-35", "S0-54")
def test_all_packages_of_programs_that_cannot_be_compiled_here(project: Path) -> None:
    words = ("package-all", f"PLATFORMS={','.join(PLATFORMS)}", "PACKAGE_FORMATS=deb,portable")
    failed = hello.run(project, "slipway", *words)
    assert failed.returncode != 0
    said = ok(project, *words, SOURCE_DIR="ci")
    assert "FAIL" not in said
    assert "nothing to do" in ok(project, *words, "SOURCE_DIR=ci")
    packages = project / "packages"
    with tarfile.open(packages / "hello-1.2.3-linux-amd64-minimal.tar.gz") as archive:
        program = archive.extractfile("hello-1.2.3-linux-amd64-minimal/bin/hello")
        assert program is not None
        assert program.read() == (project / "ci/linux-amd64/hello").read_bytes()
    assert (packages / "binaries/hello_1.2.3_amd64.deb").is_file()
    ok(project, "validate-package")


@pytest.mark.req("S0-50", "S0-54")
def test_text_for_windows_has_its_line_ends_and_programs_stay_as_they_are(project: Path, tmp_path: Path) -> None:
    test_all_packages_of_programs_that_cannot_be_compiled_here(project)
    found: dict[str, dict[str, bytes]] = {}
    for path in (
        project / "packages/hello-1.2.3-windows-amd64-complete.zip",
        project / "packages/binaries/hello-1.2.3-windows-amd64-complete-portable.zip",
    ):
        with zipfile.ZipFile(path) as archive:
            found[path.name] = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    with py7zr.SevenZipFile(project / "packages/hello-1.2.3-windows-amd64-complete.7z") as archive:
        archive.extractall(tmp_path)
    (top,) = tmp_path.iterdir()
    found["7z"] = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert len(found) == 3
    for files in found.values():
        assert files["README.md"] == b"# hello\r\n"
        assert files["etc/hello/hello.toml"].count(b"\r\n") == files["etc/hello/hello.toml"].count(b"\n") == 2
        assert files["bin/hello.exe"] == (project / "ci/windows-amd64/hello.exe").read_bytes()
        assert b"\r" not in files["bin/hello.exe"]


@pytest.mark.req("S0-35")
def test_the_script_makes_packages_of_a_folder(project: Path) -> None:
    flags = ("--source-dir", "ci", "--platforms", "linux-amd64", "--output-dir", "given", "--checksum")
    ok(project, "package-binaries", *flags, "--format", "portable")
    assert sorted(path.name for path in (project / "given").iterdir()) == [
        "SHA256SUMS",
        "hello-1.2.3-linux-amd64-complete-portable.tar.gz",
        "hello-1.2.3-linux-amd64-minimal-portable.tar.gz",
    ]
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=project / "given", check=True)
    with tarfile.open(only(project / "given", "*complete*")) as archive:
        file = archive.extractfile("hello-1.2.3-linux-amd64-complete-portable/bin/hello")
        assert file is not None
        assert file.read() == (project / "ci/linux-amd64/hello").read_bytes()
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (project / "given").iterdir()}
    ok(project, "package-binaries", *flags, "--format", "portable")
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before} == before
    assert "packages/binaries" in (project / "packages/checksums.sha256").read_text()


@pytest.mark.req("S0-35")
def test_what_lies_in_dist_platform_is_packed_as_it_is(project: Path) -> None:
    ok(project, "dist-generate", "PLATFORMS=linux-amd64", "SOURCE_DIR=ci")
    program = project / "dist/platform/linux-amd64/hello"
    program.write_text("#!/bin/sh\necho put here by hand\n")
    ok(project, "package-binaries", "--platforms", "linux-amd64", "--format", "portable")
    with tarfile.open(project / "packages/binaries/hello-1.2.3-linux-amd64-minimal-portable.tar.gz") as archive:
        file = archive.extractfile("hello-1.2.3-linux-amd64-minimal-portable/bin/hello")
        assert file is not None
        assert b"by hand" in file.read()


@pytest.mark.req("S0-35", "S0-75")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--format", "rpm", "--platforms", "windows-amd64"), 2, "no packages of the format rpm for windows-amd64"),
        (("--format", "deb", "--no-compress"), 2, "--no-compress is for archives"),
        (("--format", "deb", "--platforms", "linux-amd64", "--source-dir", "nowhere"), 3, "no binaries in"),
        (("--format", "zap"), 2, "portable"),
        (("--format", "source"), 3, "git init"),
    ],
)
def test_what_cannot_be_done_is_told(project: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = hello.run(project, "slipway", "package-binaries", *words)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("folder", "told"), [("nowhere", "there is no folder"), ("src", "holds no folder of a platform")])
def test_a_folder_that_holds_nothing_is_refused(project: Path, folder: str, told: str) -> None:
    done = hello.run(project, "slipway", "package-all", f"SOURCE_DIR={folder}")
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_program_for_another_platform_is_refused(project: Path) -> None:
    (project / "wrong/windows-amd64").mkdir(parents=True)
    for name in ("hello.exe", "hello-server.exe"):
        (project / "wrong/windows-amd64" / name).write_bytes(io.BytesIO(ELF).getvalue())
    done = hello.run(project, "slipway", "dist-generate", "PLATFORMS=windows-amd64", "SOURCE_DIR=wrong")
    assert done.returncode == 4, done.stderr
