"""A machine of a test's own: a PATH that holds what the test puts there, and a compiler that only says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway import containers, sysroot, toolchains, tools

HOST = "x86_64-unknown-linux-gnu"
ABOUT = """\
rustc {release} (abcdef012 2026-03-21)
binary: rustc
commit-hash: abcdef0123456789abcdef0123456789abcdef01
commit-date: 2026-03-21
host: {host}
release: {release}"""


def forget() -> None:
    """Let everything be asked again: answers are remembered for a process, and each test is one."""
    for ask in (tools.find, sysroot.compiler, containers.engine, toolchains._engine_is_there):
        ask.cache_clear()


def empty(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make a folder the whole PATH, with sh in it; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sh", "cat"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    for name in ("RUSTC", "RUSTUP_TOOLCHAIN"):
        monkeypatch.delenv(name, raising=False)
    forget()
    return folder


def program(folder: Path, name: str, text: str) -> None:
    """Put a shell script onto the PATH."""
    file = folder / name
    file.unlink(missing_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def compiler(folder: Path, root: Path, *triples: str, release: str = "1.95.0", also: str = "") -> None:
    """Put a rustc onto the PATH whose sysroot has the standard libraries of some triples; `also` is run each time."""
    for triple in triples:
        library(root, triple)
    about = ABOUT.format(release=release, host=HOST)
    program(folder, "rustc", f'{also}\ncase "$*" in *sysroot*) echo {root} ;; *) cat <<END\n{about}\nEND\nesac')


def library(root: Path, triple: str) -> Path:
    """Put something that looks like a standard library into a sysroot; returns its folder."""
    lib = root / "lib/rustlib" / triple / "lib"
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "libstd-0123.rlib").touch()
    return lib
