"""Check archives from outside: their names, their members, and the distribution that they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.contents import Contents, File
from slipway.manifest import Artifact, Manifest
from slipway.platforms import PLATFORMS
from slipway.verify.listed import ARCHIVES
from slipway.verify.members import FILE, OTHER, Member, ill_kept, members_of, misplaced, stray_folders, wrong_lines


def archive_faults(path: Path, artifact: Artifact | None, dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with an archive; without a manifest, only what no archive may have."""
    members = list(members_of(path))
    if artifact is None or manifest is None:
        yield from misplaced(each for each in members if each.type != OTHER)
        return
    yield from (*misplaced(members), *ill_kept(members))
    stem = next(path.name.removesuffix(suffix) for suffix in ARCHIVES if path.name.endswith(suffix))
    if not stem.startswith(f"{manifest.name}-{manifest.version}-"):
        yield f"its name is not one of {manifest.name} {manifest.version}"
    yield from (
        f"{each.path} is not below {stem}/" for each in members if each.path != stem and not each.path.startswith(f"{stem}/")
    )
    found = {member.path.removeprefix(f"{stem}/"): member for member in members if member.type == FILE}
    yield from _file_faults(found, artifact)
    listed = dist / f"{stem}.contents.json"
    if listed.is_file():
        contents = Contents.load(listed)
        yield from _compared(found, {file.path: file for file in contents.files})
        yield from stray_folders(members, [f"{stem}/{file.path}" for file in contents.files])


def _file_faults(found: Mapping[str, Member], artifact: Artifact) -> Iterator[str]:
    platform = PLATFORMS.get(artifact.platform)
    for name, member in found.items():
        if name.startswith("bin/") and not member.mode & 0o111:
            yield f"{name} cannot be run: its mode is {member.mode:04o}"
        if platform and (wrong := wrong_lines(member, name, platform.newline)):
            yield wrong


def _compared(found: Mapping[str, Member], wanted: Mapping[str, File]) -> Iterator[str]:
    yield from (f"{name} of the distribution is missing" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"{name} is not among the distribution's files" for name in sorted(found.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & found.keys()):
        if found[name].sha256 != wanted[name].sha256:
            yield f"{name} is not the distribution's file"
        if found[name].mode != wanted[name].mode:
            yield f"{name} has the mode {found[name].mode:04o}, not {wanted[name].mode:04o}"
