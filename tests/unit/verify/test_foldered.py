"""validate-package's readers of portable packages, sources and symbols, and of 7z and Brotli: every damage is seen."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import brotli
import packed
import py7zr
import pytest

import sample
from slipway.errors import VerificationError
from slipway.manifest import Artifact, Manifest
from slipway.packagers.entries import text_entry, with_folders
from slipway.packagers.sevenzip import write_7z
from slipway.verify.distribution import CheckDistribution, plan_tests
from slipway.verify.foldered import portable_faults, source_faults, symbols_faults
from slipway.verify.members import members_of
from slipway.verify.report import Report
from slipway.verify.static import check_statically

MANIFEST = Manifest(name="hello", version="1.2.3", epoch=0, artifacts=())
Member = tuple[str, bytes, int]


def tar(path: Path, members: tuple[Member, ...], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


def artifact(path: Path, kind: str, platform: str = "") -> Artifact:
    return Artifact(
        kind=kind, name=path.name, path=path.name, size=0, digests={}, media_type="x", platform=platform, variant="complete"
    )


SOURCE = "hello-1.2.3"


@pytest.mark.parametrize(
    ("members", "links", "told"),
    [
        (((f"{SOURCE}/a", b"x", 0o644),), {f"{SOURCE}/d/l": "../a"}, ""),
        (((f"{SOURCE}/a", b"x", 0o644),), {f"{SOURCE}/d/l": "../../a"}, "leads out: ../../a"),
        (((f"{SOURCE}/a", b"x", 0o644),), {f"{SOURCE}/l": "/etc/passwd"}, "leads out: /etc/passwd"),
        ((("other/a", b"x", 0o644),), {}, "other/a is not below hello-1.2.3/"),
        (((f"{SOURCE}/../a", b"x", 0o644),), {}, "points out of the package"),
        ((), {}, "there is no file in it"),
    ],
)
def test_sources(tmp_path: Path, members: tuple[Member, ...], links: dict[str, str], told: str) -> None:
    path = tar(tmp_path / f"{SOURCE}.tar.gz", members, links)
    found = list(source_faults(path, artifact(path, "source"), tmp_path, MANIFEST))
    assert bool(found) is bool(told)
    assert told in "\n".join(found)


STEM = "hello-1.2.3-linux-amd64-complete-portable"
GOOD: tuple[Member, ...] = ((f"{STEM}/bin/hello", b"#!/bin/sh\n", 0o755), (f"{STEM}/hello", b"#!/bin/sh\n", 0o755))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (GOOD, ""),
        (GOOD[:1], "has no script hello"),
        ((*GOOD, (f"{STEM}/hello", b"", 0o755)), "twice"),
        (((f"{STEM}/bin/hello", b"x", 0o644), GOOD[1]), "cannot be run"),
        ((GOOD[0], (f"{STEM}/hello", b"#!/bin/sh\r\n", 0o755)), "crlf"),
    ],
)
def test_portable_packages(tmp_path: Path, members: tuple[Member, ...], told: str) -> None:
    path = tar(tmp_path / f"{STEM}.tar.gz", members)
    found = list(portable_faults(path, artifact(path, "portable", "linux-amd64"), tmp_path, MANIFEST))
    assert bool(found) is bool(told)
    assert told in "\n".join(found)
    assert list(portable_faults(path, None, tmp_path, None)) == [text for text in found if "twice" in text]


def test_symbols(tmp_path: Path) -> None:
    stem = "hello-1.2.3-linux-amd64-symbols"
    path = tar(tmp_path / f"{stem}.tar.gz", ((f"{stem}/bin/hello.debug", b"x", 0o644), (f"{stem}/notes", b"x", 0o644)))
    assert list(symbols_faults(path, artifact(path, "symbols"), tmp_path, MANIFEST)) == ["notes is no file of symbols"]


def seven(folder: Path) -> Path:
    path = folder / "x.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writestr("hello\n" * 20, "a/text.txt")
        archive.writestr("", "a/empty")
    return path


def tar_br(folder: Path) -> Path:
    plain = tar(folder / "x.tar.gz", (("a/text.txt", b"hello\n" * 20, 0o644), ("a/empty", b"", 0o644)))
    path = folder / "x.tar.br"
    path.write_bytes(brotli.compress(gzip.decompress(plain.read_bytes())))
    return path


@pytest.mark.req("S0-51")
@pytest.mark.parametrize("make", [seven, tar_br])
def test_archives_of_others_are_read(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    found = {each.path: (each.type, each.size, each.newline) for each in members_of(make(tmp_path))}
    assert found == {"a/text.txt": ("file", 120, "lf"), "a/empty": ("file", 0, "none")}


@pytest.mark.parametrize("make", [seven, tar_br])
def test_an_archive_that_is_cut_off_or_goes_on_is_damaged(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    data = path.read_bytes()
    for changed in (*(data[:end] for end in range(len(data))), data + b"x"):
        with pytest.raises(VerificationError, match="damaged"):
            list(members_of(path, io.BytesIO(changed)))


def test_every_flipped_bit_of_a_7z_archive_is_seen(tmp_path: Path) -> None:
    out = io.BytesIO()
    entries = with_folders([text_entry("a/text.txt", b"hello\n" * 20), text_entry("a/empty", b"")])
    write_7z(out, entries, epoch=0, compression=6)
    path, data = tmp_path / "x.7z", out.getvalue()
    assert [each.path for each in members_of(path, io.BytesIO(data))] == ["a", "a/empty", "a/text.txt"]
    # Which minor version of the format it is, nothing vouches for.
    for bit in (bit for bit in range(8 * len(data)) if bit // 8 != 7):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VerificationError, match="damaged"):
            list(members_of(path, io.BytesIO(bytes(changed))))


def test_test_dist_takes_them_for_no_archives_of_the_distribution(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    cell = sample.cell(made, "linux-amd64-complete")
    archive = packed.pack(made, cell)
    step = next(step for step in plan_tests(made) if step.key == cell.id)
    assert isinstance(step.run, CheckDistribution)
    others = [archive.with_name(f"hello-1.2.3-linux-amd64-{name}") for name in ("complete-portable.tar.gz", "symbols.tar.xz")]
    for path in others:
        path.write_bytes(b"something")
    report = Report(name="hello")
    check_statically(replace(step.run.subject, packages=(archive, *others)), report)
    checked = {check.name for check in report.checks}
    assert f"archive {archive.name}" in checked
    assert not checked & {f"archive {path.name}" for path in others}
