"""The manifest and the checksum files: all that the artifacts' records say, in one place."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from slipway.components import TreeComponent
from slipway.errors import VerificationError
from slipway.files import write_atomic
from slipway.forges.names import FORGES, served_names
from slipway.manifest import Artifact, Manifest, collect, digest_names, records_dir
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.packagers.inventory import provenance
from slipway.packagers.inventory.provenance import Origin
from slipway.packagers.signatures import artifact_signers, list_signers, sign_file
from slipway.signing.signers import Key, usable
from slipway.steps import Step

_lock: Final = threading.Lock()
# b2sum is the program, and so its lists are called.
_BARE: Final = {"blake2b": "B2SUMS"}


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
    origin: Origin | None = None
    forges: tuple[str, ...] = ()
    signers: tuple[Key, ...] = ()
    vouchers: tuple[Key, ...] = ()

    def __call__(self) -> None:
        """Write what has changed; remove lists and signatures that are no longer asked for."""
        head = Manifest(name=self.name, version=self.version, epoch=self.epoch, artifacts=())
        # The Steps of two targets may run at once; each merges what is there, and the last sees all.
        with _lock:
            manifest = collect(self.records, self.packages, head, planned=self.planned, digests=self.digests, facts=self.facts)
            if self.origin is not None:
                # Where all artifacts come from is known when all are there: the statement is the last of them.
                manifest = self._vouched(self.origin.attach(manifest))
            files = checksum_files(manifest, self.packages.name, self.digests, self.forges)
            for name, data in files.items():
                _write_if_new(self.packages / name, data)
            before = _signatures_in(self.packages / "manifest.json")
            whole = _with(manifest, self._signatures())
            _write_if_new(self.packages / "manifest.json", whole.dump())
            known = {*files, *(each.path for each in whole.artifacts)}
            for name in {*_all_names(hashlib.algorithms_guaranteed), *before} - known:
                (self.packages / name).unlink(missing_ok=True)
            self._mark()

    def _vouched(self, manifest: Manifest) -> Manifest:
        """Sign the statement, which no Step of its own makes."""
        made = (each for each in manifest.artifacts if each.kind == provenance.KIND)
        sign = partial(sign_file, keys=self.vouchers, digests=self.digests)
        found = [one for of in made for one in sign(self.packages / of.path, folder=of.path[: -len(of.name)], of=of)]
        return _with(manifest, found)

    def _signatures(self) -> Iterator[Artifact]:
        """Sign the lists. They are in the manifest, but in no list, since a list cannot tell the digest of its own signature."""
        for name in signed_lists(self.digests):
            yield from sign_file(self.packages / name, self.signers, self.digests)

    def _mark(self) -> None:
        """Leave a mark that the lists are this release's, and take away that of the release whose they were."""
        for other in self.mark.parent.glob("*"):
            if other != self.mark:
                other.unlink(missing_ok=True)
        _write_if_new(self.mark, b"")


def plan_checksums(
    release: Release,
    stage: str,
    of: tuple[Step, ...],
    *,
    planned: Mapping[str, tuple[str, ...]] | None = None,
    origin: Origin | None = None,
) -> Step:
    """Plan the checksums that follow the Steps which pack; whatever other stages made before stays listed.

    `planned` names everything that the project can make, by kind; `origin` is what the provenance says. Several targets write
    the same files, so they are no Step's outputs; whichever ran last has merged all records.
    """
    records = records_dir(release)
    run = WriteChecksums(
        records=records,
        packages=release.paths.packages,
        name=release.project.name,
        version=str(release.version),
        epoch=release.epoch,
        planned={provenance.KIND: _stated(origin, ()), **(planned_names(release) if planned is None else planned)},
        digests=digest_names(release.project),
        facts=_facts(release),
        mark=release.paths.state / "listed" / release.base,
        origin=origin,
        forges=_forges(release),
        signers=list_signers(release),
        vouchers=artifact_signers(release),
    )
    stated = _stated(origin, run.vouchers)
    names = ("manifest.json", *_all_names(run.digests), *list_signature_names(release), *stated)
    sources = tuple(path for path in origin.files if path.is_file()) if origin else ()
    return Step(
        stage=stage,
        key="checksums",
        doc=f"List what is in {release.paths.packages.name}/",
        run=run,
        inputs=tuple(dict.fromkeys((*(path for step in of for path in step.outputs if path.parent == records), *sources))),
        shared=(run.mark, *(run.packages / name for name in names)),
        needs=usable(*dict.fromkeys((*run.signers, *(run.vouchers if origin else ())))),
    )


def _stated(origin: Origin | None, keys: Iterable[Key]) -> tuple[str, ...]:
    """The file names of the provenance, if there is one, and of its signatures."""
    suffixes = ("", *(suffix for key in keys for suffix in key.suffixes))
    return tuple(f"{origin.place.name}{suffix}" for suffix in suffixes) if origin else ()


def _facts(release: Release) -> tuple[Path, ...]:
    """The records of what is built for every platform, as far as it has been."""
    parts = [part.name for part in release.project.components if not isinstance(part, TreeComponent)]
    rows = dict.fromkeys(cell.platform for cell in release.matrix)
    return tuple(release.facts(row, name) for row in rows for name in parts)


def _forges(release: Release) -> tuple[str, ...]:
    """The kinds of forges that the project publishes to."""
    kinds = {rules.KIND for each in release.project.environments for rules in each.stores}
    return tuple(sorted(kinds.intersection(FORGES)))


def checksum_files(manifest: Manifest, folder: str, digests: tuple[str, ...], forges: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The checksum files by name: one to check from the folder above, one with bare names to check after a download.

    Some forges serve a file under another name than it has here; the bare names are those too.
    """
    found: dict[str, bytes] = {}
    for digest in digests:
        paths = {f"{folder}/{each.path}": each.digests[digest] for each in manifest.artifacts}
        names = ((name, each) for each in manifest.artifacts for name in (each.name, *served_names(each.name, forges)))
        bare = {name: each.digests[digest] for name, each in names}
        found |= {name: _lines(sums) for name, sums in zip(_names(digest), (paths, bare), strict=True)}
    return found


def signed_lists(digests: Iterable[str]) -> tuple[str, ...]:
    """The lists that are signed: those for whoever downloads, by digests that nobody can forge."""
    return tuple(_names(digest)[1] for digest in digests if digest != "md5")


def list_signature_names(release: Release) -> tuple[str, ...]:
    """The file names of the signatures of the lists."""
    suffixes = tuple(suffix for key in list_signers(release) for suffix in key.suffixes)
    return tuple(f"{name}{suffix}" for name in signed_lists(digest_names(release.project)) for suffix in suffixes)


def _with(manifest: Manifest, more: Iterable[Artifact]) -> Manifest:
    return replace(manifest, artifacts=tuple(sorted((*manifest.artifacts, *more), key=lambda each: each.path)))


def _signatures_in(path: Path) -> tuple[str, ...]:
    """The places of the signatures that slipway made before; those that somebody else put there are not ours to take away."""
    try:
        found = Manifest.load(path).artifacts
    except VerificationError:
        return ()
    return tuple(each.path for each in found if each.signs and ".." not in Path(each.path).parts)


def _all_names(digests: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for digest in digests for name in _names(digest))


def _names(digest: str) -> tuple[str, str]:
    return f"checksums.{digest}", _BARE.get(digest, f"{digest.upper()}SUMS")


def _lines(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def _write_if_new(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_atomic(path, data)
