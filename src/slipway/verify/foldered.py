"""Check packages that are one folder in an archive: portable packages, sources, symbols."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from slipway.contents import Contents
from slipway.manifest import Artifact, Manifest
from slipway.platforms import PLATFORMS
from slipway.verify.listed import ARCHIVES
from slipway.verify.members import FILE, OTHER, Member, ill_kept, members_of, misplaced, wrong_lines

_PORTABLE: Final = "-portable"


def portable_faults(path: Path, artifact: Artifact | None, dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a portable package: it holds its distribution and a script for each program, nothing else."""
    members = list(members_of(path))
    yield from misplaced(members)
    if artifact is None or manifest is None:
        return
    stem = _stem(path)
    yield from (*ill_kept(members), *_names(stem, members, manifest))
    found = _below(stem, members)
    windows = artifact.platform in PLATFORMS and PLATFORMS[artifact.platform].family == "windows"
    yield from _program_faults(found, windows=windows)
    listed = dist / f"{stem.removesuffix(_PORTABLE)}.contents.json"
    if listed.is_file():
        yield from _distribution_faults(found, Contents.load(listed), windows=windows)


def source_faults(path: Path, artifact: Artifact | None, _dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a source package: links may be in it, but none that leads out."""
    members = list(members_of(path))
    yield from misplaced(each for each in members if not each.link)
    if artifact is None or manifest is None:
        return
    stem = _stem(path)
    yield from (*ill_kept(members), *_names(stem, members, manifest))
    yield from (f"{each.path} is a link that leads out: {each.link}" for each in members if each.link and _leaves(stem, each))
    if not any(each.type == FILE for each in members):
        yield "there is no file in it"


def symbols_faults(path: Path, artifact: Artifact | None, _dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package of symbols: files for debuggers and nothing else."""
    members = list(members_of(path))
    yield from misplaced(members)
    if artifact is None or manifest is None:
        return
    stem = _stem(path)
    yield from (*ill_kept(members), *_names(stem, members, manifest))
    yield from (f"{name} is no file of symbols" for name in _below(stem, members) if not name.endswith(".debug"))


def _stem(path: Path) -> str:
    return next(path.name.removesuffix(suffix) for suffix in ARCHIVES if path.name.endswith(suffix))


def _below(stem: str, members: list[Member]) -> Mapping[str, Member]:
    return {each.path.removeprefix(f"{stem}/"): each for each in members if each.type == FILE}


def _names(stem: str, members: list[Member], manifest: Manifest) -> Iterator[str]:
    base = f"{manifest.name}-{manifest.version}"
    if stem != base and not stem.startswith(f"{base}-"):
        yield f"its name is not one of {manifest.name} {manifest.version}"
    for each in members:
        if each.path != stem and not each.path.startswith(f"{stem}/"):
            yield f"{each.path} is not below {stem}/"


def _program_faults(found: Mapping[str, Member], *, windows: bool) -> Iterator[str]:
    for name, member in found.items():
        if wrong := wrong_lines(member, name, "\r\n" if windows else "\n"):
            yield wrong
        if name.startswith("bin/"):
            if not member.mode & 0o111:
                yield f"{name} cannot be run: its mode is {member.mode:04o}"
            script = name.removeprefix("bin/").removesuffix(".exe") + ".cmd" if windows else name.removeprefix("bin/")
            if "/" not in script and script not in found:
                yield f"{name} has no script {script} that starts it"


def _distribution_faults(found: Mapping[str, Member], contents: Contents, *, windows: bool) -> Iterator[str]:
    wanted = {file.path: file for file in contents.files}
    yield from (f"{name} of the distribution is missing" for name in sorted(wanted.keys() - found.keys()))
    for name in sorted(found):
        member = found[name]
        if name not in wanted:
            is_script = "/" not in name and member.mode == 0o755 and (name.endswith(".cmd") if windows else member.script)
            if not is_script:
                yield f"{name} is neither a file of the distribution nor a script that starts a program"
        elif (member.sha256, member.mode) != (wanted[name].sha256, wanted[name].mode):
            yield f"{name} is not the distribution's file"


def _leaves(stem: str, member: Member) -> bool:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(member.path), member.link))
    return member.type != OTHER or member.link.startswith("/") or not f"{target}/".startswith(f"{stem}/")
