"""Where secrets come from: the environment, a private file, or a command that makes one; never slipway.toml or a command line."""

from __future__ import annotations

import configparser
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from slipway import process
from slipway.environments import Credential
from slipway.errors import GateError
from slipway.redaction import hide

LEAST_MINUTES: Final = 15
SECONDS_TO_MINT: Final = 120
_OTHERS: Final = 0o077
# Shorter words are in too many others to be hidden everywhere.
_LEAST_HIDDEN: Final = 4
# How the parts of a login are called by those who hand them out; compared without case, `-` and `_`.
_SECRET: Final = ("secretaccesskey", "awssecretaccesskey", "secretkey", "secret", "token", "accesstoken", "password")
_NAME: Final = ("accesskeyid", "awsaccesskeyid", "accesskey", "keyid", "id", "username", "user")
_SESSION: Final = ("sessiontoken", "awssessiontoken")
_EXPIRES: Final = ("expiration", "expires", "expiresat", "expiry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A secret with what belongs to it; `source` says where it comes from, for people."""

    secret: str = field(repr=False)
    name: str = ""
    session: str = field(default="", repr=False)
    expires: datetime | None = None
    source: str = ""

    def require_lasting(self, minutes: int = LEAST_MINUTES, *, now: datetime | None = None) -> None:
        """Raise GateError when it is known to end before so many minutes are over."""
        if self.expires is None or self.expires - (now or datetime.now(UTC)) >= timedelta(minutes=minutes):
            return
        raise GateError(
            f"the login from {self.source} ends at {self.expires:%Y-%m-%d %H:%M} UTC; a release needs {minutes} minutes at least",
            hint="get a new one, then run again; nothing has been written",
        )


def ask(credential: Credential) -> Login | None:
    """The login of a credential, kept out of every log from then on; None when the credential names no place.

    The environment goes before the file, and the file before the command. Raises GateError when none of them has it.
    """
    for found in (_from_environment(credential.env), _from_file(credential.file), _from_command(credential.command)):
        if found is not None:
            hide(*(word for word in (found.secret, found.session) if len(word) >= _LEAST_HIDDEN))
            return found
    if not credential.env:
        return None
    raise GateError(
        f"there is no login: {credential.env} is not set",
        hint=f"export {credential.env}=…, or name its file: export {credential.env}_FILE=…",
    )


def from_environment(name: str) -> str:
    """The secret in a variable of the environment, or in the file that the variable with _FILE after its name names.

    Empty when there is neither. Raises GateError when the file cannot be read or others may read it.
    """
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    return read_private(Path(path).expanduser()).strip("\r\n") if path else ""


def read_private(path: Path) -> str:
    """Read a file with a secret; raises GateError when it is not there or others may read it."""
    require_private(path)
    return path.read_text("utf-8", "replace")


def require_private(path: Path) -> None:
    """Raise GateError unless a file with a secret is there, can be read, and nobody else may read it."""
    try:
        mode = path.stat().st_mode
        path.open("rb").close()
    except OSError as error:
        raise GateError(f"the key file {path} cannot be read: {error.strerror}", hint="check the path and its owner") from error
    if os.name == "posix" and mode & _OTHERS:
        raise GateError(f"others may read the key file {path}: its mode is {mode & 0o777:04o}", hint=f"chmod 600 {path}")


def _from_environment(name: str) -> Login | None:
    """One variable, or the parts of a login in several: NAME_ACCESS_KEY_ID, NAME_SECRET_ACCESS_KEY, NAME_SESSION_TOKEN."""
    if not name:
        return None
    if text := from_environment(name):
        return _read(text, f"the variable {name}")
    if secret := from_environment(f"{name}_SECRET_ACCESS_KEY"):
        key, session = os.environ.get(f"{name}_ACCESS_KEY_ID", ""), os.environ.get(f"{name}_SESSION_TOKEN", "")
        return Login(secret=secret, name=key, session=session, source=f"the variable {name}_SECRET_ACCESS_KEY")
    return None


def _from_file(name: str) -> Login | None:
    return _read(read_private(Path(name).expanduser()), f"the file {name}") if name else None


def _from_command(words: tuple[str, ...]) -> Login | None:
    """What a command prints on standard output; what it prints beside that goes to the build log."""
    if not words:
        return None
    shown = f"the command {words[0]}"
    with process.within(SECONDS_TO_MINT):
        said = process.question([os.path.expanduser(words[0]), *words[1:]])  # noqa: PTH111 - a bare name stays bare
    if said.code != 0:
        why = (said.output.strip().splitlines() or ["it said nothing"])[-1]
        raise GateError(f"{shown} made no key: it failed with exit code {said.code}: {why}", hint=f"try it: {shlex.join(words)}")
    return _read(said.answer, shown)


def _read(text: str, source: str) -> Login:
    """A login as JSON, as NAME = VALUE lines, as a name and a secret on two lines, or a secret alone."""
    found = _parse(text.strip(), source)
    if not found.secret:
        raise GateError(f"there is no secret in what {source} says", hint="docs/publishing/credentials.md shows what it may be")
    return found


def _parse(text: str, source: str) -> Login:
    if text.startswith("{"):
        return _from_mapping(_json(text, source), source)
    lines = text.splitlines()
    if text.startswith("[") or (lines and all("=" in line for line in lines) and len(lines) > 1):
        return _from_mapping(_ini(text, source), source)
    if len(lines) == 2:
        return Login(secret=lines[1].strip(), name=lines[0].strip(), source=source)
    if len(lines) > 2:
        raise GateError(f"{source} says more than a secret", hint="docs/publishing/credentials.md shows what it may be")
    return Login(secret=text, source=source)


def paired(login: Login) -> Login:
    """The login of a store that needs a name too, which may stand before the secret: NAME:SECRET."""
    name, colon, secret = login.secret.partition(":")
    if login.name or not colon:
        return login
    hide(secret)
    return replace(login, name=name, secret=secret)


def _json(text: str, source: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        # The parser's own words would show a part of the text, and with it of the secret.
        raise GateError(f"{source} begins like JSON and is none", hint="see what it says, but show nobody") from None
    return found if isinstance(found, dict) else {}


def _ini(text: str, source: str) -> Mapping[str, Any]:
    reader = configparser.RawConfigParser()
    try:
        reader.read_string(text if text.startswith("[") else f"[default]\n{text}")
        names = reader.sections()
        return dict(reader.items("default" if "default" in names else names[0]))
    except (configparser.Error, IndexError):
        raise GateError(f"{source} begins like a list of NAME = VALUE and is none", hint="see what it says") from None


def _from_mapping(data: Mapping[str, Any], source: str) -> Login:
    plain = {key.lower().replace("_", "").replace("-", ""): value for key, value in data.items() if value not in (None, "")}
    return Login(
        secret=_first(plain, _SECRET),
        name=_first(plain, _NAME),
        session=_first(plain, _SESSION),
        expires=_moment(_first(plain, _EXPIRES), source),
        source=source,
    )


def _first(data: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(data[name]) for name in names if name in data), "")


def _moment(text: str, source: str) -> datetime | None:
    if not text:
        return None
    try:
        if text.replace(".", "", 1).isdigit():
            return datetime.fromtimestamp(float(text), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise GateError(
            f"{source} says that its key ends at {text!r}, which is no time", hint="ISO 8601 is understood"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
