"""Folders of packages of any origin: what is said of each file, the table, the report, and what is never passed over."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sample
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.manifest import Artifact, Manifest
from slipway.packagers import FORMATS
from slipway.platforms import PLATFORMS
from slipway.rules import SignRules
from slipway.verify import package
from slipway.verify.outcome import Finding, Inspection, Outcome, inspection_schema
from slipway.verify.package import inspect
from slipway.verify.signatures import Keyring, missing_signatures

MINISIGN = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
SIGNATURE = f"untrusted comment: x\n{MINISIGN}{'A' * 44}\ntrusted comment: y\n{'A' * 88}\n"
# Kinds that are written without another program.
WRITTEN = ("archive", "deb", "rpm", "freebsd", "pkg")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package of every kind and no list of any sort."""
    root = tmp_path_factory.mktemp("made")
    release = sample.release(root)
    names = ("linux-amd64", "macos-arm64", "freebsd-amd64", "windows-amd64")
    release = replace(release, platforms=tuple(PLATFORMS[name] for name in names), variants=release.variants[:1])
    for cell in release.cells:
        sample.stage(release, cell)
    for kind in FORMATS:
        for step in kind.plan(release) if kind.kind in WRITTEN else ():
            step.run()
    folder = tmp_path_factory.mktemp("packages")
    for path in release.paths.packages.rglob("*.*"):
        shutil.copy(path, folder / path.name)
    return folder


def results(found: Inspection) -> dict[str, str]:
    return {each.path: each.result for each in found.files}


@pytest.mark.req("S0-39")
def test_packages_without_a_manifest_are_checked_each_by_its_kind(made: Path) -> None:
    found = inspect(made)
    assert found.findings == ()
    assert {each.kind for each in found.files} >= {"archive", "deb"}
    assert set(results(found).values()) == {"passed"}
    found.conclude()


_SPOILT = st.tuples(st.integers(0, 1 << 30), st.integers(0, 1 << 30), st.integers(0, 7))


@pytest.mark.req("S0-39")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_SPOILT)
def test_a_cut_or_a_flipped_bit_in_a_package_is_a_fault_or_harmless_but_never_a_traceback(
    made: Path, tmp_path: Path, spoilt: tuple[int, int, int]
) -> None:
    cut, place, bit = spoilt
    for path in sorted(made.iterdir()):
        data = path.read_bytes()
        short = data[: cut % len(data)]
        flipped = bytearray(data)
        flipped[place % len(data)] ^= 1 << bit
        for number, bad in enumerate((short, bytes(flipped))):
            folder = tmp_path / str(number)
            folder.mkdir(exist_ok=True)
            (folder / path.name).write_bytes(bad)
            (outcome,) = inspect(folder).files
            assert outcome.result == "failed" or number == 1, f"{path.name} cut at {len(short)} of {len(data)} is no fault"
            assert not outcome.lacks
            (folder / path.name).unlink()


def test_a_reader_that_stumbles_is_a_fault_of_the_file_and_the_others_are_still_read(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> Iterator[str]:
        yield "one thing"
        raise IndexError("off")

    looks = tuple(replace(row, look=stumble) if "deb" in row.kinds else row for row in package._LOOKS)
    monkeypatch.setattr(package, "_LOOKS", looks)
    faults = {each.path: each.faults for each in inspect(made).files if each.faults}
    assert faults == {"hello_1.2.3_amd64.deb": ("one thing", "it is damaged: IndexError: off")}
    assert len(inspect(made).files) > 3


@pytest.mark.parametrize("name", ["x.deb", "x.rpm", "x.pkg"])
def test_what_does_not_begin_as_its_name_promises_is_a_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<!DOCTYPE html>" * 10)
    (outcome,) = inspect(tmp_path).files
    assert "does not begin as" in outcome.faults[0]


def test_a_folder_that_holds_nothing_known_is_a_fault_and_what_is_beside_packages_is_not(made: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    assert "nothing has been made" in str(inspect(tmp_path).findings[0])
    shutil.copy(made / "hello_1.2.3_amd64.deb", tmp_path)
    assert results(inspect(tmp_path)) == {"hello_1.2.3_amd64.deb": "passed", "notes.txt": "unknown"}


def digest(data: bytes, name: str) -> str:
    return hashlib.new(name, data).hexdigest()


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("SHA256SUMS", "{sha256}  a\n", ""),
        ("SHA256SUMS", "{sha256} *a\n{sha256}  {folder}/a\n", ""),
        ("SHA512SUMS", "{sha512}  a\n", ""),
        ("B2SUMS", "{blake2b}  a\n", ""),
        ("checksums.md5", "MD5 (a) = {md5}\n", ""),
        ("a.sha256", "{sha256}\n", ""),
        ("SHA256SUMS", "", "it lists nothing"),
        ("SHA256SUMS", "{sha512}  a\n{md5}  b\n", "it lists b, which is not there"),
        ("SHA256SUMS", "0{sha256}  a\n", "none of a list of digests"),
        ("SHA256SUMS", "{zeros}  a\n", "a has another sha256 digest"),
        ("SHA256SUMS", "{sha256}  ../a\n", "outside of its folder"),
        ("SHA256SUMS", "{sha256}  /etc/passwd\n", "outside of its folder"),
    ],
)
def test_lists_of_digests_are_held_against_the_files(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / "a").write_bytes(b"data")
    words = {each: digest(b"data", each) for each in ("md5", "sha256", "sha512", "blake2b")}
    (tmp_path / name).write_text(text.format(**words, zeros="0" * 64, folder=tmp_path.name))
    (outcome,) = (each for each in inspect(tmp_path).files if each.path == name)
    assert fault in " ".join(outcome.faults)
    assert (outcome.result == "passed") is (not fault)
    assert outcome.kind == "list"


@pytest.mark.parametrize(
    ("files", "result", "says"),
    [
        ({"a.tar.gz.minisig": SIGNATURE}, "failed", "there is no a.tar.gz that it could sign"),
        ({"a": "x", "a.sig": "hello"}, "failed", "no signature of a known kind"),
        ({"a": "x", "a.asc": ""}, "failed", "no signature of a known kind"),
        ({"a": "x", "a.minisig": SIGNATURE}, "unchecked", "no public key for minisign is given"),
        ({"a": "x", "a.sshsig": "-----BEGIN SSH SIGNATURE-----\n"}, "unchecked", "no public SSH key is given"),
        ({"a": "x", "a.minisig": "untrusted comment: x\n"}, "unchecked", "no public key"),
    ],
)
@pytest.mark.req("S0-39")
def test_a_signature_that_cannot_be_checked_never_passes(tmp_path: Path, files: dict[str, str], result: str, says: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = inspect(tmp_path)
    (outcome,) = (each for each in found.files if each.kind == "signature")
    assert outcome.result == result
    assert says in " ".join((*outcome.faults, *outcome.lacks))
    with pytest.raises(VerificationError if result == "failed" else GateError) as caught:
        found.conclude()
    assert caught.value.exit_code == (4 if result == "failed" else 3)


def test_a_signature_by_another_minisign_key_is_told_without_minisign(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a.minisig").write_text(SIGNATURE)
    trusted = Keyring(minisign=("RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGbP1aVSGav",))
    assert "none of those that are trusted" in str(inspect(tmp_path, keys=trusted).findings[0])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "openpgp"),
        ("-----BEGIN CERTIFICATE-----\n", "certificates"),
        (f"untrusted comment: minisign public key\n{MINISIGN}\n", "minisign"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me\n", "ssh"),
        ("signer ssh-rsa AAAAB3NzaC1yc2E= me\n", "ssh"),
    ],
)
def test_a_file_of_a_public_key_is_known_by_what_it_holds(tmp_path: Path, text: str, field: str) -> None:
    (tmp_path / "key").write_text(text)
    for found in (Keyring.of(SignRules(), tmp_path, (tmp_path / "key",)), Keyring.of(SignRules(public_keys=("key",)), tmp_path)):
        assert [name for name in ("openpgp", "certificates", "minisign", "ssh") if getattr(found, name)] == [field]


def test_a_file_without_a_public_key_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN PGP PRIVATE KEY BLOCK-----\n")
    for name in ("key", "none"):
        with pytest.raises(ConfigError, match=name):
            Keyring.of(SignRules(public_keys=(name,)), tmp_path)


def artifact(name: str, signs: str = "") -> Artifact:
    kind = "signature" if signs else "archive"
    return Artifact(kind=kind, name=name, path=name, size=1, digests={"sha256": "0" * 64}, media_type="x", signs=signs)


def test_in_a_project_that_signs_a_missing_signature_is_a_fault(tmp_path: Path) -> None:
    trusted = Keyring.of(SignRules(gpg="ABCD", minisign=MINISIGN), tmp_path)
    there = ("a.sig", "a.asc", "a.minisig", "SHA256SUMS.sig", "SHA256SUMS.asc", "SHA256SUMS.minisig")
    whole = (artifact("a"), *(artifact(name, name.rpartition(".")[0]) for name in there))
    manifest = Manifest(name="hello", version="1", epoch=1, artifacts=whole)
    assert list(missing_signatures(manifest, trusted)) == []
    for lost in there:
        found = replace(manifest, artifacts=tuple(each for each in whole if each.name != lost))
        path = lost.rpartition(".")[0]
        assert list(missing_signatures(found, trusted)) == [(path, f"it is not signed: there is no {lost} in the manifest")]


def test_only_a_whole_fingerprint_says_which_key_counts(tmp_path: Path) -> None:
    said: dict[str, str] = {
        "97f6 ead0 786f 0309 ddec 74fa bcd8 2bda ec0c 55dc": "97F6EAD0786F0309DDEC74FABCD82BDAEC0C55DC",
        "0x97F6EAD0786F0309": "97F6EAD0786F0309",
        "Hello Makers <makers@hello.example>": "",
    }
    assert {key: Keyring.of(SignRules(gpg=key), tmp_path).gpg for key in said} == said


FOUND = Inspection(
    folder="packages",
    files=(
        Outcome(path="a.tar.gz", kind="archive", size=12, checks=("bytes", "contents")),
        Outcome(path="b.deb", kind="deb", size=3456, faults=("it is damaged",)),
        Outcome(path="b.deb.asc", kind="signature", size=7, lacks=("gpg is not installed",)),
        Outcome(path="notes", size=1),
    ),
)


def test_the_table_has_a_line_for_every_file() -> None:
    assert list(FOUND.table()) == [
        "file       kind       bytes  checks           result",
        "a.tar.gz   archive       12  bytes, contents  passed",
        "b.deb      deb         3456  -                failed",
        "b.deb.asc  signature      7  -                unchecked",
        "notes      -              1  -                unknown",
    ]


def test_the_report_follows_its_schema(tmp_path: Path) -> None:
    FOUND.write(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(report, inspection_schema())
    assert report["result"] == "failed"
    assert [each["result"] for each in report["files"]] == ["passed", "failed", "unchecked", "unknown"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report | {"more": 1}, inspection_schema())


@pytest.mark.parametrize(("keep", "code"), [((0, 1, 2, 3), 4), ((0, 2, 3), 3), ((0, 3), 0)])
def test_a_fault_weighs_more_than_what_could_not_be_checked(keep: tuple[int, ...], code: int) -> None:
    found = replace(FOUND, files=tuple(FOUND.files[index] for index in keep))
    run: Callable[[], None] = found.conclude
    if not code:
        run()
        return
    with pytest.raises(VerificationError if code == 4 else GateError) as caught:
        run()
    assert caught.value.exit_code == code
    assert "b.deb.asc: gpg is not installed" in caught.value.message
    assert found.findings[-1] == Finding(path="b.deb.asc", message="gpg is not installed")


def test_a_signature_that_the_manifest_gives_to_another_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz.minisig").write_text(SIGNATURE)
    size, sha256 = len(SIGNATURE), digest(SIGNATURE.encode(), "sha256")
    lying = replace(artifact("a.tar.gz.minisig", "b.tar.gz"), size=size, digests={"sha256": sha256})
    (tmp_path / "manifest.json").write_bytes(Manifest(name="x", version="1", epoch=1, artifacts=(lying,)).dump())
    assert "the manifest says that it signs b.tar.gz" in "".join(map(str, inspect(tmp_path).findings))


@pytest.mark.req("S0-39")
def test_a_signature_that_somebody_made_by_hand_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(Manifest(name="x", version="1", epoch=1, artifacts=()).dump())
    for name in ("checksums.sha256.sig", "SHA256SUMS.asc", "other-0.9.tar.gz.sig"):
        (tmp_path / name).write_text("hello")
    (tmp_path / "checksums.sha256").write_text("")
    (tmp_path / "SHA256SUMS").write_text("")
    faults = {each.path for each in inspect(tmp_path).files if each.kind == "signature" and each.result == "failed"}
    assert faults == {"checksums.sha256.sig", "SHA256SUMS.asc"}


@pytest.mark.req("S0-39")
def test_programs_for_windows_must_be_signed_where_the_project_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "hello.exe").write_bytes(pes.pe(["KERNEL32.dll"]))
    assert results(inspect(folder)) == {"hello.exe": "passed"}
    demanding = Keyring(inside_windows=True)
    assert [each.message for each in inspect(folder, keys=demanding).findings] == ["there is no signature inside"]
    (folder / "hello.exe").write_bytes(b"MZ")
    assert results(inspect(folder)) == {"hello.exe": "failed"}
    release = sample.release(tmp_path)
    release = replace(release, platforms=(PLATFORMS["windows-amd64"],), variants=release.variants[:1])
    sample.stage(release, release.cells[0])
    assert inspect(release.paths.dist).findings == ()
    found = {each.path for each in inspect(release.paths.dist, keys=demanding).findings}
    assert found == {f"hello-1.2.3-windows-amd64-complete/bin/{name}.exe" for name in ("hello", "hello-server")}
