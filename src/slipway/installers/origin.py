"""Where an installer gets the archives from, and by which keys and policy it trusts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError
from slipway.installers.keys import PublicKeys, public_keys
from slipway.model import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Addresses with `{version}`, `{tag}` and `{file}` in them, what a tag is made of, and how signatures are judged."""

    url: str = ""
    mirrors: tuple[str, ...] = ()
    tag: str = "v{version}"
    policy: str = "auto"
    keys: PublicKeys = PublicKeys()  # noqa: RUF009 - it cannot be changed

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that decide what is said of it."""
        return self.keys.files

    def shown(self) -> Mapping[str, object]:
        """What the templates take; raises ConfigError when signatures are required that nobody could check."""
        keys = self.keys.shown()
        if self.policy == "require" and not keys["kinds"]:
            hint = "name a key in [sign], and for an OpenPGP key its file in public-keys; see doit help sign"
            raise ConfigError("installers have to check signatures, but there is no public key to do it with", hint=hint)
        return {"url": self.url, "mirrors": self.mirrors, "tag": self.tag, "policy": self.policy, "keys": keys}


NOWHERE: Final = Origin()


def origin_of(release: Release) -> Origin:
    """What slipway.toml says of it; raises ConfigError for an address that is not https."""
    project = release.project
    for url in project.install.mirrors:
        _require_https(release, "install.mirrors", url)
    download_url(release)
    return Origin(
        url=project.install.download_url,
        mirrors=project.install.mirrors,
        tag=project.version.tag,
        policy=project.install.signature,
        keys=public_keys(release),
    )


def download_url(release: Release) -> str:
    """The address of the folder of this release's archives, or nothing; raises ConfigError when it is not https."""
    version = str(release.version)
    url = release.project.install.download_url
    _require_https(release, "install.download-url", url)
    return url.replace("{tag}", release.project.version.tag_of(version)).replace("{version}", version)


def _require_https(release: Release, key: str, url: str) -> None:
    if url and not url.startswith("https://"):
        hint = "start it with https://"
        raise ConfigError(f"{url} is not an https address", file=release.project.file, key=key, hint=hint)
