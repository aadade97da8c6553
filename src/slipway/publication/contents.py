"""The files of a release as they are published: everything in its manifest, the lists, and what an environment adds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from slipway.actions.store import Content, Store
from slipway.environments import Environment, StoreRules
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest
from slipway.model import Release
from slipway.release.wording import filled, words_of

MANIFEST: Final = "manifest.json"
# The lists with paths below packages/ are for the folder they lie in; whoever downloads needs those with bare names.
_LISTS: Final = ("*SUMS",)
_MEDIA: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".sh": "application/x-sh",
    ".ps1": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}


def folder_of(release: Release, rules: StoreRules, environment: str) -> str:
    """The folder of a release in a store: `v2.1.0`. Forges have one for each tag."""
    words = words_of(release.project, release.version, environment)
    return filled(getattr(rules, "folder", "{tag}"), words, where=f"the folder of [store.{rules.name}]").strip("/")


def release_files(release: Release) -> tuple[Path, ...]:
    """Everything that the manifest names, the lists, and the manifest itself.

    Raises VerificationError when it is of another release, or has nothing for a distribution that was asked for.
    """
    packages, again = release.paths.packages, f"doit all VERSION={release.version}"
    if not (packages / MANIFEST).is_file():
        raise VerificationError(f"{packages.name}/ has no {MANIFEST}, so there is nothing to publish", hint=f"make it: {again}")
    manifest = Manifest.load(packages / MANIFEST)
    if manifest.name != release.project.name or manifest.version != str(release.version):
        raise VerificationError(
            f"{packages / MANIFEST} is of {manifest.name} {manifest.version}, not of {release.base}",
            hint=f"make what is to be published: {again}",
        )
    require_asked(release, manifest)
    lists = (path for pattern in _LISTS for path in sorted(packages.glob(pattern)))
    named = (packages / each.path for each in manifest.artifacts)
    return tuple(dict.fromkeys((*named, *lists, packages / MANIFEST)))


def require_asked(release: Release, manifest: Manifest) -> None:
    """Raise VerificationError for distributions that were asked for and that the manifest has nothing for.

    What it has besides belongs to the release too: whoever reads the published manifest may ask for all that it names.
    """
    made = {(each.platform, each.variant) for each in manifest.artifacts}
    missing = [cell.id for cell in release.cells if (cell.platform.id, cell.variant.name) not in made]
    if not missing:
        return
    there = ",".join(row.id for row in release.project.platforms if any(row.id == platform for platform, _ in made))
    less = f"; or publish what is there: PLATFORMS={there}" if there else ""
    raise VerificationError(
        f"{release.base} is to be published for {', '.join(missing)}, "
        f"and {release.paths.packages.name}/ has nothing for {'it' if len(missing) == 1 else 'them'}",
        hint=f"make the rest: doit all VERSION={release.version}{less}",
    )


def contents_of(release: Release, files: Iterable[Path], folder: str, store: Store) -> Iterator[Content]:
    """The files as contents of a folder of a store, under the names by which the store serves them.

    Their manifest is among them; what it names is not read again.
    """
    found = tuple(files)
    known = _known(found)
    for path in found:
        if not path.is_file():
            raise VerificationError(
                f"{_below(release, path)} is in the manifest, and it is not there",
                hint=f"make it again: doit all VERSION={release.version}",
            )
        artifact = known.get(path.name)
        yield Content(
            name=store.served(f"{folder}/{path.name}"),
            path=_below(release, path),
            size=path.stat().st_size,
            sha256=artifact.digests["sha256"] if artifact else digest_file(path),
            media_type=artifact.media_type if artifact else _MEDIA.get(path.suffix, "application/octet-stream"),
        )


def _below(release: Release, path: Path) -> str:
    """The path of a file from the folder of the outputs; files of `--asset-dir` may lie beside that."""
    return Path(os.path.relpath(path, release.paths.root)).as_posix()


def _known(files: Iterable[Path]) -> dict[str, Artifact]:
    """What the manifest among some files says, by file name."""
    manifests = [path for path in files if path.name == MANIFEST]
    return {each.name: each for path in manifests for each in Manifest.load(path).artifacts}


def require_distinct(contents: Iterable[Content], environment: Environment) -> None:
    """Refuse two files that a store would serve under one name."""
    seen: dict[str, str] = {}
    for content in contents:
        if (other := seen.setdefault(content.name, content.path)) != content.path:
            raise VerificationError(
                f"{other} and {content.path} would both be {content.name} in {environment.name}",
                hint="give one of them another name in slipway.toml",
            )
