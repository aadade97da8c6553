"""The manifest and the checksum files: all that the artifacts' records say, in one place."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.components import TreeComponent
from slipway.files import write_atomic
from slipway.manifest import Manifest, collect, digest_names, records_dir
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.steps import Step

_lock: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteChecksums:
    """Merge the records of a release into its manifest and its checksum files."""

    records: Path
    packages: Path
    name: str
    version: str
    epoch: int
    planned: Mapping[str, tuple[str, ...]]
    digests: tuple[str, ...]
    facts: tuple[Path, ...]
    mark: Path

    def __call__(self) -> None:
        """Write what has changed; remove the lists of digests that are no longer asked for."""
        head = Manifest(name=self.name, version=self.version, epoch=self.epoch, artifacts=())
        # The Steps of two targets may run at once; each merges what is there, and the last sees all.
        with _lock:
            manifest = collect(self.records, self.packages, head, planned=self.planned, digests=self.digests, facts=self.facts)
            files = checksum_files(manifest, self.packages.name, self.digests)
            for name, data in {**files, "manifest.json": manifest.dump()}.items():
                _write_if_new(self.packages / name, data)
            for name in set(_all_names(hashlib.algorithms_guaranteed)) - set(files):
                (self.packages / name).unlink(missing_ok=True)
            self._mark()

    def _mark(self) -> None:
        """Leave a mark that the lists are this release's, and take away that of the release whose they were."""
        for other in self.mark.parent.glob("*"):
            if other != self.mark:
                other.unlink(missing_ok=True)
        _write_if_new(self.mark, b"")


def plan_checksums(
    release: Release, stage: str, of: tuple[Step, ...], *, also: Mapping[str, tuple[str, ...]] | None = None
) -> Step:
    """Plan the checksums that follow the Steps which pack; whatever other stages made before stays listed.

    `also` names what others make, by kind. Several targets write the same files, so they are no Step's outputs;
    whichever ran last has merged all records.
    """
    records = records_dir(release)
    run = WriteChecksums(
        records=records,
        packages=release.paths.packages,
        name=release.project.name,
        version=str(release.version),
        epoch=release.epoch,
        planned={**planned_names(release), **(also or {})},
        digests=digest_names(release.project),
        facts=_facts(release),
        mark=release.paths.state / "listed" / release.base,
    )
    return Step(
        stage=stage,
        key="checksums",
        doc=f"List what is in {release.paths.packages.name}/",
        run=run,
        inputs=tuple(dict.fromkeys(path for step in of for path in step.outputs if path.parent == records)),
        shared=(run.mark, *(run.packages / name for name in ("manifest.json", *_all_names(run.digests)))),
    )


def _facts(release: Release) -> tuple[Path, ...]:
    """The records of what is built for every platform, as far as it has been."""
    parts = [part.name for part in release.project.components if not isinstance(part, TreeComponent)]
    rows = dict.fromkeys(cell.platform for cell in release.matrix)
    return tuple(release.facts(row, name) for row in rows for name in parts)


def checksum_files(manifest: Manifest, folder: str, digests: tuple[str, ...]) -> dict[str, bytes]:
    """The checksum files by name: one to check from the folder above, one with bare names to check after a download."""
    found: dict[str, bytes] = {}
    for digest in digests:
        paths = {f"{folder}/{each.path}": each.digests[digest] for each in manifest.artifacts}
        bare = {each.name: each.digests[digest] for each in manifest.artifacts}
        found |= {name: _lines(sums) for name, sums in zip(_names(digest), (paths, bare), strict=True)}
    return found


def _all_names(digests: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for digest in digests for name in _names(digest))


def _names(digest: str) -> tuple[str, str]:
    return f"checksums.{digest}", f"{digest.upper()}SUMS"


def _lines(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def _write_if_new(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_atomic(path, data)
