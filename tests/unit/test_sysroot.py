"""The compiler is asked once, and what is kept for it is found by it alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import machine
from slipway import sysroot


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    yield machine.empty(monkeypatch, tmp_path / "bin")
    machine.forget()


def found() -> sysroot.Compiler:
    machine.forget()
    answer = sysroot.compiler()
    assert answer is not None
    return answer


def test_no_compiler_is_none(path: Path) -> None:
    assert sysroot.compiler() is None
    machine.program(path, "rustc", "echo no; exit 1")
    machine.forget()
    assert sysroot.compiler() is None


def test_compilers_that_differ_in_anything_they_say_share_nothing(path: Path, tmp_path: Path) -> None:
    """The same release and commit, built by a distribution, makes other libraries: rustc refuses to mix them."""
    machine.compiler(path, tmp_path / "root")
    plain = found()
    assert (plain.release, plain.host, plain.commit[:9]) == ("1.95.0", machine.HOST, "abcdef012")
    script = (path / "rustc").read_text()
    (path / "rustc").write_text(script.replace("2026-03-21)\n", "2026-03-21) (built from a source tarball)\n"))
    other = found()
    assert other.release == plain.release
    assert other.home != plain.home
    assert plain.home.name.startswith("1.95.0-")


def test_the_compiler_that_RUSTC_names_is_meant(  # noqa: N802 - that is its name
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.compiler(path, tmp_path / "root", release="1.95.0")
    (path / "rustc").rename(path / "rustc-next")
    machine.compiler(path, tmp_path / "root", release="1.94.0")
    monkeypatch.setenv("RUSTC", "rustc-next")
    assert found().release == "1.95.0"


def test_cargo_is_told_only_of_libraries_that_the_compiler_lacks(path: Path, tmp_path: Path) -> None:
    machine.compiler(path, tmp_path / "root", machine.HOST, "aarch64-apple-darwin")
    kept = found()
    for triple in ("aarch64-apple-darwin", "x86_64-unknown-freebsd"):
        machine.library(kept.home, triple)
    assert sysroot.variables(tmp_path, machine.HOST) == {}
    assert sysroot.variables(tmp_path, "aarch64-apple-darwin") == {}
    assert sysroot.variables(tmp_path, "x86_64-pc-windows-gnu") == {}
    assert sysroot.variables(tmp_path, "x86_64-unknown-freebsd") == {"RUSTC": str(kept.home / "rustc")}


def test_the_script_starts_the_compiler_with_a_sysroot_that_has_both_libraries(path: Path, tmp_path: Path) -> None:
    root = tmp_path / "a folder"
    machine.compiler(path, root, machine.HOST)
    kept = found()
    machine.library(kept.home, "x86_64-unknown-freebsd")
    script = sysroot.variables(tmp_path, "x86_64-unknown-freebsd")["RUSTC"]
    machine.program(path, "rustc", 'for word; do echo "<$word>"; done')
    said = subprocess.run([script, "--crate-name", "a b"], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["<--sysroot>", f"<{kept.home}>", "<--crate-name>", "<a b>"]
    assert sysroot.libraries(kept.home) == {machine.HOST, "x86_64-unknown-freebsd"}
    assert kept.kept == {"x86_64-unknown-freebsd"}


def test_a_compiler_that_moved_is_followed(path: Path, tmp_path: Path) -> None:
    machine.compiler(path, tmp_path / "old", machine.HOST)
    kept = found()
    machine.library(kept.home, "x86_64-unknown-freebsd")
    sysroot.variables(tmp_path, "x86_64-unknown-freebsd")
    (tmp_path / "old").rename(tmp_path / "new")
    machine.compiler(path, tmp_path / "new")
    machine.forget()
    sysroot.variables(tmp_path, "x86_64-unknown-freebsd")
    assert (kept.home / "lib/rustlib" / machine.HOST).resolve() == tmp_path / "new/lib/rustlib" / machine.HOST


@pytest.mark.parametrize("place", ["lib/rustlib/src/rust", "given", "given/library", "given/lib/rustlib/src/rust"])
def test_sources_are_found_with_the_crates_that_they_use(path: Path, tmp_path: Path, place: str) -> None:
    machine.compiler(path, tmp_path / "root", machine.HOST)
    compiler = found()
    assert sysroot.find_sources(compiler) is None
    root = tmp_path / ("root" if place.startswith("lib") else "")
    library = root / place / ("" if place.endswith("library") else "library")
    (library / "std").mkdir(parents=True)
    (library / "std/Cargo.toml").touch()
    given = None if place.startswith("lib") else tmp_path / "given"
    assert sysroot.find_sources(compiler, given) == sysroot.Sources(library=library, vendor=None)
    (library / "vendor").mkdir()
    assert sysroot.find_sources(compiler, given) == sysroot.Sources(library=library, vendor=library / "vendor")
