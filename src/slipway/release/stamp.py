"""Preparing a release: its notes and its stamps become commits, before anything is built from them.

All of it is written in a work tree of its own, and the checkout goes on to the finished commits in one step: a run that is
killed leaves nothing half done behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.files import write_atomic
from slipway.git import Repository
from slipway.git.objects import fast_forward
from slipway.model import Paths, Project
from slipway.release.plan_tags import is_beside, release_branch
from slipway.release.wording import filled, words_of
from slipway.release.worktree import WorkTree
from slipway.rules import Stamp
from slipway.version import Version

# The files that gathering notes and writing the changelog change, by their paths from the project's folder; None: it goes.
Changes = Mapping[str, bytes | None]
_NAME: Final = "prepared.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A version that was prepared: the commit to build and tag, and the branch that it came from."""

    version: str
    commit: str
    branch: str


def prepare(project: Project, paths: Paths, version: Version, gather: Callable[[Path], Changes] | None = None) -> Prepared:
    """Commit the notes and the stamps of a version, and check out what is to be built.

    `gather` gets the project's folder in another work tree, and returns which files change there. A version that is
    prepared already stays as it is.
    """
    repository = Repository(project.root)
    head = repository.head()
    known = prepared(paths)
    if known is not None and (known.version, known.commit) == (version.text, head):
        console.say(f"{version} is prepared already, as {head[:12]}")
        return known
    require_ready(project, paths, repository, version)
    branch = _release_from(project, repository, version)
    with repository.worktree(head) as tree:
        folder = tree.root / _below_top(project, repository)
        noted = _commit_notes(project, tree, folder, version, gather(folder) if gather else {})
        made = _commit_stamps(project, tree, folder, version) if project.release.stamps else noted
    found = Prepared(version=version.text, commit=made, branch=branch)
    # Noted first: whoever is killed while the files change finds here what was meant.
    write_atomic(paths.state / _NAME, json.dumps(asdict(found), indent=1).encode() + b"\n")
    fast_forward(repository, noted if is_beside(project) else made)
    if is_beside(project):
        repository.switch(made, detach=True)
    return found


def prepared(paths: Paths) -> Prepared | None:
    """What was prepared last here; None when nothing was."""
    path = paths.state / _NAME
    if not path.is_file():
        return None
    try:
        return Prepared(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise VerificationError(f"{path} cannot be read: {error}", hint=f"remove {path}") from error


def back_to_branch(project: Project, paths: Paths) -> str:
    """Check out the branch that a release came from, when the release is what is checked out; returns it, or nothing."""
    repository = Repository(project.root)
    found = prepared(paths)
    if found is None or repository.branch() or repository.head() != found.commit:
        return ""
    repository.switch(found.branch)
    return found.branch


def stamped(stamp: Stamp, text: str | None, words: Mapping[str, str]) -> str:
    """The text of a file with its stamp; raises ConfigError unless there is exactly one place for it."""
    made = filled(stamp.text, words, where=f"the stamp of {stamp.file}")
    if not stamp.find:
        return made
    if text is None:
        raise ConfigError(f"there is no file {stamp.file} to stamp", key="release.stamps", hint="check its path")
    try:
        changed, count = re.subn(stamp.find, lambda _: made, text, flags=re.MULTILINE)
    except re.error as error:
        raise ConfigError(f"{stamp.find!r} is no regular expression: {error}", key="release.stamps") from error
    if count != 1:
        # A second run finds what the first one wrote.
        if count == 0 and made in text:
            return text
        raise ConfigError(
            f"{stamp.find!r} is in {count} places of {stamp.file}, and a stamp needs exactly one",
            key="release.stamps",
            hint="let find match the one place only; ^ and $ stand for the ends of a line",
        )
    return changed


def require_ready(project: Project, paths: Paths, repository: Repository, version: Version) -> None:
    """Raise GateError when something is changed that no commit has, or the version is tagged already."""
    if dirty := WorkTree.of(project, paths).dirty():
        raise GateError(
            f"{version} cannot be prepared: {len(dirty)} files are changed or new, such as {dirty[0]}",
            hint="commit them, or set them aside: git stash --include-untracked",
        )
    tag = project.version.tag_of(version.text)
    if found := repository.commit_of(f"refs/tags/{tag}"):
        raise GateError(f"{version} is tagged already, at {found[:12]}", hint="a tag is never moved: prepare a higher version")


def _release_from(project: Project, repository: Repository, version: Version) -> str:
    """The branch that the release is made from; its own one is made from what is checked out, where there is none yet."""
    own, here = release_branch(project, version), repository.branch()
    if not here:
        raise GateError(
            "no branch is checked out, so nobody could say where the release belongs", hint=f"git switch {project.release.branch}"
        )
    if is_beside(project) or not own or here == own:
        return here
    if repository.commit_of(f"refs/heads/{own}"):
        raise GateError(f"{version} is released from {own}, and {here} is checked out", hint=f"git switch {own}")
    repository.switch(own, create=True)
    console.say(f"{own} begins here")
    return own


def _commit_notes(project: Project, tree: Repository, folder: Path, version: Version, changes: Changes) -> str:
    changed = [_write(folder, name, data) for name, data in sorted(changes.items())]
    return _commit(project, tree, version, project.release.notes_message, changed)


def _commit_stamps(project: Project, tree: Repository, folder: Path, version: Version) -> str:
    words = words_of(project, version)
    for stamp in project.release.stamps:
        path = folder / stamp.file
        text = path.read_text("utf-8") if path.is_file() else None
        _write(folder, stamp.file, stamped(stamp, text, words).encode())
    changed = [folder / stamp.file for stamp in project.release.stamps]
    # Beside the branch there is a commit of its own, even when the stamps say what is there already.
    return _commit(project, tree, version, project.release.commit_message, changed, always=is_beside(project))


def _commit(
    project: Project, tree: Repository, version: Version, message: str, paths: Iterable[Path], *, always: bool = False
) -> str:
    said = filled(message, words_of(project, version), where="a message of [release]")
    if found := tuple(dict.fromkeys(paths)):
        dirty = tree.dirty()
        if dirty or always:
            return tree.commit(said, *found, empty=always)
    return tree.head()


def _write(folder: Path, name: str, data: bytes | None) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{name} lies outside the project, so no release can change it", hint="check its path")
    if data is None:
        with suppress(FileNotFoundError):
            path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path


def _below_top(project: Project, repository: Repository) -> Path:
    top = repository.top
    return project.root.resolve().relative_to(top.resolve()) if top else Path()
