"""The parts of the format that a small package does not show: big files, signatures, limits."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

import sample
from slipway.errors import SlipwayError
from slipway.packagers.entries import Entry
from slipway.packagers.rpm.assembly import Payload, Plan, main_header
from slipway.packagers.rpm.cpio import Summed, cpio_size, write_cpio
from slipway.packagers.rpm.facts import facts_of
from slipway.packagers.rpm.header import algorithm_of, lead, signature_header
from slipway.packagers.rpm.items import listed
from slipway.packagers.rpm.needs import abilities
from slipway.verify.rpm_format import MAIN, SIGNATURE, parse_header

G4 = 1 << 32


class Counted:
    """A sink that keeps the beginning only."""

    def __init__(self) -> None:
        self.head, self.size = b"", 0

    def write(self, data: bytes | memoryview, /) -> object:
        self.head += bytes(data[: max(0, 4096 - len(self.head))])
        self.size += len(data)
        return len(data)


class Endless(Entry):
    """A file with a size and no bytes of its own."""

    def chunks(self) -> Iterator[bytes]:
        block = bytes(1 << 26)
        left = self.size
        while left:
            yield block[: min(left, len(block))]
            left -= min(left, len(block))


class Fast(Summed):
    """The sums of files of gigabytes matter to nobody here."""

    def file(self, entry: Entry) -> None:
        for chunk in entry.chunks():
            self._out.write(chunk)


def plan_of(tmp_path: Path, *entries: Entry) -> Plan:
    made = sample.release(tmp_path)
    facts, items = facts_of(made, made.variants[0], "x86_64"), listed(entries)
    needs = tuple(abilities(facts, items, "gzip"))
    return Plan(facts=facts, items=items, requires=needs, provides=(), scripts={}, epoch=sample.EPOCH)


PAYLOAD = Payload(codec="gzip", level=6, sha256="0" * 64, unpacked_sha256="1" * 64)


def test_a_file_over_four_gigabytes_is_found_by_its_number(tmp_path: Path) -> None:
    big = Endless(path="usr/share/hello/big", mode=0o644, size=G4 + 1)
    small = Entry(path="usr/share/hello/small", mode=0o644, size=3, data=b"abc")
    plan = plan_of(tmp_path, big, small)
    header = parse_header(main_header(plan, PAYLOAD), MAIN)
    assert header.list(5008) == (0, G4 + 1, 3)
    assert header.number(5009) == G4 + 4
    assert not {1028, 1009} & set(header.tags)
    assert "rpmlib(LargeFiles)" in header.list(1049)
    packed = [(number, item.entry) for number, item in enumerate(plan.items)]
    out = Counted()
    write_cpio(Fast(out), packed, epoch=sample.EPOCH)
    assert out.size == cpio_size(packed)
    assert out.head.startswith(b"07070X00000000\0\x0007070X00000001\0\0")


def test_a_file_just_under_four_gigabytes_is_an_ordinary_one(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, Entry(path="usr/share/hello/big", mode=0o644, size=G4 - 1))
    header = parse_header(main_header(plan, PAYLOAD), MAIN)
    assert header.list(1028) == (0, G4 - 1)
    assert "rpmlib(LargeFiles)" not in header.list(1049)


def test_many_files_may_be_over_four_gigabytes_together(tmp_path: Path) -> None:
    header = parse_header(
        main_header(
            plan_of(tmp_path, *(Entry(path=f"usr/share/hello/{name}", mode=0o644, size=G4 - 1) for name in "ab")), PAYLOAD
        ),
        MAIN,
    )
    assert header.number(5009) == 2 * G4 - 2
    assert header.list(1028) == (0, G4 - 1, G4 - 1)


@pytest.mark.parametrize(
    ("size", "unpacked", "tags"),
    [
        (100, 200, {1000, 1007}),
        (100, G4, {1000, 271}),
        (G4, G4, {270, 271}),
        (G4 - 4, 200, {270, 1007}),
        (G4 - 5, 200, {1000, 1007}),
    ],
)
def test_sizes_that_four_bytes_cannot_hold_get_eight(size: int, unpacked: int, tags: set[int]) -> None:
    raw = signature_header(b"main", (), size=size, unpacked=unpacked, signature=b"")
    found = parse_header(raw[: len(raw) - len(raw) % 8], SIGNATURE)
    assert {270, 271, 1000, 1007} & set(found.tags) == tags
    assert found.number(1000, 270) == size + 4
    assert found.text(273) == hashlib.sha256(b"main").hexdigest()
    assert len(raw) % 8 == 0


@pytest.mark.parametrize(
    ("head", "number", "tag"),
    [
        (b"\x88\x75\x04\x00\x16\x08", 22, 267),  # old form, one byte of length; EdDSA
        (b"\x89\x01\x33\x04\x00\x01\x08", 1, 268),  # two bytes; RSA
        (b"\x8a\0\0\0\x05\x04\x00\x11\x08", 17, 267),  # four bytes; DSA
        (b"\xc2\x75\x04\x00\x16\x08", 22, 267),  # new form
        (b"\xc2\xc0\x01\x04\x00\x01\x08", 1, 268),
        (b"\xc2\xff\0\0\0\x05\x04\x00\x13\x08", 19, 267),  # ECDSA
    ],
)
def test_a_signature_is_kept_under_the_tag_of_its_algorithm(head: bytes, number: int, tag: int) -> None:
    signature = head + bytes(100)
    assert algorithm_of(signature) == number
    found = parse_header(signature_header(b"main", (), size=1, unpacked=1, signature=signature), SIGNATURE)
    assert found.tags[tag] == signature


@pytest.mark.parametrize(
    "signature",
    [b"", b"\x88", b"\x88\x75\x05\x00\x16\x08", b"\xc2\x75\x06\x00\x1b\x08", b"\xc6\x75\x04\x00\x16\x08", b"-----BEGIN"],
)
def test_what_rpm_could_not_read_is_no_signature(signature: bytes) -> None:
    with pytest.raises(SlipwayError, match="rpm cannot read"):
        algorithm_of(signature)


def test_a_long_name_is_cut_in_the_lead_only() -> None:
    found = lead("x" * 300, "aarch64")
    assert len(found) == 96
    assert found[10:76] == b"x" * 65 + b"\0"


def test_texts_with_a_nul_are_refused(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", maintainer="a\0b"))
    facts = facts_of(made, made.variants[0], "x86_64")
    plan = Plan(facts=facts, items=(), requires=(), provides=(), scripts={}, epoch=0)
    with pytest.raises(SlipwayError, match="cannot hold a NUL"):
        main_header(plan, PAYLOAD)


def test_a_ghost_is_in_the_header_alone() -> None:
    items = listed([], ["/var/log/hello.log"])
    assert [item.is_packed for item in items] == [False]
    out = io.BytesIO()
    write_cpio(Summed(out), [(number, item.entry) for number, item in enumerate(items) if item.is_packed], epoch=0)
    assert b"hello.log" not in out.getvalue()
