"""Unpack a compressed file to its very end: a reader of tar stops before it, and would miss a wrong checksum there."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

# Small, because a few bytes may unpack to very many.
_PIECE: Final = 1 << 14


class Unpacked(io.RawIOBase):
    """The bytes of a compressed file; raises ValueError unless it is one whole stream and nothing else."""

    def __init__(self, file: IO[bytes], suffix: str) -> None:
        self._file, self._rest, self._start = file, b"", 0
        self._unpacker = _UNPACKERS[suffix]() if suffix in _UNPACKERS else None

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as there is something."""
        while self._start == len(self._rest):
            if not (piece := self._file.read(_PIECE)):
                self._require(self._unpacker is None or self._unpacker.eof, "it ends in the middle")
                return 0
            self._rest, self._start = self._unpack(piece), 0
        some = self._rest[self._start : self._start + len(buffer)]
        buffer[: len(some)] = some
        self._start += len(some)
        return len(some)

    def _unpack(self, piece: bytes) -> bytes:
        if self._unpacker is None:
            return piece
        self._require(not self._unpacker.eof, "there is something behind its end")
        data: bytes = self._unpacker.decompress(piece)
        self._require(not self._unpacker.unused_data, "there is something behind its end")
        return data

    def _require(self, holds: bool, complaint: str) -> None:
        if not holds:
            raise ValueError(complaint)


class _Zstd:
    """zstd's own unpacker; its errors become ValueError, as those of the others are errors of Python."""

    def __init__(self) -> None:
        import zstandard

        self._unpacker, self._error = zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""
        return bool(self._unpacker.eof)

    @property
    def unused_data(self) -> bytes:
        """What came after it."""
        return bytes(self._unpacker.unused_data)

    def decompress(self, piece: bytes) -> bytes:
        """Unpack a piece."""
        try:
            return self._unpacker.decompress(piece)
        except self._error as error:
            raise ValueError(str(error)) from error


class _Brotli:
    """brotli's own unpacker, in the form of the others."""

    unused_data = b""  # it refuses what comes behind the end by itself

    def __init__(self) -> None:
        import brotli

        self._unpacker, self._error = brotli.Decompressor(), brotli.error

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""
        return bool(self._unpacker.is_finished())

    def decompress(self, piece: bytes) -> bytes:
        """Unpack a piece."""
        try:
            return bytes(self._unpacker.process(piece))
        except self._error as error:
            raise ValueError(str(error)) from error


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ)


_UNPACKERS: Final[Mapping[str, Callable[[], Any]]] = {
    ".gz": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    ".xz": _xz,
    ".zst": _Zstd,
    ".br": _Brotli,
}
