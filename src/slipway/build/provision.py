"""What `slipway toolchain install` and `remove` do, as a plan that is shown before anything is done."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from slipway import console, process, sysroot, tools
from slipway.build import standard_library, wheels
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.files import cache_dir, explained, remove_tree
from slipway.platforms import Platform
from slipway.sysroot import Compiler, Sources
from slipway.toolchains import Toolchain, ways

CROSS: Final = "0.2.5"
_NETWORK: Final = re.compile(
    r"could not download|error sending request|dns error|Could(?:n't| not) (?:resolve|connect)|timed out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to set up: `folder` is where the compiler is asked for, since a project may choose one.

    The standard libraries come from `std`, or are built (`build_std`) from `source` or the compiler's own sources; without
    either, rustup is asked first.
    """

    platforms: tuple[Platform, ...]
    folder: Path | None = None
    std: Path | None = None
    sha256: str = ""
    build_std: bool = False
    source: Path | None = None
    cross: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of the plan: what it is, and the doing of it."""

    doc: str
    run: Callable[[], object]


def plan_install(wish: Wish) -> tuple[Operation, ...]:
    """What has to be done so that every platform can be compiled for; nothing when all is there."""
    _refuse_nonsense(wish)
    return (*_wheels(wish), *_libraries(wish), *_cross(wish))


def plan_remove(wish: Wish, *, rustup: bool = False) -> tuple[Operation, ...]:
    """What has to be done so that nothing of what slipway installed for the platforms is left."""
    compiler = _compiler(wish.folder)
    triples = tuple(row.triple for row in wish.platforms)
    kept = tuple(triple for triple in triples if triple in compiler.kept)
    added = tuple(triple for triple in triples if triple in compiler.targets - {compiler.host})
    forget = "remove Rust's standard library for {} from slipway's cache"
    operations = [Operation(forget.format(triple), partial(standard_library.remove, compiler, (triple,))) for triple in kept]
    if rustup and compiler.managed and added:
        words = ["rustup", "target", "remove", *added]
        operations.append(Operation(" ".join(words), lambda: process.run(words, cwd=wish.folder)))
    return tuple(operations)


def plan_empty() -> tuple[Operation, ...]:
    """What has to be done so that nothing at all is left of what slipway installed, for any compiler."""
    places = [place for name in ("rust", "tools") if (place := cache_dir() / name).exists()]
    return tuple(Operation(f"remove {place} with all it holds", partial(_emptied, place)) for place in places)


def carry_out(operations: Sequence[Operation]) -> None:
    """Do what was planned, one after another."""
    for number, operation in enumerate(operations, 1):
        console.say(f"[{number}/{len(operations)}] {operation.doc}")
        operation.run()
    tools.find.cache_clear()
    sysroot.compiler.cache_clear()


def _refuse_nonsense(wish: Wish) -> None:
    if wish.std and (wish.build_std or wish.source):
        raise UsageError("--std and --build-std exclude each other", hint="give a library, or have one built")
    for name, path in (("--std", wish.std), ("--source", wish.source)):
        if path is not None and not path.exists():
            raise UsageError(f"{name} {path}: there is no such file or folder", hint="check the path")
    if wish.sha256 and not (wish.std and wish.std.is_file()):
        raise UsageError(
            "--sha256 is the digest of an archive that --std names", hint="name the archive: --std rust-std-….tar.xz"
        )


def _preferred(platform: Platform) -> Toolchain:
    return ways(platform)[0]


def _wheels(wish: Wish) -> Iterator[Operation]:
    wanted = {name for row in wish.platforms for name in _preferred(row).tools if name in ("cargo-zigbuild", "zig")}
    if any((found := tools.find(name)) is None or tools.is_old(tools.TOOLS[name], found) for name in sorted(wanted)):
        names = " and ".join(f"{name} {version}" for name, (version, _) in wheels.PINS.items())
        yield Operation(f"fetch {names} with pip into {wheels.place()}, checked by their SHA-256", wheels.install)


def _libraries(wish: Wish) -> Iterator[Operation]:
    lacking = [row for row in wish.platforms if row.triple not in tools.rust_targets(wish.folder)]
    if not lacking:
        return
    compiler = _compiler(wish.folder)
    triples = tuple(dict.fromkeys(row.triple for row in lacking))
    listed = ", ".join(triples)
    if wish.std is not None:
        _refuse_windows()
        std = wish.std
        doc = f"copy Rust's standard library for {listed} from {std} into {compiler.home}, if {compiler.version} accepts it"
        yield Operation(doc, lambda: standard_library.bring(compiler, triples, std, wish.sha256))
    elif wish.build_std or not compiler.managed:
        sources = _sources(wish, compiler, lacking)
        yield Operation(_how_it_is_built(compiler, listed, sources), lambda: standard_library.build(compiler, triples, sources))
    else:
        yield Operation(f"rustup target add {' '.join(triples)}", lambda: _add(wish, compiler, triples))


def _add(wish: Wish, compiler: Compiler, triples: tuple[str, ...]) -> None:
    done = process.run(["rustup", "target", "add", *triples], cwd=wish.folder, check=False)
    if done.code == 0:
        return
    said, no_network = process.failure("rustup target add", done.code, done.output), _NETWORK.search(done.output)
    if no_network and sys.platform != "win32" and (sources := sysroot.find_sources(compiler, wish.source)):
        console.warn(f"rustup reaches no network; {_how_it_is_built(compiler, ', '.join(triples), sources)}")
        standard_library.build(compiler, triples, sources)
        return
    raise (NetworkError if no_network else SlipwayError)(
        said, hint="check the network; --std FOLDER takes a library that was fetched elsewhere, --build-std builds one"
    )


def _sources(wish: Wish, compiler: Compiler, lacking: Sequence[Platform]) -> Sources:
    _refuse_windows()
    if found := sysroot.find_sources(compiler, wish.source):
        return found
    if wish.source is not None:
        raise GateError(
            f"{wish.source} holds no sources of Rust's standard library", hint="name the folder with library/std in it"
        )
    names = " ".join(row.id for row in lacking)
    get = "rustup component add rust-src" if compiler.managed else f"--source FOLDER names those of Rust {compiler.release}"
    raise GateError(
        f"Rust's standard library for {names} cannot be built: {compiler.version} comes without its sources",
        hint=f"{get}; or bring a library that is ready: slipway toolchain install {names} --std FOLDER",
    )


def _how_it_is_built(compiler: Compiler, listed: str, sources: Sources) -> str:
    leave = "" if "nightly" in compiler.release else "; the stable compiler is allowed to (RUSTC_BOOTSTRAP=1) for this alone"
    return f"build Rust's standard library for {listed} from {sources.library} into {compiler.home}{leave}"


def _cross(wish: Wish) -> Iterator[Operation]:
    found = tools.find("cross")
    if wish.cross and (found is None or tools.is_old(tools.TOOLS["cross"], found)):
        yield Operation(f"cargo install cross --version {CROSS} --locked, into {_cross_home()}", _install_cross)


def _cross_home() -> Path:
    return cache_dir() / "tools" / f"cross-{CROSS}"


def _install_cross() -> None:
    home = _cross_home()
    with explained(home):
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=home.parent) as name:
            words = ["cargo", "install", "cross", "--version", CROSS, "--locked", "--root", f"{name}/made"]
            done = process.run([*words, "--target-dir", f"{name}/target"], check=False)
            if done.code != 0:
                kind = NetworkError if "download" in done.output or "registry" in done.output else SlipwayError
                raise kind(process.failure("cargo install cross", done.code, done.output), hint="check the network")
            remove_tree(home)
            Path(name, "made").rename(home)


def _compiler(folder: Path | None) -> Compiler:
    if (found := sysroot.compiler(folder)) is None:
        raise GateError("there is no Rust compiler that answers", hint=tools.how_to_install("rustup"))
    return found


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise GateError("on Windows slipway keeps no standard libraries of its own", hint="rustup target add TRIPLE")


def _emptied(place: Path) -> None:
    with explained(place):
        remove_tree(place)
