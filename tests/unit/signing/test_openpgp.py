"""What slipway reads of gpg's answers and writes without gpg."""

from __future__ import annotations

import pickle
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import tools
from slipway.errors import GateError
from slipway.plain import to_plain
from slipway.signing.gnupg import SecretKey, said
from slipway.signing.openpgp import Gpg, armored

# Made by gpg 2.2: a signature as it is, and the armour around it.
ARMOUR = """\
-----BEGIN PGP SIGNATURE-----

iHUEABYIAB0WIQS1z2yADHfbND/Tk9T73rUSA8VGRgUCawF/iwAKCRD73rUSA8VG
RgfaAP9U5VYb41zZ0cEmjsr14Avlpdkm315zB2bOOciGKeoPPQEA5FbmD1vNC5pN
LHwB2goUI55ahyQRGAo6+n2ufkPIkQY=
=V3jG
-----END PGP SIGNATURE-----
"""


def test_the_armour_is_that_of_gpg() -> None:
    lines = ARMOUR.splitlines()[2:-1]
    assert armored(b64decode("".join(lines[:-1]))).decode() == ARMOUR


@given(st.binary(min_size=1, max_size=300))
def test_the_armour_holds_all_of_a_signature_in_short_lines(data: bytes) -> None:
    lines = armored(data).decode().splitlines()
    assert b64decode("".join(lines[2:-2])) == data
    assert max(map(len, lines)) <= 64


def key(sec: str, *more: str) -> SecretKey:
    return SecretKey(tuple(tuple(line.split(":")) for line in (sec, "fpr:::::::::ABCD:", *more)))


def sec(state: str = "u", able: str = "scSC", secret: str = "+", made: int = 100) -> str:
    fields = ["sec", state, "255", "22", "B0", str(made), "", "", "u", "", "", able, "", "", secret, "", "", "23", "", "0", ""]
    return ":".join(fields)


def ssb(state: str = "u", able: str = "s", secret: str = "+", made: int = 200) -> str:
    fields = ["ssb", state, "255", "22", "C0", str(made), "", "", "", "", "", able, "", "", secret, "", "", "23", ""]
    return ":".join(fields)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (key(sec()), ""),
        (key(sec(able="cC"), ssb()), ""),
        (key(sec(able="cC", secret="#"), ssb()), ""),
        (key(sec(able="cC"), ssb("e"), ssb()), ""),
        (key(sec("e")), "has expired"),
        (key(sec("r"), ssb()), "is revoked"),
        (key(sec("d")), "is disabled"),
        (key(sec(able="cC")), "is not for signing"),
        (key(sec(able="cC"), ssb(able="e")), "is not for signing"),
        (key(sec(able="cC"), ssb("e")), "has expired, as far as it signs"),
        (key(sec(secret="#")), "is here without its secret part"),
        (key(sec(able="cC"), ssb(secret="#")), "is here without its secret part"),
    ],
)
def test_a_key_tells_why_it_cannot_sign(found: SecretKey, fault: str) -> None:
    assert found.fault == fault
    assert found.fingerprint == "ABCD"


def test_a_signature_is_not_older_than_the_parts_of_the_key_that_make_it() -> None:
    assert key(sec(made=100)).made == 100
    assert key(sec(able="cC"), ssb(made=300), ssb("e", made=400), ssb(able="e", made=500)).made == 300


def test_reasons_are_told_without_what_gpg_says_of_itself() -> None:
    output = "gpg: WARNING: running with faked system time: 2026\n[GNUPG:] KEY 1\ngpg: signing failed: No secret key\n"
    assert said(output) == "signing failed: No secret key"


def test_a_key_is_plain_data() -> None:
    gpg = Gpg(key="ABCD", epoch=1, file="/keys/a")
    assert pickle.loads(pickle.dumps(gpg)) == gpg
    assert to_plain(gpg) == {"kind": "gpg", "key": "ABCD", "epoch": 1, "file": "/keys/a", "home": ""}


def test_without_gpg_a_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.find.cache_clear()
    with pytest.raises(GateError, match="gpg is not installed"):
        Gpg(key="ABCD", epoch=1).require()
    tools.find.cache_clear()
