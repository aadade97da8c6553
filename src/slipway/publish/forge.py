"""A forge as a store: the files are those of its releases, the folder is the tag."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from slipway.actions.store import Content, Found, Hosted, HostRelease, Sent
from slipway.environments import ForgeStore
from slipway.errors import GateError, VerificationError
from slipway.files import HashingWriter
from slipway.forges import Asset, Forge, Release, Upload, Wanted
from slipway.forges.kinds import open_forge
from slipway.web import RefusedError


def open_releases(rules: ForgeStore, token: str) -> Releases:
    """The store of a forge; nothing is asked of the forge yet."""
    return Releases(rules, open_forge(rules.KIND, api=rules.api, repository=rules.repository, token=token))


@dataclass(slots=True)
class Releases:
    """The releases of a repository on a forge."""

    rules: ForgeStore
    forge: Forge
    _assets: dict[str, dict[str, Asset]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def name(self) -> str:
        """The store's name in slipway.toml."""
        return self.rules.name

    @property
    def drafts(self) -> bool:
        """Whether a release can be there before the public sees it."""
        return self.forge.drafts

    def check(self, size: int) -> None:
        """See that the login may make releases; how much room there is, no forge says."""
        del size
        self.forge.access()

    def served(self, name: str) -> str:
        """The name as the forge will have it; the tag stays."""
        folder, slash, file = name.rpartition("/")
        return f"{folder}{slash}{self.forge.served(file)}"

    def listing(self, folder: str) -> Mapping[str, Found]:
        """The files of a release or a draft; those whose upload was interrupted are not there."""
        return {f"{folder}/{asset.name}": _found(asset) for asset in self._listed(folder).values()}

    def put(self, content: Content, source: Path, sent: Sent) -> Found:
        """Send a file to a release or its draft."""
        if self.served(content.name) != content.name:
            raise GateError(
                f"{self.name} would call {content.file} {self.forge.served(content.file)}",
                hint="what lists or signs the file has to know that name: name the file so from the beginning",
            )
        file = Upload(name=content.file, path=source, size=content.size, sha256=content.sha256, media_type=content.media_type)
        asset = self.forge.upload(content.folder, file, sent)
        with self._lock:
            self._assets.setdefault(content.folder, {})[asset.name] = asset
        return _found(asset)

    def digest(self, name: str) -> str:
        """What the forge says, where it says it; otherwise the bytes are read."""
        asset = self._asset(name)
        return "" if asset is None else asset.sha256 or self.reread(name)

    def reread(self, name: str) -> str:
        """Read a file through the API, which gives drafts too."""
        digest = hashlib.sha256()
        return digest.hexdigest() if self._read(name, digest.update) else ""

    def copy(self, name: str, target: Path) -> None:
        """Bring a file here."""
        with HashingWriter(target, "sha256") as out:
            if not self._read(name, out.write):
                raise VerificationError(f"{name} is not in {self.name}", hint="slipway status shows what is published")

    def url(self, name: str) -> str:
        """Where the public finds a file of a release, or its page; nowhere, when the repository is private."""
        folder, _, file = name.rpartition("/")
        return self.forge.address(folder, file) if self.rules.public else ""

    def release(self, tag: str) -> Hosted | None:
        """The release of a tag, a draft too."""
        found = self.forge.release(tag)
        return None if found is None else _hosted(found)

    def open(self, release: HostRelease) -> Hosted:
        """Make a draft, or take the one that is there."""
        return _hosted(self.forge.open(_wanted(release)))

    def publish(self, release: HostRelease, files: tuple[str, ...], *, latest: bool) -> Hosted:
        """Show a release when all its files are there."""
        names = tuple(name.removeprefix(f"{release.tag}/") for name in files)
        return _hosted(self.forge.publish(_wanted(release), names, latest=latest))

    def withdraw(self, tag: str, notice: str) -> Hosted:
        """Take a release back; its files stay."""
        return _hosted(self.forge.withdraw(tag, notice))

    def latest(self) -> str:
        """The tag of the release that the forge calls the latest."""
        return self.forge.latest()

    def mark_latest(self, tag: str) -> None:
        """Let the forge call a release the latest, and see that it does."""
        self.forge.mark_latest(tag)
        if (now := self.forge.latest()) != tag:
            raise VerificationError(
                f"{self.name} calls {now or 'nothing'} the latest release, although it was told that {tag} is",
                hint="look at the releases there, then run slipway resume",
            )

    def _listed(self, tag: str) -> dict[str, Asset]:
        """List a release; of several files with one name, the first is the one that the public gets."""
        found = self.forge.assets(tag) if self.forge.release(tag) is not None or not self.drafts else ()
        assets = {asset.name: asset for asset in reversed(found) if asset.complete}
        with self._lock:
            self._assets[tag] = assets
        return assets

    def _asset(self, name: str) -> Asset | None:
        folder, _, file = name.rpartition("/")
        with self._lock:
            known = self._assets.get(folder, {}).get(file)
        return known or self._listed(folder).get(file)

    def _read(self, name: str, take: Callable[[bytes], object]) -> bool:
        """Read a file; says whether it is there."""
        asset = self._asset(name)
        if asset is None:
            return False
        try:
            self.forge.read(asset, take)
        except RefusedError as error:
            if error.status != 404:
                raise
            with self._lock:
                self._assets.pop(name.rpartition("/")[0], None)
            return False
        return True


def _found(asset: Asset) -> Found:
    return Found(size=asset.size, sha256=asset.sha256, token=f"{asset.id}-{asset.sha256 or asset.size}")


def _wanted(release: HostRelease) -> Wanted:
    return Wanted(
        tag=release.tag,
        commit=release.commit,
        title=release.title,
        notes=release.notes,
        prerelease=release.prerelease,
    )


def _hosted(found: Release) -> Hosted:
    state = "withdrawn" if found.withdrawn else "draft" if found.draft else "published"
    return Hosted(
        state=state,
        id=found.id,
        title=found.title,
        notes=found.notes,
        prerelease=found.prerelease,
        immutable=found.immutable,
    )
