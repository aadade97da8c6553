"""Signatures by SSH keys (OpenSSH, PROTOCOL.sshsig), which most machines can check without installing anything."""

from __future__ import annotations

import os
import re
import tempfile
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from slipway import process, tools
from slipway.errors import GateError, SlipwayError
from slipway.files import chunks_of
from slipway.redaction import hidden
from slipway.signing.keys import from_environment, in_file, read_private

KEY: Final = "SLIPWAY_SSH_KEY"
PASSPHRASE: Final = "SLIPWAY_SSH_PASSPHRASE"  # noqa: S105 - the name of a variable
# What is signed is a file, and no commit or login: signatures of one purpose do not count for another.
NAMESPACE: Final = "file"
_ARMOUR: Final = re.compile(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n")
_ASK: Final = f"#!/bin/sh\nprintf '%s\\n' \"${PASSPHRASE}\"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """An SSH key: `key` is the public one, as in a .pub file.

    The secret key comes from the variable SLIPWAY_SSH_KEY (its text, or the path of a private file), else from `file`,
    else from the SSH agent.
    """

    KIND: ClassVar = "ssh"
    suffixes: ClassVar = (".sshsig",)
    key: str
    file: str = ""

    def signatures(self, path: Path) -> Mapping[str, bytes]:
        """Sign a file; raises SlipwayError with the reasons of ssh-keygen."""
        with path.open("rb") as file:
            return {".sshsig": self.sign(chunks_of(file))}

    def require(self) -> None:
        """Raise GateError unless ssh-keygen and the key are there and sign."""
        tools.require("ssh-keygen")
        try:
            self.sign([b""])
        except SlipwayError as error:
            raise GateError(error.message, hint=error.hint) from error

    def sign(self, chunks: Iterable[bytes], namespace: str = NAMESPACE) -> bytes:
        """Return an armoured signature over the bytes, for one purpose; raises SlipwayError with the reasons of ssh-keygen."""
        password = from_environment(PASSPHRASE)
        with in_file(self._secret()) as key, _asking(password) as env, hidden(password):
            done = process.run(("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", key), env=env, stdin=chunks, check=False)
        found = _ARMOUR.search(done.output)
        if done.code or found is None:
            said = done.output.replace(str(key), self._place()).strip()
            raise SlipwayError(f"ssh-keygen cannot sign with {self._place()}: {said}", hint=_HINT)
        if public_blob(self.key) not in b64decode(found[1]):
            raise SlipwayError(f"{self._place()} is not the secret key of {self.key}", hint="name its public key in [sign] ssh")
        return found[0].encode()

    def _secret(self) -> str:
        if given := os.environ.get(KEY, "").strip():
            return f"{given}\n" if "\n" in given else read_private(Path(given).expanduser())
        return read_private(Path(self.file)) if self.file else f"{self.key}\n"

    def _place(self) -> str:
        return KEY if os.environ.get(KEY) else self.file or "the SSH agent"


_HINT: Final = f"set {KEY} to the secret key and {PASSPHRASE} or {PASSPHRASE}_FILE to its passphrase, or add it to the agent"


def public_blob(key: str) -> bytes:
    """The bytes of a public key that is written as in a .pub file; raises GateError when it is none."""
    try:
        return b64decode(key.split()[1], validate=True)
    except (IndexError, ValueError) as error:
        raise GateError(f"{key!r} is no public SSH key", hint="write it as in the .pub file: 'ssh-ed25519 AAAA…'") from error


@contextmanager
def _asking(password: str) -> Iterator[dict[str, str]]:
    """What makes ssh-keygen get the passphrase from the environment, and never from a terminal."""
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        program = Path(folder) / "ask"
        program.write_text(_ASK)
        program.chmod(0o700)
        yield {"SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":", PASSPHRASE: password, "LC_ALL": "C"}
