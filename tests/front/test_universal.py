"""macos-universal from the outside: joined from parts that were built elsewhere, and made by a command."""

from __future__ import annotations

import tarfile
from pathlib import Path

import lief
import machos
import pytest

import hello
from slipway.signing import check_signature

pytestmark = pytest.mark.slow

CARGO = """\
[component.greeter]
kind = "cargo"
path = "crate"

[component.greeter.prebuilt.macos-amd64]
source = "parts/x86_64"

[component.greeter.prebuilt.darwin-arm64]
source = "parts/aarch64"

[component.greeter.prebuilt.linux-amd64]
source = "parts/linux"

[component.programs]"""
SCRIPT = """\
printf '#!/bin/sh\necho %s %s\n' "$1" "$2" >"$SLIPWAY_OUT/hello"
cp hello-server "$SLIPWAY_OUT"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for Linux and for all Macs at once; its cargo component was compiled elsewhere."""
    toml = hello.TOML.replace(
        '["linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"]', '["linux-amd64", "macos-universal"]'
    )
    toml = toml.replace("[component.programs]", CARGO, 1).replace('"hello-server" }', '"{out}/hello-server" }', 1)
    toml = toml.replace('"bin/hello" = "hello"', '"bin/hello" = "{out}/hello"', 1)
    command = 'command = ["sh", "make.sh", "{platform}", "{triple}"]'
    lines = [command if line.startswith("command =") else line for line in toml.splitlines()]
    folder = hello.write(tmp_path_factory.mktemp("universal") / "hello", toml="\n".join(lines) + "\n")
    (folder / "src/make.sh").write_text(SCRIPT)
    (folder / "crate/src").mkdir(parents=True)
    (folder / "crate/Cargo.toml").write_text('[package]\nname = "greeter"\nversion = "1.2.3"\n')
    (folder / "crate/src/main.rs").write_text("fn main() {}\n")
    for cpu in ("x86_64", "aarch64"):
        part = folder / "parts" / cpu / "greeter"
        part.parent.mkdir(parents=True)
        part.write_bytes(machos.macho(cpu))
        part.chmod(0o755)
    (folder / "parts/linux").mkdir()
    (folder / "parts/linux/greeter").write_text("#!/bin/sh\necho hello\n")
    return folder


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    done = hello.run(project, "doit", "all", "PLATFORMS=macos-universal")
    assert done.returncode == 0, done.stderr
    return project


@pytest.mark.req("S0-53")
def test_the_archive_holds_one_signed_program_for_both_processors(built: Path) -> None:
    top = "hello-1.2.3-macos-universal-complete"
    with tarfile.open(built / f"packages/{top}.tar.gz") as archive:
        program, script = (archive.extractfile(f"{top}/bin/{name}") for name in ("greeter", "hello"))
        assert program is not None
        assert script is not None
        data, text = program.read(), script.read()
    found = lief.MachO.parse(list(data))
    assert found is not None
    assert [each.header.cpu_type.name for each in found] == ["X86_64", "ARM64"]
    assert (check_signature(data).state, check_signature(data).identifier) == ("adhoc", "greeter")
    assert text == b"#!/bin/sh\necho macos-universal universal2-apple-darwin\n"


def test_nothing_else_is_made_of_it(built: Path) -> None:
    assert not [path.name for path in (built / "packages").rglob("*.deb")]
    assert {path.name for path in (built / "dist/platform").iterdir()} == {"macos-amd64", "macos-arm64", "macos-universal"}
    assert {path.name for path in (built / "dist").glob("hello-*")} == {
        f"hello-1.2.3-macos-universal-{variant}{suffix}"
        for variant in ("complete", "minimal")
        for suffix in ("", ".contents.json")
    }


def test_the_targets_know_it(built: Path) -> None:
    status = hello.run(built, "doit", "status", "PLATFORMS=macos-universal").stdout
    assert "macos-universal-complete  yes" in status
    for target in ("macos", "validate-package", "validate-config", "test-dist"):
        done = hello.run(built, "doit", target, "PLATFORMS=macos-universal")
        assert done.returncode == 0, f"{target}: {done.stdout}{done.stderr}"
    again = hello.run(built, "doit", "all", "PLATFORMS=macos-universal")
    assert "nothing to do" in again.stderr


def test_a_changed_part_is_joined_again(built: Path) -> None:
    part = built / "parts/aarch64/greeter"
    joined = built / "dist/platform/macos-universal/greeter"
    before = joined.read_bytes()
    part.write_bytes(machos.macho("aarch64", source=machos.SOURCE.replace("hello", "moin")))
    done = hello.run(built, "doit", "build-cross", "PLATFORMS=macos-universal2")
    assert done.returncode == 0, done.stderr
    assert b"moin" in joined.read_bytes() != before
    part.write_bytes(machos.macho("aarch64"))
    done = hello.run(built, "doit", "build-platform", "RUST_TARGET=universal2-apple-darwin")
    assert done.returncode == 0, done.stderr
    assert joined.read_bytes() == before


def test_parts_for_one_processor_stop_the_run(built: Path) -> None:
    part = built / "parts/aarch64/greeter"
    part.write_bytes(machos.macho("x86_64"))
    done = hello.run(built, "doit", "all", "PLATFORMS=macos-universal")
    part.write_bytes(machos.macho("aarch64"))
    assert done.returncode == 4
    assert "not for macos/arm64" in done.stderr
