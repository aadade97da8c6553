"""Deflate streams laid end to end: every reader takes them for one, whatever was compressed and where its bits end."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise
from pathlib import Path

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import splicing
from slipway.splicing import END, combined_crc, in_pieces, joinable

PROGRAM = Path(lief.__file__).with_name("_lief.so").read_bytes()[: 3 << 20]


def inflated(stream: bytes) -> bytes:
    """What zlib makes of a stream, which has to end where it ends."""
    reader = zlib.decompressobj(-15)
    found = reader.decompress(stream)
    assert reader.eof
    assert reader.unused_data == b""
    return found


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.binary(max_size=300), max_size=5), level=st.integers(1, 12))
def test_streams_follow_each_other(parts: list[bytes], level: int) -> None:
    stream = b"".join(joinable(part, level) for part in parts) + END
    assert inflated(stream) == b"".join(parts)


@pytest.mark.parametrize("level", [1, 6, 9, 12])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(1_000_000),
        random.Random(1).randbytes(200_000),
        bytes(random.Random(2).choices(b"ab", k=300_000)),
        PROGRAM[: 1 << 20],
        # Blocks that are stored, between others.
        PROGRAM[:70_000] + random.Random(3).randbytes(150_000) + PROGRAM[70_000:140_000],
    ],
    ids=["nothing", "zeros", "noise", "two letters", "program", "mixed"],
)
def test_every_kind_of_block_can_be_the_last(data: bytes, level: int) -> None:
    made = joinable(data, level)
    assert inflated(bytes(made + made) + END) == data + data


def test_all_ends_of_a_program_can_be_followed() -> None:
    for size in range(5000, 5064):
        assert inflated(bytes(joinable(PROGRAM[:size], 6)) + END) == PROGRAM[:size]


def test_a_program_is_not_bigger_for_it() -> None:
    import deflate

    assert len(joinable(PROGRAM, 6)) <= len(deflate.deflate_compress(PROGRAM, 6)) + 5


@settings(max_examples=60, deadline=None)
@given(first=st.binary(max_size=200), second=st.binary(max_size=200))
def test_checksums_of_two_parts_make_that_of_the_whole(first: bytes, second: bytes) -> None:
    assert combined_crc(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_checksums_of_long_parts_are_combined_too() -> None:
    zeros = 5 << 30
    crc = zlib.crc32(b"x")
    for _ in range(5):
        crc = combined_crc(crc, zlib.crc32(bytes(1 << 20)), 1 << 20)
    assert crc == zlib.crc32(b"x" + bytes(5 << 20))
    # Twice the half is the whole, also beyond 4 GiB.
    half = combined_crc(0, combined_crc(zlib.crc32(b"y"), 0, zeros // 2), 0)
    assert combined_crc(half, 0, zeros // 2) == combined_crc(zlib.crc32(b"y"), 0, zeros)


@given(sizes=st.lists(st.integers(0, 9), max_size=30))
def test_pieces_do_not_depend_on_how_the_bytes_arrive(sizes: list[int]) -> None:
    data = bytes(range(sum(sizes)))
    places = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    chunks = [data[start:end] for start, end in pairwise(places)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splicing, "PIECE", 7)
        found = [bytes(piece) for piece in in_pieces(chunks)]
    assert found == [data[start : start + 7] for start in range(0, len(data), 7)]
