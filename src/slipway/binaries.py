"""What a program says about itself: the system it is for and what it asks of it. Reads ELF, Mach-O and PE, through lief."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from struct import error, unpack_from
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from slipway.errors import VerificationError
from slipway.signing import check

if TYPE_CHECKING:
    import lief

T = TypeVar("T")
UNIVERSAL: Final = "universal"
_VERSION: Final = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
_FBSD: Final = re.compile(r"FBSD_1\.(\d+)")
# glibc marks some abilities of its loader by a name instead of a number.
_ABILITIES: Final[Mapping[str, str]] = {"GLIBC_ABI_DT_RELR": "2.36", "GLIBC_ABI_GNU2_TLS": "2.42", "GLIBC_ABI_GNU_TLS": "2.42"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One program or library; an empty string means that the format does not say, or that nothing is needed.

    `versions` are the symbol versions that it needs of each library; `glibc` is the newest of them that glibc has.
    `minimum` is the oldest system that it says it runs on: of macOS, of FreeBSD, of Windows' subsystem, or Linux's kernel.
    `signed` is of Mach-O and PE: none, adhoc, other, or invalid when the file is not what was signed.
    A universal file has its `slices`, and says itself what holds for all of them.
    """

    format: str
    family: str
    arch: str
    kind: str
    libraries: tuple[str, ...] = ()
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    glibc: str = ""
    interpreter: str = ""
    minimum: str = ""
    soname: str = ""
    stripped: bool = True
    pie: bool = True
    signed: str = ""
    slices: tuple[Binary, ...] = ()

    @property
    def architectures(self) -> frozenset[str]:
        """The processors that can run it."""
        return frozenset(each.arch for each in self.slices) if self.slices else frozenset({self.arch})


def version_key(version: str) -> tuple[int, ...]:
    """Sort 2.9 before 2.34."""
    return tuple(int(number) for number in version.split("."))


def newest(versions: Iterable[str]) -> str:
    """The highest of some versions, passing over empty ones; empty when there is none."""
    return max(filter(None, versions), key=version_key, default="")


def carrying(program: Binary, libraries: Iterable[Binary]) -> Binary:
    """A program that brings libraries along and unpacks them when it starts, and so asks for what they ask for."""
    inside = tuple(libraries)
    names = {each.soname for each in inside}
    versions: dict[str, set[str]] = {}
    for each in (program, *inside):
        for library, needed in each.versions.items():
            versions.setdefault(library, set()).update(needed)
    return replace(
        program,
        # What the program itself needs has to be there before anything is unpacked.
        libraries=tuple(sorted({*program.libraries, *({name for each in inside for name in each.libraries} - names)})),
        versions={library: tuple(sorted(needed)) for library, needed in sorted(versions.items()) if library not in names},
        glibc=newest(each.glibc for each in (program, *inside)),
        minimum=newest((program.minimum, *(each.minimum for each in inside))) if program.format == "macho" else program.minimum,
    )


def oldest_system(binary: Binary) -> str:
    """The oldest glibc, macOS or FreeBSD that runs it, whichever its system counts by; empty when any will do."""
    if binary.family == "linux":
        return binary.glibc
    if binary.family == "freebsd":
        # FreeBSD's lib/libc/Versions.def: each release from 12 on added a version. The note only names the headers.
        named = (_FBSD.fullmatch(name) for names in binary.versions.values() for name in names)
        return newest(f"{int(match[1]) + 7}.0" for match in named if match and int(match[1]) >= 5)
    return binary.minimum


def read_binary(path: Path) -> Binary | None:
    """Read what a program or library is; None for scripts, data, and code that no system starts by itself.

    Raises VerificationError when it begins as one and is damaged, such as cut off.
    """
    with path.open("rb") as file:
        form = _form(file)
    if form is None:
        return None
    _quieten()
    try:
        return _READERS[form](path)
    except (error, ValueError, TypeError, AttributeError, IndexError, RuntimeError, OverflowError) as fault:
        why = f": {fault}" if isinstance(fault, error | ValueError) else ""
        hint = "make it again: remove it, then doit compile-platform"
        raise VerificationError(f"{path} is a damaged {_FORMS[form]} file{why}", hint=hint) from fault


def _quieten() -> None:
    import lief

    lief.logging.disable()
    # It knows what is unknown to it by its number, and warns; what matters is checked here.
    warnings.filterwarnings("ignore", "[0-9-]+ is not a valid ", RuntimeWarning)


_FORMS: Final[Mapping[str, str]] = {"elf": "ELF", "macho": "Mach-O", "pe": "PE"}
_MACHO: Final = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT: Final = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
# Java's classes begin like universal files; their version, 45 and more, stands where those have the number of slices.
_MOST_SLICES: Final = 44


def _form(file: BinaryIO) -> str | None:
    head = file.read(64)
    if head.startswith(b"\x7fELF"):
        return "elf"
    if head[:4] in _MACHO or (head[:4] in _FAT and 0 < int.from_bytes(head[4:8], "big") <= _MOST_SLICES):
        return "macho"
    if head.startswith(b"MZ") and len(head) == 64:
        file.seek(int.from_bytes(head[60:64], "little"))
        return "pe" if file.read(4) == b"PE\0\0" else None
    return None


def _require_whole(size: int, *ends: int) -> None:
    if (end := max(ends, default=0)) > size:
        raise ValueError(f"it is cut off at {size} of at least {end} bytes")


def _names(found: Iterable[str | bytes]) -> tuple[str, ...]:
    names = tuple(each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in found)
    if not all(names):
        raise ValueError("a name is missing")
    return names


def _name_of(named: Any) -> str:
    try:
        long = getattr(named, "coff_string", None)  # what PE has no room for in its table of sections
        return str(named.name if long is None else long.string)
    except UnicodeDecodeError:
        return ""


# --- ELF: System V ABI, chapters 4 and 5 ---------------------------------------

_ELF_UNREAD: Final = ("parse_relocations", "parse_symtab_symbols", "parse_dyn_symbols", "parse_overlay")
_ELF_MACHINES: Final = {"I386": "386", "ARM": "arm", "X86_64": "amd64", "AARCH64": "arm64", "RISCV": "riscv64"}
# The header of 32 bits, which is the shorter one; flags of a needed version and of a program; the order of bytes.
_ELF_HEADER, _WEAK, _PIE, _LITTLE = 52, 2, 0x08000000, 1
# Rust's list of scripts for gdb is loaded with the program, and no strip takes it out.
_SYMBOLS: Final = re.compile(r"\.symtab|\.debug_(?!gdb_scripts$).*")


def _read_elf(path: Path) -> Binary | None:
    import lief

    config = lief.ELF.ParserConfig()
    for name in _ELF_UNREAD:
        setattr(config, name, False)
    found = _parsed(lief.ELF.parse(str(path), config))
    header = found.header
    _require_whole(
        path.stat().st_size,
        _ELF_HEADER,
        header.program_header_offset + header.program_header_size * header.numberof_segments,
        header.section_header_offset + header.section_header_size * header.numberof_sections,
        *(each.file_offset + each.physical_size for each in found.segments),
    )
    if header.file_type.name not in {"EXEC", "DYN"}:
        return None
    tags = list(found.dynamic_entries)
    independent = any(each.tag.name == "FLAGS_1" and each.value & _PIE for each in tags)
    starts = header.file_type.name == "EXEC" or independent or found.has_interpreter
    versions = dict(_elf_versions(found))
    notes = dict(_elf_notes(found))
    freebsd = header.identity_os_abi.name == "FREEBSD" or "freebsd" in notes
    return Binary(
        format="elf",
        family="freebsd" if freebsd else "linux",
        arch=_ELF_MACHINES.get(header.machine_type.name, header.machine_type.name.lower()),
        kind="executable" if starts else "library",
        libraries=_names(found.libraries),
        versions=versions,
        glibc=newest(_glibc(name) for names in versions.values() for name in names),
        interpreter=found.interpreter if found.has_interpreter else "",
        minimum=notes.get("freebsd" if freebsd else "linux", ""),
        soname="".join(_names(each.name for each in tags if isinstance(each, lief.ELF.DynamicSharedObject))),
        stripped=not any(_SYMBOLS.fullmatch(_name_of(each)) for each in found.sections),
        pie=header.file_type.name == "DYN",
    )


def _elf_versions(found: lief.ELF.Binary) -> Iterator[tuple[str, tuple[str, ...]]]:
    # The loader goes on without a version that is only wanted weakly.
    for library in found.symbols_version_requirement:
        wanted = _names(each.name for each in library.get_auxiliary_symbols() if not each.flags & _WEAK)
        yield _names((library.name,))[0], tuple(sorted(wanted))


def _glibc(name: str) -> str:
    return _ABILITIES.get(name) or (match[1] if (match := _VERSION.fullmatch(name)) else "")


def _elf_notes(found: lief.ELF.Binary) -> Iterator[tuple[str, str]]:
    # FreeBSD's kernel knows its programs by this note (elf(5)); zig's linker leaves the byte for the system at zero.
    order = "<" if found.header.identity_data.value == _LITTLE else ">"
    for note in found.notes:
        name, kind, said = _name_of(note).rstrip("\0"), note.original_type, bytes(note.description)
        if (name, kind) == ("FreeBSD", 1) and len(said) >= 4:
            (date,) = unpack_from(f"{order}I", said)
            yield "freebsd", f"{date // 100_000}.{date // 1000 % 100}"
        elif (name, kind) == ("GNU", 1) and len(said) >= 16:
            system, *version = unpack_from(f"{order}IIII", said)
            if system == 0:
                yield "linux", ".".join(map(str, version))


# --- Mach-O: <mach-o/loader.h>, <mach-o/nlist.h> ---------------------------------

_MACHO_MACHINES: Final = {"X86": "386", "ARM": "arm", "X86_64": "amd64", "ARM64": "arm64"}
_MACHO_KINDS: Final[Mapping[str, str]] = {"EXECUTE": "executable", "DYLIB": "library", "BUNDLE": "library"}
# Local symbols that linkers make themselves, and that no stripping takes away.
_LINKERS_OWN: Final = re.compile(r"_*dyld_private|.*_thunk|radr://.*")


_SIGNED: Final = {check.NONE: "none", check.AD_HOC_SIGNED: "adhoc", check.VALID: "other", check.BROKEN: "invalid"}


def _read_macho(path: Path) -> Binary | None:
    import lief

    found = _parsed(lief.MachO.parse(str(path), lief.MachO.ParserConfig.quick))
    data = path.read_bytes()
    if data[:4] in _FAT and found.size != int.from_bytes(data[4:8], "big"):
        raise ValueError("a slice cannot be read")
    slices = tuple(filter(None, (_macho_slice(_parsed(found.at(index)), data) for index in range(found.size))))
    return _universal(slices) if data[:4] in _FAT else next(iter(slices), None)


def _macho_slice(found: lief.MachO.Binary, data: bytes) -> Binary | None:
    header = found.header
    if header.file_type.name not in _MACHO_KINDS:
        return None
    # lief numbers what it finds in a universal file from the slice's own beginning.
    data = data[found.fat_offset :][: found.original_size]
    _require_whole(len(data), *(each.file_offset + each.file_size for each in found.segments))
    own = {each.name for each in found.libraries if each.command.name == "ID_DYLIB"}
    return Binary(
        format="macho",
        family="macos",
        arch=_MACHO_MACHINES.get(header.cpu_type.name, header.cpu_type.name.lower()),
        kind=_MACHO_KINDS[header.file_type.name],
        libraries=_names(each.name for each in found.libraries if each.command.name != "ID_DYLIB"),
        interpreter=str(found.dylinker.name) if found.dylinker else "",
        minimum=_macho_minimum(found),
        soname="".join(_names(own)),
        stripped=not any(_is_named(symbol) for symbol in found.symbols),
        pie=header.file_type.name != "EXECUTE" or found.is_pie,
        signed=_SIGNED[check.check_signature(data).state],
    )


def _is_named(symbol: lief.MachO.Symbol) -> bool:
    """Whether a symbol is of the program's own inside: of a debugger, or defined here and not exported."""
    kind = symbol.raw_type
    debugs, defined, exported = kind & 0xE0, kind & 0x0E, kind & 0x01
    return bool(debugs) or bool(defined and not exported and not _LINKERS_OWN.fullmatch(_name_of(symbol)))


def _macho_minimum(found: lief.MachO.Binary) -> str:
    said = found.build_version.minos if found.build_version else found.version_min.version if found.version_min else ()
    return ".".join(map(str, said[:2] if len(said) > 2 and said[2] == 0 else said))


def _universal(slices: tuple[Binary, ...]) -> Binary | None:
    if not slices:
        return None
    first = slices[0]
    return replace(
        first,
        arch=UNIVERSAL,
        libraries=tuple(dict.fromkeys(name for each in slices for name in each.libraries)),
        minimum=newest(each.minimum for each in slices),
        stripped=all(each.stripped for each in slices),
        pie=all(each.pie for each in slices),
        signed=first.signed if len({each.signed for each in slices}) == 1 else "",
        slices=slices,
    )


# --- PE: Microsoft's PE format ---------------------------------------------------

_PE_MACHINES: Final = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64", 0x1C4: "arm"}
_PE_UNREAD: Final = ("parse_arm64x_binary", "parse_exceptions", "parse_exports", "parse_reloc", "parse_rsrc", "parse_signature")
_DYNAMIC_BASE, _DLL = 0x40, 0x2000


def _read_pe(path: Path) -> Binary | None:
    import lief

    config = lief.PE.ParserConfig()
    for name in _PE_UNREAD:
        setattr(config, name, False)
    found = _parsed(lief.PE.parse(str(path), config))
    header, optional = found.header, found.optional_header
    whole = (each.pointerto_raw_data + min(each.sizeof_raw_data, each.virtual_size) for each in found.sections)
    _require_whole(path.stat().st_size, *whole)
    kinds = lief.PE.DataDirectory.TYPES
    if (managed := found.data_directory(kinds.CLR_RUNTIME_HEADER)) is not None and managed.rva:
        return None  # .NET's runtime starts it, on any processor
    debugs = any(_name_of(each).startswith(("/", ".debug_")) for each in found.sections)
    certificate = found.data_directory(kinds.CERTIFICATE_TABLE)
    return Binary(
        format="pe",
        family="windows",
        arch=_PE_MACHINES.get(header.machine.value, header.machine.name.lower()),
        kind="library" if header.characteristics & _DLL else "executable",
        libraries=_names(found.libraries),
        minimum=f"{optional.major_subsystem_version}.{optional.minor_subsystem_version}",
        stripped=not debugs and not header.numberof_symbols,
        pie=bool(optional.dll_characteristics & _DYNAMIC_BASE),
        signed="other" if certificate is not None and certificate.size else "none",
    )


def _parsed(found: T | None) -> T:
    if found is None:
        raise ValueError("its header makes no sense")
    return found


_READERS: Final[Mapping[str, Callable[[Path], Binary | None]]] = {"elf": _read_elf, "macho": _read_macho, "pe": _read_pe}
