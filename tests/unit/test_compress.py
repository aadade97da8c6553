"""Codecs: every reader gets the bytes back, and they are the same bytes each time."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import subprocess
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import splicing
from slipway.compress import CODECS, compressing, deflating, find_codec
from slipway.deflated import Shelf
from slipway.errors import UsageError
from slipway.files import CHUNK

READERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "xz": lzma.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
    "brotli": brotli.decompress,
}
PROGRAMS = {"gzip": "gzip", "xz": "xz", "zstd": "zstd", "brotli": "brotli"}
SAMPLE = b"".join(b"line %d of a text that repeats itself\n" % (number % 97) for number in range(9000))


def pack(name: str, data: bytes, compression: int = 6, piece: int = 1000) -> bytes:
    out = io.BytesIO()
    with compressing(name, out, compression=compression, size=len(data)) as sink:
        for start in range(0, len(data), piece):
            sink.write(data[start : start + piece])
    return out.getvalue()


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=5000), piece=st.integers(1, 700))
def test_what_is_packed_comes_back(name: str, data: bytes, piece: int) -> None:
    assert READERS[name](pack(name, data, 3, piece)) == data


@pytest.mark.req("S0-51")
@pytest.mark.parametrize("compression", range(1, 13))
@pytest.mark.parametrize("name", CODECS)
def test_every_level_of_every_codec_can_be_read(name: str, compression: int) -> None:
    packed = pack(name, SAMPLE, compression)
    assert READERS[name](packed) == SAMPLE
    assert len(packed) < len(SAMPLE) / 5


@pytest.mark.parametrize("name", CODECS)
def test_the_bytes_do_not_depend_on_how_they_arrive_nor_on_threads(name: str) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(pack(name, SAMPLE, 6, 77))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {pack(name, SAMPLE, 6, 100_000)}


def test_gzip_is_one_member_without_name_or_time() -> None:
    packed = pack("gzip", SAMPLE)
    assert packed[:4] == b"\x1f\x8b\x08\x00"
    assert packed[4:8] == bytes(4)
    assert packed[9] == 255
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(packed) == SAMPLE
    assert reader.unused_data == b""


def test_what_was_packed_at_once_is_written_in_pieces() -> None:
    """Else a temporary file that begins in memory would hold all of it there."""
    sizes: list[int] = []

    class Counting(io.BytesIO):
        def write(self, data: Any, /) -> int:
            sizes.append(len(data))
            return super().write(data)

    data, out = os.urandom(3_000_000), Counting()
    with compressing("gzip", out, compression=1, size=len(data)) as packed:
        packed.write(data)
    assert gzip.decompress(out.getvalue()) == data
    assert max(sizes) <= CHUNK


def test_zstd_says_its_size_and_carries_a_checksum() -> None:
    parameters = zstandard.get_frame_parameters(pack("zstd", SAMPLE))
    assert parameters.content_size == len(SAMPLE)
    assert parameters.has_checksum


def test_xz_carries_crc64() -> None:
    reader = lzma.LZMADecompressor()
    reader.decompress(pack("xz", SAMPLE))
    assert reader.check == lzma.CHECK_CRC64


@pytest.mark.parametrize("size", [0, 10, 5000, splicing.SPLICED_FROM, len(SAMPLE)])
@pytest.mark.parametrize("kept", [False, True])
def test_deflated_files_come_back(size: int, kept: bool, tmp_path: Path) -> None:
    data = SAMPLE[:size]
    with deflating(lambda: iter((data[:7], data[7:])), size, 6, sha256="0", shelf=Shelf(tmp_path) if kept else None) as deflated:
        packed = b"".join(bytes(part) for part in deflated.packed)
    assert len(packed) == deflated.packed_size
    assert deflated.crc == zlib.crc32(data)
    assert deflated.size == size
    assert (zlib.decompress(packed, -15) if deflated.method == 8 else packed) == data


def test_what_does_not_shrink_is_stored() -> None:
    data = bytes(range(256))
    with deflating(lambda: (data,), 256, 12) as deflated:
        assert (deflated.method, deflated.packed_size) == (0, 256)


@pytest.mark.parametrize("compression", [0, 13, -1])
def test_a_level_out_of_range_is_refused(compression: int) -> None:
    with pytest.raises(UsageError, match="1 to 12"):
        pack("xz", b"x", compression)


def test_an_unknown_codec_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="gzip, xz, zstd"):
        find_codec("lz4")


@pytest.mark.parametrize("name", CODECS)
def test_levels_never_fall(name: str) -> None:
    levels = CODECS[name].levels
    assert len(levels) == 12
    assert list(levels) == sorted(levels)


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
def test_the_usual_programs_read_it(name: str) -> None:
    done = subprocess.run([PROGRAMS[name], "-dc"], input=pack(name, SAMPLE), capture_output=True, check=True)
    assert done.stdout == SAMPLE
