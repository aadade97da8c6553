"""The active Rust compiler, and the standard libraries that slipway keeps for it outside of its own folder.

A library made by one compiler is of use to exactly that one, so each compiler has a folder in slipway's cache:
`rust/<release>-<digest of all that it says of itself>/`. The folder looks like a sysroot: `lib/rustlib/TRIPLE/lib` for
each library, and a link to the compiler's own library for the machine it runs on, which build scripts need. A script in it,
`rustc`, starts the compiler with this sysroot. cargo is told to use the script: had it been told by flags, the folder's
path would go into the names of everything that is compiled, and two users would get different bytes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from slipway import process
from slipway.files import cache_dir, explained, write_atomic

RUSTLIB: Final = Path("lib/rustlib")
_SCRIPT: Final = """#!/bin/sh
exec {rustc} --sysroot {sysroot} "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """The compiler that is active in a folder; `version` is its first line, `commit` may be empty."""

    program: Path
    sysroot: Path
    version: str
    release: str
    commit: str
    host: str
    identity: str

    @property
    def home(self) -> Path:
        """The folder of what slipway keeps for this compiler."""
        return cache_dir() / "rust" / self.identity

    @property
    def targets(self) -> frozenset[str]:
        """The triples whose standard library the compiler itself has."""
        return libraries(self.sysroot)

    @property
    def kept(self) -> frozenset[str]:
        """The triples whose standard library slipway keeps for it."""
        return libraries(self.home) - {self.host}

    @property
    def managed(self) -> bool:
        """Whether it came through rustup, which then can add libraries to it; not so one that was only linked."""
        return (self.sysroot / RUSTLIB / "multirust-channel-manifest.toml").is_file() and process.which("rustup") is not None


def libraries(root: Path) -> frozenset[str]:
    """The triples whose standard library lies in a sysroot."""
    return frozenset(path.parts[-3] for path in (root / RUSTLIB).glob("*/lib/libstd-*.rlib"))


@cache
def compiler(folder: Path | None = None) -> Compiler | None:
    """Ask rustc about itself; `folder` may choose one (rust-toolchain.toml). None when there is none that answers."""
    rustc = os.environ.get("RUSTC") or "rustc"
    said = process.capture([rustc, "--version", "--verbose"], cwd=folder)
    root = process.capture([rustc, "--print", "sysroot"], cwd=folder)
    facts = dict(_facts(said or ""))
    if not root or "host" not in facts or said is None:
        return None
    own = Path(root, "bin", "rustc")
    digest = hashlib.sha256(said.encode()).hexdigest()[:12]
    commit = facts.get("commit-hash", "unknown")
    return Compiler(
        program=own if own.is_file() else (process.which(rustc) or Path(rustc)).absolute(),
        sysroot=Path(root),
        version=said.splitlines()[0],
        release=facts.get("release", "unknown"),
        commit="" if commit == "unknown" else commit,
        host=facts["host"],
        identity=f"{facts.get('release', 'unknown')}-{digest}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The folder `library` of Rust's sources; `vendor` holds what it uses of others, else the network is asked."""

    library: Path
    vendor: Path | None


def find_sources(compiler: Compiler, given: Path | None = None) -> Sources | None:
    """Find the sources in a given folder, or else where the compiler has them; None when there are none."""
    root = given or compiler.sysroot / RUSTLIB / "src/rust"
    for place in (root / "library", root, root / RUSTLIB / "src/rust/library"):
        if (place / "std/Cargo.toml").is_file():
            library = place.resolve()
            beside = (folder for folder in (library / "vendor", library.parent / "vendor") if folder.is_dir())
            return Sources(library=library, vendor=next(beside, None))
    return None


def variables(folder: Path, triple: str) -> dict[str, str]:
    """What cargo must be told to find a triple's standard library: nothing when the compiler has it itself."""
    found = compiler(folder)
    if found is None or triple in found.targets or triple not in found.kept:
        return {}
    return {"RUSTC": str(furnish(found, found.home))}


def furnish(compiler: Compiler, root: Path, links: Mapping[str, Path] | None = None, script: str = _SCRIPT) -> Path:
    """Make a folder the sysroot of a compiler, with more links below lib/rustlib; returns the script that starts it so."""
    own = {compiler.host: compiler.sysroot / RUSTLIB / compiler.host}
    for name, target in {**own, **(links or {})}.items():
        _link(root / RUSTLIB / name, target)
    path = root / "rustc"
    text = script.format(rustc=shlex.quote(str(compiler.program)), sysroot=shlex.quote(str(root)))
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_atomic(path, text.encode(), mode=0o755)
    return path


def _link(path: Path, target: Path) -> None:
    # Another run may do the same at this moment: the new link takes the place of the old one in one step.
    if path.is_symlink() and path.readlink() == target:
        return
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        aside.symlink_to(target, target_is_directory=True)
        aside.replace(path)


def _facts(said: str) -> Iterator[tuple[str, str]]:
    for line in said.splitlines()[1:]:
        name, colon, value = line.partition(": ")
        if colon:
            yield name, value.strip()
