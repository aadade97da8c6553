"""The reader of Debian packages: what is spoiled is found, and what others make is understood."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from debs import Deb, linux, pack
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.manifest import Manifest
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules
from slipway.verify.deb import deb_faults
from slipway.version import Version

MANIFEST = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())
CONTROL = """Package: other
Version: 1:2.0-3
Architecture: amd64
Maintainer: Somebody <else@other.example>
Description: what others make
"""
SIGNATURE = bytes([0x88, 8, 4, 0, 22, 10, 0, 0, 0, 0])


def told(path: Path, contents: Contents | None = None, manifest: Manifest | None = MANIFEST) -> list[str]:
    """What is said about a package, whether it is raised or yielded."""
    try:
        return list(deb_faults(path, contents, manifest))
    except VerificationError as error:
        return [error.message]


def ar(*members: tuple[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members:
        parts.append(
            b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(data)) + data + b"\n" * (len(data) % 2)
        )
    return b"".join(parts)


def tar(files: dict[str, str], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
        for info in more:
            archive.addfile(info)
    return out.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, stage_tree: Callable[..., Contents]) -> tuple[Path, Contents]:
    made = linux(tmp_path_factory.mktemp("small"), services=())
    contents = stage_tree(made, made.cells[0], {"bin/hello": (0o755, b"#!/bin/sh\n"), "etc/hello/a": (0o644, b"a")})
    return pack(made).path, contents


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spoiled") / "hello_1.2.3_amd64.deb"


def test_a_sound_package_has_no_fault(small: tuple[Path, Contents]) -> None:
    assert told(*small) == []
    assert told(small[0], None, None) == []


def test_a_package_that_ends_early_is_found(small: tuple[Path, Contents], spoiled: Path) -> None:
    data = small[0].read_bytes()
    for end in (*range(0, len(data), 13), len(data) - 1):
        spoiled.write_bytes(data[:end])
        assert told(spoiled, small[1]), end
        assert told(spoiled, None, None), end


@settings(max_examples=150, phases=(Phase.generate,), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_bit_that_is_wrong_is_found(small: tuple[Path, Contents], spoiled: Path, place: int, bit: int) -> None:
    data = bytearray(small[0].read_bytes())
    place %= len(data)
    data[place] ^= 1 << bit
    spoiled.write_bytes(data)
    # gzip has bits that mean nothing: when and where it was made, codes that are never used, what fills the last byte.
    assert told(spoiled, small[1]) or unpacked(spoiled) == unpacked(small[0])
    told(spoiled, None, None)


def unpacked(path: Path) -> dict[str, bytes]:
    members = Deb.read(path).members
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in members.items()}


def test_what_others_make_is_understood(tmp_path: Path) -> None:
    link, device = tarfile.TarInfo("./usr/bin/sh"), tarfile.TarInfo("./dev/null")
    link.type, link.linkname, device.type, device.uid = tarfile.SYMTYPE, "dash", tarfile.CHRTYPE, 7
    control = {"./control": CONTROL, "./preinst": "#!/usr/bin/perl\n)\n", "./templates": "x", "./symbols": "x"}
    data = tar({"./etc/other": "x", "./usr/bin/other": "x"}, link, device)
    path = tmp_path / "a-name-of-his-own.deb"
    path.write_bytes(
        ar(
            ("debian-binary", b"2.1\nmore\n"),
            ("_later", b"x"),
            ("control.tar.zst", zstandard.compress(tar(control))),
            ("data.tar.zst", zstandard.compress(data)),
            ("_gpgbuilder", SIGNATURE),
            ("more", b"x"),
        )
    )
    assert told(path, None, None) == []


@pytest.mark.parametrize(
    ("control", "data", "message"),
    [
        ({"control": CONTROL.replace("other\n", "Other\n", 1)}, {}, "Other is no name of a Debian package"),
        ({"control": CONTROL.replace("1:2.0", "v2")}, {}, "v2-3 is no version of a Debian package"),
        ({"control": CONTROL.replace("Maintainer", "Maintained")}, {}, "its control file has no Maintainer"),
        ({"control": CONTROL, "md5sums": "0" * 32 + "  usr/x\n"}, {"./usr/x": "x"}, "usr/x has another digest than md5sums says"),
        ({"control": CONTROL, "conffiles": "/etc/x\n"}, {}, "etc/x is in conffiles, but not in the package"),
        (
            {"control": CONTROL, "triggers": "wait for it\n"},
            {},
            "triggers file has a line that dpkg does not know: wait for it",
        ),
        ({"control": CONTROL, "postinst": "#!/bin/sh\nif\n"}, {}, "a shell cannot read its postinst"),
        ({"control": CONTROL, "postinst": "exit 0\n"}, {}, "its postinst does not say which program runs it"),
        ({"control": CONTROL}, {"../x": "x"}, "../x points out of the package"),
    ],
)
def test_what_others_get_wrong_is_found(tmp_path: Path, control: dict[str, str], data: dict[str, str], message: str) -> None:
    path = tmp_path / "other_2.0-3_amd64.deb"
    path.write_bytes(ar(("debian-binary", b"2.0\n"), ("control.tar", tar(control)), ("data.tar.gz", gzip.compress(tar(data)))))
    assert any(message in fault for fault in told(path, None, None))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ((("control.tar", b""), ("debian-binary", b"2.0\n"), ("data.tar", b"")), "it holds control.tar, debian-binary, data.tar"),
        ((("debian-binary", b"2.0\n"), ("data.tar", b""), ("control.tar", b"")), "not debian-binary, control.tar and data.tar"),
        ((("debian-binary", b"2.0\n"), ("debian-binary", b"2.0\n")), "its structure is broken at byte 72"),
        (
            (("debian-binary", b"3.0\n"), ("control.tar", tar({"control": CONTROL})), ("data.tar", tar({}))),
            "its format is not 2.x",
        ),
    ],
)
def test_members_in_disorder_are_found(tmp_path: Path, members: tuple[tuple[str, bytes], ...], message: str) -> None:
    path = tmp_path / "other.deb"
    path.write_bytes(ar(*members))
    assert any(message in fault for fault in told(path, None, None))


@pytest.mark.parametrize(
    ("name", "member", "fault"),
    [
        ("_gpgorigin", SIGNATURE, ""),
        ("_gpgorigin", bytes([0xC2, 8, *SIGNATURE[2:]]), ""),
        ("_gpgorigin", bytes([0x89, 0, 8, *SIGNATURE[2:]]), ""),
        ("_gpgorigin", b"", "_gpgorigin is no OpenPGP signature"),
        ("_gpgorigin", b"-----BEGIN PGP SIGNATURE-----\n", "_gpgorigin is no OpenPGP signature"),
        ("_gpgorigin", SIGNATURE[:-1], "_gpgorigin is not as long as it says"),
        ("_gpgorigin", SIGNATURE + b"\0", "_gpgorigin is not as long as it says"),
        ("_gpgorigin", bytes([*SIGNATURE[:3], 1, *SIGNATURE[4:]]), "_gpgorigin is no signature of binary data"),
        ("more", b"x", "more is nothing that slipway puts into a package"),
    ],
)
def test_what_stands_behind_the_data_is_looked_at(
    small: tuple[Path, Contents], spoiled: Path, name: str, member: bytes, fault: str
) -> None:
    times = small[0].read_bytes()[8 + 16 : 8 + 28]
    added = ar((name, member))[8:]
    spoiled.write_bytes(small[0].read_bytes() + added[:16] + times + added[28:])
    assert told(spoiled, small[1]) == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("rules", "faults"),
    [
        (DebRules(revision="1"), []),
        (DebRules(suites=("trixie",)), []),
        (DebRules(architecture_all=True), []),
    ],
)
def test_revisions_suites_and_all_architectures_are_known(tmp_path: Path, rules: DebRules, faults: list[str]) -> None:
    made = linux(tmp_path, deb=rules)
    assert told(pack(made).path, Contents.load(made.contents(made.cells[0]))) == faults


def test_a_package_for_another_version_or_machine_is_found(tmp_path: Path) -> None:
    made = linux(tmp_path, deb=DebRules(revision="1"))
    contents = replace(Contents.load(made.contents(made.cells[0])), platform="linux-arm64")
    said = told(pack(made).path, contents, replace(MANIFEST, version="1.2"))
    assert said == ["its version is 1.2.3-1, not 1.2", "it is for amd64, and its distribution for arm64"]


@pytest.mark.req("S4-8")
def test_a_version_from_the_calendar_is_read_back(tmp_path: Path) -> None:
    project = sample.project(tmp_path / "project", deb=DebRules(revision="1"))
    made = sample.release(tmp_path, project=project, version=Version("2019.01", "calver"))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],))
    contents = sample.stage(made, made.cells[0])
    path = pack(made).path
    assert path.name == "hello_2019.01-1_amd64.deb"
    assert told(path, contents, replace(MANIFEST, version="2019.01")) == []


def test_manual_pages_and_completions_are_the_distribution_s(tmp_path: Path, stage_tree: Callable[..., Contents]) -> None:
    made = linux(tmp_path, services=())
    tree = {"share/man/man1/hello.1": (0o644, b".TH HELLO 1\n"), "share/zsh/site-functions/_hello": (0o644, b"#compdef\n")}
    contents = stage_tree(made, made.cells[0], tree)
    path = pack(made).path
    assert told(path, contents) == []
    other = replace(contents, files=tuple(replace(file, sha256="0" * 64) for file in contents.files))
    assert told(path, other) == [f"{file.path} of the distribution is not in it" for file in contents.files]
