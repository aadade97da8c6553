"""Which Debian packages a distribution's binaries need, read from the binaries themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from slipway.binaries import Binary, newest, read_binary
from slipway.errors import GateError, VerificationError

_GLIBC: Final = re.compile(r"(lib(c|m|dl|pthread|rt|util|resolv|mvec|anl)\.so\.\d+|ld-linux(-[a-z0-9-]+)?\.so\.\d+)")
LIBRARIES: Final[Mapping[str, str]] = {"libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6", "libz.so.1": "zlib1g"}


def needed_packages(
    binaries: Mapping[str, Path], architecture: str, *, told: bool, known: Mapping[Path, Binary] | None = None
) -> tuple[str, ...]:
    """The packages that files need, by their paths in the package; `known` is what was recorded when they were built.

    Raises GateError for a library that no known package has, unless the project has `told` what it depends on, and
    VerificationError for a program in `usr/bin/` that is for other machines.
    """
    told_before = known or {}
    read = {name: each for name, path in binaries.items() if (each := told_before.get(path) or read_binary(path)) is not None}
    _refuse_foreign(read, architecture)
    # What is for other systems is data here.
    found = {name: binary for name, binary in read.items() if binary.family == "linux"}
    own = {Path(name).name for name in binaries} | {binary.soname for binary in found.values()}
    wanted = {library: name for name, binary in sorted(found.items()) for library in binary.libraries if library not in own}
    strange = {library: name for library, name in wanted.items() if not _GLIBC.fullmatch(library) and library not in LIBRARIES}
    if strange and not told:
        raise _unknown(strange)
    libraries = sorted(LIBRARIES[library] for library in wanted if library in LIBRARIES)
    return (*_libc(found.values(), wanted), *libraries)


def _libc(found: Iterable[Binary], wanted: Iterable[str]) -> tuple[str, ...]:
    oldest = newest(binary.glibc for binary in found)
    if oldest:
        return (f"libc6 (>= {oldest})",)
    return ("libc6",) if any(_GLIBC.fullmatch(library) for library in wanted) else ()


def _refuse_foreign(found: Mapping[str, Binary], architecture: str) -> None:
    for name, binary in found.items():
        if name.startswith("usr/bin/") and (binary.family, binary.arch) != ("linux", architecture):
            system = "" if binary.family == "linux" else f"{binary.family}/"
            raise VerificationError(
                f"/{name} is a program for {system}{binary.arch}, but the package is for {architecture}",
                hint="compile it again: doit compile-platform",
            )


def _unknown(strange: Mapping[str, str]) -> GateError:
    listed = ", ".join(f"{library} (needed by /{name})" for library, name in sorted(strange.items()))
    return GateError(
        f"no Debian package is known for {listed}",
        hint='name the packages in slipway.toml, such as: [deb] depends = ["libssl3"]; or link the library statically',
    )
