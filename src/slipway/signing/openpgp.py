"""OpenPGP signatures, made by gpg: detached ones over any bytes.

The time in a signature is that of the release, so that the same key gives the same bytes for the same release on any day:
the signatures of EdDSA, RSA (PKCS#1) and, as gpg makes them, ECDSA and DSA hold nothing that is random.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from slipway import process, tools
from slipway.errors import GateError, SlipwayError
from slipway.files import chunks_of
from slipway.redaction import hidden
from slipway.signing.gnupg import GPG, SecretKey, environment, home_with, said, secret_keys
from slipway.signing.keys import from_environment, poured, read_private

KEY: Final = "SLIPWAY_GPG_KEY"
PASSPHRASE: Final = "SLIPWAY_GPG_PASSPHRASE"  # noqa: S105 - the name of a variable
_SET: Final = f"set {KEY} to the armoured private key, or to the path of a private file that holds it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpg:
    """One OpenPGP key that signs: `key` is its fingerprint, or what else names one key for gpg.

    The secret key comes from the variable SLIPWAY_GPG_KEY (armoured text, or the path of a private file), else from
    `file`, else from the keyring in `home` or in gpg's usual folder. `epoch` is the time that signatures tell, unless
    the key was made later: then it is the time at which that was.
    """

    KIND: ClassVar = "gpg"
    suffixes: ClassVar = (".sig", ".asc")
    key: str
    epoch: int
    file: str = ""
    home: str = ""

    def signatures(self, path: Path) -> Mapping[str, bytes]:
        """Sign a file: one signature, as it is and in ASCII armour."""
        with path.open("rb") as file:
            made = self.sign(chunks_of(file))
        return {".sig": made, ".asc": armored(made)}

    def sign(self, chunks: Iterable[bytes]) -> bytes:
        """Return a binary detached signature (RFC 4880, section 11.4) over the bytes.

        Raises GateError when the key cannot sign, SlipwayError with gpg's reasons when signing fails.
        """
        found, home = self._usable(), self._home()
        time = max(self.epoch, found.made)
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder, self._passphrase() as (words, files):
            made = Path(folder) / "signature"
            argv = (*GPG, *words, "--faked-system-time", f"{time}!", "--digest-algo", "SHA512")
            argv = (*argv, "--local-user", self._user(found), "--output", str(made), "--detach-sign")
            done = process.run(argv, env=environment(home), stdin=chunks, files=files, check=False)
            if done.code or not made.is_file():
                raise SlipwayError(f"gpg cannot sign with the key {self.key}:\n{said(done.output)}", hint=_hint(done.output))
            return made.read_bytes()

    def require(self) -> None:
        """Raise GateError unless gpg and the key are there and sign; to be asked before any work."""
        tools.require("gpg")
        try:
            self.sign([b""])
        except GateError:
            raise
        except SlipwayError as error:
            raise GateError(error.message, hint=error.hint) from error

    def public_key(self) -> bytes:
        """The armoured public key, by which others check the signatures."""
        found = self._usable()
        argv = (*GPG, "--armor", "--no-emit-version", "--export-options", "export-minimal", "--export", found.fingerprint)
        return process.question(argv, env=environment(self._home())).answer.encode()

    def _usable(self) -> SecretKey:
        keys = secret_keys(self.key, self._home())
        if len(keys) > 1:
            raise GateError(f"there are {len(keys)} OpenPGP keys for {self.key}", hint="name one by its fingerprint")
        if not keys:
            raise GateError(f"there is no secret OpenPGP key {self.key} in {self._place()}", hint=_SET)
        if fault := keys[0].fault:
            raise GateError(f"the OpenPGP key {self.key} {fault}", hint="mend the key, or name another one in slipway.toml")
        return keys[0]

    def _user(self, found: SecretKey) -> str:
        # Whoever writes a subkey with an exclamation mark wants that one, and no other of the same key.
        return self.key if self.key.endswith("!") else found.fingerprint

    def _home(self) -> Path | None:
        if text := self._text():
            return home_with([text.encode()])
        return Path(self.home) if self.home else None

    def _text(self) -> str:
        if given := os.environ.get(KEY, "").strip():
            return given if given.startswith("-----BEGIN") else read_private(Path(given).expanduser())
        return read_private(Path(self.file)) if self.file else ""

    def _place(self) -> str:
        return KEY if os.environ.get(KEY) else self.file or self.home or "gpg's keyring"

    @contextmanager
    def _passphrase(self) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
        """The words that tell gpg where to read the passphrase, and the open file; nothing where gpg's agent asks for it."""
        secret = from_environment(PASSPHRASE)
        if not secret and not self._text():
            yield (), ()
            return
        with hidden(secret), poured(secret) as file:
            yield ("--pinentry-mode", "loopback", "--passphrase-fd", str(file)), (file,)


def armored(signature: bytes) -> bytes:
    """The ASCII armour (RFC 4880, section 6) of a detached signature."""
    text = b64encode(signature)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    check = b"=" + b64encode(_crc24(signature).to_bytes(3, "big"))
    return b"\n".join((b"-----BEGIN PGP SIGNATURE-----", b"", *lines, check, b"-----END PGP SIGNATURE-----", b""))


def _crc24(data: bytes) -> int:
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc & 0xFFFFFF


def _hint(output: str) -> str:
    if "passphrase" in output.lower() or "inquire" in output.lower():
        return f"set {PASSPHRASE} or {PASSPHRASE}_FILE to the passphrase of the key"
    return "gpg --list-secret-keys shows the keys that are here"
