"""Unpack a compressed file to its very end: a reader of tar stops before it, and would miss a wrong checksum there."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

# How much is unpacked at once, by what the best-packed bytes of each kind become: some 16 MiB.
_PIECES: Final = {".gz": 1 << 14, ".xz": 1 << 11, ".zst": 1 << 9}
_PIECE: Final = 1 << 14
_LIMIT: Final = 1 << 24


class Unpacked(io.RawIOBase):
    """The bytes of a compressed file; raises ValueError unless it is one whole stream and nothing else."""

    def __init__(self, file: IO[bytes], suffix: str) -> None:
        self._file, self._rest, self._start = file, b"", 0
        self._unpacker = _UNPACKERS[suffix]() if suffix in _UNPACKERS else None
        self._piece = _PIECES.get(suffix, _PIECE)

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as there is something."""
        while self._start == len(self._rest):
            waiting = getattr(self._unpacker, "waiting", False)
            if not (piece := b"" if waiting else self._file.read(self._piece)) and not waiting:
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

        self._unpacker, self._error, self._full = brotli.Decompressor(), brotli.error, False

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""
        return bool(self._unpacker.is_finished())

    @property
    def waiting(self) -> bool:
        """Whether there is more to come of what it was given."""
        return not self.eof and (self._full or not self._unpacker.can_accept_more_data())

    def decompress(self, piece: bytes) -> bytes:
        """Unpack a piece, or more of the last one."""
        try:
            found = bytes(self._unpacker.process(piece, output_buffer_limit=_LIMIT))
        except self._error as error:
            raise ValueError(str(error)) from error
        self._full = len(found) >= _LIMIT
        return found


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ)


_UNPACKERS: Final[Mapping[str, Callable[[], Any]]] = {
    ".gz": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    ".xz": _xz,
    ".zst": _Zstd,
    ".br": _Brotli,
}


def gunzipped(data: bytes) -> bytes:
    """What a small gzip file holds, such as a manual page; nothing where it is damaged or holds more than any of them does."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(data, _LIMIT)
    except zlib.error:
        return b""
    return found if unpacker.eof and not unpacker.unused_data else b""
