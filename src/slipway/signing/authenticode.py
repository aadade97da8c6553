"""Authenticode: the signatures inside of Windows programs and Windows Installer packages, made by osslsigncode."""

from __future__ import annotations

import os
import re
import struct
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from slipway import process, tools
from slipway.errors import GateError, SlipwayError
from slipway.files import write_atomic
from slipway.redaction import hidden
from slipway.signing.keys import from_environment, in_file, require_private

KEY: Final = "SLIPWAY_AUTHENTICODE_KEY"
PASSPHRASE: Final = "SLIPWAY_AUTHENTICODE_PASSPHRASE"  # noqa: S105 - the name of a variable
_PKCS12: Final = (".p12", ".pfx")
_HINT: Final = f"set {KEY} to the secret key and {PASSPHRASE} or {PASSPHRASE}_FILE to its passphrase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticode:
    """A certificate that signs for Windows: `certificates` is a PEM file with it and those above it.

    The secret key comes from the variable SLIPWAY_AUTHENTICODE_KEY (PEM text, or the path of a private file, PEM or
    PKCS#12), else from `file`. `epoch` is the time that signatures tell; the RFC 3161 service `timestamp`, where one is
    named, confirms the real time.
    """

    KIND: ClassVar = "authenticode"
    certificates: str
    epoch: int
    file: str = ""
    timestamp: str = ""
    name: str = ""
    url: str = ""

    def sign(self, path: Path) -> None:
        """Sign a PE or MSI file in place; raises SlipwayError with the reasons of osslsigncode."""
        confirmed = ("-ts", self.timestamp) if self.timestamp else ()
        self._sign(path, confirmed)

    def require(self) -> None:
        """Raise GateError unless osslsigncode, the certificate and the key are there and sign."""
        tools.require("osslsigncode")
        if not Path(self.certificates).is_file():
            raise GateError(f"there is no certificate {self.certificates}", hint="check [sign] authenticode")
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            try:
                (Path(folder) / "trial.exe").write_bytes(_smallest_program())
                self._sign(Path(folder) / "trial.exe", ())
            except GateError:
                raise
            except SlipwayError as error:
                raise GateError(error.message, hint=error.hint) from error

    def _sign(self, path: Path, more: tuple[str, ...]) -> None:
        about = (*(("-n", self.name) if self.name else ()), *(("-i", self.url) if self.url else ()))
        password = from_environment(PASSPHRASE)
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder, self._key() as key, in_file(password) as secret:
            made = Path(folder) / "signed"
            argv = ("osslsigncode", "sign", *key, "-readpass", secret, "-h", "sha256", *about, "-time", str(self._time()), *more)
            with hidden(password):
                done = process.run((*argv, "-in", path, "-out", made), check=False)
            if done.code or not made.is_file():
                raise SlipwayError(f"osslsigncode cannot sign {path.name}:\n{done.output.strip()}", hint=_HINT)
            write_atomic(path, made.read_bytes(), mode=path.stat().st_mode & 0o777)

    def _time(self) -> int:
        """The release's time, or when the certificate begins to count where that is later."""
        text = Path(self.certificates).read_text("utf-8", "replace")
        found = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END", text, re.DOTALL)
        # The first time in a certificate is that from which on it counts (RFC 5280, section 4.1.2.5).
        begin = re.search(rb"\x17\x0d(\d{12})Z", b64decode(found[1])) if found else None
        if begin is None:
            raise GateError(f"there is no certificate in {self.certificates}", hint="check [sign] authenticode")
        return max(self.epoch, int(datetime.strptime(f"{begin[1].decode()}+0000", "%y%m%d%H%M%S%z").timestamp()))

    @contextmanager
    def _key(self) -> Iterator[tuple[str | Path, ...]]:
        given = os.environ.get(KEY, "").strip()
        if "\n" in given:
            with in_file(f"{given}\n") as path:
                yield ("-certs", self.certificates, "-key", path)
            return
        if not (given or self.file):
            raise GateError(f"there is no secret key of {self.certificates}", hint=_HINT)
        path = Path(given or self.file).expanduser()
        require_private(path)
        if path.suffix in _PKCS12:
            yield ("-pkcs12", path, "-ac", self.certificates)
        else:
            yield ("-certs", self.certificates, "-key", path)


def is_signed(data: bytes) -> bool:
    """Whether a PE file has a certificate table (PE Format, section "Optional header data directories")."""
    try:
        (start,) = struct.unpack_from("<I", data, 0x3C)
        (magic,) = struct.unpack_from("<H", data, start + 24)
        (size,) = struct.unpack_from("<I", data, start + 24 + (112 if magic == _PE32_PLUS else 96) + 4 * 8 + 4)
    except struct.error:
        return False
    return bool(size)


_PE32_PLUS: Final = 0x20B


def _smallest_program() -> bytes:
    """A PE file that holds nothing, to try a key with."""
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 0, 0, 0, 0, 240, 0x22)
    optional = struct.pack(
        "<HBB5IQIIHHHHHHIIIIHH4QII",
        _PE32_PLUS,
        14,
        0,
        *[0] * 5,
        0x140000000,
        0x1000,
        0x200,
        *[6, 0] * 3,
        *[0, 0x1000, 0x200, 0, 3, 0],
        *[0] * 5,
        16,
    )
    return (dos + coff + optional + bytes(128)).ljust(0x400, b"\0")
