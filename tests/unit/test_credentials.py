"""Logins: where they come from, what they may look like, and that nobody sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway import console, process
from slipway.credentials import Login, ask, paired
from slipway.environments import Credential
from slipway.errors import GateError, SlipwayError
from slipway.redaction import redact

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.fixture(autouse=True)
def _nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.redaction._everywhere", set())


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def mint(text: str, code: int = 0, errors: str = "") -> Credential:
    """A command that prints a key."""
    return Credential(command=("sh", "-c", 'printf %s "$1"; printf %s "$2" >&2; exit "$3"', "sh", text, errors, str(code)))


SPELLINGS = {
    "a secret alone": (f"{SECRET}\n", "", "", None),
    "a name and a secret": (f"AKIA1\n{SECRET}\n", "AKIA1", "", None),
    "what garage-ephemeral-key prints": (
        json.dumps({"name": "releng-staging", "id": "GK31", "secret_key": SECRET}),
        "GK31",
        "",
        None,
    ),
    "what AWS calls a credential process": (
        json.dumps(
            {
                "Version": 1,
                "AccessKeyId": "ASIA2",
                "SecretAccessKey": SECRET,
                "SessionToken": "session-1",
                "Expiration": "2026-11-21T13:00:00Z",
            }
        ),
        "ASIA2",
        "session-1",
        NOON + timedelta(hours=1),
    ),
    "a token with its end in seconds": (
        json.dumps({"token": SECRET, "expires_at": NOON.timestamp()}),
        "",
        "",
        NOON,
    ),
    "the file of AWS": (
        f"[other]\naws_access_key_id = no\n[default]\naws_access_key_id = AKIA3\naws_secret_access_key = {SECRET}\n",
        "AKIA3",
        "",
        None,
    ),
    "lines of names and values": (f"ACCESS_KEY_ID=AKIA4\nSECRET_ACCESS_KEY={SECRET}\n", "AKIA4", "", None),
}


@pytest.mark.parametrize(("text", "name", "session", "expires"), SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("place", ["environment", "file named by the environment", "file", "command"])
def test_a_login_is_read_from_every_place_in_every_spelling(
    text: str,
    name: str,
    session: str,
    expires: datetime | None,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credential = Credential(env="RELEASE_KEY")
    if place == "environment":
        monkeypatch.setenv("RELEASE_KEY", text)
    elif place == "file named by the environment":
        monkeypatch.setenv("RELEASE_KEY_FILE", private(tmp_path / "key", text))
    elif place == "file":
        credential = Credential(file=private(tmp_path / "key", text))
    else:
        credential = mint(text)
    found = ask(credential)
    assert found is not None
    assert (found.secret, found.name, found.session, found.expires) == (SECRET, name, session, expires)
    assert found.source


def test_the_parts_of_a_login_may_be_in_several_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIA5", "SECRET_ACCESS_KEY": SECRET, "SESSION_TOKEN": "session-2"}.items():
        monkeypatch.setenv(f"STAGING_{name}", value)
    found = ask(Credential(env="STAGING"))
    assert found is not None
    assert (found.name, found.secret, found.session) == ("AKIA5", SECRET, "session-2")


def test_a_name_may_stand_before_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_KEY", f"AKIA6:{SECRET}")
    found = ask(Credential(env="RELEASE_KEY"))
    assert found is not None
    assert (paired(found).name, paired(found).secret) == ("AKIA6", SECRET)


def test_the_environment_goes_before_the_file_and_the_file_before_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = Credential(env="RELEASE_KEY", file=private(tmp_path / "key", "from-file"), command=mint("from-command").command)
    from_file = ask(every)
    monkeypatch.setenv("RELEASE_KEY", "from-environment")
    from_environment = ask(every)
    assert from_file is not None and from_file.secret == "from-file"
    assert from_environment is not None and from_environment.secret == "from-environment"


def test_a_credential_that_names_no_place_has_no_login() -> None:
    assert ask(Credential()) is None
    assert ask(Credential(profile="releases")) is None


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    private(tmp_path / "key", SECRET)
    found = ask(Credential(file="~/key"))
    assert found is not None and found.secret == SECRET


@pytest.mark.req("S0-42")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = private(tmp_path / "key", SECRET, mode)
    with pytest.raises(GateError, match="others may read") as caught:
        ask(Credential(file=path))
    assert caught.value.hint == f"chmod 600 {path}"


BAD = {
    "nothing at all": ("", "no secret"),
    "JSON without a secret": ('{"id": "x"}', "no secret"),
    "half of JSON": (f'{{"token": "{SECRET}"', "begins like JSON"),
    "a list that is none": ("[default\n", "begins like a list"),
    "a whole page": (f"Welcome!\nYour key:\n{SECRET}\n", "more than a secret"),
    "a key that ends some day": (json.dumps({"token": SECRET, "expires": "tomorrow"}), "'tomorrow'"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_what_is_no_login_is_refused_without_showing_it(text: str, said: str) -> None:
    with pytest.raises(GateError, match=said) as caught:
        ask(mint(text))
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.__cause__)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELEASE_KEY", raising=False)
    with pytest.raises(GateError, match="RELEASE_KEY is not set"):
        ask(Credential(env="RELEASE_KEY"))


def test_a_command_that_fails_says_why_but_not_what_it_printed() -> None:
    with pytest.raises(GateError, match="exit code 3: the server is away") as caught:
        ask(mint(SECRET, code=3, errors="hello\nthe server is away\n"))
    assert SECRET not in caught.value.message


def test_a_command_that_waits_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.credentials.SECONDS_TO_MINT", 0.3)
    with pytest.raises(SlipwayError, match=r"still ran after 0\.3 seconds"):
        ask(Credential(command=("sleep", "20")))


@pytest.mark.req("S1-2")
def test_a_key_that_ends_too_soon_is_refused_before_anything_is_written() -> None:
    login = Login(secret=SECRET, expires=NOON, source="the command mint")
    login.require_lasting(15, now=NOON - timedelta(minutes=15))
    with pytest.raises(GateError, match="ends at 2026-11-21 12:00 UTC"):
        login.require_lasting(15, now=NOON - timedelta(minutes=14, seconds=59))
    Login(secret=SECRET).require_lasting(15, now=NOON)


def test_a_login_is_kept_out_of_logs_messages_and_its_own_picture(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    (tmp_path / "printed").write_text(json.dumps({"id": "GK31", "secret_key": SECRET, "SessionToken": "session-3"}))
    with console.logging_to(log):
        found = ask(Credential(command=("cat", str(tmp_path / "printed"))))
        process.run(["echo", f"{SECRET} session-3"])
    assert SECRET not in repr(found) and "session-3" not in repr(found)
    assert SECRET not in log.read_text() and "session-3" not in log.read_text()
    assert "***" in log.read_text()
    assert redact(f"a {SECRET} b") == "a *** b"
