"""The public keys that an installer carries, by which it checks what it installs."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import ConfigError, SlipwayError
from slipway.model import Release
from slipway.signing.gnupg import GPG, environment
from slipway.signing.openpgp import Gpg
from slipway.signing.signers import gpg
from slipway.signing.sshsig import NAMESPACE, public_blob

# What of a public key of minisign's is the Ed25519 key, and what in base64 stands before one in a SubjectPublicKeyInfo
# (RFC 8410, section 4).
_ED25519: Final = slice(10, 42)
_SPKI: Final = "MCowBQYDK2VwAyEA"
# In base64: the number of the key, without the letters that it shares with the name of the algorithm.
_NUMBER: Final = slice(3, 13)
_FINGERPRINTS: Final = {40, 64}
_ARMOUR: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_BINARY: Final = (b"\x98", b"\x99", b"\xc6")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeys:
    """What a release is signed with, as slipway.toml names it; `files` may hold the OpenPGP key.

    `archives` says whether each archive has signatures of its own, `lists` whether the lists of checksums have.
    """

    minisign: str = ""
    ssh: str = ""
    gpg: Gpg | None = None
    files: tuple[Path, ...] = ()
    archives: bool = False
    lists: bool = False

    def shown(self) -> Mapping[str, object]:
        """The keys as the templates take them; an OpenPGP key that cannot be had here is left out."""
        ring = self._ring()
        kinds = [kind for kind, key in (("minisign", self.minisign), ("ssh", self.ssh), ("gpg", ring)) if key]
        return {
            "kinds": kinds,
            "archives": self.archives and bool(kinds),
            "lists": self.lists and bool(kinds),
            "minisign": self.minisign,
            "minisign_number": self.minisign[_NUMBER],
            "minisign_spki": _spki(self.minisign) if self.minisign else "",
            "ssh": " ".join(self.ssh.split()[:2]),
            "namespace": NAMESPACE,
            "gpg": [ring[start : start + 76] for start in range(0, len(ring), 76)],
            "gpg_fingerprint": self._fingerprint(),
        }

    def _fingerprint(self) -> str:
        said = (self.gpg.key if self.gpg else "").replace(" ", "").removeprefix("0x").rstrip("!").upper()
        return said if len(said) in _FINGERPRINTS and not set(said) - set("0123456789ABCDEF") else ""

    def _ring(self) -> str:
        """The OpenPGP key without armour, in base64."""
        if self.gpg is None:
            return ""
        found = [made for path in self.files if (made := _packets(path.read_bytes()))]
        if not found and (made := _packets(_exported(self.gpg))):
            found = [made]
        return b64encode(b"".join(found)).decode()


def public_keys(release: Release) -> PublicKeys:
    """The keys whose signatures a release has; raises ConfigError for one that is none."""
    rules, root = release.project.sign, release.project.root
    archives, lists = "artifacts" in rules.what, "checksums" in rules.what
    if not (archives or lists):
        return PublicKeys()
    if rules.ssh:
        public_blob(rules.ssh)
    if rules.minisign:
        _spki(rules.minisign)
    return PublicKeys(
        minisign=rules.minisign,
        ssh=rules.ssh,
        gpg=gpg(release),
        files=tuple(root / Path(name).expanduser() for name in rules.public_keys) if rules.gpg else (),
        archives=archives,
        lists=lists,
    )


def _spki(key: str) -> str:
    """A public key of minisign's as openssl takes it, in base64."""
    try:
        data = b64decode(key, validate=True)
    except ValueError:
        data = b""
    if len(data) != _ED25519.stop or data[:2] != b"Ed":
        raise ConfigError(f"{key!r} is no public key of minisign's", hint="say the line of the .pub file that starts with RW")
    return _SPKI + b64encode(data[_ED25519]).decode()


def _exported(key: Gpg) -> bytes:
    try:
        return key.public_key()
    except SlipwayError:
        pass  # Who renders the installer need not be who signs; the public part may be there nevertheless.
    try:
        argv = (*GPG, "--armor", "--export-options", "export-minimal", "--export", key.key)
        return process.question(argv, env=environment(Path(key.home) if key.home else None)).answer.encode()
    except SlipwayError:
        return b""


def _packets(data: bytes) -> bytes:
    """The packets of an OpenPGP key, which may have ASCII armour (RFC 4880, section 6); empty for anything else."""
    if data[:1] in _BINARY:
        return data
    found = b""
    for block in data.split(_ARMOUR)[1:]:
        body = block.partition(b"\n\n")[2].partition(b"-----END")[0]
        # The last line, which starts with =, is a check of the others.
        found += b64decode(b"".join(line for line in body.split() if not line.startswith(b"=")))
    return found
