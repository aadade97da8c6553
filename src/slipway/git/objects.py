"""What git keeps below commits and branches: single objects, and refs that change only from what has been seen."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import ChangedError, GateError, SlipwayError
from slipway.git import Repository
from slipway.git.failures import explained
from slipway.git.quiet import GIT, LOCAL, remote_environment

_NOBODY: Final = "slipway <slipway@localhost>"
_ZERO: Final = "0" * 40
_NAME: Final = re.compile(r"^[0-9a-f]{40,64}$", re.MULTILINE)


def write_blob(repository: Repository, data: bytes) -> str:
    """Keep some bytes as an object of git; returns its name."""
    return _make(repository, "git cannot keep a file", (data,), "hash-object", "-w", "--stdin")


def read_blob(repository: Repository, name: str) -> bytes:
    """The bytes of an object, exactly; raises SlipwayError when it is not here."""
    # What a program prints is read as text; a file has the bytes as they are.
    with tempfile.TemporaryDirectory(prefix="slipway-blob-") as scratch:
        folder = _ask(repository, "rev-parse", "--absolute-git-dir").strip()
        words = (f"--git-dir={folder}", f"--work-tree={scratch}", "unpack-file", name)
        done = process.question([*GIT, *words], cwd=Path(scratch), env=_local(repository))
        if done.code != 0:
            raise explained(f"git cannot read the object {name[:12]}", done.output)
        return (Path(scratch) / done.answer.strip()).read_bytes()


def file_at(repository: Repository, commit: str, path: str) -> bytes | None:
    """The bytes of a file as a commit has it, by its path from the top; None when it has none."""
    name = repository.object_of(f"{commit}:{path}")
    return read_blob(repository, name) if name else None


def write_tag(repository: Repository, text: str) -> str:
    """Keep the text of an annotated tag as an object; no ref leads to it yet. Returns its name."""
    return _make(repository, "git cannot make a tag", (text.encode(),), "mktag")


def read_tag(repository: Repository, name: str) -> str:
    """The text of an annotated tag: what it is of, by whom and when, the message, and the signature."""
    return _ask(repository, "cat-file", "tag", name)


def commit_tree(repository: Repository, tree: str, parents: Sequence[str], message: str, who: str, time: int) -> str:
    """Make a commit of a tree that is there, without touching a branch or a file; returns it.

    `who` is `Name <address>`; by the same person and time, the same commit is made again.
    """
    name, _, address = (who or _NOBODY).rstrip(">").rpartition(" <")
    date = f"{time} +0000"
    told = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _person(name, address, date)}
    words = ("commit-tree", *(word for parent in parents for word in ("-p", parent)), "-F", "-", f"{tree}^{{tree}}")
    return _make(repository, "git cannot make a commit", (message.encode(), b"\n"), *words, env=told)


def parent_of(repository: Repository, commit: str) -> str:
    """The first parent of a commit; empty when it has none."""
    return repository.commit_of(f"{commit}^1")


def identity(repository: Repository) -> str:
    """In whose name this user commits, as `Name <address>`; empty when git does not know."""
    said = process.capture([*GIT, "var", "GIT_COMMITTER_IDENT"], cwd=repository.root, env=_local(repository)) or ""
    return said.rpartition(">")[0] + ">" if ">" in said else ""


def set_ref(repository: Repository, ref: str, name: str, seen: str = "") -> None:
    """Let a ref here lead to an object, if it is as it was seen; empty stands for a ref that is not there."""
    words = ("update-ref", "-m", "slipway", ref, name, seen or _ZERO)
    done = process.run([*GIT, *words], cwd=repository.root, env=_local(repository), check=False)
    if done.code != 0:
        if "cannot lock ref" in done.output and (" but expected " in done.output or "already exists" in done.output):
            raise ChangedError(f"{ref} was changed by somebody else", hint="look at it, then run again")
        raise explained(f"git cannot set {ref}", done.output)


def replace_remote_ref(repository: Repository, remote: str, ref: str, name: str, seen: str) -> None:
    """Let a ref of slipway's own on a server lead to an object of any kind, if it is as it was seen ("": not there).

    Raises ChangedError when it is not. Only for refs below refs/slipway/: nobody's branches and tags are replaced so.
    """
    if not ref.startswith("refs/slipway/"):
        raise GateError(f"slipway does not replace {ref}", hint="this is a fault of slipway; please report it")
    words = ("push", "--porcelain", "--no-verify", "--no-follow-tags", f"--force-with-lease={ref}:{seen}", "--end-of-options")
    _reach(repository, f"git cannot write {ref} on {remote}", *words, remote, f"{name}:{ref}")


def fast_forward(repository: Repository, commit: str) -> None:
    """Move what is checked out on to a later commit, which has all that it has."""
    done = process.run([*GIT, "merge", "--ff-only", "--quiet", commit], cwd=repository.root, env=_local(repository), check=False)
    if done.code != 0:
        raise explained(f"git cannot go on to {commit[:12]}", done.output)


def _person(name: str, address: str, date: str) -> tuple[tuple[str, str], ...]:
    return ("NAME", name), ("EMAIL", address), ("DATE", date)


def _local(repository: Repository) -> dict[str, str]:
    return {**LOCAL, **repository.environment}


def _ask(repository: Repository, *words: str) -> str:
    done = process.question([*GIT, *words], cwd=repository.root, env=_local(repository))
    if done.code != 0:
        raise explained(f"git {words[0]} fails in {repository.root}", done.output)
    return done.answer


def _make(repository: Repository, what: str, data: Sequence[bytes], *words: str, env: Mapping[str, str] | None = None) -> str:
    done = process.run([*GIT, *words], cwd=repository.root, env={**_local(repository), **(env or {})}, stdin=data, check=False)
    if done.code != 0:
        raise explained(what, done.output)
    if not (named := _NAME.findall(done.output)):
        raise SlipwayError(f"{what}: it does not name what it made", hint="is git older than 2.30?")
    return str(named[-1])


def _reach(repository: Repository, what: str, *words: str) -> None:
    surroundings = {**remote_environment(repository.root), **repository.environment}
    with process.within(300.0):
        done = process.run([*GIT, *words], cwd=repository.root, env=surroundings, check=False)
    if done.code != 0:
        raise explained(what, done.output)
