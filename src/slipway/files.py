"""The door to the file system: whole files or none, hashed while they are written."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Final, Protocol, Self

from slipway.errors import SlipwayError

CHUNK: Final = 1 << 20
IN_MEMORY: Final = 1 << 24  # what is put aside for a moment goes into a file from here on


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""


class HashingWriter:
    """A binary file that is hashed as it is written and appears under its name only when complete.

    Use it as a context manager. When the block fails, nothing is left behind.
    """

    def __init__(self, path: Path, *algorithms: str, mode: int = 0o644) -> None:
        self.path, self.mode, self.size = path, mode, 0
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def __enter__(self) -> Self:
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".part", dir=self.path.parent)
        self._part = Path(name)
        self._file: BinaryIO = os.fdopen(handle, "wb")
        return self

    def write(self, data: bytes | memoryview) -> int:
        """Write and hash; returns the number of bytes."""
        with explained(self.path):
            self._file.write(data)
        for digest in self._hashes.values():
            digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Pass what is buffered to the system."""
        with explained(self.path):
            self._file.flush()

    def digests(self) -> dict[str, str]:
        """The hexadecimal digests of what was written, by algorithm."""
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with explained(self.path):
                self._file.close()
                if kind is None:
                    self._part.chmod(self.mode)
                    self._part.replace(self.path)
                    self._remember()
        finally:
            self._part.unlink(missing_ok=True)

    def _remember(self) -> None:
        if "sha256" in self._hashes:
            _known[str(self.path)] = (_signs(self.path.stat()), self.digests()["sha256"])


_Signs = tuple[int, int, int]
_known: Final[dict[str, tuple[_Signs, str]]] = {}


def _signs(stat: os.stat_result) -> _Signs:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise SlipwayError(
            f"cannot write {path}: {error.strerror}", hint=_WRITE_HINTS.get(error.errno or 0, "check the folder and its owner")
        ) from error


@contextmanager
def told_as_error() -> Iterator[None]:
    """Turn what the system refuses, to whatever is done inside the block, into an error that says what to do."""
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        hint = _WRITE_HINTS.get(error.errno or 0, "check the file and its folder")
        raise SlipwayError(f"{error.strerror or error}{where}", hint=hint) from error


def cache_dir() -> Path:
    """Where slipway keeps what it may make or fetch again: toolchains, programs, images. The whole folder may be deleted."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


_IN_THE_WAY: Final = "something else has that name, or that of a folder above it: move it away"
_WRITE_HINTS: Final = {
    28: "the disk is full: free some space (doit clean removes what slipway made) and run again",
    122: "the disk quota is used up: free some space and run again",
    13: "this user may not write there: change the owner or the mode of the folder",
    17: _IN_THE_WAY,
    20: _IN_THE_WAY,
    21: _IN_THE_WAY,
    30: "the file system is mounted read-only: slipway --outputs FOLDER writes elsewhere",
}


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file under its final name, or nothing."""
    with HashingWriter(path, mode=mode) as out:
        out.write(data)


def copy_hashed(source: Path, target: Path, *algorithms: str, mode: int) -> tuple[int, dict[str, str]]:
    """Copy a file, reading it once; returns its size and digests, SHA-256 among them.

    Both files' digests are then known, so nobody in this process reads them again only to hash them.
    """
    stat = source.stat()
    with source.open("rb") as file, HashingWriter(target, *dict.fromkeys(("sha256", *algorithms)), mode=mode) as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)
    if _signs(stat) == _signs(source.stat()):
        _known[str(source)] = (_signs(stat), out.digests()["sha256"])
    return out.size, out.digests()


def digest_file(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def digest_file_cached(path: str, stat: os.stat_result) -> str:
    """The SHA-256 of a file, without reading it again when this process wrote or hashed it and it has not changed since."""
    signs, digest = _known.get(path, (None, ""))
    if signs != _signs(stat):
        digest = digest_file(Path(path))
        _known[path] = (_signs(stat), digest)
    return digest


def spooled(folder: Path | None = None) -> tempfile.SpooledTemporaryFile[bytes]:
    """Open a nameless file for what is put aside for a moment: in memory while it is small, then in the folder."""
    if folder is not None:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return tempfile.SpooledTemporaryFile(IN_MEMORY, dir=None if folder is None else str(folder))


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of an open file, from its beginning."""
    file.seek(0)
    return iter(lambda: file.read(CHUNK), b"")


def remove_parts(*folders: Path) -> None:
    """Remove what killed runs left half-written in some folders; only for whoever keeps other runs out."""
    for folder in folders:
        for part in folder.rglob(".*.part"):
            part.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
