"""Signatures for minisign: made by the program itself, which asks for its password on standard input."""

from __future__ import annotations

import binascii
import os
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from slipway import process, tools
from slipway.errors import GateError, SlipwayError
from slipway.redaction import hidden
from slipway.signing.keys import from_environment, in_file, read_private

KEY: Final = "SLIPWAY_MINISIGN_KEY"
PASSPHRASE: Final = "SLIPWAY_MINISIGN_PASSPHRASE"  # noqa: S105 - the name of a variable
_ID: Final = slice(2, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minisign:
    """A minisign key: `key` is the public one, the line that starts with RW.

    The secret key comes from the variable SLIPWAY_MINISIGN_KEY (its text, or the path of a private file), else from
    `file`, else from where minisign keeps it. `epoch` is the time that the trusted comment tells.
    """

    KIND: ClassVar = "minisign"
    suffixes: ClassVar = (".minisig",)
    key: str
    epoch: int
    file: str = ""

    def signatures(self, path: Path) -> Mapping[str, bytes]:
        """Sign a file; raises SlipwayError with minisign's reasons."""
        comment = f"timestamp:{self.epoch}\tfile:{path.name}\thashed"
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder, in_file(self._secret()) as secret:
            made, password = Path(folder) / "signature", from_environment(PASSPHRASE)
            argv = ("minisign", "-S", "-s", secret, "-c", "signature by minisign", "-t", comment, "-x", made, "-m", path)
            with hidden(password):
                done = process.run(argv, stdin=f"{password}\n", check=False)
            if done.code or not made.is_file():
                raise SlipwayError(f"minisign cannot sign with {self._place()}: {done.output.strip()}", hint=_HINT)
            data = made.read_bytes()
        if key_id(data.splitlines()[1].decode("ascii", "replace")) != key_id(self.key):
            raise SlipwayError(
                f"{self._place()} is not the secret key of {self.key}", hint="name its public key in [sign] minisign"
            )
        return {".minisig": data}

    def require(self) -> None:
        """Raise GateError unless minisign and the key are there and sign."""
        tools.require("minisign")
        with tempfile.NamedTemporaryFile(prefix="slipway-") as file:
            try:
                self.signatures(Path(file.name))
            except SlipwayError as error:
                raise GateError(error.message, hint=error.hint) from error

    def _secret(self) -> str:
        if given := os.environ.get(KEY, "").strip():
            return given if "\n" in given else read_private(Path(given).expanduser())
        return read_private(Path(self.file) if self.file else Path.home() / ".minisign" / "minisign.key")

    def _place(self) -> str:
        return KEY if os.environ.get(KEY) else self.file or "~/.minisign/minisign.key"


_HINT: Final = f"set {KEY} to the secret key and {PASSPHRASE} or {PASSPHRASE}_FILE to its password"


def key_id(line: str) -> bytes:
    """The number of the key in a public key or in a signature, each a line of base64; empty when it is neither."""
    try:
        return b64decode(line, validate=True)[_ID]
    except (binascii.Error, ValueError):
        return b""
