"""The one door to compression: codecs by name, the same bytes for the same input on every machine.

libdeflate makes gzip and zip: 3.6 times faster than zlib at level 6, smaller than zlib at level 9, and its bytes do not
depend on the CPU. It wants the whole input at once; above `ONE_SHOT` bytes zlib streams instead, so that memory stays
bounded. Which of the two is used follows from the size alone.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from slipway.errors import UsageError
from slipway.files import CHUNK

if TYPE_CHECKING:
    from types import ModuleType

ONE_SHOT: Final = 1 << 29  # takes at most twice as much memory: the input and the output
_STORED, _DEFLATED = 0, 8
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, system unknown


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""


class Stream(Sink, Protocol):
    """A compressor between a writer and a sink."""

    def finish(self) -> None:
        """Write what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One kind of compression; `levels` gives the library's level for each of the project's levels 1 to 12."""

    name: str
    suffix: str
    media_type: str
    levels: tuple[int, ...]
    library: Callable[[int], tuple[str, str]]
    start: Callable[[Sink, int, int], Stream]

    def level(self, compression: int) -> int:
        """The library's own level for a project's compression."""
        if not 1 <= compression <= len(self.levels):
            raise UsageError(f"compression {compression} is not one of 1 to {len(self.levels)}", hint="6 is a good choice")
        return self.levels[compression - 1]

    def tools(self, compression: int, size: int) -> dict[str, str]:
        """What decides the bytes of `size` bytes compressed, for the manifest: library, version and level."""
        name, version = self.library(size)
        return {name: f"{version}, level {self._used(compression, size)}"}

    def _used(self, compression: int, size: int) -> int:
        level = self.level(compression)
        return min(level, 9) if self.name == "gzip" and size > ONE_SHOT else level


@contextmanager
def compressing(name: str, out: Sink, *, compression: int, size: int) -> Iterator[Sink]:
    """Give a sink that compresses into another; exactly `size` bytes are to be written to it."""
    codec = find_codec(name)
    stream = codec.start(out, codec.level(compression), size)
    yield stream
    stream.finish()


def find_codec(name: str) -> Codec:
    """Return the codec of a name; raises UsageError for one that is not known."""
    if name not in CODECS:
        raise UsageError(f"unknown compression {name!r}", hint=f"valid are {', '.join(CODECS)}")
    return CODECS[name]


@dataclass(frozen=True, slots=True)
class Deflated:
    """What zip keeps of a file: its bytes, deflated (8) or, where that saves nothing, stored (0), and their measures."""

    method: int
    crc: int
    size: int
    packed_size: int
    packed: Iterable[bytes | memoryview]


@contextmanager
def deflating(chunks: Iterable[bytes], size: int, compression: int) -> Iterator[Deflated]:
    """Deflate the chunks of one file of `size` bytes; what comes out is to be used inside the block."""
    level = CODECS["gzip"].level(compression)
    if size > ONE_SHOT:
        with tempfile.TemporaryFile() as spool:
            yield _deflate_streaming(chunks, level, spool)
    else:
        import deflate

        data = b"".join(chunks)
        packed = memoryview(deflate.deflate_compress(data, level))
        method, kept = (_DEFLATED, packed) if len(packed) < len(data) else (_STORED, memoryview(data))
        yield Deflated(method, deflate.crc32(data), len(data), len(kept), (kept,))


def _deflate_streaming(chunks: Iterable[bytes], level: int, spool: Any) -> Deflated:
    packer = zlib.compressobj(min(level, 9), zlib.DEFLATED, -zlib.MAX_WBITS)
    crc = size = 0
    for chunk in chunks:
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
        spool.write(packer.compress(chunk))
    spool.write(packer.flush())
    packed_size = spool.tell()
    spool.seek(0)
    return Deflated(_DEFLATED, crc, size, packed_size, iter(lambda: spool.read(CHUNK), b""))


class _GzipAtOnce:
    """Keep all until the end, then let libdeflate see it whole."""

    def __init__(self, out: Sink, level: int, size: int) -> None:
        self._out, self._level, self._data, self._end = out, level, bytearray(size), 0

    def write(self, data: bytes | memoryview, /) -> object:
        end = self._end + len(data)
        self._data[self._end : end] = data
        self._end = end
        return len(data)

    def finish(self) -> None:
        import deflate

        with memoryview(self._data)[: self._end] as data:
            packed = memoryview(deflate.gzip_compress(data, self._level))
        self._data = bytearray()
        # In pieces: a sink that keeps a little in memory must not get all at once.
        for start in range(0, len(packed), CHUNK):
            self._out.write(packed[start : start + CHUNK])


class _GzipStreaming:
    """One gzip member by zlib, for what is too big to keep."""

    def __init__(self, out: Sink, level: int) -> None:
        self._out, self._crc, self._size = out, 0, 0
        self._packer = zlib.compressobj(min(level, 9), zlib.DEFLATED, -zlib.MAX_WBITS)
        out.write(_GZIP_HEADER)

    def write(self, data: bytes | memoryview, /) -> object:
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        return self._out.write(self._packer.compress(data))

    def finish(self) -> None:
        self._out.write(self._packer.flush())
        self._out.write(self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little"))


class _Library:
    """A compressor object of a library, as a stream."""

    def __init__(self, out: Sink, packer: Any) -> None:
        self._out, self._packer = out, packer

    def write(self, data: bytes | memoryview, /) -> object:
        return self._out.write(self._packer.compress(data))

    def finish(self) -> None:
        self._out.write(self._packer.flush())


def _gzip(out: Sink, level: int, size: int) -> Stream:
    return _GzipStreaming(out, level) if size > ONE_SHOT else _GzipAtOnce(out, level, size)


def _xz(out: Sink, level: int, _size: int) -> Stream:
    import lzma

    return _Library(out, lzma.LZMACompressor(lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=level))


def _zstd(out: Sink, level: int, size: int) -> Stream:
    import zstandard

    # One thread: with more, the frame's bytes would depend on how many there are.
    packer = zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True, threads=0)
    return _Library(out, packer.compressobj(size=size))


def _gzip_library(size: int) -> tuple[str, str]:
    if size > ONE_SHOT:
        return "zlib", zlib.ZLIB_RUNTIME_VERSION
    import deflate

    return "libdeflate", f"deflate {deflate.__version__}"


def _xz_library(_size: int) -> tuple[str, str]:
    import _lzma

    return "liblzma", _liblzma_version(_lzma)


def _liblzma_version(module: ModuleType) -> str:
    import ctypes
    import sys

    # Python does not tell the version; the library behind its module does.
    try:
        ask = ctypes.CDLL(module.__file__).lzma_version_string
    except (AttributeError, OSError, TypeError):
        return f"of Python {sys.version_info.major}.{sys.version_info.minor}"
    ask.restype = ctypes.c_char_p
    return str(ask().decode())


def _zstd_library(_size: int) -> tuple[str, str]:
    import zstandard

    return "zstd", ".".join(str(part) for part in zstandard.ZSTD_VERSION)


# Measured on 24 MiB of ELF files and Rust sources, CPU seconds and size in percent of the input:
# libdeflate 1: 0.14 41.6, 6: 0.34 38.3, 9: 0.93 38.1, 12: 3.3 37.0 (zlib 6: 1.24 38.9, 9: 3.50 38.7);
# zstd 3: 0.16 38.2, 9: 0.51 35.5, 12: 1.06 35.2, 15: 3.86 35.1, 19: 9.83 31.8;
# xz 0: 1.12 33.5, 1: 1.79 32.4, 4: 7.48 29.9, 6: 10.2 29.3, 9: 13.5 28.6.
_ROWS: Final = (
    Codec(
        name="gzip",
        suffix=".gz",
        media_type="application/gzip",
        levels=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        library=_gzip_library,
        start=_gzip,
    ),
    Codec(
        name="xz",
        suffix=".xz",
        media_type="application/x-xz",
        levels=(0, 0, 1, 1, 2, 4, 5, 6, 6, 7, 8, 9),
        library=_xz_library,
        start=_xz,
    ),
    Codec(
        name="zstd",
        suffix=".zst",
        media_type="application/zstd",
        levels=(1, 3, 5, 6, 7, 9, 10, 12, 15, 17, 18, 19),
        library=_zstd_library,
        start=_zstd,
    ),
)
CODECS: Final[Mapping[str, Codec]] = {row.name: row for row in _ROWS}
