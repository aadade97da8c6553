"""Folders and archives that hold files which were built elsewhere, well-made and hostile ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from slipway.build import holding
from slipway.errors import VerificationError

FILES = {"./hello-1.2/bin/hello": (0o755, b"#!/bin/sh\n"), "./hello-1.2/README": (0o644, b"read\n")}
NAMES = ("hello-1.2/README", "hello-1.2/bin/hello")


def tar(*more: tarfile.TarInfo, files: dict[str, tuple[int, bytes]] = FILES) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        folder = tarfile.TarInfo("./hello-1.2")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, (mode, data) in files.items():
            each = tarfile.TarInfo(name)
            each.mode, each.size = mode, len(data)
            archive.addfile(each, io.BytesIO(data))
        for each in more:
            archive.addfile(each)
    return out.getvalue()


def zipped(*more: tuple[str, int, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hello-1.2/", b"")
        every = [(name.removeprefix("./"), 0o100000 | mode, data) for name, (mode, data) in FILES.items()]
        for name, mode, data in (*every, *more):
            each = zipfile.ZipInfo(name)
            each.external_attr = mode << 16
            archive.writestr(each, data)
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    each = tarfile.TarInfo(name)
    each.type, each.linkname = kind, target
    return each


KINDS: dict[str, Callable[[], bytes]] = {
    "tar": tar,
    "gzip": lambda: gzip.compress(tar()),
    "bzip2": lambda: bz2.compress(tar()),
    "xz": lambda: lzma.compress(tar()),
    "zstd": lambda: zstandard.ZstdCompressor().compress(tar()),
    "zip": zipped,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_archive_is_known_by_its_bytes_and_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "download"
    path.write_bytes(KINDS[kind]())
    assert holding.is_archive(path)
    assert holding.names_in(path) == NAMES
    holding.take(path, {name: tmp_path / "out" / str(number) for number, name in enumerate(NAMES)})
    found = [(path.read_bytes(), path.stat().st_mode & 0o777) for path in sorted((tmp_path / "out").iterdir())]
    assert found == [(b"read\n", 0o644), (b"#!/bin/sh\n", 0o755)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tar"])
@pytest.mark.parametrize("cut", [40, 0.5])
def test_a_damaged_archive_is_refused(tmp_path: Path, kind: str, cut: float) -> None:
    whole = KINDS[kind]()
    path = tmp_path / "download"
    path.write_bytes(whole[: int(cut if cut >= 1 else len(whole) * cut)])
    with pytest.raises(VerificationError, match="cannot be unpacked"):
        holding.names_in(path)


def test_something_compressed_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hello.gz"
    path.write_bytes(gzip.compress(b"\x7fELF" + bytes(2000)))
    with pytest.raises(VerificationError, match="cannot be unpacked"):
        holding.names_in(path)


@pytest.mark.parametrize("name", ["../hello", "hello-1.2/../../etc/passwd", "/etc/passwd", "a\\b", "C:/hello"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_name_that_points_out_of_the_archive_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(tar(files={name: (0o644, b"x")}) if kind == "tar" else zipped((name, 0o100644, b"x")))
    with pytest.raises(VerificationError, match="points out of it"):
        holding.names_in(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_is_not_taken_but_does_no_harm_beside(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(tar(link("hello", "/etc/passwd", kind)))
    holding.take(path, {NAMES[1]: tmp_path / "out"})
    assert (tmp_path / "out").read_bytes() == b"#!/bin/sh\n"
    with pytest.raises(VerificationError, match="hello is a link"):
        holding.take(path, {"hello": tmp_path / "taken"})
    assert not (tmp_path / "taken").exists()


def test_a_link_in_a_zip_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(zipped(("hello", 0o120777, b"/etc/passwd")))
    with pytest.raises(VerificationError, match="hello is a link"):
        holding.take(path, {"hello": tmp_path / "taken"})


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(tar(files={"./hello": (0o755, b"1"), "hello": (0o755, b"2")}))
    with pytest.raises(VerificationError, match="hello is in it twice"):
        holding.names_in(path)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "LARGEST", 9)
    path = tmp_path / "large"
    path.write_bytes(KINDS["gzip"]())
    with pytest.raises(VerificationError, match="said to have 10 bytes"):
        holding.take(path, {NAMES[1]: tmp_path / "taken"})


def test_a_folder_and_a_single_file_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "folder/deep").mkdir(parents=True)
    (tmp_path / "folder/deep/hello").write_bytes(b"MZ")
    assert holding.names_in(tmp_path / "folder") == ("deep/hello",)
    assert not holding.is_archive(tmp_path / "folder/deep/hello")
    assert holding.names_in(tmp_path / "folder/deep/hello") == ("hello",)
