"""macOS packages that were tampered with: each kind of damage is named, and nothing that is whole."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest, load_record
from slipway.model import Release
from slipway.packagers.entries import Entry, text_entry, with_folders
from slipway.packagers.pkg import plan_pkgs
from slipway.packagers.pkg.bom import Item, bill
from slipway.packagers.pkg.cksum import cksum
from slipway.packagers.pkg.cpio import write_cpio
from slipway.packagers.pkg.xar import packed, stored, write_xar
from slipway.platforms import PLATFORMS
from slipway.verify.bill import listed_in
from slipway.verify.macpkg import look, macpkg_faults
from slipway.verify.odc import Packed, packed_in
from slipway.verify.xar import Stretch, data_of, members_of

MACS = ("macos-amd64", "macos-arm64")
MANIFEST = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())
COMPONENT = "hello-arm64.pkg"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The sample release for both kinds of Macs, packed."""
    root = tmp_path_factory.mktemp("macs")
    rows = tuple(PLATFORMS[name] for name in MACS)
    release = sample.release(root, project=sample.project(root / "project", platforms=rows))
    for cell in release.cells:
        sample.stage(release, cell)
    for step in plan_pkgs(release):
        step.run()
    return release


@pytest.fixture(scope="module")
def package(made: Release) -> Path:
    return made.paths.packages / "binaries/hello-1.2.3-macos-arm64-complete.pkg"


@pytest.fixture(scope="module")
def contents(made: Release) -> Contents:
    return Contents.load(made.contents(sample.cell(made, "macos-arm64-complete")))


def faults(path: Path, contents: Contents | None = None, manifest: Manifest | None = MANIFEST) -> list[str]:
    try:
        return list(macpkg_faults(path, contents, manifest))
    except VerificationError as error:
        return [error.message]


def artifacts(made: Release) -> Iterator[Artifact]:
    return (load_record(step.outputs[1]).artifact for step in plan_pkgs(made))


@pytest.mark.req("S0-50")
def test_nothing_is_said_about_whole_packages(made: Release, package: Path) -> None:
    for artifact in artifacts(made):
        assert list(look(made.paths.packages / artifact.path, artifact, made.paths.dist, MANIFEST)) == []
    assert faults(package, None, None) == []


def test_a_package_of_another_platform_or_variant_is_found_out(made: Release) -> None:
    found = {artifact.name: artifact for artifact in artifacts(made)}
    arm, both = found["hello-1.2.3-macos-arm64-complete.pkg"], found["hello-1.2.3-macos-complete.pkg"]
    said = list(look(made.paths.packages / arm.path, replace(arm, platform="macos-amd64"), made.paths.dist, MANIFEST))
    assert said == ["it holds nothing for macos-amd64"]
    other = list(look(made.paths.packages / both.path, replace(both, variant="minimal"), made.paths.dist, MANIFEST))
    assert [fault for fault in other if "greetings.txt is not among the distribution's files" in fault]


def test_a_cut_at_any_byte_is_found(package: Path, tmp_path: Path) -> None:
    data, path = package.read_bytes(), tmp_path / package.name
    for size in (*range(200), *range(200, len(data), 37), len(data) - 1):
        path.write_bytes(data[:size])
        assert faults(path), size
    path.write_bytes(data + b"\0")
    assert faults(path)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_a_bit_that_is_turned_is_found(package: Path, tmp_path: Path, place: int, bit: int) -> None:
    data = bytearray(package.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path = tmp_path / package.name
    path.write_bytes(data)
    assert faults(path)
    # Also where nothing is known about the package.
    assert faults(path, None, None)


def test_every_bit_of_the_header_counts(package: Path, tmp_path: Path) -> None:
    data, path = package.read_bytes(), tmp_path / package.name
    for place in range(28 * 8):
        path.write_bytes(bytes([*data[: place // 8], data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :])
        assert faults(path, None, None), place


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), has_magic=st.booleans())
def test_any_bytes_are_refused_in_words(tmp_path: Path, data: bytes, has_magic: bool) -> None:
    path = tmp_path / "x.pkg"
    path.write_bytes((b"xar!\0\x1c\0\1" if has_magic else b"") + data)
    assert faults(path, None, None)


@settings(max_examples=50, deadline=None)
@given(place=st.integers(0, 2**16), value=st.integers(0, 255), size=st.integers(0, 2**16))
def test_damaged_bills_never_end_in_a_traceback(place: int, value: int, size: int) -> None:
    items = [Item(".", 0o755, 0, 0, True), *(Item(f"./f{number}", 0o644, 1, 2, False) for number in range(300))]
    whole = bytearray(bill(items, epoch=1))
    whole[place % len(whole)] = value
    for data in (bytes(whole), bytes(whole[: size % len(whole)])):
        try:
            assert len(listed_in(data)) == len(items)
        except VerificationError as error:
            assert "bill of materials is damaged" in error.message


@settings(max_examples=50, deadline=None)
@given(place=st.integers(0, 2**12), value=st.integers(0, 255), size=st.integers(0, 2**12))
def test_damaged_payloads_never_end_in_a_traceback(place: int, value: int, size: int) -> None:
    out = io.BytesIO()
    write_cpio(out, with_folders([text_entry("./a/b", b"hello")]), epoch=0)
    whole = bytearray(out.getvalue())
    whole[place % len(whole)] = value
    for data in (bytes(whole), bytes(whole[: size % len(whole)])):
        try:
            assert len(list(packed_in(io.BytesIO(gzip.compress(data))))) <= 4
        except VerificationError as error:
            assert "damaged" in error.message


Change = Callable[[dict[str, bytes]], object]


def rewrapped(source: Path, target: Path, change: Change) -> Path:
    """A package whose members were changed and whose digests are right again."""
    members = members_of(source)
    data = {name: data_of(source, member) for name, member in members.items()}
    change(data)
    with target.open("wb") as out:
        kept = [
            stored(name, io.BytesIO(each)) if name.endswith(("Payload", "Scripts")) else packed(name, each, 6)
            for name, each in data.items()
        ]
        write_xar(out, kept, epoch=sample.EPOCH)
    return target


def text(name: str, old: str, new: str) -> Change:
    def change(data: dict[str, bytes]) -> None:
        assert old.encode() in data[name]
        data[name] = data[name].replace(old.encode(), new.encode())

    return change


def archive(part: str, change: Callable[[dict[str, Entry]], object], *, epoch: int = sample.EPOCH, listed: bool = True) -> Change:
    """Change what is in a payload, and the bill too if it is to agree."""

    def apply(data: dict[str, bytes]) -> None:
        name = f"{COMPONENT}/{part}"
        found = {each.path: each for each in packed_in(io.BytesIO(data[name]))}
        entries = {
            path: replace(text_entry(path, each.data, each.mode & 0o7777), is_folder=each.is_folder)
            for path, each in found.items()
        }
        change(entries)
        out = io.BytesIO()
        write_cpio(out, entries.values(), epoch=epoch)
        data[name] = gzip.compress(out.getvalue())
        if part == "Payload" and listed:
            items = [Item(each.path, each.mode, each.size, cksum(each.chunks()), each.is_folder) for each in entries.values()]
            data[f"{COMPONENT}/Bom"] = bill(
                [replace(item, checksum=0) if item.is_folder else item for item in items], epoch=epoch
            )

    return apply


def entry_of(each: Packed) -> Entry:
    return replace(text_entry(each.path, each.data, each.mode & 0o7777), is_folder=each.is_folder)


def put(path: str, data: bytes, mode: int = 0o644) -> Callable[[dict[str, Entry]], object]:
    return lambda entries: entries.update({path: text_entry(path, data, mode)})


INFO, HELLO = f"{COMPONENT}/PackageInfo", "./usr/local/bin/hello"
PLIST = "./Library/LaunchDaemons/example.hello.hello.hello-server.plist"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("Distribution"), "it is no product archive"),
        (lambda data: data.pop(f"{COMPONENT}/Bom"), "holds PackageInfo, Payload, Scripts, not"),
        (lambda data: data.update({f"{COMPONENT}/more": b""}), "holds Bom, PackageInfo, Payload, Scripts, more, not"),
        (lambda data: data.update({"Resources/other": b""}), "what its Distribution does not name"),
        (lambda data: data.update({INFO: b"<pkg-info"}), "PackageInfo is no XML"),
        (lambda data: data.update({INFO: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "defines a type of its own"),
        (text(INFO, 'version="1.2.3"', 'version="1.2.4"'), "its version is 1.2.4, not 1.2.3"),
        (text(INFO, 'numberOfFiles="', 'numberOfFiles="1'), "its PackageInfo says 1"),
        (text(INFO, 'install-location="/"', 'install-location="/tmp"'), "does not install into the system as root"),
        (text(INFO, "./preinstall", "./other"), "does not run preinstall"),
        (text("Distribution", 'version="1.2.3" installKBytes', 'version="1.2.4" installKBytes'), "calls hello-arm64.pkg"),
        (text("Distribution", f"#{COMPONENT}", "#other.pkg"), "its Distribution installs #other.pkg"),
        (text("Distribution", 'hostArchitectures="arm64"', 'hostArchitectures="x86_64"'), "its Distribution is for x86_64"),
        (text("Distribution", 'enable_anywhere="false"', 'enable_anywhere="true"'), "be installed elsewhere than in the system"),
        (text("Distribution", '<pkg-ref id="example.hello.hello.arm64"/>', "<pkg-ref/>"), "does not choose"),
        (lambda data: data.update({f"{COMPONENT}/Bom": b"BOMStore"}), "bill of materials is damaged"),
        (
            lambda data: data.update({f"{COMPONENT}/Payload": gzip.compress(b"070707")}),
            "Payload: it is damaged: it ends in the middle",
        ),
        (archive("Payload", put(HELLO, b"#!/bin/sh\nevil\n", 0o755)), "bin/hello of the distribution is not in it"),
        (archive("Payload", put(HELLO, b"evil", 0o755), listed=False), "the bill says otherwise about ./usr/local/bin/hello"),
        (
            archive("Payload", put("./usr/local/bin/more", b"", 0o755)),
            "bin/more is not among the distribution's files",
        ),
        (archive("Payload", put("./usr/local/bin/more", b"", 0o755), listed=False), "./usr/local/bin/more is not in the bill"),
        (archive("Payload", lambda entries: entries.pop(HELLO)), "bin/hello of the distribution is not in it"),
        (archive("Payload", lambda entries: entries.pop(HELLO), listed=False), "is in the bill, but not in the payload"),
        (archive("Payload", put("./../etc/passwd", b""), listed=False), "./../etc/passwd points out of the package"),
        (archive("Payload", put("./USR/local/bin/hello", b""), listed=False), "./USR/local/bin/hello is not among"),
        (archive("Payload", put("./usr/local/bin/HELLO", b"")), "HELLO is there twice"),
        (archive("Payload", put("./usr/local/bin/dull", b"")), "./usr/local/bin/dull cannot be run"),
        (archive("Payload", lambda entries: None, epoch=7), "is of another time than the release"),
        (archive("Payload", put(PLIST, b"<plist")), "is no property list"),
        (
            archive("Payload", put(PLIST, b"<plist><dict><key>Label</key><string>x</string></dict></plist>")),
            "launchd would not take",
        ),
        (archive("Payload", put("./usr/local/share/hello/uninstall.sh", b"if\n", 0o755)), "a shell cannot read"),
        (archive("Scripts", put("./postinstall", b"fi\n", 0o755)), "a shell cannot read ./postinstall"),
        (archive("Scripts", put("./postinstall", b"true\n", 0o644)), "its scripts are"),
        (archive("Scripts", put("./files", b"etc/passwd\n")), "the list of files beside its scripts"),
        (archive("Scripts", put("./more", b"")), "its scripts are ./files, ./more"),
    ],
)
def test_tampering_with_right_digests_is_named(
    package: Path, contents: Contents, tmp_path: Path, change: Change, said: str
) -> None:
    path = rewrapped(package, tmp_path / package.name, change)
    assert any(said in fault for fault in faults(path, contents)), faults(path, contents)


def test_programs_for_another_processor_are_named(package: Path, tmp_path: Path) -> None:
    for head, found in ((b"\xcf\xfa\xed\xfe\x07\0\0\1", "Mach-O x86-64, not Mach-O arm64"), (b"\xcf\xfa\xed\xfe\x0c\0\0\1", "")):
        path = rewrapped(package, tmp_path / package.name, archive("Payload", put(HELLO, head + bytes(60), 0o755)))
        said = [fault for fault in faults(path) if "Mach-O" in fault]
        assert [found in fault for fault in said] == ([True] if found else [])


def test_modes_are_those_of_the_distribution(package: Path, contents: Contents, tmp_path: Path) -> None:
    path = rewrapped(
        package,
        tmp_path / package.name,
        archive("Payload", lambda entries: entries.update({HELLO: replace(entries[HELLO], mode=0o4755)})),
    )
    assert any("./usr/local/bin/hello has the mode 4755, not 0755" in fault for fault in faults(path, contents))


def test_a_whole_package_survives_being_wrapped_anew(package: Path, contents: Contents, tmp_path: Path) -> None:
    path = rewrapped(package, tmp_path / package.name, archive("Payload", lambda entries: None))
    assert faults(path, contents) == []
    assert digest_file(path) != ""


def test_a_stretch_ends_with_its_member(package: Path) -> None:
    member = members_of(package)[f"{COMPONENT}/Payload"]
    with package.open("rb") as file:
        assert len(Stretch(file, member).read()) == member.kept
