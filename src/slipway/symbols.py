"""The symbols of compiled programs, by which debuggers know functions and lines: take them out, or keep them apart."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from slipway import process, tools
from slipway.binaries import read_binary
from slipway.errors import GateError
from slipway.files import write_atomic
from slipway.platforms import Platform
from slipway.signing import sealed

# Where debuggers look for the symbols of a program by its build ID (GDB manual, 18.3).
BY_ID: Final = "usr/lib/debug/.build-id"
_ID_SECTION: Final = ".note.gnu.build-id"
_NOTE_HEAD: Final = 16  # the sizes of name and ID, the type and the name "GNU"
_CERTIFIED: Final = "other"  # what `Binary.signed` says of a signature by a certificate
# Apple's programs name the object files that hold their symbols, which nobody keeps.
_SPLIT: Final = ("linux", "freebsd", "windows")


def is_strippable(path: Path) -> bool:
    """Whether a file is a compiled program or library that has symbols, and would still be what was signed without them.

    What a certificate vouches for would not; ad hoc signatures are made anew.
    """
    found = read_binary(path)
    return found is not None and not found.stripped and found.signed != _CERTIFIED


def can_split(platform: Platform) -> bool:
    """Whether the symbols of a platform's programs can be kept in a file of their own."""
    return platform.family in _SPLIT


def strip(path: Path, platform: Platform) -> None:
    """Take the symbols out of a program in its place, and sign it anew where its system wants a signature."""
    _run("strip", path, path)
    data = path.read_bytes()
    if (made := sealed(data, platform, path.name)) != data:
        write_atomic(path, made, mode=path.stat().st_mode & 0o777)


def split(path: Path, to: str) -> tuple[str, Path]:
    """Move the symbols of a program, whose place in a distribution is `to`, into a file beside it.

    Returns the place where debuggers find that file, and the file. The program names it.
    """
    debug = path.with_name(f"{path.name}.debug")
    _run("objcopy", path, "--only-keep-debug", path, debug)
    build_id = _build_id(path)
    _run("objcopy", path, "--strip-all", f"--add-gnu-debuglink={debug}", path)
    place = f"{BY_ID}/{build_id[:2]}/{build_id[2:]}.debug" if build_id else str(PurePosixPath(to).with_name(debug.name))
    return place, debug


def _build_id(path: Path) -> str:
    note, rest = path.with_name("id"), path.with_name("rest")
    program = tools.require("objcopy").path
    done = process.run([program, "--dump-section", f"{_ID_SECTION}={note}", path, rest], check=False)
    return note.read_bytes()[_NOTE_HEAD:].hex() if done.code == 0 and note.is_file() else ""


def _run(tool: str, path: Path, *words: str | Path) -> None:
    program = tools.require(tool).path
    done = process.run([program, *words], check=False)
    if done.code != 0:
        raise GateError(
            f"{program.name} cannot take the symbols out of {path.name}: {done.output.strip()}",
            hint="apt-get install llvm (or brew install llvm) brings tools that know every system's programs",
        )
