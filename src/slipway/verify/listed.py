"""What the lists of packages/ say, held against each other, against the files and against what slipway noted when it packed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.forges.names import FORGES, served_names
from slipway.manifest import Artifact, Manifest, load_record
from slipway.platforms import PLATFORMS
from slipway.verify.outcome import Finding
from slipway.version import deb_spellings, rpm_spellings

ARCHIVES: Final = (".tar.gz", ".tar.xz", ".tar.zst", ".tar.br", ".tar", ".7z", ".zip")
# GNU coreutils call the program b2sum, and its lists so.
_BARE: Final = {"blake2b": "B2SUMS"}
_KNOWN: Final = frozenset(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))
_PACKAGES: Final = (*ARCHIVES, ".deb", ".rpm", ".pkg", ".msi", ".cdx.json", ".spdx.json", ".provenance.json", "-manifest.txt")


def list_findings(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Say what is wrong with the manifest itself and with the checksum files."""
    if not manifest.artifacts:
        yield Finding(path="manifest.json", message="it lists nothing")
    yield from _twins(manifest)
    yield from _checksums(folder, manifest)
    yield from _unlisted(folder, manifest)


def file_faults(folder: Path, artifact: Artifact) -> Iterator[str]:
    """Say how a file differs from its line in the manifest."""
    path = folder / artifact.path
    if not _is_inside(artifact):
        yield "its path in the manifest is not one inside the folder"
    elif path.is_symlink() or not path.is_file():
        yield "it is a link" if path.is_symlink() else "it is missing"
    elif path.resolve() != folder.resolve() / artifact.path:
        yield "it is in a folder that is a link"
    elif (size := path.stat().st_size) != artifact.size:
        yield f"it has {size} bytes, the manifest says {artifact.size}"
    else:
        yield from _digest_faults(path, artifact)
    if artifact.platform and artifact.platform not in PLATFORMS:
        yield f"the manifest says that it is for {artifact.platform}, which is no platform"


def record_faults(records: Path, artifact: Artifact, manifest: Manifest) -> Iterator[str]:
    """Say where the manifest contradicts what was noted when the artifact was made, if those notes are here."""
    path = records / f"{artifact.name}.json"
    if not path.is_file():
        return
    try:
        noted = load_record(path)
    except VerificationError as error:
        yield error.message
        return
    if noted.release == f"{manifest.name}-{manifest.version}" and noted.artifact != artifact:
        yield "it is not what slipway made: its record says otherwise than the manifest"


def _is_inside(artifact: Artifact) -> bool:
    path = Path(artifact.path)
    plain = not path.is_absolute() and ".." not in path.parts and path.as_posix() == artifact.path
    return plain and "\0" not in artifact.path and path.name == artifact.name != ""


def _twins(manifest: Manifest) -> Iterator[Finding]:
    for values in (sorted(each.name for each in manifest.artifacts), sorted(each.path for each in manifest.artifacts)):
        twice = {one for one, other in pairwise(values) if one == other}
        yield from (Finding(path="manifest.json", message=f"it lists {name} twice") for name in sorted(twice))


def _digest_faults(path: Path, artifact: Artifact) -> Iterator[str]:
    if "sha256" not in artifact.digests:
        yield "the manifest has no sha256 of it"
    for algorithm, digest in artifact.digests.items():
        if algorithm not in _KNOWN:
            yield f"the manifest has a digest of it that nobody can check: {algorithm}"
        elif digest_file(path, algorithm) != digest:
            yield f"it has another {algorithm} digest than the manifest says"


def _checksums(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    digests = {"sha256", *(name for artifact in manifest.artifacts for name in artifact.digests)}
    # A list cannot tell the digests of its own signatures.
    artifacts = [each for each in manifest.artifacts if not each.signs.endswith("SUMS")]
    for digest in sorted(digests):
        paths = {f"{folder.name}/{each.path}": each.digests.get(digest, "") for each in artifacts}
        bare = {each.name: each.digests.get(digest, "") for each in artifacts}
        # Forges serve some files under other names, and whoever downloads them there checks them by those.
        served = {name: each.digests.get(digest, "") for each in artifacts for name in served_names(each.name, FORGES)}
        plain, nowhere = _BARE.get(digest, f"{digest.upper()}SUMS"), dict[str, str]()
        for name, wanted, allowed in ((f"checksums.{digest}", paths, nowhere), (plain, bare, served)):
            yield from (Finding(path=name, message=fault) for fault in _list_faults(folder / name, wanted, allowed))


def _list_faults(path: Path, wanted: Mapping[str, str], allowed: Mapping[str, str]) -> Iterator[str]:
    if not path.is_file():
        yield "it is missing"
        return
    # Not by the lines of Python: sha256sum takes a carriage return for a part of the name.
    text = path.read_bytes().decode("utf-8", "replace").removesuffix("\n")
    lines = [line.partition("  ") for line in text.split("\n")] if text else []
    found = {name: digest for digest, _, name in lines}
    if len(found) != len(lines):
        yield "it lists a file twice"
    yield from (f"it does not list {name}" for name in sorted(wanted.keys() - found.keys()))
    known = {**allowed, **wanted}
    yield from (f"it lists {name}, which the manifest does not know" for name in sorted(found.keys() - known.keys()))
    common = sorted(known.keys() & found.keys())
    yield from (f"its digest of {name} is not the manifest's" for name in common if found[name] != known[name])


def _unlisted(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Packages of this version that no list names; what other releases left is not looked at."""
    known = {artifact.path for artifact in manifest.artifacts}
    version = manifest.version
    debian = (f"_{each}{end}" for each in deb_spellings(version) for end in "_-")
    marks = (f"{manifest.name}-{version}", *debian, *(f"-{each}-" for each in rpm_spellings(version)))
    for path in files_below(folder):
        if path not in known and path.endswith(_PACKAGES) and any(mark in Path(path).name for mark in marks):
            yield Finding(path=path, message="it is not in the manifest: nobody checks, signs or publishes it")


def files_below(root: Path) -> tuple[str, ...]:
    """The files and links below a folder, as sorted relative paths."""
    found = (
        (Path(top) / name).relative_to(root) for top, folders, names in os.walk(root) for name in (*names, *_links(top, folders))
    )
    return tuple(sorted(path.as_posix() for path in found))


def _links(top: str, folders: Iterable[str]) -> Iterator[str]:
    return (name for name in folders if (Path(top) / name).is_symlink())
