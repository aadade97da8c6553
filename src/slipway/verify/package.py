"""Check packages/ and dist/ file by file: what is there, what should be, and whether the bytes are the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from slipway import process
from slipway.contents import Contents
from slipway.errors import SlipwayError, VerificationError
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.steps import Step
from slipway.verify.deb import deb_faults
from slipway.verify.members import FILE, FOLDER, Member, members_of, misplaced, wrong_lines

STAGE: Final = "validate-package"
_ARCHIVES: Final = (".tar.gz", ".tar.xz", ".tar.zst", ".zip")
_PACKAGES: Final = (*_ARCHIVES, ".deb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault, and the file that has it; `path` is relative to the folder that was checked."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateFolder:
    """Check one folder; `dist` is where the packages' distributions may lie, and need not be there itself."""

    folder: Path
    dist: Path

    def __call__(self) -> None:
        """Raise VerificationError with every fault."""
        if self.folder != self.dist or self.folder.is_dir():
            require_valid(self.folder, validate(self.folder, dist=self.dist))


def plan_package_validation(release: Release) -> tuple[Step, ...]:
    """Plan the check of packages/ and, where distributions are laid out, of dist/."""
    return tuple(
        Step(
            stage=STAGE,
            key=folder.name,
            doc=f"Check {folder.name}/ file by file",
            run=ValidateFolder(folder=folder, dist=release.paths.dist),
            always=True,
        )
        for folder in (release.paths.packages, release.paths.dist)
    )


def validate(folder: Path, *, dist: Path | None = None) -> tuple[Finding, ...]:
    """Find every fault of a packages folder or of a folder of distributions."""
    beside = folder.parent / "dist" if dist is None else dist
    lists = sorted(folder.glob("*.contents.json"))
    if lists:
        return tuple(finding for path in lists for finding in _distribution(folder, path))
    if (folder / "manifest.json").exists():
        return tuple(_packages(folder, beside))
    return (Finding(path=folder.name, message="it holds neither a manifest.json nor distributions: nothing has been made"),)


def require_valid(folder: Path, findings: Iterable[Finding]) -> None:
    """Raise VerificationError unless nothing was found."""
    if found := list(findings):
        lines = "".join(f"\n  {finding}" for finding in found)
        raise VerificationError(
            f"{folder} has {len(found)} fault{'s' if len(found) > 1 else ''}:{lines}",
            hint="make it again: doit clean-dist, then doit all; do not publish what is there",
        )


def _distribution(folder: Path, listed: Path) -> Iterator[Finding]:
    try:
        contents = Contents.load(listed)
    except VerificationError as error:
        yield Finding(path=listed.name, message=error.message)
        return
    root = folder / contents.name
    wanted = {file.path: file for file in contents.files}
    for path in sorted({*wanted, *_files(root)}):
        place, name = root / path, f"{contents.name}/{path}"
        if path not in wanted:
            yield Finding(path=name, message="it is not among the distribution's files")
        elif place.is_symlink() or not place.is_file():
            yield Finding(path=name, message="it is a link" if place.is_symlink() else "it is missing")
        elif place.stat().st_size != wanted[path].size or digest_file(place) != wanted[path].sha256:
            yield Finding(path=name, message="it has changed since the distribution was laid out")
        elif place.stat().st_mode & 0o7777 != wanted[path].mode:
            yield Finding(path=name, message=f"its mode is not {wanted[path].mode:04o} any more")


def _packages(folder: Path, dist: Path) -> Iterator[Finding]:
    try:
        manifest = Manifest.load(folder / "manifest.json")
    except VerificationError as error:
        yield Finding(path="manifest.json", message=error.message)
        return
    if not manifest.artifacts:
        yield Finding(path="manifest.json", message="it lists nothing")
    yield from _twins(manifest)
    for artifact in manifest.artifacts:
        if faults := list(_file_faults(folder, artifact)):
            yield from (Finding(path=artifact.path, message=fault) for fault in faults)
        else:
            yield from (Finding(path=artifact.path, message=fault) for fault in _inside(folder, artifact, dist))
    yield from _checksums(folder, manifest)
    yield from _unlisted(folder, manifest)


def _twins(manifest: Manifest) -> Iterator[Finding]:
    for values in (sorted(each.name for each in manifest.artifacts), sorted(each.path for each in manifest.artifacts)):
        twice = {one for one, other in pairwise(values) if one == other}
        yield from (Finding(path="manifest.json", message=f"it lists {name} twice") for name in sorted(twice))


def _file_faults(folder: Path, artifact: Artifact) -> Iterator[str]:
    path = folder / artifact.path
    if Path(artifact.path).is_absolute() or ".." in Path(artifact.path).parts or Path(artifact.path).name != artifact.name:
        yield "its path in the manifest is not one inside the folder"
    elif path.is_symlink() or not path.is_file():
        yield "it is a link" if path.is_symlink() else "it is missing"
    elif (size := path.stat().st_size) != artifact.size:
        yield f"it has {size} bytes, the manifest says {artifact.size}"
    else:
        yield from _digest_faults(path, artifact)


def _digest_faults(path: Path, artifact: Artifact) -> Iterator[str]:
    if "sha256" not in artifact.digests:
        yield "the manifest has no sha256 of it"
    for algorithm, digest in artifact.digests.items():
        if digest_file(path, algorithm) != digest:
            yield f"it has another {algorithm} digest than the manifest says"


def _inside(folder: Path, artifact: Artifact, dist: Path) -> Iterator[str]:
    path = folder / artifact.path
    try:
        for suffixes, look in _LOOKS:
            if artifact.name.endswith(suffixes):
                yield from look(path, artifact, dist)
                return
    except SlipwayError as error:
        yield error.message


def _archive(path: Path, artifact: Artifact, dist: Path) -> Iterator[str]:
    stem = next(path.name.removesuffix(suffix) for suffix in _ARCHIVES if path.name.endswith(suffix))
    members = list(members_of(path))
    yield from misplaced(members)
    found = {member.path.removeprefix(f"{stem}/"): member for member in members if member.type == FILE}
    yield from (
        f"{each.path} is not below {stem}/" for each in members if each.path != stem and not each.path.startswith(f"{stem}/")
    )
    yield from (f"{each.path} is a folder that nobody may enter" for each in members if _is_closed(each))
    platform = PLATFORMS.get(artifact.platform)
    for name, member in found.items():
        if name.startswith("bin/") and not member.mode & 0o111:
            yield f"{name} cannot be run: its mode is {member.mode:04o}"
        if platform and (wrong := wrong_lines(member, name, platform.newline)):
            yield wrong
    if contents := _contents(dist, stem):
        yield from _compared(found, contents)


def _is_closed(member: Member) -> bool:
    return member.type == FOLDER and member.mode & 0o555 != 0o555


def _compared(found: Mapping[str, Member], contents: Contents) -> Iterator[str]:
    wanted = {file.path: file for file in contents.files}
    yield from (f"{name} of the distribution is missing" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"{name} is not among the distribution's files" for name in sorted(found.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & found.keys()):
        if found[name].sha256 != wanted[name].sha256:
            yield f"{name} is not the distribution's file"
        if found[name].mode != wanted[name].mode:
            yield f"{name} has the mode {found[name].mode:04o}, not {wanted[name].mode:04o}"


def _deb(path: Path, artifact: Artifact, dist: Path) -> Iterator[str]:
    lists = (_contents(dist, listed.name.removesuffix(".contents.json")) for listed in sorted(dist.glob("*.contents.json")))
    mine = [each for each in lists if each and (each.platform, each.variant) == (artifact.platform, artifact.variant)]
    yield from deb_faults(path, mine[0] if len(mine) == 1 else None)


def _script(path: Path, _artifact: Artifact, _dist: Path) -> Iterator[str]:
    if not path.stat().st_mode & 0o111:
        yield "it cannot be run: its mode lacks x"
    done = process.run(["sh", "-n", path], check=False)
    if done.code != 0:
        yield f"a shell cannot read it: {done.output.strip()}"


def _contents(dist: Path, name: str) -> Contents | None:
    path = dist / f"{name}.contents.json"
    return Contents.load(path) if path.is_file() else None


def _checksums(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    digests = {"sha256", *(name for artifact in manifest.artifacts for name in artifact.digests)}
    for digest in sorted(digests):
        paths = {f"{folder.name}/{each.path}": each.digests.get(digest, "") for each in manifest.artifacts}
        bare = {each.name: each.digests.get(digest, "") for each in manifest.artifacts}
        for name, wanted in ((f"checksums.{digest}", paths), (f"{digest.upper()}SUMS", bare)):
            yield from (Finding(path=name, message=fault) for fault in _list_faults(folder / name, wanted))


def _list_faults(path: Path, wanted: Mapping[str, str]) -> Iterator[str]:
    if not path.is_file():
        yield "it is missing"
        return
    lines = [line.partition("  ") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    found = {name: digest for digest, _, name in lines}
    if len(found) != len(lines):
        yield "it lists a file twice"
    yield from (f"it does not list {name}" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"it lists {name}, which the manifest does not know" for name in sorted(found.keys() - wanted.keys()))
    common = sorted(wanted.keys() & found.keys())
    yield from (f"its digest of {name} is not the manifest's" for name in common if found[name] != wanted[name])


def _unlisted(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Packages of this version that no list names; what other releases left is not looked at."""
    known = {artifact.path for artifact in manifest.artifacts}
    marks = (f"{manifest.name}-{manifest.version}", f"_{manifest.version.replace('-', '~', 1).replace('-', '.')}_")
    for path in _files(folder):
        if path not in known and path.endswith(_PACKAGES) and any(mark in Path(path).name for mark in marks):
            yield Finding(path=path, message="it is not in the manifest: nobody checks, signs or publishes it")


def _files(root: Path) -> tuple[str, ...]:
    found = (
        (Path(top) / name).relative_to(root) for top, folders, names in os.walk(root) for name in (*names, *_links(top, folders))
    )
    return tuple(sorted(path.as_posix() for path in found))


def _links(top: str, folders: Iterable[str]) -> Iterator[str]:
    return (name for name in folders if (Path(top) / name).is_symlink())


_Look = Callable[[Path, Artifact, Path], Iterator[str]]
_LOOKS: Final[tuple[tuple[tuple[str, ...], _Look], ...]] = ((_ARCHIVES, _archive), ((".deb",), _deb), ((".sh",), _script))
