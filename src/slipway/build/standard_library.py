"""Rust's standard library for other systems: brought by the user or built from its sources, proved, and then kept.

Everything is made in a work folder below the compiler's folder in slipway's cache and gets its place by one rename.
"""

from __future__ import annotations

import re
import shlex
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import GateError, SlipwayError, UsageError, VerificationError
from slipway.files import copy_hashed, digest_file, explained, remove_tree, write_atomic
from slipway.sysroot import RUSTLIB, Compiler, Sources, furnish, libraries
from slipway.tools import command_of

CRATES: Final = "std,panic_abort,panic_unwind,proc_macro"
# The library is made for programs that unwind, but its way to abort must not: rustc refuses to mix them otherwise.
_SCRIPT: Final = """#!/bin/sh
case " $* " in *" --crate-name panic_abort "*) set -- "$@" -Cpanic=abort ;; esac
exec {rustc} --sysroot {sysroot} "$@"
"""
_SEED: Final = """\
[package]
name = "seed"
version = "0.0.0"
edition = "2021"
[lib]
path = "seed.rs"
[profile.release]
debug = 0
codegen-units = 1
[workspace]
"""
_VENDORED: Final = '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "{}"\n'
_PROOF: Final = 'pub fn words() -> Vec<String> { std::env::args().map(|word| format!("{word}")).collect() }\n'


def build(compiler: Compiler, triples: Sequence[str], sources: Sources) -> None:
    """Build the standard library of some triples from its sources and keep it.

    One call of cargo builds all of them, so that the long single-threaded parts of one run beside those of another.
    """
    with workshop(compiler) as place:
        seed = _seed(place, sources)
        rustc = furnish(compiler, place, {"src/rust/library": sources.library}, _SCRIPT)
        own = compiler.sysroot / "bin/cargo"
        words = [own if own.is_file() else "cargo", "build", "--release", f"-Zbuild-std={CRATES}"]
        words += ["-Zbuild-std-features=panic-unwind,backtrace", *(["--offline"] if sources.vendor else [])]
        words += [word for triple in triples for word in ("--target", triple)]
        done = process.run(words, cwd=seed, env=_environment(compiler, place, sources, rustc), check=False)
        if done.code != 0:
            raise _failed(triples, sources, done)
        for triple in triples:
            made = place / "made" / triple / "lib"
            _gather(place / "target" / triple / "release/deps", made)
            if triple.endswith("windows-gnu"):
                _start_objects(rustc, triple, sources, made)
            prove(compiler, triple, made, place, "what was built")
        _keep(compiler, place, triples)


def bring(compiler: Compiler, triples: Sequence[str], given: Path, sha256: str = "") -> None:
    """Keep the standard library that a folder or an archive of the Rust project holds, once the compiler accepts it."""
    with workshop(compiler) as place:
        folder = _unpacked(given, sha256, place) if given.is_file() else given
        for triple in triples:
            found, made = _inside(folder, triple, given), place / "made" / triple / "lib"
            for path in sorted(path for path in found.rglob("*") if path.is_file()):
                copy_hashed(path, made / path.relative_to(found), mode=0o644)
            prove(compiler, triple, made, place, str(given))
        _keep(compiler, place, triples)


def remove(compiler: Compiler, triples: Iterable[str]) -> tuple[str, ...]:
    """Remove what is kept for some triples; returns those that were there."""
    with workshop(compiler) as place:
        gone = tuple(triple for triple in triples if triple in compiler.kept)
        for triple in gone:
            (compiler.home / RUSTLIB / triple).rename(place / triple)
    return gone


@contextmanager
def workshop(compiler: Compiler) -> Iterator[Path]:
    """A folder to work in, alone, beside what is kept; what an earlier run left there when it was killed is removed."""
    import fcntl  # only where Unix is

    home = compiler.home
    with explained(home):
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in home.glob(".work-*"):
                remove_tree(left)
            with tempfile.TemporaryDirectory(prefix=".work-", dir=home) as name:
                yield Path(name).resolve()


def prove(compiler: Compiler, triple: str, lib: Path, place: Path, given: str) -> None:
    """Compile a few lines with a standard library, or say why the compiler does not accept it."""
    root = place / "proof" / triple
    rustc = furnish(compiler, root, {triple: lib.parent})
    write_atomic(root / "proof.rs", _PROOF.encode())
    words: list[str | Path] = [
        "--target",
        triple,
        "--edition=2021",
        "--crate-type=lib",
        "--emit=obj",
        "-o",
        root / "proof.o",
        root / "proof.rs",
    ]
    done = process.run([rustc, *words], check=False)
    if done.code == 0:
        return
    if "E0514" in done.output:
        maker = re.search(r"compiled by (rustc [^:\n]+)", done.output)
        raise VerificationError(
            f"the standard library for {triple} in {given} was made by {maker.group(1) if maker else 'another compiler'}, "
            f"and the active compiler is {compiler.version}",
            hint=f"both must be the very same: take the library of Rust {compiler.release} from the compiler's own source, "
            "or build it: slipway toolchain install --build-std",
        )
    raise VerificationError(
        process.failure(f"the compiler cannot use the standard library for {triple} in {given}; it", done.code, done.output),
        hint=f"it must be the whole folder lib/rustlib/{triple} of Rust {compiler.release}",
    )


def _seed(place: Path, sources: Sources) -> Path:
    # cargo names crates by their path below the workspace, so a workspace that CONTAINS the sources gives the same names
    # wherever it lies; with any other, every machine would get different bytes.
    seed = place / RUSTLIB / "src"
    write_atomic(seed / "Cargo.toml", _SEED.encode())
    write_atomic(seed / "seed.rs", b"#![no_std]\n")
    if sources.vendor is not None:
        write_atomic(seed / ".cargo/config.toml", _VENDORED.format(sources.vendor).encode())
    return seed


def _environment(compiler: Compiler, place: Path, sources: Sources, rustc: Path) -> dict[str, str]:
    public = f"/rustc/{compiler.commit or compiler.release}"
    seed = place / RUSTLIB / "src"
    # The last prefix that fits wins, so the more special ones come later.
    remaps = {
        place / "target": "/rustc/target",
        seed: "/rustc/seed",
        **({sources.vendor: f"{public}/vendor"} if sources.vendor else {}),
        seed / "rust/library": f"{public}/library",
        sources.library: f"{public}/library",
        Path("rust/library"): f"{public}/library",
    }
    # Programs with lto = true need the bitcode beside the machine code.
    flags = ["-Cembed-bitcode=yes", *_dlltool(place), *(f"--remap-path-prefix={path}={name}" for path, name in remaps.items())]
    return {
        # -Zbuild-std is not part of what stable compilers promise; it is allowed for this one call.
        "RUSTC_BOOTSTRAP": "1",
        "RUSTC": str(rustc),
        "RUSTC_WRAPPER": "",
        "RUSTC_WORKSPACE_WRAPPER": "",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": str(place / "target"),
        "CARGO_TERM_COLOR": "never",
        "SOURCE_DATE_EPOCH": "0",
        "ZERO_AR_DATE": "1",
    }


def _dlltool(place: Path) -> tuple[str, ...]:
    # For Windows, rustc makes import libraries with this program. That of mingw writes its own time and paths into them.
    if (zig := command_of("zig")) is None:
        return ()
    write_atomic(place / "dlltool", f'#!/bin/sh\nexec {shlex.join(zig)} dlltool "$@"\n'.encode(), mode=0o755)
    return (f"-Cdlltool={place / 'dlltool'}",)


def _gather(built: Path, made: Path) -> None:
    for path in sorted(built.glob("*.rlib")):
        if not path.name.startswith("libseed-"):
            copy_hashed(path, made / path.name, mode=0o644)


def _start_objects(rustc: Path, triple: str, sources: Sources, made: Path) -> None:
    # What every Windows program of the GNU kind begins and ends with; rustc looks for it beside the library.
    remap = f"--remap-path-prefix={sources.library}=/rustc/library"
    for name in ("rsbegin", "rsend"):
        source = sources.library / f"rtstartup/{name}.rs"
        words: list[str | Path] = [
            "--target",
            triple,
            "--crate-type=lib",
            "--emit=obj",
            "-Copt-level=2",
            remap,
            "-o",
            made / f"{name}.o",
            source,
        ]
        process.run([rustc, *words], env={"RUSTC_BOOTSTRAP": "1"})


def _keep(compiler: Compiler, place: Path, triples: Sequence[str]) -> None:
    for triple in triples:
        target = compiler.home / RUSTLIB / triple
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(place / f"old-{triple}")
        (place / "made" / triple).rename(target)


def _failed(triples: Sequence[str], sources: Sources, done: process.Result) -> SlipwayError:
    what = f"building Rust's standard library for {', '.join(triples)}"
    if "No space left on device" in done.output:
        return SlipwayError(f"{what}: the disk is full", hint="it takes up to 500 MB for a moment and 110 MB for good per target")
    hint = "are the sources those of this compiler?"
    if sources.vendor is None:
        hint += " They come without the crates that they use (no folder vendor), so cargo needs a network"
    return SlipwayError(process.failure(what, done.code, done.output), hint=hint)


def _unpacked(archive: Path, sha256: str, place: Path) -> Path:
    beside = archive.with_name(f"{archive.name}.sha256")
    wanted = sha256 or (beside.read_text(encoding="utf-8").split() or [""])[0] if sha256 or beside.is_file() else ""
    if not wanted:
        raise UsageError(f"{archive} comes without a digest", hint=f"say it with --sha256, or put {beside.name} beside it")
    if (found := digest_file(archive)) != wanted.lower():
        raise VerificationError(f"{archive} is not the file that was meant: its SHA-256 is {found}", hint="download it again")
    folder = place / "unpacked"
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise VerificationError(
            f"{archive} cannot be unpacked: {error}", hint="a rust-std-….tar.xz or .tar.gz is meant"
        ) from error
    return folder


def _inside(folder: Path, triple: str, given: Path) -> Path:
    direct = (folder / RUSTLIB / triple / "lib", folder / "rustlib" / triple / "lib", folder / triple / "lib")
    below = sorted(folder.glob(f"*/*/{RUSTLIB}/{triple}/lib"))
    own: tuple[Path, ...] = (folder / "lib", folder) if triple in {folder.name, folder.parent.name} else ()
    for place in (*direct, *below, *own):
        if any(place.glob("libstd-*.rlib")):
            return place
    there = ", ".join(sorted(libraries(folder))) or "none at all"
    raise GateError(
        f"{given} holds no standard library for {triple}; it holds {there}",
        hint=f"name a folder with lib/rustlib/{triple}/lib in it, or a rust-std-…-{triple}.tar.xz",
    )
