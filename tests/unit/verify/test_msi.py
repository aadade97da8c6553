"""Packages for Windows Installer as validate-package reads them.

The package beside this file was made by slipway from the sample project, with wixl 0.101.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.manifest import Manifest
from slipway.verify.cabinet import cabinet_files
from slipway.verify.msi import msi_faults
from slipway.verify.package import validate

NAME = "hello-1.2.3-windows-amd64-complete.msi"
DATA = (Path(__file__).parent / NAME).read_bytes()
MANIFEST = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())
Check = Callable[..., list[str]]
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The files of the package's distribution."""
    made = sample.release(tmp_path_factory.mktemp("release"))
    return sample.stage(made, sample.cell(made, "windows-amd64-complete"))


@pytest.fixture
def check(tmp_path: Path, contents: Contents) -> Check:
    """A function that looks into bytes as a package of this release, or as anybody's."""

    def look(data: bytes, *, own: bool = True, name: str = NAME) -> list[str]:
        (tmp_path / name).write_bytes(data)
        try:
            return list(msi_faults(tmp_path / name, contents if own else None, MANIFEST if own else None))
        except VerificationError as error:
            return [error.message]

    return look


def test_a_package_as_it_was_made(check: Check) -> None:
    assert check(DATA) == []
    assert check(DATA, own=False, name="other.msi") == []


def test_a_package_of_another_release(check: Check) -> None:
    assert check(DATA, name="hello-1.3.0-windows-amd64-complete.msi") == ["its name is not one of hello 1.2.3"]


def test_a_package_of_another_distribution(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / NAME).write_bytes(DATA)
    files = [replace(file, sha256="0" * 64) if file.path == "README.md" else file for file in contents.files]
    added = replace(files[0], path="lib/hello/more.txt")
    missing = next(file for file in files if file.path == "LICENSE")
    other = replace(contents, files=tuple(file for file in (*files, added) if file is not missing))
    assert set(msi_faults(tmp_path / NAME, other, MANIFEST)) == {
        "README.md of the distribution is not in it",
        "lib/hello/more.txt of the distribution is not in it",
        "share/doc/hello/LICENSE is not among the distribution's files",
    }


@few
@given(place=st.integers(0, len(DATA) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(check: Check, place: int, bit: int) -> None:
    data = bytearray(DATA)
    data[place] ^= 1 << bit
    assert check(bytes(data))
    check(bytes(data), own=False)


@few
@given(size=st.integers(0, len(DATA) - 1), own=st.booleans())
def test_any_cut_is_found(check: Check, size: int, own: bool) -> None:
    assert check(DATA[:size], own=own)


@few
@given(data=st.binary(max_size=4000))
def test_any_bytes_are_read_without_a_crash(check: Check, data: bytes) -> None:
    assert check(data)
    assert check(DATA[:512] + data)


def test_something_hangs_on_its_end(check: Check) -> None:
    assert check(DATA + b"more", own=False) == ["it ends within a sector: it has been cut off, or something hangs on its end"]


def test_a_changed_file_of_the_cabinet_is_found_in_anybodys_package(check: Check) -> None:
    place = DATA.index(b"MSCF")
    start = place + struct.unpack_from("<I", DATA, place + 36)[0] + 20
    data = bytearray(DATA)
    data[start] ^= 1
    assert check(bytes(data), own=False) == ["block 0 of its cabinet has another checksum than it says"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"c.bin_hello.exe", b"c.bin_hellO.exe", "package code stands for other bytes"),
        (b"HELLO~1.TOM|hello.toml", b"HELLO~1.TOM|hellp.toml", "etc/hello/hellp.toml is not among"),
        (b"{4E7425AF", b"[4E7425AF", "its UpgradeCode is no GUID"),
        (b"WriteEnvironmentStrings", b"WriteEnvironmentStringz", "never runs WriteEnvironmentStrings"),
        (b"#product.cab", b"#prodact.cab", "its cabinet #prodact.cab is not within it"),
        (b"x64;1033", b"x65;1033", "its summary does not say for which processor"),
    ],
)
def test_faults_in_the_tables(check: Check, old: bytes, new: bytes, fault: str) -> None:
    assert DATA.count(old) >= 1
    assert any(fault in each for each in check(DATA.replace(old, new)))


def test_a_folder_of_packages(tmp_path: Path) -> None:
    (tmp_path / "any.msi").write_bytes(DATA)
    assert validate(tmp_path) == ()
    (tmp_path / "any.msi").write_bytes(DATA[:-512])
    assert [finding.path for finding in validate(tmp_path)] == ["any.msi"]


class Bytes:
    """A cabinet in memory."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        return self._data[start:] if size is None else self._data[start : start + size]


def cabinet(files: dict[str, bytes], *, packed: bool) -> bytes:
    """A cabinet written from the specification, with no checksums (MS-CAB 2)."""
    whole = b"".join(files.values())
    pieces = [whole[at : at + 32768] for at in range(0, len(whole), 32768)]
    blocks, before = b"", b""
    for piece in pieces:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=before) if before else zlib.compressobj(9, zlib.DEFLATED, -15)
        data = b"CK" + packer.compress(piece) + packer.flush() if packed else piece
        blocks += struct.pack("<IHH", 0, len(data), len(piece)) + data
        before = piece
    listed, place = b"", 0
    for name, data in files.items():
        listed += struct.pack("<IIHHHH", len(data), place, 0, 0, 0, 0) + name.encode() + b"\0"
        place += len(data)
    start = 44 + len(listed)
    head = struct.pack("<4s5I2B5H", b"MSCF", 0, start + len(blocks), 0, 44, 0, 3, 1, 1, len(files), 0, 0, 0)
    return head + struct.pack("<IHH", start, len(pieces), int(packed)) + listed + blocks


@pytest.mark.parametrize("packed", [False, True])
def test_cabinets_of_many_blocks(packed: bool) -> None:
    import hashlib

    files = {"one": b"a" * 100_000, "empty": b"", "two": os.urandom(1000) * 50, "three": b"end"}
    found = {each.name: each.sha256 for each in cabinet_files(Bytes(cabinet(files, packed=packed)))}
    assert found == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
