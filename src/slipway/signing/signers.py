"""The keys with which a release is signed, as slipway.toml names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.model import Release
from slipway.signing.authenticode import Authenticode
from slipway.signing.minisign import Minisign
from slipway.signing.openpgp import Gpg
from slipway.signing.sshsig import Ssh

# A key that makes detached signatures: files beside what they sign, with one of its suffixes after the name.
Key = Gpg | Minisign | Ssh


@dataclass(frozen=True, slots=True)
class Usable:
    """The need of a Step for a key that signs."""

    key: Key | Authenticode

    def __call__(self) -> None:
        """Raise GateError unless it does."""
        self.key.require()


def usable(*keys: Key | Authenticode | None) -> tuple[Usable, ...]:
    """The needs of a Step that signs with these keys, of which some may not be wanted."""
    return tuple(Usable(key) for key in keys if key is not None)


def signers(release: Release) -> tuple[Key, ...]:
    """Every key that makes detached signatures; none where slipway.toml names no key."""
    rules = release.project.sign
    mini = Minisign(key=rules.minisign, epoch=release.epoch, file=key_file(release, rules.minisign_file))
    ssh = Ssh(key=rules.ssh, file=key_file(release, rules.ssh_file))
    return tuple(key for key in (gpg(release), mini, ssh) if key is not None and key.key)


def package_signer(release: Release) -> Gpg | None:
    """The key that signs inside packages (deb, rpm); None where there is none or packages are not to be signed."""
    return gpg(release) if "packages" in release.project.sign.what else None


def windows_signer(release: Release) -> Authenticode | None:
    """The certificate that signs Windows programs and packages; None where there is none or packages are not to be signed."""
    project, rules = release.project, release.project.sign
    if not rules.authenticode or "packages" not in rules.what:
        return None
    return Authenticode(
        certificates=key_file(release, rules.authenticode),
        epoch=release.epoch,
        file=key_file(release, rules.authenticode_file),
        timestamp=rules.timestamp,
        name=project.name,
        url=project.homepage,
    )


def gpg(release: Release) -> Gpg | None:
    """The OpenPGP key of a release; None where slipway.toml names none."""
    rules = release.project.sign
    return Gpg(key=rules.gpg, epoch=release.epoch, file=key_file(release, rules.gpg_file)) if rules.gpg else None


def key_file(release: Release, name: str) -> str:
    """The whole path of a file that slipway.toml names; empty for none."""
    return str(release.project.root / Path(name).expanduser()) if name else ""
