"""Check packages/ and dist/ file by file: what is there, what should be, and whether the bytes are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.contents import Contents
from slipway.errors import SlipwayError, VerificationError
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest
from slipway.model import Paths, Release
from slipway.platforms import PLATFORMS
from slipway.steps import Step
from slipway.verify.deb import deb_faults
from slipway.verify.listed import ARCHIVES, Finding, file_faults, files_below, list_findings, record_faults
from slipway.verify.members import FILE, Member, ill_kept, members_of, misplaced, stray_folders, wrong_lines

STAGE: Final = "validate-package"


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
    for path in sorted({*wanted, *files_below(root)}):
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
    records = Paths.under(folder.parent).state / "artifacts"
    for artifact in manifest.artifacts:
        faults = list(file_faults(folder, artifact))
        within = () if faults else _inside(folder, artifact, dist, manifest)
        yield from (
            Finding(path=artifact.path, message=fault)
            for fault in (*faults, *record_faults(records, artifact, manifest), *within)
        )
    yield from list_findings(folder, manifest)


def _inside(folder: Path, artifact: Artifact, dist: Path, manifest: Manifest) -> Iterator[str]:
    path = folder / artifact.path
    try:
        for suffixes, look in _LOOKS:
            if artifact.name.endswith(suffixes):
                yield from look(path, artifact, dist, manifest)
                return
    except SlipwayError as error:
        yield error.message


def _archive(path: Path, artifact: Artifact, dist: Path, manifest: Manifest) -> Iterator[str]:
    stem = next(path.name.removesuffix(suffix) for suffix in ARCHIVES if path.name.endswith(suffix))
    if not stem.startswith(f"{manifest.name}-{manifest.version}-"):
        yield f"its name is not one of {manifest.name} {manifest.version}"
    members = list(members_of(path))
    yield from (*misplaced(members), *ill_kept(members))
    found = {member.path.removeprefix(f"{stem}/"): member for member in members if member.type == FILE}
    yield from (
        f"{each.path} is not below {stem}/" for each in members if each.path != stem and not each.path.startswith(f"{stem}/")
    )
    platform = PLATFORMS.get(artifact.platform)
    for name, member in found.items():
        if name.startswith("bin/") and not member.mode & 0o111:
            yield f"{name} cannot be run: its mode is {member.mode:04o}"
        if platform and (wrong := wrong_lines(member, name, platform.newline)):
            yield wrong
    if contents := _contents(dist, stem):
        yield from _compared(found, contents)
        yield from stray_folders(members, [f"{stem}/{file.path}" for file in contents.files])


def _compared(found: Mapping[str, Member], contents: Contents) -> Iterator[str]:
    wanted = {file.path: file for file in contents.files}
    yield from (f"{name} of the distribution is missing" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"{name} is not among the distribution's files" for name in sorted(found.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & found.keys()):
        if found[name].sha256 != wanted[name].sha256:
            yield f"{name} is not the distribution's file"
        if found[name].mode != wanted[name].mode:
            yield f"{name} has the mode {found[name].mode:04o}, not {wanted[name].mode:04o}"


def _deb(path: Path, artifact: Artifact, dist: Path, manifest: Manifest) -> Iterator[str]:
    lists = (_contents(dist, listed.name.removesuffix(".contents.json")) for listed in sorted(dist.glob("*.contents.json")))
    mine = [each for each in lists if each and (each.platform, each.variant) == (artifact.platform, artifact.variant)]
    yield from deb_faults(path, mine[0] if len(mine) == 1 else None, manifest)


def _script(path: Path, _artifact: Artifact, _dist: Path, _manifest: Manifest) -> Iterator[str]:
    if not path.stat().st_mode & 0o111:
        yield "it cannot be run: its mode lacks x"
    done = process.run(["sh", "-n", path], check=False)
    if done.code != 0:
        yield f"a shell cannot read it: {done.output.strip()}"


def _contents(dist: Path, name: str) -> Contents | None:
    path = dist / f"{name}.contents.json"
    return Contents.load(path) if path.is_file() else None


_Look = Callable[[Path, Artifact, Path, Manifest], Iterator[str]]
_LOOKS: Final[tuple[tuple[tuple[str, ...], _Look], ...]] = ((ARCHIVES, _archive), ((".deb",), _deb), ((".sh",), _script))
