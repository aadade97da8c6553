"""Ad hoc signatures: made right, found broken when they are, refused where they cannot be made."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from typing import Any

import machos
import pytest

from slipway.signing import check_signature
from slipway.signing.adhoc import sign
from slipway.signing.fat import join
from slipway.signing.macho import MachOError

# The programs that are signed here are made by a compiler.
pytestmark = pytest.mark.slow

CPUS = ("aarch64", "x86_64")
KINDS = [(cpu, options) for cpu in CPUS for options in ((), ("-dynamiclib",))]


def commands(data: bytes) -> dict[int, int]:
    """Where the first load command of each kind begins."""
    found: dict[int, int] = {}
    at = 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        kind, size = struct.unpack_from("<2I", data, at)
        found.setdefault(kind, at)
        at += size
    return found


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def bigger(size: int) -> str:
    return machos.SOURCE + f"const char filler[{size}] = {{1}};\nconst char *use(int n) {{ return filler + n; }}\n"


@pytest.mark.parametrize(("cpu", "options"), KINDS)
def test_a_signed_program_as_other_readers_see_it(cpu: str, options: tuple[str, ...]) -> None:
    plain = machos.macho(cpu, *options)
    data = sign(plain, "hello")
    read, found = machos.parsed(data), machos.code_directory(data)
    assert found["slots"] == [0, 2, 0x10000]
    assert found["magics"] == ["fade0c02", "fade0c01", "fade0b01"]
    assert (found["version"], found["flags"], found["kind"], found["page"]) == (0x20400, 0x2, (32, 2), 4096)
    assert found["identifier"] == "hello"
    assert found["pages"] == machos.recomputed(data)
    requirements = bytes.fromhex("fade0c01 0000000c 00000000")
    assert found["specials"] == [bytes(32), hashlib.sha256(requirements).digest()]
    text = read.get_segment("__TEXT")
    assert found["exec"] == (text.file_offset, text.file_size, 0 if options else 1)
    assert found["limit"] == found["offset"]
    assert found["offset"] % 16 == found["size"] % 16 == 0
    assert found["size"] - 16 < found["length"] <= found["size"]
    assert found["offset"] + found["size"] == len(data)
    linkedit = read.get_segment("__LINKEDIT")
    assert linkedit.file_offset + linkedit.file_size == len(data)
    assert 0 <= linkedit.virtual_size - linkedit.file_size < (16384 if cpu == "aarch64" else 4096)
    assert linkedit.virtual_size % (16384 if cpu == "aarch64" else 4096) == 0


@pytest.mark.parametrize(("cpu", "options"), KINDS)
def test_signing_changes_nothing_but_what_tells_of_the_signature(cpu: str, options: tuple[str, ...]) -> None:
    plain = machos.macho(cpu, *options)
    data = sign(plain, "hello")
    at = commands(data)
    linkedit = machos.parsed(data).get_segment("__LINKEDIT").command_offset
    told = {*range(16, 24), *range(at[0x1D], at[0x1D] + 16), *range(linkedit + 32, linkedit + 40)}
    told |= set(range(linkedit + 48, linkedit + 56))
    end = machos.code_directory(data)["offset"]
    before = plain[:end].ljust(end, b"\0")
    assert {place for place in range(end) if before[place] != data[place]} <= told
    assert len(commands(data)) == len(commands(plain)) + (0x1D not in commands(plain))


def test_the_same_digests_as_the_linker_that_signed_it() -> None:
    """zig's linker signs for Apple's processors: same limit, same digests of all pages that the signature does not change."""
    plain = machos.macho("aarch64")
    theirs, ours = machos.code_directory(plain), machos.code_directory(sign(plain, "hello"))
    assert theirs["pages"] == machos.recomputed(plain, theirs["page"])
    assert (ours["offset"], ours["limit"], ours["exec"]) == (theirs["offset"], theirs["limit"], theirs["exec"])
    data = sign(plain, "hello")
    again = [
        hashlib.sha256(data[at : at + theirs["page"]][: ours["limit"] - at]).digest()
        for at in range(0, ours["limit"], theirs["page"])
    ]
    # The first page holds the load commands, which say how long the signature is.
    assert again[1:] == theirs["pages"][1:]


@pytest.mark.parametrize("cpu", CPUS)
def test_signing_again_changes_nothing(cpu: str) -> None:
    once = sign(machos.macho(cpu), "hello")
    assert sign(once, "hello") == once
    assert sign(sign(once, "a-much-longer-name-than-that"), "hello") == once


@pytest.mark.parametrize("size", [1, 100_000, 3_000_001])
def test_programs_of_any_size(size: int) -> None:
    data = sign(machos.macho("x86_64", source=bigger(size)), "hello")
    assert machos.code_directory(data)["pages"] == machos.recomputed(data)
    assert check_signature(data).state == "adhoc"


def test_what_is_found_of_a_signature() -> None:
    arm, intel = machos.macho("aarch64"), machos.macho("x86_64")
    states = {
        "linked": check_signature(arm),
        "unsigned": check_signature(intel),
        "signed": check_signature(sign(intel, "hello")),
        "half": check_signature(join([arm, intel])),
        "both": check_signature(join([arm, sign(intel, "hello")])),
        "script": check_signature(b"#!/bin/sh\n"),
    }
    assert {name: (found.state, found.linker) for name, found in states.items()} == {
        "linked": ("adhoc", True),
        "unsigned": ("none", False),
        "signed": ("adhoc", False),
        "half": ("none", False),
        "both": ("adhoc", False),
        "script": ("none", False),
    }


def test_a_fat_file_is_signed_program_by_program() -> None:
    arm, intel = machos.macho("aarch64"), machos.macho("x86_64")
    assert sign(join([arm, intel]), "hello") == join([sign(arm, "hello"), sign(intel, "hello")])


@pytest.mark.parametrize("cpu", CPUS)
def test_every_changed_byte_is_found(cpu: str) -> None:
    data = sign(machos.macho(cpu), "hello")
    end = machos.code_directory(data)["limit"]
    for place in (*range(40, end, 997), end - 1):
        assert check_signature(patched(data, place, bytes([data[place] ^ 1]))).state == "broken", place


def _behind(data: bytes) -> bytes:
    return data + b"appended"


def _without_end(data: bytes) -> bytes:
    return data[:-16]


def _other_limit(data: bytes) -> bytes:
    start = machos.code_directory(data)["offset"] + 36
    return patched(data, start + 32, struct.pack(">I", 4096))


def _other_requirements(data: bytes) -> bytes:
    found = machos.code_directory(data)
    place = found["offset"] + found["blob"].index(bytes.fromhex("fade0c01"))
    return patched(data, place + 8, b"\0\0\0\1")


def _no_flags(data: bytes) -> bytes:
    return patched(data, machos.code_directory(data)["offset"] + 36 + 12, bytes(4))


def _no_magic(data: bytes) -> bytes:
    return patched(data, machos.code_directory(data)["offset"], bytes(4))


def _too_many_pages(data: bytes) -> bytes:
    return patched(data, machos.code_directory(data)["offset"] + 36 + 28, b"\x7f\xff\xff\xff")


def _blob_outside(data: bytes) -> bytes:
    return patched(data, machos.code_directory(data)["offset"] + 16, b"\x7f\xff\xff\xff")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_behind, "behind its code signature"),
        (_without_end, "ends inside its segment __LINKEDIT"),
        (_other_limit, "covers 4096 bytes"),
        (_other_requirements, "part 2 of its code signature was changed"),
        (_no_flags, "neither signed ad hoc nor with a certificate"),
        (_no_magic, "does not begin as one"),
        (_too_many_pages, "no room for its digests"),
        (_blob_outside, "out of place"),
    ],
)
def test_a_broken_signature_is_explained(change: Callable[[bytes], bytes], told: str) -> None:
    found = check_signature(change(sign(machos.macho("x86_64"), "hello")))
    assert found.state == "broken"
    assert told in found.reason


def _full(data: bytes) -> bytes:
    """No byte is left behind the load commands."""
    end = 32 + struct.unpack_from("<I", data, 20)[0]
    return patched(data, end, b"\1")


def _tight(data: bytes) -> bytes:
    """The first section begins 8 bytes behind the load commands."""
    end = 32 + struct.unpack_from("<I", data, 20)[0]
    text = machos.parsed(data).get_segment("__TEXT").command_offset
    return patched(data, text + 72 + 48, struct.pack("<I", end + 8))


def _command(kind: int, value: bytes, at: int = 4) -> Callable[[bytes], bytes]:
    return lambda data: patched(data, commands(data)[kind] + at, value)


def _renamed(data: bytes) -> bytes:
    return data.replace(b"__LINKEDIT", b"__LINKEDAT")


def _swapped(data: bytes) -> bytes:
    linkedit = machos.parsed(data).get_segment("__LINKEDIT").command_offset
    return patched(data, linkedit + 40, struct.pack("<2Q", 0, 16))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[:20], "its header is not"),
        (lambda data: data[:200], "ends inside its load commands"),
        (lambda data: data[:-1], "ends inside its segment __LINKEDIT"),
        (_behind, "8 bytes behind its last segment"),
        (_full, "no room for the load command"),
        (_tight, "no room for the load command"),
        (_command(0x19, struct.pack("<I", 0)), "has the size 0"),
        (_command(0x19, struct.pack("<I", 73)), "has the size 73"),
        (_command(0x19, struct.pack("<I", 0xFFFFFFF8)), "has the size 4294967288"),
        (_command(0x19, struct.pack("<I", 99), at=64), "has no room for 99 sections"),
        (lambda data: patched(data, 16, b"\xff\xff\xff\0"), "has the size 0"),
        (lambda data: patched(data, 16, b"\1\0\0\0"), "shorter than its header says"),
        (_renamed, "no segment __LINKEDIT"),
        (_swapped, "is not the last one"),
    ],
)
def test_what_cannot_be_signed_is_refused_with_the_reason(change: Callable[[bytes], bytes], told: str) -> None:
    data = change(machos.macho("x86_64"))
    with pytest.raises(MachOError, match=told) as caught:
        sign(data, "hello")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_command(0x1D, struct.pack("<2I", 64, 16), at=8), "not at its end"),
        (_command(0x1D, struct.pack("<2I", 0xFFFFFFF0, 16), at=8), "ends inside its code signature"),
        (_command(0x1D, struct.pack("<I", 24)), "code signature has the size 24|has the size"),
    ],
)
def test_a_signature_in_the_wrong_place_is_refused(change: Callable[[bytes], bytes], told: str) -> None:
    data = change(machos.macho("aarch64"))
    with pytest.raises(MachOError, match=told):
        sign(data, "hello")
    assert check_signature(data).state == "broken"


def test_no_damage_makes_the_reader_fail_otherwise() -> None:
    """Whatever the bytes are, there is an answer: cut and changed everywhere in header, load commands and signature."""
    data = sign(machos.macho("x86_64"), "hello")
    length = 32 + struct.unpack_from("<I", data, 20)[0]
    start = machos.code_directory(data)["offset"]
    places: list[Any] = [*range(4, length, 3), *range(start, len(data), 3)]
    for place in places:
        for value in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
            check_signature(patched(data, place, value)[: len(data)])
        assert check_signature(data[:place]).state in {"broken", "none"}
