"""The one door to compression: codecs by name, the same bytes for the same input on every machine.

libdeflate makes gzip and zip: 3.6 times faster than zlib at level 6, smaller than zlib at level 9, and its bytes do not
depend on the CPU. It wants its input at once, so `deflated` feeds it in pieces, and memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from slipway.deflated import Chunks, Gzip, Shelf, alone
from slipway.errors import UsageError
from slipway.files import Sink
from slipway.splicing import END, PIECE, SPLICED_FROM

if TYPE_CHECKING:
    from types import ModuleType

_STORED, _DEFLATED = 0, 8


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
    library: Callable[[], tuple[str, str]]
    start: Callable[[Sink, int, int, Shelf | None], Stream]

    def level(self, compression: int) -> int:
        """The library's own level for a project's compression."""
        if not 1 <= compression <= len(self.levels):
            raise UsageError(f"compression {compression} is not one of 1 to {len(self.levels)}", hint="6 is a good choice")
        return self.levels[compression - 1]

    def tools(self, compression: int) -> dict[str, str]:
        """What decides the bytes, for the manifest: library, version and level."""
        name, version = self.library()
        return {name: f"{version}, level {self.level(compression)}"}


@contextmanager
def compressing(name: str, out: Sink, *, compression: int, size: int, shelf: Shelf | None = None) -> Iterator[Sink]:
    """Give a sink that compresses into another; exactly `size` bytes are to be written to it.

    Big files are taken from the `shelf`, and put there, where the codec can.
    """
    codec = find_codec(name)
    stream = codec.start(out, codec.level(compression), size, shelf)
    yield stream
    stream.finish()


def find_codec(name: str) -> Codec:
    """Return the codec of a name; raises UsageError for one that is not known."""
    if name not in CODECS:
        raise UsageError(f"unknown compression {name!r}", hint=f"valid are {', '.join(CODECS)}")
    return CODECS[name]


@dataclass(frozen=True, slots=True)
class Packed:
    """What zip keeps of a file: its bytes, deflated (8) or, where that saves nothing, stored (0), and their measures."""

    method: int
    crc: int
    size: int
    packed_size: int
    packed: Iterable[bytes | memoryview]


@contextmanager
def deflating(chunks: Chunks, size: int, compression: int, *, sha256: str = "", shelf: Shelf | None = None) -> Iterator[Packed]:
    """Deflate one file of `size` bytes; what comes out is to be used inside the block."""
    level = CODECS["gzip"].level(compression)
    if size < (SPLICED_FROM if shelf else PIECE + 1):
        yield _at_once(b"".join(chunks()), level)
        return
    with alone(sha256, chunks, level, shelf) as (made, parts):
        yield Packed(_DEFLATED, made.crc, made.size, made.packed_size + len(END), parts)


def _at_once(data: bytes, level: int) -> Packed:
    import deflate

    packed = deflate.deflate_compress(data, level)
    method, kept = (_DEFLATED, memoryview(packed)) if len(packed) < len(data) else (_STORED, memoryview(data))
    return Packed(method, deflate.crc32(data), len(data), len(kept), (kept,))


class _Library:
    """A compressor object of a library, as a stream."""

    def __init__(self, out: Sink, packer: Any) -> None:
        self._out, self._packer = out, packer

    def write(self, data: bytes | memoryview, /) -> object:
        return self._out.write(self._packer.compress(data))

    def finish(self) -> None:
        self._out.write(self._packer.flush())


class _Brotli:
    """brotli's compressor, whose verbs have names of their own."""

    def __init__(self, out: Sink, level: int) -> None:
        import brotli

        self._out, self._packer = out, brotli.Compressor(quality=level, lgwin=24)

    def write(self, data: bytes | memoryview, /) -> object:
        return self._out.write(self._packer.process(bytes(data)))

    def finish(self) -> None:
        self._out.write(self._packer.finish())


def _gzip(out: Sink, level: int, _size: int, shelf: Shelf | None) -> Stream:
    return Gzip(out, level, shelf)


def _xz(out: Sink, level: int, _size: int, _shelf: Shelf | None) -> Stream:
    import lzma

    return _Library(out, lzma.LZMACompressor(lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=level))


def _zstd(out: Sink, level: int, size: int, _shelf: Shelf | None) -> Stream:
    import zstandard

    # One thread: with more, the frame's bytes would depend on how many there are.
    packer = zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True, threads=0)
    return _Library(out, packer.compressobj(size=size))


def _brotli(out: Sink, level: int, _size: int, _shelf: Shelf | None) -> Stream:
    return _Brotli(out, level)


def _gzip_library() -> tuple[str, str]:
    import deflate

    return "libdeflate", f"deflate {deflate.__version__}"


def _xz_library() -> tuple[str, str]:
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


def _zstd_library() -> tuple[str, str]:
    import zstandard

    return "zstd", ".".join(str(part) for part in zstandard.ZSTD_VERSION)


def _brotli_library() -> tuple[str, str]:
    import brotli

    return "brotli", str(brotli.version)


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
    Codec(
        name="brotli",
        suffix=".br",
        media_type="application/x-brotli",
        levels=(1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11),
        library=_brotli_library,
        start=_brotli,
    ),
)
CODECS: Final[Mapping[str, Codec]] = {row.name: row for row in _ROWS}
LEVELS: Final = 12


def parse(text: str) -> tuple[str, int | None]:
    """Divide `xz:9` into the name and the level, from 1 to 12; the level is None where none is said."""
    name, mark, level = text.partition(":")
    if not mark:
        return name, None
    if not level.isascii() or not level.isdigit() or not 1 <= int(level) <= LEVELS:
        raise UsageError(f"{text!r}: the level {level!r} is not one of 1 to {LEVELS}", hint=f"write {name}:9, or {name} alone")
    return name, int(level)
