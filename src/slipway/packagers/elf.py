"""What an ELF file asks of the system: its machine, its libraries and the symbol versions it needs of them."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct, error
from typing import Final

from slipway.errors import VerificationError

MACHINES: Final[Mapping[int, str]] = {0x3E: "amd64", 0xB7: "arm64"}
_PT_LOAD, _PT_DYNAMIC, _WEAK = 1, 2, 2
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_VERNEED, _DT_VERNEEDNUM = 1, 5, 14, 0x6FFFFFFE, 0x6FFFFFFF
_VERSION: Final = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
# glibc marks some abilities of its loader by a name instead of a number.
_ABILITIES: Final[Mapping[str, str]] = {"GLIBC_ABI_DT_RELR": "2.36", "GLIBC_ABI_GNU2_TLS": "2.42", "GLIBC_ABI_GNU_TLS": "2.42"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Elf:
    """One ELF file; `versions` are the symbol versions that it needs, such as GLIBC_2.34."""

    machine: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def glibc(self) -> str:
        """The oldest glibc that has all that the file needs; empty when it needs none."""
        found = [_ABILITIES.get(name) or (match[1] if (match := _VERSION.fullmatch(name)) else "") for name in self.versions]
        return max(filter(None, found), key=version_key, default="")


def version_key(version: str) -> tuple[int, ...]:
    """Sort 2.9 before 2.34."""
    return tuple(int(number) for number in version.split("."))


def read_elf(path: Path) -> Elf | None:
    """Read what a file asks of the system; None when it is not an ELF file.

    Raises VerificationError when it begins as one and is damaged. Only the few pages that say it are read.
    """
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _Reader(data).read()
            except (error, IndexError, ValueError) as fault:
                raise VerificationError(
                    f"{path} is a damaged ELF file: {fault}", hint="compile it again: doit compile-platform"
                ) from fault


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields are, in 32 and in 64 bits (System V ABI, chapters 4 and 5)."""

    header: str  # e_machine, e_phoff, e_phentsize, e_phnum
    segment: str  # p_type, p_offset, p_vaddr, p_filesz
    dynamic: str  # d_tag, d_val


_LAYOUTS: Final = {1: _Layout("18xH8xI10xHH", "III4xI", "iI"), 2: _Layout("18xH12xQ14xHH", "I4xQQ8xQ", "qQ")}
_NEED: Final = "HHIII"  # vn_version, vn_cnt, vn_file, vn_aux, vn_next
_AUX: Final = "IHHII"  # vna_hash, vna_flags, vna_other, vna_name, vna_next


class _Reader:
    """An open ELF file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._order = data, ">" if data[5] == 2 else "<"
        self._layout = _LAYOUTS[1 if data[4] == 1 else 2]
        self._machine, start, size, count = self._unpack(self._layout.header, 0)
        self._segments = [self._unpack(self._layout.segment, start + index * size) for index in range(count)]

    def read(self) -> Elf:
        """Gather what the dynamic section says; a static file has none."""
        tags = list(self._dynamic())
        once = dict(tags)
        machine = MACHINES.get(self._machine, f"machine {self._machine}")
        if _DT_STRTAB not in once:
            return Elf(machine=machine)
        strings = self._offset(once[_DT_STRTAB])
        return Elf(
            machine=machine,
            soname=self._text(strings + once[_DT_SONAME]) if _DT_SONAME in once else "",
            needed=tuple(self._text(strings + value) for tag, value in tags if tag == _DT_NEEDED),
            versions=tuple(sorted(set(self._versions(once, strings)))),
        )

    def _dynamic(self) -> Iterator[tuple[int, int]]:
        step = Struct("=" + self._layout.dynamic).size
        for kind, offset, _address, size in self._segments:
            for place in range(offset, offset + size, step) if kind == _PT_DYNAMIC else ():
                tag, value = self._unpack(self._layout.dynamic, place)
                if tag == 0:
                    return
                yield tag, value

    def _versions(self, tags: Mapping[int, int], strings: int) -> Iterator[str]:
        place = self._offset(tags[_DT_VERNEED]) if _DT_VERNEED in tags else 0
        for _ in range(tags.get(_DT_VERNEEDNUM, 0)):
            _version, count, _file, first, following = self._unpack(_NEED, place)
            aux = place + first
            for _ in range(count):
                _hash, flags, _other, name, further = self._unpack(_AUX, aux)
                # The loader goes on without a version that is only wanted weakly.
                if not flags & _WEAK:
                    yield self._text(strings + name)
                aux += further
            if following == 0:
                return
            place += following

    def _offset(self, address: int) -> int:
        for kind, offset, start, size in self._segments:
            if kind == _PT_LOAD and start <= address < start + size:
                return int(offset + address - start)
        raise ValueError(f"address {address:#x} is in no segment")

    def _text(self, place: int) -> str:
        if (end := self._data.find(b"\0", place)) < 0:
            raise ValueError("a name has no end")
        return self._data[place:end].decode("utf-8", "replace")

    def _unpack(self, fields: str, place: int) -> tuple[int, ...]:
        return Struct(self._order + fields).unpack_from(self._data, place)
