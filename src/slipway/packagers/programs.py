"""The programs and libraries in a package: what they are, whether they are for its machines, and which libraries are glibc's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from slipway.binaries import Binary, read_binary
from slipway.errors import VerificationError
from slipway.packagers.entries import Entry

# A later libnsl is a project of its own, with a package of its own.
_GLIBC: Final = re.compile(r"lib(c|m|dl|pthread|rt|util|resolv|mvec|anl)\.so\.\d+|libnsl\.so\.1|ld-linux(-[a-z0-9-]+)?\.so\.\d+")


def read_binaries(files: Iterable[Entry], known: Mapping[str, Binary]) -> dict[str, Binary]:
    """What the programs and libraries among some files are, by their paths; `known` are those read before, by digest."""
    found = {each.path: known.get(each.sha256) or read_binary(each.source) for each in files if each.source is not None}
    return {path: binary for path, binary in found.items() if binary is not None}


def refuse_foreign(binaries: Mapping[str, Binary], folder: str, family: str, architecture: str) -> None:
    """Raise VerificationError for a program in the folder of the commands that is for other machines than the package."""
    for path, binary in binaries.items():
        if path.startswith(folder) and (binary.family, binary.arch) != (family, architecture):
            found, wanted = binary.arch, architecture
            if binary.family != family:
                found, wanted = f"{binary.family}/{found}", f"{family}/{wanted}"
            raise VerificationError(
                f"/{path.lstrip('/')} is a program for {found}, but the package is for {wanted}",
                hint="compile it again: doit compile-platform",
            )


def is_of_glibc(library: str) -> bool:
    """Whether glibc brings a library of this name, and not a package of its own."""
    return _GLIBC.fullmatch(library) is not None
