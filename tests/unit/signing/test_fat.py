"""Fat files: written as lipo writes them, and read with care."""

from __future__ import annotations

import struct

import lief
import machos
import pytest

from slipway.signing import check_signature, fat
from slipway.signing.fat import is_fat, join, slices, split
from slipway.signing.macho import MachOError

ARM, INTEL = 0x0100000C, 0x01000007


def both() -> bytes:
    return join([machos.macho("aarch64"), machos.macho("x86_64")])


@pytest.mark.slow
@pytest.mark.req("S0-53")
def test_a_joined_file_as_another_reader_sees_it() -> None:
    data = both()
    found = lief.MachO.parse(list(data))
    assert found is not None
    assert [program.header.cpu_type for program in found] == [lief.MachO.Header.CPU_TYPE.X86_64, lief.MachO.Header.CPU_TYPE.ARM64]
    assert [program.fat_offset for program in found] == [4096, 32768]


@pytest.mark.slow
def test_alignment_order_and_padding() -> None:
    arm, intel = machos.macho("aarch64"), machos.macho("x86_64")
    data = join([arm, intel])
    assert data == join([intel, arm])
    assert [(each.cpu, each.offset % (1 << bits), each.size) for each, bits in zip(slices(data), (12, 14), strict=True)] == [
        (INTEL, 0, len(intel)),
        (ARM, 0, len(arm)),
    ]
    assert struct.unpack_from(">2I", data) == (0xCAFEBABE, 2)
    assert [struct.unpack_from(">5I", data, 8 + 20 * n) for n in range(2)] == [
        (INTEL, 3, 4096, len(intel), 12),
        (ARM, 0, 32768, len(arm), 14),
    ]
    first, second = slices(data)
    assert not any(data[48 : first.offset])
    assert not any(data[first.offset + first.size : second.offset])
    assert len(data) == second.offset + second.size
    assert split(data) == (intel, arm)


def test_one_program_may_be_in_a_fat_file() -> None:
    arm = machos.macho("aarch64")
    assert split(join([arm])) == (arm,) == split(arm)


@pytest.mark.parametrize(
    ("programs", "told"),
    [
        ([b"", b"x"], "not a thin 64-bit Mach-O"),
        ([b"\x7fELF" + bytes(60)], "not a thin 64-bit Mach-O"),
        ([b"\xcf\xfa\xed\xfe\x07"], "not a thin 64-bit Mach-O"),
        ([b"\xcf\xfa\xed\xfe\x12\0\0\1" + bytes(24)], "for the processor 0x1000012"),
    ],
)
def test_what_cannot_be_joined(programs: list[bytes], told: str) -> None:
    with pytest.raises(MachOError, match=told) as caught:
        join(programs)
    assert caught.value.hint


@pytest.mark.slow
def test_two_programs_for_one_processor_and_a_fat_one_are_refused() -> None:
    arm = machos.macho("aarch64")
    with pytest.raises(MachOError, match="for one processor"):
        join([arm, machos.macho("aarch64", "-dynamiclib")])
    with pytest.raises(MachOError, match="not a thin"):
        join([both(), arm])


def test_more_than_4_gib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fat, "LIMIT", 80_000)
    with pytest.raises(MachOError, match="less than 4 GiB"):
        both()


def field(number: int, place: int, value: int) -> bytes:
    data = bytearray(both())
    struct.pack_into(">I", data, 8 + 20 * number + place, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lambda: both()[:20], "header is too short"),
        (lambda: both()[:-1], "program number 2 is out of place"),
        (lambda: field(0, 8, 4097), "program number 1 is out of place"),
        (lambda: field(0, 8, 0), "program number 1 is out of place"),
        (lambda: field(1, 8, 16384), "program number 2 is out of place"),
        (lambda: field(1, 12, 0xFFFFFFFF), "program number 2 is out of place"),
        (lambda: field(1, 16, 40), "program number 2 is out of place"),
        (lambda: field(1, 0, INTEL), "two programs for one processor"),
        (lambda: b"\xca\xfe\xba\xbf" + both()[4:], "64-bit form"),
    ],
)
def test_a_damaged_fat_file_is_refused(data: object, told: str) -> None:
    made = data()  # type: ignore[operator]
    with pytest.raises(MachOError, match=told) as caught:
        slices(made)
    assert caught.value.hint
    assert check_signature(made).state == "broken"


def test_a_class_file_of_java_is_not_a_fat_file() -> None:
    assert not is_fat(b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(100))
    assert is_fat(both())
