"""Programs are known by their first bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slipway.build.executable import check_executable, identify
from slipway.errors import SlipwayError
from slipway.platforms import DOCUMENTED, PLATFORMS, host_platform


def elf(machine: int, system: int = 0) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes([system]) + bytes(8) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def noted(machine: int) -> bytes:
    """A FreeBSD program as zig links it: only a note tells the system."""
    note = b"\x08\0\0\0\x04\0\0\0\x01\0\0\0FreeBSD\0" + (1400500).to_bytes(4, "little")
    head = bytearray(elf(machine).ljust(64, b"\0"))
    head[32:40] = (64).to_bytes(8, "little")
    head[54:58] = (56).to_bytes(2, "little") + (2).to_bytes(2, "little")
    load = (1).to_bytes(4, "little") + bytes(52)
    place = [
        (4).to_bytes(4, "little"),
        bytes(4),
        (8000).to_bytes(8, "little"),
        bytes(16),
        len(note).to_bytes(8, "little"),
        bytes(16),
    ]
    return (bytes(head) + load + b"".join(place)).ljust(8000, b"\0") + note


def macho(machine: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + machine.to_bytes(4, "little") + bytes(24)


def pe(machine: int) -> bytes:
    return b"MZ" + bytes(58) + (0x80).to_bytes(4, "little") + bytes(64) + b"PE\0\0" + machine.to_bytes(2, "little") + bytes(18)


HEADS = {
    "linux-amd64": elf(62),
    "linux-arm64": elf(183),
    "freebsd-amd64": elf(62, 9),
    "freebsd-amd64 by its note": noted(62),
    "macos-amd64": macho(0x01000007),
    "macos-arm64": macho(0x0100000C),
    "windows-amd64": pe(0x8664),
}


@pytest.mark.req("S0-53")
@pytest.mark.parametrize("made", HEADS)
@pytest.mark.parametrize("wanted", DOCUMENTED)
def test_a_program_passes_on_its_own_platform_alone(tmp_path: Path, made: str, wanted: str) -> None:
    path = tmp_path / "program"
    path.write_bytes(HEADS[made])
    made_for = made.split(maxsplit=1)[0]
    if made_for == wanted:
        check_executable(path, PLATFORMS[wanted], "component x")
    else:
        with pytest.raises(SlipwayError, match=r"component x: .*program is a program for") as refused:
            check_executable(path, PLATFORMS[wanted], "component x")
        assert PLATFORMS[made_for].family in refused.value.message


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"MZ", b"MZ" + bytes(100), b"\x7fELF", b"text", b"\xca\xfe\xba\xbe"])
def test_anything_else_is_no_machine_code(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert identify(path) is None


def test_a_real_program_of_this_machine() -> None:
    host = host_platform()
    assert identify(Path(sys.executable)) == (host.family, host.arch)
