"""Binaries that were built elsewhere, as a user takes them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import elves
import pytest
from web import Web, serving

import hello

pytestmark = pytest.mark.slow
COMPILED = hello.TOML[hello.TOML.index("[component.programs]") : hello.TOML.index("[component.library]")]
TAKEN = """\
[component.programs]
kind = "prebuilt"
binaries = ["hello", "hello-server"]

[component.programs.prebuilt.linux-amd64]
"""
LINUX, MINIMAL = "PLATFORMS=linux-amd64", "VARIANTS=minimal"
STAGED = "dist/hello-1.2.3-linux-amd64-minimal"
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        yield found


@pytest.fixture
def doit(tmp_path: Path) -> Callable[..., Done]:
    """Run doit in the project; what it fetches is kept below the test's folder."""
    return lambda *words: hello.run(
        tmp_path / "hello", "doit", *words, XDG_CACHE_HOME=str(tmp_path / "cache"), no_proxy="127.0.0.1"
    )


def project(folder: Path, table: str, *, before: str = TAKEN) -> Path:
    assert COMPILED in hello.TOML
    return hello.write(folder / "hello", toml=hello.TOML.replace(COMPILED, f"{before}{table}\n"))


def pack(project: Path, name: str, *files: Path) -> str:
    """Pack some files into an archive of the project; returns its digest."""
    with tarfile.open(project / name, "w:gz") as archive:
        for file in files:
            archive.add(file, f"hello-1.2.3/{file.name}")
    return hashlib.sha256((project / name).read_bytes()).hexdigest()


def refused(done: Done, project: Path, code: int, *says: str) -> None:
    assert done.returncode == code, done.stderr
    for word in says:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (project / STAGED).exists()
    assert not list((project / "dist/platform").rglob("*"))
    assert not list((project / ".slipway").rglob("*.part"))


@pytest.mark.req("S4-21")
def test_a_folder(tmp_path: Path, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, 'source = "src"')
    done = doit("dist-generate", LINUX, MINIMAL)
    assert done.returncode == 0, done.stderr
    assert (made / STAGED / "bin/hello").read_bytes() == (made / "src/hello").read_bytes()
    assert "compile-platform" not in doit("dist-generate", LINUX, MINIMAL).stderr
    (made / "src/hello").write_text("#!/bin/sh\necho changed\n")
    assert doit("dist-generate", LINUX, MINIMAL).returncode == 0
    assert "changed" in (made / STAGED / "bin/hello").read_text()
    (made / "src/hello").unlink()
    done = doit("dist-generate", LINUX, MINIMAL)
    assert done.returncode == 1
    assert "nothing is hello" in done.stderr


def test_an_archive_of_one_platform_beside_a_command_for_the_others(tmp_path: Path, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, "")
    digest = pack(made, "ready-1.2.3.tar.gz", made / "README.md", made / "src/hello", made / "src/hello-server")
    table = "[component.programs.prebuilt.linux-amd64]\nsource = 'ready-{version}.tar.gz'\n"
    text = hello.TOML.replace(COMPILED, f"{COMPILED.replace('cp hello', 'exit 9; cp hello')}{table}sha256 = '{digest}'\n\n")
    (made / "slipway.toml").write_text(text)
    done = doit("dist-generate", LINUX, MINIMAL)
    assert done.returncode == 0, done.stderr
    assert (made / STAGED / "bin/hello-server").stat().st_mode & 0o777 == 0o755
    assert "exit code 9" in doit("dist-generate", "PLATFORMS=macos-arm64", MINIMAL).stderr


@pytest.mark.req("S4-21")
def test_a_url(tmp_path: Path, web: Web, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, "")
    digest = pack(made, "x.tar.gz", made / "src/hello", made / "src/hello-server")
    web.say("/v1.2.3/x86_64-unknown-linux-gnu", (made / "x.tar.gz").read_bytes())
    project(tmp_path, f"source = '{web.url}/{{tag}}/{{triple}}'\nsha256 = '{digest}'")
    done = doit("dist-generate", LINUX, MINIMAL)
    assert done.returncode == 0, done.stderr
    assert (made / STAGED / "bin/hello").is_file()
    assert doit("clean-dist").returncode == 0
    assert doit("dist-generate", LINUX, MINIMAL).returncode == 0
    assert len(web.asked) == 1


def test_a_wrong_digest(tmp_path: Path, web: Web, doit: Callable[..., Done]) -> None:
    web.say("/x", b"something else")
    found, wanted = hashlib.sha256(b"something else").hexdigest(), "0" * 64
    made = project(tmp_path, f"source = '{web.url}/x'\nsha256 = '{wanted}'")
    refused(doit("dist-generate", LINUX, MINIMAL), made, 4, found, wanted)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_file_that_the_server_does_not_have(tmp_path: Path, web: Web, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, f"source = '{web.url.replace('//', '//me:hush@')}/x?key=hush'\nsha256 = '{'0' * 64}'")
    done = doit("dist-generate", LINUX, MINIMAL)
    refused(done, made, 42, "404 Not Found", f"{web.url}/x?…")
    told = done.stdout + done.stderr + (made / "build.log").read_text()
    assert "hush" not in told


def test_a_program_for_another_platform(tmp_path: Path, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, 'source = "ready"')
    for name in ("hello", "hello-server"):
        (made / "ready").mkdir(exist_ok=True)
        (made / "ready" / name).write_bytes(elves.elf(machine=elves.ARM64))
    refused(doit("dist-generate", LINUX, MINIMAL), made, 4, "is a program for linux/arm64, not for linux/amd64")


@pytest.mark.parametrize(
    ("files", "says"), [([], "there is no"), (["a/hello"], "nothing is hello-server"), (["a/hello", "b/hello"], "2 files are")]
)
def test_a_file_that_is_missing_or_there_twice(tmp_path: Path, doit: Callable[..., Done], files: list[str], says: str) -> None:
    made = project(tmp_path, 'source = "ready"')
    for name in files:
        (made / "ready" / name).parent.mkdir(parents=True, exist_ok=True)
        (made / "ready" / name).write_text("#!/bin/sh\n")
    refused(doit("dist-generate", LINUX, MINIMAL), made, 1, says, "component.programs.prebuilt.linux-amd64", "hint: ")


def test_a_platform_that_nothing_is_said_about(tmp_path: Path, doit: Callable[..., Done]) -> None:
    made = project(tmp_path, 'source = "src"')
    done = doit("dist-generate", "PLATFORMS=macos-arm64", MINIMAL)
    refused(done, made, 2, "for macos-arm64", "add [component.programs.prebuilt.macos-arm64]")
    assert doit("dist-generate", LINUX, MINIMAL).returncode == 0


def test_check_tells_what_is_wrong_with_a_table(tmp_path: Path) -> None:
    made = project(tmp_path, "source = 'http://hello.example/x'")
    done = hello.run(made, "slipway", "check")
    assert done.returncode == 2
    assert "only https:// is fetched" in done.stderr
    assert "sha256 is missing" in done.stderr


def test_what_was_built_elsewhere_takes_no_toolchain(tmp_path: Path) -> None:
    cargo = '[component.programs]\nkind = "cargo"\npath = "rust"\npackage = "hello"\nbinaries = ["hello", "hello-server"]\n'
    cargo += '\n[component.programs.prebuilt.windows-amd64]\nsource = "built"\n'
    made = project(tmp_path, "", before=cargo)
    (made / "built").mkdir()
    (made / "rust").mkdir()
    (made / "rust/Cargo.toml").write_text('[package]\nname = "hello"\nversion = "1.0.0"\n')
    said = hello.run(made, "slipway", "toolchain", "list", "--json")
    assert said.returncode == 0, said.stderr
    assert {row["platform"] for row in json.loads(said.stdout)} == {"linux-amd64", "macos-arm64", "freebsd-amd64"}
    named = hello.run(made, "slipway", "toolchain", "list", "--json", "windows-amd64")
    assert {row["platform"] for row in json.loads(named.stdout)} == {"windows-amd64"}
