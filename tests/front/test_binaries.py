"""What was built decides: a wrong program stops the run, a right one says what packages and installers ask for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pes
import pytest
from elves import ARM64, elf
from installer_lab import shim

import hello

pytestmark = pytest.mark.slow

C = "libc.so.6"
LINUX = ("PLATFORMS=linux-amd64", "VARIANTS=minimal")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return hello.write(tmp_path / "hello")


def programs(project: Path, data: bytes) -> None:
    for name in ("hello", "hello-server"):
        (project / "src" / name).write_bytes(data)


def refused(project: Path, *says: str) -> None:
    done = hello.run(project, "doit", "build-platform", "RUST_TARGET=x86_64-unknown-linux-gnu")
    assert done.returncode == 4, done.stderr
    for word in says:
        assert word in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project / "dist").rglob("hello"))


@pytest.mark.req("S0-53")
@pytest.mark.parametrize(
    ("data", "system"),
    [(elf([C], machine=ARM64), "linux/arm64"), (pes.pe(["KERNEL32.dll"]), "windows/amd64")],
    ids=["arm64", "windows"],
)
def test_a_program_for_another_platform_stops_the_run(project: Path, data: bytes, system: str) -> None:
    programs(project, data)
    refused(project, f"is a program for {system}, not for linux/amd64", "component programs", "hint: ")


def test_a_program_that_needs_a_newer_glibc_than_promised_stops_the_run(project: Path) -> None:
    file = project / "slipway.toml"
    file.write_text(file.read_text() + '\n[platform.linux-amd64]\nglibc = "2.17"\n')
    programs(project, elf([C], {C: ["GLIBC_2.28"]}))
    refused(project, "needs glibc 2.28 (GLIBC_2.28 of libc.so.6), but it has to run on 2.17", 'glibc = "2.28"')
    programs(project, elf([C], {C: ["GLIBC_2.17"]}))
    assert hello.run(project, "doit", "build-platform", "RUST_TARGET=x86_64-unknown-linux-gnu").returncode == 0


def test_what_was_measured_is_in_the_manifest_the_package_and_the_installer(project: Path, tmp_path: Path) -> None:
    programs(project, elf([C], {C: ["GLIBC_2.28", "GLIBC_2.2.5"]}))
    done = hello.run(project, "doit", "package-all", *LINUX)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((project / "packages/manifest.json").read_text())
    assert [(each["platform"], each["path"], each["facts"]["glibc"]) for each in manifest["binaries"]] == [
        ("linux-amd64", "bin/hello", "2.28"),
        ("linux-amd64", "bin/hello-server", "2.28"),
    ]
    assert b"Depends: libc6 (>= 2.28)" in control_of(project / "packages/binaries/hello-minimal_1.2.3_amd64.deb")
    install = project / "packages/installers/install.sh"
    path = shim(tmp_path / "old", "getconf", "case $1 in GNU_LIBC_VERSION) echo glibc 2.27 ;; *) echo 64 ;; esac")
    home = tmp_path / "home"
    home.mkdir()
    old = hello.run(install.parent, str(install), "--user", HOME=str(home), PATH=path)
    assert old.returncode == 3, old.stderr
    assert "this system has glibc 2.27; the build for it needs 2.28 or newer" in old.stderr
    assert not list(home.iterdir())


def control_of(package: Path) -> bytes:
    data = package.read_bytes()
    size = int(data[8 + 60 + 4 :][48:58])
    start = 8 + 60 + 4 + 60
    return gzip.decompress(data[start : start + size])
