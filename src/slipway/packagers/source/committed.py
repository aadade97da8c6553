"""What git has committed: the files of one commit as `git archive` gives them, submodules included."""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from slipway import console, process
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.files import CHUNK
from slipway.git import Repository
from slipway.packagers.entries import Entry

# What a user's own settings of git would change: line ends, modes, the length of short commit names, attributes,
# and whether files of LFS are fetched.
_SETTINGS: Final = (
    "core.autocrlf=false",
    "core.eol=lf",
    "core.abbrev=12",
    "core.attributesFile=/dev/null",
    "tar.umask=0022",
    "filter.lfs.smudge=",
    "filter.lfs.process=",
    "filter.lfs.required=false",
)
_GIT: Final = ("git", *(word for setting in _SETTINGS for word in ("-c", setting)))
_SUBMODULE: Final = "160000"
_LFS: Final = b"version https://git-lfs.github.com/spec/v1\n"
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class NeedsCommit:
    """Looks whether a folder has committed files."""

    root: Path

    def __call__(self) -> None:
        """Raise GateError when it has none, or when git is not here."""
        try:
            Repository(self.root).head()
        except GateError as error:
            raise GateError(
                f"there is no source package without commits: {error.message}",
                hint="git init, git add and git commit make one; or leave source out of packages in slipway.toml",
            ) from error


def find_commit(root: Path, tag: str) -> str:
    """The commit of the tag when there is one, else the one that is checked out; empty when there is none."""
    here = Repository(root)
    return here.commit_of(f"refs/tags/{tag}") or here.commit_of("HEAD")


def warn_of_difference(root: Path, commit: str, tag: str, aside: Iterable[Path]) -> None:
    """Say so when what lies in the folder is not what the commit holds; `aside` are outputs of slipway."""
    here = Repository(root)
    if here.commit_of("HEAD") != commit:
        console.warn(f"the source package holds the files of the tag {tag}, and another commit is checked out")
        return
    # Where a filter such as LFS is missing, git cannot compare; the commit itself can be packed without.
    dirty: tuple[str, ...] = ()
    with suppress(SlipwayError):
        dirty = here.dirty(aside=tuple(_below_top(here, aside)))
    if dirty:
        shown = ", ".join(dirty[:_SHOWN])
        more = f" and {len(dirty) - _SHOWN} more" if len(dirty) > _SHOWN else ""
        console.warn(f"what is not committed is not in the source package: {shown}{more}")


def export(root: Path, commit: str, into: Path) -> tuple[Entry, ...]:
    """Unpack the files that a commit has below `root` into an empty folder; returns them and the links.

    Raises GateError for a submodule that is not checked out and VerificationError for a link that leaves the tree.
    """
    entries = tuple(_tree(root, commit, into))
    if outward := [entry for entry in entries if entry.link and _leaves(entry)]:
        shown = "".join(f"\n  {entry.path} -> {entry.link}" for entry in outward)
        raise VerificationError(
            f"{len(outward)} links lead out of the source package:{shown}",
            hint="make them relative and let them stay below the folder, or leave them out: export-ignore in .gitattributes",
        )
    _note_pointers(entries)
    return entries


def link_all(entries: Iterable[Entry], into: Path) -> None:
    """Make the links in a folder that the files were unpacked into."""
    for entry in entries:
        if entry.link:
            (into / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (into / entry.path).symlink_to(entry.link)


def file_entry(path: Path, name: str, mode: int) -> Entry:
    """The entry of a file on disk, executable or not."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(path=name, mode=_mode(mode), size=path.stat().st_size, source=path, sha256=digest)


def _tree(root: Path, commit: str, into: Path) -> Iterator[Entry]:
    folders = set()
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "tree.tar"
        process.run([*_GIT, "archive", "--format=tar", "--output", packed, commit], cwd=root)
        with tarfile.open(packed, "r:") as archive:
            for member in archive:
                if member.isdir():
                    folders.add(member.name.rstrip("/"))
                elif entry := _entry(archive, member, into):
                    yield entry
    for path, inner in _submodules(root, commit):
        if path in folders:
            yield from _submodule(root / path, path, inner, into / path)


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> Entry | None:
    if member.issym():
        return Entry(path=member.name, mode=0o777, link=member.linkname)
    file = archive.extractfile(member)
    return None if file is None else _unpacked(file, into / member.name, member)


def _unpacked(file: IO[bytes], target: Path, member: tarfile.TarInfo) -> Entry:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
    mode = _mode(member.mode)
    target.chmod(mode)
    return Entry(path=member.name, mode=mode, size=member.size, source=target, sha256=digest.hexdigest())


def _mode(mode: int) -> int:
    return 0o755 if mode & 0o100 else 0o644


def _submodules(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    listed = process.question(["git", "ls-tree", "-r", "-z", commit], cwd=root)
    if listed.code != 0:
        raise SlipwayError(f"git cannot list the files of {commit}: {listed.output.strip()}", hint="git fsck looks for damage")
    for line in listed.answer.split("\0"):
        facts, _, path = line.partition("\t")
        if facts.startswith(_SUBMODULE):
            yield path, facts.split()[2]


def _submodule(folder: Path, path: str, commit: str, into: Path) -> Iterator[Entry]:
    # Without a .git of its own, git would take the folder for a part of the repository around it.
    if not (folder / ".git").exists() or not Repository(folder).commit_of(commit):
        raise GateError(
            f"the submodule {path} is not checked out at {commit[:12]}, which the source package holds",
            hint="git submodule update --init --recursive",
        )
    for entry in _tree(folder, commit, into):
        yield replace(entry, path=f"{path}/{entry.path}")


def _leaves(entry: Entry) -> bool:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.link))
    return entry.link.startswith("/") or target.split("/")[0] == ".."


def _note_pointers(entries: Iterable[Entry]) -> None:
    found = [entry.path for entry in entries if entry.size < 1024 and b"".join(entry.chunks()).startswith(_LFS)]
    if found:
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        console.warn(f"{len(found)} files of Git LFS are in the source package as pointers, without what they point to: {shown}")


def _below_top(here: Repository, paths: Iterable[Path]) -> Iterator[str]:
    top = here.top or here.root
    yield from sorted(str(path.relative_to(top)) for path in map(Path.resolve, paths) if path.is_relative_to(top))
