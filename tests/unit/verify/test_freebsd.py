"""The reader of FreeBSD packages: what slipway packs is sound, and every kind of damage is found."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from freebsds import freebsd, hold, pack, unpacked
from hypothesis import given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.rules import FreebsdRules
from slipway.verify.freebsd import freebsd_faults

MANIFEST = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())
HELLO, GREETINGS = "/usr/local/bin/hello", "/usr/local/lib/hello/greetings.txt"
Member = tuple[tarfile.TarInfo, bytes]
Change = Callable[[dict[str, Member]], None]


def faults(path: Path, made: Release | None = None) -> list[str]:
    """What is wrong; without a release as of a foreign package."""
    if made is None:
        return list(freebsd_faults(path, None, None))
    return list(freebsd_faults(path, Contents.load(made.contents(made.cells[0])), MANIFEST))


def changed(path: Path, change: Change) -> Path:
    """Write a package anew with other members."""
    members: dict[str, Member] = {}
    with tarfile.open(fileobj=io.BytesIO(unpacked(path.read_bytes()))) as archive:
        for each in archive:
            file = archive.extractfile(each)
            members[each.name] = (each, file.read() if file else b"")
    change(members)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members.values():
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    path.write_bytes(zstandard.compress(out.getvalue()))
    return path


def said(members: dict[str, Member], *names: str, **values: Any) -> None:
    """Say something else in some of the manifests."""
    for name in names or ("+COMPACT_MANIFEST", "+MANIFEST"):
        found = json.loads(members[name][1]) | values
        members[name] = (members[name][0], json.dumps({key: each for key, each in found.items() if each is not None}).encode())


def listed(members: dict[str, Member], name: str, **values: Any) -> None:
    """Say something else of a file."""
    files = json.loads(members["+MANIFEST"][1])["files"]
    said(members, "+MANIFEST", files=files | {name: files.get(name, {}) | values})


def _bytes(members: dict[str, Member]) -> None:
    members[GREETINGS] = (members[GREETINGS][0], members[GREETINGS][1].replace(b"good", b"evil"))


def _mode(members: dict[str, Member]) -> None:
    members[HELLO][0].mode = 0o644


def _owner(members: dict[str, Member]) -> None:
    members[HELLO][0].uname = "hello"


def _link(members: dict[str, Member]) -> None:
    members[HELLO][0].type, members[HELLO][0].linkname = tarfile.SYMTYPE, "/etc/passwd"
    members[HELLO] = (members[HELLO][0], b"")


def _device(members: dict[str, Member]) -> None:
    members[HELLO][0].type = tarfile.CHRTYPE
    members[HELLO] = (members[HELLO][0], b"")


def _place(members: dict[str, Member]) -> None:
    members[HELLO][0].name = "/usr/local/../../etc/passwd"


def _relative(members: dict[str, Member]) -> None:
    members[HELLO][0].name = "usr/local/bin/hello"


def _extra(members: dict[str, Member]) -> None:
    members["/x"] = (tarfile.TarInfo("/usr/local/x"), b"x")


def _gone(members: dict[str, Member]) -> None:
    del members[HELLO]


def _swapped(members: dict[str, Member]) -> None:
    members["+COMPACT_MANIFEST"], members["+MANIFEST"] = members["+MANIFEST"], members["+COMPACT_MANIFEST"]


def _broken_script(members: dict[str, Member]) -> None:
    said(members, "+MANIFEST", scripts={"post-install": "if true; then"})


CHANGES: list[tuple[Change, str]] = [
    (_bytes, f"{GREETINGS} has another digest than the manifest says"),
    (_mode, f"{HELLO} has the mode 0644, the manifest says 0755"),
    (_owner, f"{HELLO} belongs to hello:wheel, the manifest says root:wheel"),
    (_device, f"{HELLO} is a device"),
    (_place, "/usr/local/../../etc/passwd is not a plain path from the root"),
    (_relative, "usr/local/bin/hello is not a plain path from the root"),
    (_extra, "/usr/local/x is in the package, but not in the manifest"),
    (_swapped, "member 1 is +MANIFEST, not +COMPACT_MANIFEST"),
    (_broken_script, "a shell cannot read its post-install"),
    (_gone, f"{HELLO} is in the manifest, but not in the package"),
    (lambda members: said(members, "+MANIFEST", comment="other"), "its manifests differ in comment"),
    (lambda members: said(members, comment=None), "its manifest has no comment"),
    (lambda members: said(members, "+COMPACT_MANIFEST", files={}), "its compact manifest lists files"),
    (lambda members: listed(members, HELLO, sum="1$" + "0" * 64), f"{HELLO} has another digest"),
    (lambda members: listed(members, "/usr/local/y", sum="-"), "/usr/local/y is in the manifest, but not in the package"),
]
OWN: list[tuple[Change, str]] = [
    (_link, f"{HELLO} is a link"),
    (lambda members: said(members, version="1.2.4"), "its version is 1.2.4, not 1.2.3"),
    (lambda members: said(members, version="1.2.3.r.1"), "its version is 1.2.3.r.1, not 1.2.3"),
    (lambda members: said(members, abi="Linux:14:amd64"), "it is for Linux:14:amd64"),
    (lambda members: said(members, flatsize=1), "the manifest says 1"),
    (lambda members: members.update({HELLO: members.pop(HELLO)}), "its files are not in their order"),
]


@pytest.fixture
def made(tmp_path: Path) -> Release:
    return freebsd(tmp_path)


@pytest.mark.req("S0-35", "S0-50")
@pytest.mark.parametrize("compression", ["zstd", "xz"])
@pytest.mark.parametrize("version", ["1.2.3", "1.2.3-rc.1", "1.2.3-dev.2+gab"])
def test_what_slipway_packs_is_sound(tmp_path: Path, compression: str, version: str) -> None:
    made = freebsd(tmp_path, version, freebsd=FreebsdRules(compression=compression, depends={"git": "devel/git"}))
    path, manifest = pack(made).path, Manifest(name="hello", version=version, epoch=0, artifacts=())
    assert list(freebsd_faults(path, Contents.load(made.contents(made.cells[0])), manifest)) == []
    assert faults(path) == []


@pytest.mark.parametrize(("change", "fault"), CHANGES)
def test_damage_is_found_in_any_package(made: Release, change: Change, fault: str) -> None:
    path = changed(pack(made).path, change)
    assert any(fault in each for each in faults(path)), faults(path)
    assert any(fault in each for each in faults(path, made))


@pytest.mark.parametrize(("change", "fault"), OWN)
def test_what_slipway_never_packs_is_found_in_its_packages_alone(made: Release, change: Change, fault: str) -> None:
    path = changed(pack(made).path, change)
    assert any(fault in each for each in faults(path, made)), faults(path, made)
    assert not any(fault in each for each in faults(path))


def test_a_package_that_is_only_written_anew_is_sound(made: Release) -> None:
    assert faults(changed(pack(made).path, lambda members: None), made) == []


def test_a_package_is_held_against_its_distribution(made: Release, tmp_path: Path) -> None:
    path = pack(made).path
    listed = made.contents(made.cells[0])
    listed.write_bytes(listed.read_bytes().replace(b"bin/hello-server", b"bin/hello-servant"))
    assert faults(path, made) == [
        "bin/hello-servant of the distribution is not in it",
        "/usr/local/bin/hello-server is not among the distribution's files",
    ]


def test_a_manual_page_is_found_in_its_compressed_form(tmp_path: Path) -> None:
    made = freebsd(tmp_path, services=())
    hold(made, "share/man/man1/hello.1", 0o644, b".TH HELLO 1\n")
    path = pack(made).path
    assert faults(path, made) == []

    def change(members: dict[str, Member]) -> None:
        name = "/usr/local/share/man/man1/hello.1.gz"
        members[name] = (members[name][0], gzip.compress(b".TH EVIL 1\n"))

    assert "share/man/man1/hello.1 of the distribution is not in it" in faults(changed(path, change), made)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a package",
        zstandard.compress(b""),
        zstandard.compress(b"no tar at all" * 100),
        lzma.compress(bytes(1024)),
        zstandard.compress(bytes(10240)),
    ],
)
def test_what_is_no_package_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.pkg"
    path.write_bytes(data)
    with pytest.raises(VerificationError):
        faults(path)


@pytest.mark.parametrize("manifest", [b"[]", b"{", b"name: hello", b"\xff", b'{"files": []}', b"[" * 100_000])
def test_odd_manifests_are_faults(made: Release, manifest: bytes) -> None:
    def change(members: dict[str, Member]) -> None:
        members["+MANIFEST"] = (members["+MANIFEST"][0], manifest)

    with pytest.raises(VerificationError):
        faults(changed(pack(made).path, change))


@pytest.fixture(scope="module", params=["zstd", "xz"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Path, bytes]:
    made = freebsd(tmp_path_factory.mktemp("whole"), freebsd=FreebsdRules(compression=request.param))
    path = pack(made).path
    return made, path, path.read_bytes()


def is_seen(path: Path, made: Release, data: bytes) -> bool:
    path.write_bytes(data)
    try:
        return bool(faults(path, made))
    except VerificationError:
        return True


@given(where=st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_a_package_that_is_cut_off_is_found(whole: tuple[Release, Path, bytes], where: int) -> None:
    made, path, data = whole
    assert is_seen(path, made, data[: where % len(data)])
    assert is_seen(path, made, data + b"\0")


@given(where=st.integers(0, 10**9), bit=st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_every_flipped_bit_is_found_or_changes_nothing(whole: tuple[Release, Path, bytes], where: int, bit: int) -> None:
    made, path, data = whole
    flipped = bytearray(data)
    flipped[where % len(data)] ^= 1 << bit
    # One bit of zstd's frame header is unused (RFC 8878, 3.1.1.1.1.3), and some of it only say how much memory is wanted.
    assert is_seen(path, made, bytes(flipped)) or unpacked(bytes(flipped)) == unpacked(data)
