"""Which Debian packages a distribution's files need, read from the files themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from slipway.binaries import Binary, newest
from slipway.errors import GateError, VerificationError
from slipway.packagers.entries import Entry
from slipway.packagers.programs import is_of_glibc, refuse_foreign

# What Debian's base system and the runtimes of compilers bring; the packages have these names in every suite.
LIBRARIES: Final[Mapping[str, str]] = {
    "libacl.so.1": "libacl1",
    "libatomic.so.1": "libatomic1",
    "libblkid.so.1": "libblkid1",
    "libbz2.so.1.0": "libbz2-1.0",
    "libcap.so.2": "libcap2",
    "libcrypt.so.1": "libcrypt1",
    "libexpat.so.1": "libexpat1",
    "libgcc_s.so.1": "libgcc-s1",
    "libgfortran.so.5": "libgfortran5",
    "libgomp.so.1": "libgomp1",
    "liblz4.so.1": "liblz4-1",
    "liblzma.so.5": "liblzma5",
    "libmount.so.1": "libmount1",
    "libpam.so.0": "libpam0g",
    "libpcre2-8.so.0": "libpcre2-8-0",
    "libquadmath.so.0": "libquadmath0",
    "libseccomp.so.2": "libseccomp2",
    "libselinux.so.1": "libselinux1",
    "libsqlite3.so.0": "libsqlite3-0",
    "libstdc++.so.6": "libstdc++6",
    "libsystemd.so.0": "libsystemd0",
    "libtinfo.so.6": "libtinfo6",
    "libudev.so.1": "libudev1",
    "libuuid.so.1": "libuuid1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
# The newest symbol version of libstdc++ that a release of GCC has (GCC's manual of libstdc++, "ABI Policy and Guidelines").
_GCC: Final = (
    *((21, "5"), (22, "6"), (24, "7"), (25, "8"), (26, "9"), (27, "9.2"), (28, "10"), (29, "11"), (30, "12")),
    *((31, "13"), (32, "13.2"), (33, "14"), (34, "15")),
)
_GLIBCXX: Final = re.compile(r"GLIBCXX_3\.4\.(\d+)")
# The packages of the interpreters that Debian has; nothing for those that are always there.
INTERPRETERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("awk", "bash", "dash", "perl", "sed", "sh"), ""),
    **{name: name for name in ("expect", "fish", "gawk", "make", "mawk", "mksh", "zsh")},
    "csh": "tcsh | csh",
    "ksh": "ksh | mksh",
    "node": "nodejs:any",
    "php": "php-cli",
    "python3": "python3:any",
    "Rscript": "r-base-core",
    "ruby": "ruby",
    "tclsh": "tcl",
    "tcsh": "tcsh",
}
_PYTHON: Final = re.compile(r"python3\.\d+")
_SHEBANG: Final = re.compile(rb"#! *(?:/usr)?/bin/env +(?:-S +)?(?:[A-Za-z_]\w*=\S* +)*([^\s/]\S*)|#! *(/\S+)")


def needed_packages(binaries: Mapping[str, Binary], names: Iterable[str], architecture: str, *, told: bool) -> tuple[str, ...]:
    """The packages that programs and libraries need, by their paths in the package; `names` are the paths of all its files.

    Raises GateError for a library that no known package has, unless the project has `told` what it depends on, and
    VerificationError for a program in `usr/bin/` that is for other machines.
    """
    if architecture == "all":
        _refuse_compiled(binaries)
    refuse_foreign(binaries, "usr/bin/", "linux", architecture)
    # What is for other systems is data here.
    found = {name: binary for name, binary in binaries.items() if binary.family == "linux"}
    own = {Path(name).name for name in names} | {binary.soname for binary in found.values()}
    wanted = {library: name for name, binary in sorted(found.items()) for library in binary.libraries if library not in own}
    strange = {library: name for library, name in wanted.items() if not is_of_glibc(library) and library not in LIBRARIES}
    if strange and not told:
        raise _unknown(strange)
    libraries = sorted(_library(library, found.values()) for library in wanted if library in LIBRARIES)
    return (*_libc(found.values(), wanted), *libraries)


def needed_interpreters(files: Iterable[Entry], scripts: Mapping[str, str]) -> tuple[str, ...]:
    """The packages that scripts need to run; those among the documents are only there to be read."""
    run = (each.path for each in files if each.mode & 0o111 and not each.path.startswith("usr/share/doc/"))
    names = sorted({scripts[path] for path in run if path in scripts})
    return tuple(filter(None, (f"{name}:any" if _PYTHON.fullmatch(name) else INTERPRETERS.get(name) for name in names)))


def read_scripts(files: Iterable[Entry]) -> dict[str, str]:
    """The programs that run the scripts among some files, without their folders, by the scripts' paths in the package."""
    found = {each.path: _interpreter(each.source) for each in files if each.source is not None}
    return {path: name for path, name in found.items() if name}


def _interpreter(path: Path) -> str:
    with path.open("rb") as file:
        match = _SHEBANG.match(b"#!" + file.readline(256)) if file.read(2) == b"#!" else None
    return Path(os.fsdecode(match[1] or match[2])).name if match else ""


def is_known(interpreter: str) -> bool:
    """Whether Debian has the interpreter."""
    return interpreter in INTERPRETERS or _PYTHON.fullmatch(interpreter) is not None


def _library(library: str, found: Iterable[Binary]) -> str:
    package = LIBRARIES[library]
    if library != "libstdc++.so.6":
        return package
    needed = (_GLIBCXX.fullmatch(name) for binary in found for name in binary.versions.get(library, ()))
    newest_one = max((int(match[1]) for match in needed if match), default=0)
    gcc = next((gcc for number, gcc in _GCC if newest_one <= number), _GCC[-1][1]) if newest_one else ""
    return f"{package} (>= {gcc})" if gcc else package


def _libc(found: Iterable[Binary], wanted: Iterable[str]) -> tuple[str, ...]:
    oldest = newest(binary.glibc for binary in found)
    if oldest:
        return (f"libc6 (>= {oldest})",)
    return ("libc6",) if any(map(is_of_glibc, wanted)) else ()


def _refuse_compiled(found: Mapping[str, Binary]) -> None:
    for name, binary in found.items():
        if binary.family == "linux":
            raise VerificationError(
                f"/{name} is a program for {binary.arch}, but the package is for all architectures",
                hint="take architecture-all out of [deb] in slipway.toml, or the file out of its component",
            )


def _unknown(strange: Mapping[str, str]) -> GateError:
    listed = ", ".join(f"{library} (needed by /{name})" for library, name in sorted(strange.items()))
    return GateError(
        f"no Debian package is known for {listed}",
        hint='name the packages in slipway.toml, such as: [deb] depends = ["libssl3"]; or link the library statically',
    )
