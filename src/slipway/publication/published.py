"""A release as it lies in the stores already, whoever put it there: what a rollback goes back to, and what mirrors copy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.actions.store import Content, Store
from slipway.errors import GateError, SlipwayError
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.publication.contents import MANIFEST, folder_of
from slipway.publication.opening import Opened
from slipway.version import Version

WITHDRAWN: Final = "WITHDRAWN.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The files of a release in one store; those of the manifest with the digests that it says, the rest as they are there."""

    store: str
    folder: str
    contents: tuple[Content, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of all files."""
        return frozenset(each.name for each in self.contents)

    @property
    def is_withdrawn(self) -> bool:
        """Whether the release was taken back."""
        return f"{self.folder}/{WITHDRAWN}" in self.names


def published(opened: Opened, release: Release, store: str) -> Published:
    """Look at a release in a store; raises GateError when it is not there whole."""
    found = opened.site.store(store)
    folder = folder_of(release, opened.environment.store(store), opened.environment.name)
    listed = found.listing(folder)
    manifest = _manifest(found, folder, release)
    said = {found.served(f"{folder}/{each.name}"): each for each in manifest.artifacts}
    if missing := sorted(said.keys() - listed.keys()):
        raise GateError(
            f"{release.version} is not whole in {store}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            hint="choose another version, or bring it back from another store: --mirror-sync",
        )
    return Published(store=store, folder=folder, contents=tuple(_contents(found, listed, said)))


def _contents(store: Store, listed: object, said: object) -> Iterator[Content]:
    assert isinstance(listed, dict)
    assert isinstance(said, dict)
    for name, found in sorted(listed.items()):
        if name in said:
            artifact = said[name]
            yield Content(
                name=name,
                path=artifact.name,
                size=artifact.size,
                sha256=artifact.digests["sha256"],
                media_type=artifact.media_type,
            )
        else:
            digest = found.sha256 or store.digest(name)
            file = name.rpartition("/")[2]
            yield Content(name=name, path=file, size=found.size, sha256=digest, media_type="application/octet-stream")


def _manifest(store: Store, folder: str, release: Release) -> Manifest:
    """The manifest that was published with a release."""
    name = store.served(f"{folder}/{MANIFEST}")
    with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        place = Path(scratch) / MANIFEST
        try:
            store.copy(name, place)
            manifest = Manifest.load(place)
        except SlipwayError as error:
            raise GateError(
                f"{release.version} cannot be read from {store.name}: {error.message}",
                hint="which versions are there: slipway status",
            ) from error
    if manifest.version != str(release.version) or manifest.name != release.project.name:
        raise GateError(
            f"{name} in {store.name} is of {manifest.name} {manifest.version}, not of {release.base}",
            hint="find out who changed it before anything leads there",
        )
    return manifest


def at_version(release: Release, text: str) -> Release:
    """The release of another version of the same project; the tag's prefix may stand before it."""
    rule = release.project.version
    start = rule.tag.partition("{version}")[0]
    bare = text.removeprefix(start) if start and text.startswith(start) else text
    return replace(release, version=Version.parse(bare, rule.scheme))


def versions_in(opened: Opened, release: Release) -> dict[Version, str]:
    """The versions that an environment has seen, oldest first, and how far each is."""
    scheme = release.project.version.scheme
    return dict(sorted((Version(text, scheme), how) for text, how in opened.versions().items()))
