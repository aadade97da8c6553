from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.errors import ConfigError, GateError
from slipway.installers import plan_installers
from slipway.installers.keys import PublicKeys, public_keys
from slipway.installers.origin import Origin, download_url, origin_of
from slipway.model import InstallRules, Release, VersionRule
from slipway.rules import SignRules
from slipway.signing.openpgp import Gpg

MINISIGN = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Bq5r0yGq3oqD0Jb4C9v9n2w0oM3cD9c0m1J7gXx2K release key"
FINGERPRINT = "97F6EAD0786F0309DDEC74FABCD82BDAEC0C55DC"
# The beginning of a packet with a public key (RFC 4880, section 5.5), which is all that is looked at here.
PACKETS = b"\x98\x33" + bytes(range(200))
CHECK = b"=AAAA"


def armoured(data: bytes, *headers: str) -> bytes:
    lines = b"".join(f"{line}\n".encode() for line in headers)
    text = b64encode(data)
    body = b"\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    head, tail = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\n-----END PGP PUBLIC KEY BLOCK-----\n"
    return head + lines + b"\n" + body + b"\n" + CHECK + tail


def release(root: Path, **changes: Any) -> Release:
    return sample.release(root, project=sample.project(root / "project", **changes))


@pytest.mark.parametrize(
    ("what", "archives", "lists"),
    [(("artifacts",), True, False), (("checksums", "packages"), False, True), (("artifacts", "checksums"), True, True)],
)
def test_what_is_signed_decides_which_signatures_are_looked_for(
    tmp_path: Path, what: tuple[str, ...], archives: bool, lists: bool
) -> None:
    shown = public_keys(release(tmp_path, sign=SignRules(minisign=MINISIGN, ssh=SSH, what=what))).shown()
    assert (shown["kinds"], shown["archives"], shown["lists"]) == (["minisign", "ssh"], archives, lists)
    assert shown["ssh"] == SSH.removesuffix(" release key")


def test_nothing_is_looked_for_where_only_packages_are_signed_or_no_key_is_named(tmp_path: Path) -> None:
    only_packages = SignRules(minisign=MINISIGN, ssh=SSH, gpg=FINGERPRINT, what=("packages",))
    for said in (only_packages, SignRules()):
        shown = public_keys(release(tmp_path, sign=said)).shown()
        assert (shown["kinds"], shown["archives"], shown["lists"]) == ([], False, False)


def test_the_key_of_minisign_is_also_told_as_openssl_takes_it() -> None:
    shown = PublicKeys(minisign=MINISIGN).shown()
    spki, key = b64decode(str(shown["minisign_spki"])), b64decode(MINISIGN)
    assert spki == bytes.fromhex("302a300506032b6570032100") + key[10:]
    # A signature begins with ED, the key with Ed; what follows is the same number in both.
    signature = b64encode(b"ED" + key[2:10] + bytes(64)).decode()
    assert signature.startswith("RU")
    assert signature[3:].startswith(str(shown["minisign_number"]))
    assert len(str(shown["minisign_number"])) == 10


@pytest.mark.parametrize("data", [PACKETS, armoured(PACKETS), armoured(PACKETS, "Comment: it has a header", "Version: 1")])
def test_an_openpgp_key_comes_from_its_file_in_any_form(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "key").write_bytes(data)
    (tmp_path / "other").write_text(f"untrusted comment: no OpenPGP key\n{MINISIGN}\n")
    key = Gpg(key=FINGERPRINT, epoch=0)
    shown = PublicKeys(gpg=key, files=(tmp_path / "other", tmp_path / "key")).shown()
    lines = shown["gpg"]
    assert isinstance(lines, list)
    assert b64decode("".join(lines)) == PACKETS
    assert max(map(len, lines)) == 76
    assert shown["kinds"] == ["gpg"]


@pytest.mark.parametrize(
    ("said", "fingerprint"),
    [
        (FINGERPRINT, FINGERPRINT),
        (f"0x{FINGERPRINT.lower()}!", FINGERPRINT),
        ("97F6 EAD0 786F 0309 DDEC 74FA BCD8 2BDA EC0C 55DC", FINGERPRINT),
        ("makers@hello.example", ""),
        ("EC0C55DC", ""),
    ],
)
def test_a_whole_fingerprint_is_asked_for_and_a_name_is_not(tmp_path: Path, said: str, fingerprint: str) -> None:
    (tmp_path / "key").write_bytes(PACKETS)
    shown = PublicKeys(gpg=Gpg(key=said, epoch=0), files=(tmp_path / "key",)).shown()
    assert shown["gpg_fingerprint"] == fingerprint


@pytest.mark.parametrize("key", ["RWQ", "not base64!", SSH, b64encode(bytes(42)).decode()])
def test_what_is_no_key_of_minisign_is_refused_when_it_is_planned(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="no public key of minisign"):
        plan_installers(release(tmp_path, sign=SignRules(minisign=key)), ("shell",))


def test_what_is_no_ssh_key_is_refused_when_it_is_planned(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="no public SSH key"):
        plan_installers(release(tmp_path, sign=SignRules(ssh="AAAA")), ("shell",))


def test_to_require_signatures_takes_a_key() -> None:
    with pytest.raises(ConfigError, match="there is no public key"):
        Origin(policy="require").shown()
    assert Origin(policy="require", keys=PublicKeys(ssh=SSH)).shown()["policy"] == "require"


def test_the_step_changes_with_the_keys_and_the_places(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/key.asc").write_bytes(armoured(PACKETS))
    plain = release(tmp_path)
    signed = replace(plain.project, sign=SignRules(gpg=FINGERPRINT, public_keys=("key.asc",)))
    moved = replace(plain.project, install=replace(plain.project.install, mirrors=("https://mirror.example",)))
    one, two, three = (plan_installers(replace(plain, project=each), ("shell",))[0] for each in (plain.project, signed, moved))
    assert len({str(step.settings) for step in (one, two, three)}) == 3
    assert tmp_path / "project/key.asc" in two.inputs


def test_an_address_keeps_its_places_for_other_versions(tmp_path: Path) -> None:
    rules = InstallRules(download_url="https://hello.example/{tag}", mirrors=("https://mirror.example/{version}",))
    made = release(tmp_path, install=rules, version=VersionRule(source="value", value="1.2.3", tag="hello-{version}"))
    origin = origin_of(made)
    assert (origin.url, origin.mirrors, origin.tag) == (rules.download_url, rules.mirrors, "hello-{version}")
    assert download_url(made) == "https://hello.example/hello-1.2.3"


def test_a_mirror_must_be_https(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not an https address"):
        origin_of(release(tmp_path, install=InstallRules(mirrors=("http://mirror.example",))))
