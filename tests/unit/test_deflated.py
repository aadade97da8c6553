"""Gzip streams and the shelf: one member for every reader, the same bytes with and without the shelf, in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
import zlib
from pathlib import Path

import lief
import pytest

from slipway import deflated, splicing
from slipway.deflated import Gzip, Shelf
from slipway.errors import VerificationError
from slipway.splicing import SPLICED_FROM

PROGRAM = Path(lief.__file__).with_name("_lief.so").read_bytes()[: 1 << 20]
DIGEST = hashlib.sha256(PROGRAM).hexdigest()


def packed(shelf: Shelf | None = None, *, level: int = 6) -> bytes:
    """A small text, a program, and another text."""
    out = io.BytesIO()
    stream = Gzip(out, level, shelf)
    stream.write(b"before")
    stream.file(DIGEST, len(PROGRAM), lambda: (PROGRAM[:1000], PROGRAM[1000:]))
    stream.file("1", 5, lambda: (b"small",))
    stream.write(b"after")
    stream.finish()
    return out.getvalue()


@pytest.mark.parametrize("kept", [False, True])
def test_every_stream_is_one_member(kept: bool, tmp_path: Path) -> None:
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(packed(Shelf(tmp_path) if kept else None)) == b"before" + PROGRAM + b"small" + b"after"
    assert reader.eof
    assert reader.unused_data == b""


def test_the_shelf_spares_the_second_reading_and_the_bytes_stay(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert packed(shelf) == packed(shelf) == packed(Shelf(tmp_path / "other"))
    out = io.BytesIO()
    again = Gzip(out, 6, shelf)
    again.file(DIGEST, len(PROGRAM), lambda: pytest.fail("the program was read again"))
    again.finish()
    assert gzip.decompress(out.getvalue()) == PROGRAM


def test_levels_do_not_share(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert packed(shelf, level=1) == packed(Shelf(tmp_path / "other"), level=1) != packed(shelf, level=6)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "longer"])
def test_what_is_damaged_on_the_shelf_is_made_again(damage: str, tmp_path: Path) -> None:
    shelf, whole = Shelf(tmp_path), packed(Shelf(tmp_path))
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    damaged = {"cut": data[:9000], "flip": data, "empty": bytearray(), "longer": bytearray(path.read_bytes() + b"x")}
    path.write_bytes(damaged[damage])
    assert packed(shelf) == whole


def test_a_file_that_fails_leaves_nothing_on_the_shelf(tmp_path: Path) -> None:
    def chunks() -> tuple[bytes, ...]:
        raise VerificationError("it has changed")

    with pytest.raises(VerificationError):
        Gzip(io.BytesIO(), 6, Shelf(tmp_path)).file(DIGEST, SPLICED_FROM, chunks)
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_asked_for_in_weeks_goes(tmp_path: Path) -> None:
    packed(Shelf(tmp_path))
    old = next(tmp_path.iterdir())
    os.utime(old, (0, 0))
    packed(Shelf(tmp_path), level=2)
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == 1


def test_two_threads_deflate_a_file_once(tmp_path: Path) -> None:
    read: list[int] = []

    def chunks() -> tuple[bytes, ...]:
        read.append(1)
        return (PROGRAM,)

    threads = [threading.Thread(target=lambda: Shelf(tmp_path).find(DIGEST, chunks, 6)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 1


def test_long_inputs_are_packed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splicing, "PIECE", 100_000)
    monkeypatch.setattr(deflated, "PIECE", 100_000)
    found: list[bytes] = []
    for size in (1, 999, 250_000):
        out = io.BytesIO()
        stream = Gzip(out, 6)
        for start in range(0, len(PROGRAM), size if size > 1 else len(PROGRAM)):
            stream.write(PROGRAM[start : start + (size if size > 1 else len(PROGRAM))])
        stream.finish()
        found.append(out.getvalue())
    assert len(set(found)) == 1
    assert zlib.decompress(found[0], wbits=31) == PROGRAM
