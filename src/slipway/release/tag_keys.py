"""Signatures of tags: made by the keys that sign the release, and checked by git as others would."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from slipway import process
from slipway.errors import ConfigError, GateError
from slipway.git import Repository
from slipway.model import Project
from slipway.signing.gnupg import GPG, environment, home_with
from slipway.signing.openpgp import KEY as GPG_KEY
from slipway.signing.openpgp import Gpg, armored
from slipway.signing.sshsig import Ssh

# What SSH signatures of git's are for (Documentation/gitformat-signature.txt).
NAMESPACE = "git"
_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagKey:
    """The key by which a tag is signed; `file` and `public` are as in slipway.toml, relative to its folder."""

    form: Literal["gpg", "ssh"]
    key: str
    file: str = ""
    public: tuple[str, ...] = ()

    def sign(self, text: str, root: Path, time: int) -> str:
        """The armoured signature of the text of a tag."""
        if self.form == "gpg":
            return armored(self._gpg(root, time).sign([text.encode()])).decode()
        return self._ssh(root).sign([text.encode()], NAMESPACE).decode()

    def require(self, root: Path) -> None:
        """Raise GateError unless the key can be used to sign."""
        (self._gpg(root, 0) if self.form == "gpg" else self._ssh(root)).require()

    def fault(self, repository: Repository, tag: str, root: Path) -> str:
        """Why git does not take the signature of a tag as one of this key; empty when it does."""
        with self._trusting(root) as surroundings:
            found = replace(repository, environment={**repository.environment, **surroundings}).verify_tag(tag)
        if found.good:
            return ""
        lines = [line for line in found.said.splitlines() if not line.startswith("[GNUPG:]")]
        return lines[-1].removeprefix("gpg: ") if lines else "it has no signature"

    def _gpg(self, root: Path, time: int) -> Gpg:
        return Gpg(key=self.key, epoch=time, file=str(root / Path(self.file).expanduser()) if self.file else "")

    def _ssh(self, root: Path) -> Ssh:
        return Ssh(key=self.key, file=str(root / Path(self.file).expanduser()) if self.file else "")

    @contextmanager
    def _trusting(self, root: Path) -> Iterator[dict[str, str]]:
        """What makes git trust this key and no other."""
        if self.form == "gpg":
            yield environment(home_with([self.public_key(root)]))
            return
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            allowed = Path(folder) / "allowed"
            allowed.write_text(f'* namespaces="{NAMESPACE}" {" ".join(self.key.split()[:2])}\n')
            yield {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "gpg.ssh.allowedSignersFile",
                "GIT_CONFIG_VALUE_0": str(allowed),
            }

    def public_key(self, root: Path) -> bytes:
        """The OpenPGP key alone, from the project's public keys, else from where its secret part is, else from gpg's keyring."""
        files = [root / Path(name).expanduser() for name in self.public]
        given = [data for path in files if path.is_file() and _ARMOUR in (data := path.read_bytes())]
        for home in (home_with(given) if given else None, None):
            words = ("--armor", "--export-options", "export-minimal", "--export", "--", self.key)
            if found := process.question((*GPG, *words), env=environment(home)).answer:
                return found.encode()
        try:
            return self._gpg(root, 0).public_key()
        except GateError as error:
            hint = f"name a file with it in [sign] public-keys, or set {GPG_KEY}"
            raise GateError(f"the public OpenPGP key {self.key} is not here: no tag can be checked with it", hint=hint) from error


def tag_key(project: Project) -> TagKey | None:
    """The key that signs a project's tags; None where they are not signed. Raises ConfigError when it has no such key."""
    rules, wanted = project.sign, project.release.sign
    files = {"gpg": (rules.gpg, rules.gpg_file), "ssh": (rules.ssh, rules.ssh_file)}
    if wanted == "none":
        return None
    for form in ("gpg", "ssh"):
        key, file = files[form]
        if key and wanted in ("auto", form):
            return TagKey(form=form, key=key, file=file, public=rules.public_keys if form == "gpg" else ())
    if wanted == "auto":
        return None
    raise ConfigError(
        f"tags are to be signed by {wanted}, and [sign] names no such key", key="release.sign", hint=f"add [sign] {wanted} = …"
    )
