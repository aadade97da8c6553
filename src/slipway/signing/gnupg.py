"""The folders and the keys of gpg: private folders that go away again, and what gpg lists of its secret keys."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import GateError

GPG: Final = ("gpg", "--batch", "--no-tty", "--no-options", "--yes")
_STATES: Final = {"e": "has expired", "r": "is revoked", "d": "is disabled", "i": "is invalid"}
_TYPE, _STATE, _MADE, _PRINT, _ABLE, _SECRET = 0, 1, 5, 9, 11, 14
_lock: Final = threading.Lock()
_homes: Final[dict[tuple[bytes, ...], Path]] = {}


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key as gpg lists it: its line, its fingerprint's and those of its subkeys (GnuPG, doc/DETAILS, colon listings)."""

    rows: tuple[tuple[str, ...], ...]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the primary key."""
        return next((row[_PRINT] for row in self.rows if row[_TYPE] == "fpr"), "")

    @property
    def made(self) -> int:
        """When the newest of its parts was made that takes part in signing; seconds since 1970."""
        rows = [self.rows[0], *(row for row in self._signers if row[_STATE] not in _STATES)]
        return max(int(row[_MADE]) for row in rows if row[_MADE].isdecimal())

    @property
    def fault(self) -> str:
        """Why it cannot sign now; empty when it can."""
        if said := _STATES.get(self.rows[0][_STATE]):
            return said
        if not (signers := self._signers):
            return "is not for signing"
        valid = [row for row in signers if row[_STATE] not in _STATES]
        if not valid:
            return f"{_STATES[signers[-1][_STATE]]}, as far as it signs"
        return "is here without its secret part" if all(row[_SECRET] == "#" for row in valid) else ""

    @property
    def _signers(self) -> list[tuple[str, ...]]:
        return [row for row in self.rows if row[_TYPE] in {"sec", "ssb"} and "s" in row[_ABLE]]


def secret_keys(name: str, home: Path | None) -> list[SecretKey]:
    """The secret keys that a name stands for; `home` is gpg's folder, where it is not the usual one."""
    done = process.question((*GPG, "--with-colons", "--list-secret-keys", "--", name), env=environment(home))
    found: list[list[tuple[str, ...]]] = []
    for row in (tuple(line.split(":")) for line in done.answer.splitlines()):
        if row[_TYPE] == "sec":
            found.append([])
        if found:
            found[-1].append(row)
    return [SecretKey(tuple(rows)) for rows in found]


def environment(home: Path | None) -> dict[str, str]:
    """What gpg gets laid over the environment: its folder, and a language that is known."""
    return {"LC_ALL": "C", **({"GNUPGHOME": str(home)} if home is not None else {})}


def home_with(keys: Iterable[bytes]) -> Path:
    """A private folder of gpg's that holds exactly these keys; it goes away when this process ends.

    Raises GateError when one of them is no key.
    """
    wanted = tuple(keys)
    with _lock:
        if wanted not in _homes:
            _homes[wanted] = _filled(wanted)
        return _homes[wanted]


def said(output: str) -> str:
    """What gpg gave as its reasons, without what it says about itself."""
    lines = (line.removeprefix("gpg: ") for line in output.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("WARNING: running with faked", "[GNUPG:]")))


def _filled(keys: tuple[bytes, ...]) -> Path:
    # The names of sockets are short: a folder for temporary files with a long name would be too deep for gpg's agent.
    short = Path("/tmp")  # noqa: S108 - mkdtemp makes a private folder below
    home = Path(tempfile.mkdtemp(prefix="slipway-", dir=short if os.access(short, os.W_OK) else None))
    atexit.register(_close, home, os.getpid())
    for key in keys:
        done = process.run((*GPG, "--import"), env=environment(home), stdin=[key], check=False)
        if done.code:
            raise GateError(f"gpg cannot read a key:\n{said(done.output)}", hint="export it again: gpg --armor --export KEY")
    return home


def _close(home: Path, owner: int) -> None:
    if os.getpid() == owner and home.is_dir():
        if shutil.which("gpgconf"):
            process.capture(["gpgconf", "--homedir", home, "--kill", "all"])
        # The agent takes its sockets away while it ends.
        shutil.rmtree(home, ignore_errors=True)
