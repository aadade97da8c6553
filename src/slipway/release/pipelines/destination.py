"""Where a pipeline releases to: the environment of the project, the secrets that it takes, and the word that it wants to hear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from slipway.environments import LOCAL, Environment, GithubStore, S3Store, SshStore, StoreRules
from slipway.errors import UsageError, did_you_mean
from slipway.model import Project

_SIGNING: Final = ("gpg", "minisign", "ssh", "authenticode")
_USUAL: Final = "production"


@dataclass(frozen=True, slots=True)
class Destination:
    """The environment of slipway.toml that is released into, or None where there is but the folder of this machine.

    `name` is also that of the service's own environment, which says who has to agree.
    """

    project: Project
    name: str
    environment: Environment | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The variables from which the secret keys come that sign."""
        named = (name.upper() for name in _SIGNING if getattr(self.project.sign, name))
        return tuple(f"SLIPWAY_{name}_{what}" for name in named for what in ("KEY", "PASSPHRASE"))

    @property
    def logins(self) -> tuple[str, ...]:
        """The variables from which the logins of the stores come."""
        stores = self.environment.stores if self.environment else ()
        return tuple(dict.fromkeys(name for store in stores for name in _logins(store)))

    @property
    def asks_github(self) -> bool:
        """Whether GitHub is asked about the commit and its issues."""
        return self.environment is not None and any(isinstance(store, GithubStore) for store in self.environment.stores)

    @property
    def confirmation(self) -> str:
        """What the environment wants to hear, for between double quotes of a shell, with its variables `tag` and `version`."""
        if self.environment is None or self.environment.confirm == "none":
            return ""
        if self.environment.confirm == "yes":
            return "yes"
        words = {"name": self.project.name, "environment": self.name, "tag": "${tag}", "version": "${version}"}
        phrase = re.sub(r'([\\$`"])', r"\\\1", self.environment.phrase)
        return re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), phrase)


def find_destination(project: Project, name: str) -> Destination:
    """The environment of a name; without a name `production`, else the one that the project releases into.

    Raises UsageError when the project has environments and none is called so.
    """
    known = {each.name: each for each in project.environments}
    usual = _USUAL if _USUAL in known or project.release.environment == LOCAL else project.release.environment
    wanted = name or usual
    others = [each for each in known if each != LOCAL]
    if wanted not in known and name and others:
        raise UsageError(f"there is no environment {name!r}", hint=f"{did_you_mean(name, others)}known are {', '.join(others)}")
    return Destination(project, wanted, known.get(wanted))


def _logins(store: StoreRules) -> Iterator[str]:
    credential = getattr(store, "credential", None)
    if credential is None or isinstance(store, SshStore) or credential.file or credential.command or credential.profile:
        return
    if isinstance(store, S3Store):
        stem = credential.env or "AWS"
        yield from (f"{stem}_ACCESS_KEY_ID", f"{stem}_SECRET_ACCESS_KEY")
    elif credential.env:
        yield credential.env
