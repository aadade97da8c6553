"""The last touch to a built program, by platform."""

from __future__ import annotations

import struct

import machos
import pytest

from slipway.errors import SlipwayError
from slipway.platforms import PLATFORMS
from slipway.signing import check_signature, sealed
from slipway.signing.adhoc import sign
from slipway.signing.fat import join

MAC = PLATFORMS["macos-arm64"]


def certified(data: bytes) -> bytes:
    """A signed program with something in the CMS wrapper, as a certificate's signature would be."""
    found = machos.code_directory(data)
    place = found["offset"] + found["blob"].index(bytes.fromhex("fade0b01 00000008"))
    room = len(data) - place
    assert room >= 9
    data = data[: place + 4] + struct.pack(">I", 9) + b"\1" + data[place + 9 :]
    length = found["length"] + 1
    return data[: found["offset"] + 4] + struct.pack(">I", length) + data[found["offset"] + 8 :]


def changed(data: bytes) -> bytes:
    return data[:6000] + bytes([data[6000] ^ 1]) + data[6001:]


def signed_with_room() -> bytes:
    names = ("hello" + "x" * n for n in range(16))
    return next(data for name in names if len(data := sign(machos.macho("x86_64"), name)) - _end(data) >= 1)


def _end(data: bytes) -> int:
    found = machos.code_directory(data)
    return int(found["offset"] + found["length"])


@pytest.mark.parametrize("cpu", ["aarch64", "x86_64"])
def test_a_program_for_macos_is_signed_once(cpu: str) -> None:
    made = sealed(machos.macho(cpu), MAC, "hello")
    found = check_signature(made)
    assert (found.state, found.linker, found.identifier) == ("adhoc", False, "hello")
    assert sealed(made, MAC, "hello") == made


def test_a_signature_that_stripping_broke_is_made_again() -> None:
    broken = changed(machos.macho("aarch64"))
    assert check_signature(broken).state == "broken"
    assert check_signature(sealed(broken, MAC, "hello")).state == "adhoc"


def test_what_is_signed_on_purpose_is_kept() -> None:
    by_hand = sign(machos.macho("x86_64"), "org.example.hello")
    assert sealed(by_hand, MAC, "hello") == by_hand
    bought = certified(signed_with_room())
    assert check_signature(bought).state == "valid"
    assert sealed(bought, MAC, "hello") == bought
    both = sealed(join([machos.macho("aarch64"), bought]), MAC, "hello")
    assert both == join([sign(machos.macho("aarch64"), "hello"), bought])


def test_a_certificates_signature_is_never_replaced_in_silence() -> None:
    with pytest.raises(SlipwayError, match="changed after it was signed") as caught:
        sealed(changed(certified(signed_with_room())), MAC, "hello")
    assert "hello for macos-arm64 cannot be signed" in caught.value.message
    assert "strip it first" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("platform", "data"),
    [
        ("macos-arm64", b"#!/bin/sh\necho hello\n"),
        ("macos-arm64", b""),
        ("macos-arm64", b"\xca\xfe\xba\xbe\0\0\0\x37\0\x10class of Java"),
        ("macos-arm64", b"\x7fELF" + bytes(60)),
        ("macos-arm64", b"\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\1\0\0\0" + bytes(16)),  # an object file
        ("linux-amd64", b"\x7fELF" + bytes(60)),
        ("windows-amd64", b"MZ" + bytes(60)),
    ],
)
def test_everything_else_stays_as_it_is(platform: str, data: bytes) -> None:
    assert sealed(data, PLATFORMS[platform], "hello") == data


def test_a_damaged_program_is_named() -> None:
    with pytest.raises(SlipwayError, match="hello for macos-arm64 cannot be signed: it is damaged"):
        sealed(machos.macho("aarch64")[:-100], MAC, "hello")
