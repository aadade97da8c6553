"""Unpacking in bounded memory: a few bytes that become very many are unpacked a little at a time."""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Callable

import brotli
import pytest
import zstandard

from slipway.verify.unpacking import Unpacked, gunzipped

SIZE = 192 << 20
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, 9),
    ".xz": lambda data: lzma.compress(data, preset=1),
    ".zst": lambda data: zstandard.ZstdCompressor(level=3).compress(data),
    ".br": lambda data: brotli.compress(data, quality=5),
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_bomb_is_unpacked_a_little_at_a_time(suffix: str) -> None:
    reader = Unpacked(io.BytesIO(PACKERS[suffix](bytes(SIZE))), suffix)
    buffer, seen, most = bytearray(1 << 20), 0, 0
    while read := reader.readinto(buffer):
        seen += read
        most = max(most, len(reader._rest))
    assert seen == SIZE
    assert most <= 33 << 20


def test_a_small_gzip_file_that_is_a_bomb_holds_nothing() -> None:
    assert gunzipped(gzip.compress(b"page")) == b"page"
    assert gunzipped(gzip.compress(bytes(20 << 20))) == b""
    assert gunzipped(b"nonsense") == b""
