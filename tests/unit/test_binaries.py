"""What programs say about themselves: of files made from the specifications, and of real ones against other readers."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import pes
import pytest
from elves import ARM64, elf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machos import macho

from slipway.binaries import Binary, newest, oldest_system, read_binary
from slipway.errors import VerificationError
from slipway.platforms import host_platform
from slipway.signing import fat

C = "libc.so.6"
NAMED = """\
static int twice(int a) { return 2 * a; }
int main(int c, char **v) { int (*volatile p)(int) = twice; return p(c); }
"""


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read(folder: Path, data: bytes) -> Binary:
    found = read_binary(written(folder, data))
    assert found is not None
    return found


@pytest.mark.parametrize("bits", [32, 64])
def test_what_a_dynamic_elf_file_says(tmp_path: Path, bits: int) -> None:
    data = elf(
        [C, "libgcc_s.so.1"], {C: ["GLIBC_2.34", "GLIBC_2.2.5"], "libgcc_s.so.1": ["GCC_3.0"]}, soname="libown.so.1", bits=bits
    )
    assert read(tmp_path, data) == Binary(
        format="elf",
        family="linux",
        arch="amd64",
        kind="library",
        libraries=(C, "libgcc_s.so.1"),
        versions={C: ("GLIBC_2.2.5", "GLIBC_2.34"), "libgcc_s.so.1": ("GCC_3.0",)},
        glibc="2.34",
        soname="libown.so.1",
    )


@pytest.mark.parametrize(
    ("versions", "glibc"),
    [
        (["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.9"], "2.17"),
        (["GLIBC_2.3.4", "GLIBC_2.3"], "2.3.4"),
        (["GLIBC_PRIVATE", "GLIBC_2.5"], "2.5"),
        (["GLIBC_2.5", "GLIBC_ABI_DT_RELR"], "2.36"),
        (["GCC_9.0"], ""),
        ([], ""),
    ],
)
def test_the_oldest_glibc_that_will_do(tmp_path: Path, versions: list[str], glibc: str) -> None:
    found = read(tmp_path, elf([C], {C: versions} if versions else {}))
    assert (found.glibc, oldest_system(found)) == (glibc, glibc)


def test_a_version_that_is_only_wanted_weakly_does_not_count(tmp_path: Path) -> None:
    found = read(tmp_path, elf([C], {C: ["GLIBC_2.5", "GLIBC_2.38"]}, weak=["GLIBC_2.38"]))
    assert (found.glibc, found.versions) == ("2.5", {C: ("GLIBC_2.5",)})


def test_a_static_file_needs_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, elf(machine=ARM64))
    assert (found.arch, found.libraries, found.versions, found.glibc) == ("arm64", (), {}, "")


def test_freebsd_is_known_by_the_byte_for_the_system(tmp_path: Path) -> None:
    data = bytearray(elf(["libc.so.7"], {"libc.so.7": ["FBSD_1.0", "FBSD_1.6"]}))
    data[7] = 9
    found = read(tmp_path, bytes(data))
    assert (found.family, found.glibc, oldest_system(found)) == ("freebsd", "", "13.0")


def test_freebsd_is_known_by_its_note(tmp_path: Path) -> None:
    """As zig links it: only a note tells the system."""
    note = b"\x08\0\0\0\x04\0\0\0\x01\0\0\0FreeBSD\0" + (1401500).to_bytes(4, "little")
    data = bytearray(elf() + bytes(-len(elf()) % 4))
    place = len(data)
    data[120:176] = struct.pack("<IIQQQQQQ", 4, 4, place, 0x400000 + place, 0, len(note), len(note), 4)
    found = read(tmp_path, bytes(data) + note)
    assert (found.family, found.minimum) == ("freebsd", "14.1")


@pytest.mark.parametrize(
    ("data", "kind", "pie", "stripped", "signed", "arch", "minimum"),
    [
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"]), "executable", True, True, "none", "amd64", "6.1"),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], machine=pes.ARM64), "executable", True, True, "none", "arm64", "6.1"),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], characteristics=0x2022), "library", True, True, "none", "amd64", "6.1"),
        (
            pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], dll_characteristics=0),
            "executable",
            False,
            True,
            "none",
            "amd64",
            "6.1",
        ),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], symbols=9), "executable", True, False, "none", "amd64", "6.1"),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], section="/4"), "executable", True, False, "none", "amd64", "6.1"),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], certificate=8), "executable", True, True, "other", "amd64", "6.1"),
        (pes.pe(["KERNEL32.dll", "libwinpthread-1.dll"], subsystem=(10, 0)), "executable", True, True, "none", "amd64", "10.0"),
    ],
)
def test_what_a_pe_file_says(
    tmp_path: Path, data: bytes, kind: str, pie: bool, stripped: bool, signed: str, arch: str, minimum: str
) -> None:
    assert read(tmp_path, data) == Binary(
        format="pe",
        family="windows",
        arch=arch,
        kind=kind,
        libraries=("KERNEL32.dll", "libwinpthread-1.dll"),
        minimum=minimum,
        stripped=stripped,
        pie=pie,
        signed=signed,
    )


@pytest.mark.slow
def test_what_a_macos_program_says(tmp_path: Path) -> None:
    arm = read(tmp_path, macho("aarch64", "-s"))
    assert arm == Binary(
        format="macho",
        family="macos",
        arch="arm64",
        kind="executable",
        libraries=("/usr/lib/libSystem.B.dylib",),
        interpreter="/usr/lib/dyld",
        minimum="11.0",
        signed="adhoc",
    )
    intel = read(tmp_path, macho("x86_64", "-s"))
    assert (intel.arch, intel.signed) == ("amd64", "none")
    both = read(tmp_path, fat.join([macho("x86_64", "-s"), macho("aarch64", "-s")]))
    assert (both.arch, both.architectures, both.slices) == ("universal", frozenset({"amd64", "arm64"}), (intel, arm))
    named = read(tmp_path, macho("aarch64", source=NAMED))
    assert not named.stripped


@pytest.mark.slow
def test_a_signature_is_only_good_for_the_bytes_that_were_signed(tmp_path: Path) -> None:
    data = bytearray(macho("aarch64", "-s"))
    data[0x700] ^= 1
    assert read(tmp_path, bytes(data)).signed == "invalid"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!/bin/sh\n",
        b"text",
        b"\x7fEL",
        b"MZ",
        b"MZ" + bytes(100),
        b"MZ is how this text begins, and it goes on for quite a while, so that there is more of it.",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(100),
        elf()[:16] + b"\x01\x00" + elf()[18:],
        pes.pe(managed=True),
    ],
    ids=["empty", "script", "text", "3 bytes", "MZ", "no PE", "MZ text", "4 bytes", "Java class", "object file", ".NET"],
)
def test_other_files_are_none(tmp_path: Path, data: bytes) -> None:
    assert read_binary(written(tmp_path, data)) is None


@pytest.mark.parametrize(
    ("data", "what"),
    [(elf([C], {C: ["GLIBC_2.34"]}), "ELF"), (b"\x7fELF", "ELF"), (pes.pe(["a.dll"]), "PE"), (b"\xcf\xfa\xed\xfe", "Mach-O")],
)
def test_what_is_cut_off_is_damaged(tmp_path: Path, data: bytes, what: str) -> None:
    for size in {len(data) // 2, len(data) - 1} if len(data) > 9 else {len(data)}:
        with pytest.raises(VerificationError, match=f"damaged {what} file"):
            read_binary(written(tmp_path, data[:size]))


@pytest.mark.slow
def test_a_macos_program_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    data = macho("aarch64", "-s")
    both = fat.join([macho("x86_64", "-s"), data])
    for cut in (data[:-1], data[: len(data) // 2], both[:-100]):
        with pytest.raises(VerificationError, match="damaged Mach-O file"):
            read_binary(written(tmp_path, cut))


_SPOILED = (elf([C, "libm.so.6"], {C: ["GLIBC_2.34", "GLIBC_2.4"]}, soname="x"), pes.pe(["KERNEL32.dll", "ntdll.dll"]))


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whole=st.sampled_from(["elf", "pe", "macho", "fat"]),
    changes=st.lists(st.tuples(st.integers(4, 0x600), st.binary(min_size=1, max_size=8)), max_size=6),
    end=st.none() | st.floats(0, 1),
)
def test_damage_is_an_error_and_never_a_crash(
    tmp_path: Path, whole: str, changes: list[tuple[int, bytes]], end: float | None
) -> None:
    arm = macho("aarch64", "-s")
    wholes = {"elf": _SPOILED[0], "pe": _SPOILED[1], "macho": arm, "fat": fat.join([macho("x86_64", "-s"), arm])}
    data = bytearray(wholes[whole])
    for place, text in changes:
        data[place : place + len(text)] = text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read_binary(written(tmp_path, bytes(data if end is None else data[: int(len(data) * end)])))
        except VerificationError as error:
            assert "damaged" in error.message


def test_the_newest_of_versions() -> None:
    assert newest(["2.9", "2.34", "", "2.4"]) == "2.34"
    assert newest(["", ""]) == ""


def test_a_real_program_of_this_machine() -> None:
    host, found = host_platform(), read_binary(Path(sys.executable).resolve())
    assert found is not None
    assert (found.family, found.arch, found.kind) == (host.family, host.arch, "executable")


@pytest.mark.slow
def test_readelf_says_the_same_of_this_system_s_programs() -> None:
    compared = 0
    for path in sorted(Path("/usr/bin").iterdir()):
        if not path.is_file() or (found := read_binary(path)) is None or compared == 150:
            continue
        compared += 1
        said = subprocess.run(["readelf", "-hdlSVW", path], capture_output=True, text=True, check=True).stdout
        assert list(found.libraries) == re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", said), path
        needs = said.partition("Version needs section")[2]
        assert {name for names in found.versions.values() for name in names} == {
            name for name, flags in re.findall(r"Name: (\S+)\s+Flags: (\S+)", needs) if "WEAK" not in flags
        }, path
        assert [found.interpreter] == (re.findall(r"program interpreter: (.*)\]", said) or [""]), path
        assert found.pie == ("DYN" in said.partition("Type:")[2].partition("\n")[0]), path
        assert found.stripped == (" .symtab " not in said and " .debug_" not in said), path
    assert compared > 50
