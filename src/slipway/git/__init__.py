"""The one door to git: what a repository holds, and what changes it here and on a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from slipway import process
from slipway.errors import GateError, SlipwayError, TransientError
from slipway.git.failures import explained
from slipway.git.quiet import GIT, LOCAL, remote_environment
from slipway.redaction import hidden, redact

PATIENCE: Final = 900.0  # seconds for one talk with a server
_INTO: Final = ("sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh")
_BLOCK: Final = 1 << 19


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with the commit that it stands at and its time in seconds; a signature is not looked at here."""

    name: str
    commit: str
    time: int
    annotated: bool


@dataclass(frozen=True, slots=True)
class Update:
    """What a ref of a server is to become.

    `expected` is the commit or tag object that it has to be until then: "" when it must not exist yet, None when it is only
    never to lose commits.
    """

    source: str
    ref: str
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What git says about the signature of a tag: whether it is good, by which key, and in which words."""

    good: bool
    key: str
    said: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with its folder; `environment` is laid over the environment, for tokens that must not stand in a command."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    # What it holds. A question that has no answer is answered with something empty.

    @property
    def top(self) -> Path | None:
        """The folder of the work tree, or None when git does not know one or refuses it."""
        found = self._try("rev-parse", "--show-toplevel")
        return Path(found) if found else None

    @property
    def is_readable(self) -> bool:
        """Whether git reads it: it is there, and belongs to this user."""
        return self._try("rev-parse", "--git-dir") is not None

    @property
    def is_shallow(self) -> bool:
        """Whether only the last part of the history is here, as servers for continuous integration fetch it."""
        return self._try("rev-parse", "--is-shallow-repository") == "true"

    def commit_of(self, ref: str) -> str:
        """The commit that a ref stands for; empty when there is none."""
        return self._try("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") or ""

    def object_of(self, ref: str) -> str:
        """The object that a ref names, which is not the commit when it is an annotated tag; empty when there is none."""
        return self._try("rev-parse", "--verify", "--quiet", ref) or ""

    def head(self) -> str:
        """The commit that is checked out; raises GateError when there is none."""
        done = process.question([*GIT, "rev-parse", "--verify", "HEAD^{commit}"], cwd=self.root, env=self._local())
        if done.code == 0:
            return done.answer.strip()
        error = explained(f"git cannot read a commit in {self.root}", done.output)
        hint = error.hint if isinstance(error, GateError) else "git commit makes the first one"
        raise GateError(error.message, hint=hint)

    def branch(self) -> str:
        """The branch that is checked out; empty when it is a commit alone."""
        return self._try("symbolic-ref", "--quiet", "--short", "HEAD") or ""

    def time_of(self, ref: str = "HEAD") -> int | None:
        """The time of a commit in seconds, or None when there is none."""
        answer = self._try("log", "-1", "--format=%ct", "--no-show-signature", "--end-of-options", ref, "--")
        return int(answer) if answer else None

    def dirty(self, *, untracked: bool = True, aside: Sequence[str] = ()) -> tuple[str, ...]:
        """What is not as in the commit below the root; `aside` are paths from the top that are not looked at."""
        outside = [f":(exclude,top,literal){path}" for path in aside]
        listed = self._ask(
            *("status", "--porcelain", "-z", "--no-renames", f"--untracked-files={'normal' if untracked else 'no'}"),
            *("--", ".", *outside),
        )
        return tuple(entry[3:] for entry in listed.split("\0") if entry)

    def tags(self, pattern: str = "", *, merged: str = "") -> tuple[Tag, ...]:
        """The tags, sorted by name; `pattern` as in `v*`, and `merged` a commit whose ancestors alone count."""
        form = "%(refname:strip=2)%00%(objecttype)%00%(objectname)%00%(*objectname)%00%(creatordate:unix)"
        below = (f"--merged={merged}",) if merged else ()
        listed = self._ask("for-each-ref", f"--format={form}", *below, f"refs/tags/{pattern}" if pattern else "refs/tags")
        rows = (line.split("\0") for line in listed.splitlines())
        return tuple(
            Tag(name, inner or outer, int(time or 0), kind == "tag") for name, kind, outer, inner, time in rows if kind != "tree"
        )

    def describe(self, pattern: str) -> str | None:
        """What `git describe` says of the commit that is checked out, in its long form; None when it cannot."""
        # --long: a tag may itself look like `v2.1.0-3`; --abbrev: the usual length of a hash grows with the repository.
        return self._try("describe", "--tags", "--always", "--dirty", "--long", "--abbrev=10", f"--match={pattern}")

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether a commit is in the history of another, or is the same."""
        return self._try("merge-base", "--is-ancestor", "--end-of-options", old, new) is not None

    def log(self, form: str, *revisions: str, options: Sequence[str] = (), paths: Sequence[str] = ()) -> Iterator[bytes]:
        """One pass over the commits of some revisions, newest first: pieces in UTF-8, in which every record ends in NUL."""
        with tempfile.TemporaryDirectory(prefix="slipway-log-") as scratch:
            # Through a file: what the largest repositories say never has to fit into memory. git gathers its output only when
            # the file is its standard output; with --output, it writes each record alone.
            path = Path(scratch) / "log"
            words = ("log", "-z", "--encoding=UTF-8", "--decorate=full", f"--format={form}", *options)
            argv = (*_INTO, str(path), *GIT, *words, "--end-of-options", *revisions, "--", *paths)
            done = process.question(argv, cwd=self.root, env=self._local())
            if done.code != 0:
                raise explained(f"git log fails in {self.root}", done.output)
            with path.open("rb") as file:
                yield from _whole_records(iter(lambda: file.read(_BLOCK), b""))

    def remote_url(self, remote: str = "origin") -> str:
        """Where a remote is; empty when there is none of that name."""
        return self._try("remote", "get-url", remote) or ""

    def verify_tag(self, name: str) -> Verdict:
        """Check the signature of a tag with the keys that this user trusts."""
        done = process.run([*GIT, "verify-tag", "--raw", "--end-of-options", name], cwd=self.root, env=self._local(), check=False)
        lines = done.output.splitlines()
        keys = [line.split()[2] for line in lines if line.startswith("[GNUPG:] VALIDSIG ")]
        keys += [line.rpartition(" ")[2] for line in lines if line.startswith("Good ") and " key " in line]
        return Verdict(done.code == 0, next(iter(keys), ""), done.output.strip())

    # What changes it here.

    def switch(self, ref: str, *, detach: bool = False, create: bool = False) -> None:
        """Check out a branch, or a commit alone; `create` makes the branch where the present commit is."""
        self._do(f"git cannot check out {ref}", "switch", *("--detach",) * detach, *("--create",) * create, ref)

    def commit(self, message: str, *paths: Path, empty: bool = False) -> str:
        """Commit what some paths hold now, also that they are gone, and nothing else; returns the commit."""
        if paths:
            self._do("git cannot take up the changes", "add", "--all", "--", *map(str, paths))
        kind = ("--allow-empty",) * empty
        self._do("git cannot commit", "commit", "--quiet", f"--message={message}", *kind, "--", *map(str, paths))
        return self.head()

    def merge(self, ref: str, message: str, *, strategy: str = "") -> str:
        """Merge a commit into the branch that is checked out, always with a commit of its own; returns that.

        The strategy `ours` keeps the files as they are and links the history alone. A conflict is taken back.
        """
        way = (f"--strategy={strategy}",) * bool(strategy)
        try:
            self._do(f"git cannot merge {ref}", "merge", "--no-ff", "--quiet", *way, f"--message={message}", ref)
        except SlipwayError:
            self._try("merge", "--abort")
            raise
        return self.head()

    def tag(self, name: str, message: str, *, commit: str = "HEAD", key: str = "") -> str:
        """Make an annotated tag, signed when `key` is given; returns the tag object. A tag that is there is never moved."""
        signed = (f"--local-user={key}",) if key else ("--no-sign",)
        # A signature is found only at the beginning of a line.
        text = f"--message={message.rstrip()}\n"
        words = ("tag", "--annotate", *signed, text, "--cleanup=verbatim", "--end-of-options", name, commit)
        self._do(f"git cannot make the tag {name}", *words)
        return self.object_of(f"refs/tags/{name}")

    def delete_tag(self, name: str) -> None:
        """Remove a tag here; what a server has is not touched."""
        self._do(f"git cannot remove the tag {name}", "tag", "--delete", "--end-of-options", name)

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Repository]:
        """Give another folder with the files of a commit, checked out without a branch; it is gone after the block."""
        with tempfile.TemporaryDirectory(prefix="slipway-tree-") as scratch:
            folder = Path(scratch).resolve() / "tree"
            self._do(f"git cannot check out {commit}", "worktree", "add", "--quiet", "--detach", str(folder), commit)
            try:
                yield Repository(folder, self.environment)
            finally:
                with suppress(SlipwayError):
                    self._do("git cannot remove the work tree", "worktree", "remove", "--force", str(folder))
                self._try("worktree", "prune")

    # What talks to a server. It never asks, and what may go well a little later raises TransientError.

    def ls_remote(self, remote: str, *patterns: str) -> dict[str, str]:
        """The refs of a server with their objects; `refs/tags/v1^{}` is the commit of an annotated tag."""
        said = self._reach(f"git cannot list the refs of {_public(remote)}", remote, "ls-remote", "--quiet", remote, *patterns)
        rows = (line.partition("\t") for line in said.splitlines())
        return {ref: name for name, tab, ref in rows if tab and ref.startswith(("refs/", "HEAD"))}

    def fetch(self, remote: str, *refspecs: str, tags: bool = False) -> None:
        """Fetch from a server; a tag that is here already is never moved."""
        words = ("fetch", "--quiet", "--no-recurse-submodules", "--tags" if tags else "--no-tags", "--end-of-options")
        self._reach(f"git cannot fetch from {_public(remote)}", remote, *words, remote, *refspecs)

    def push(self, remote: str, *updates: Update) -> None:
        """Set refs of a server, all of them or none; a branch never loses a commit and a tag is never moved.

        Raises GateError when that would happen, and ChangedError when a ref is not what was expected.
        """
        leases = [f"--force-with-lease={update.ref}:{update.expected}" for update in updates if update.expected is not None]
        for update in updates:
            # A lease lets a push through that loses commits, as long as nobody else has pushed: that is asked here.
            if update.expected and not self.is_ancestor(update.expected, update.source):
                raise GateError(
                    f"git does not push to {update.ref} of {_public(remote)}: {update.expected[:12]}, which is there, "
                    "is not in the history of what would replace it",
                    hint="fetch and merge it first: a branch is never overwritten, and a tag never moved",
                )
        words = ("push", "--porcelain", "--no-verify", "--no-follow-tags", *("--atomic",) * (len(updates) > 1), *leases)
        refs = [f"{update.source}:{update.ref}" for update in updates]
        self._reach(f"git cannot push to {_public(remote)}", remote, *words, "--end-of-options", remote, *refs)

    def _local(self) -> dict[str, str]:
        return {**LOCAL, **self.environment}

    def _try(self, *words: str) -> str | None:
        return process.capture([*GIT, *words], cwd=self.root, env=self._local())

    def _ask(self, *words: str) -> str:
        done = process.question([*GIT, *words], cwd=self.root, env=self._local())
        if done.code != 0:
            raise explained(f"git {words[0]} fails in {self.root}", done.output)
        return done.answer

    def _do(self, what: str, *words: str) -> None:
        done = process.run([*GIT, *words], cwd=self.root, env=self._local(), check=False)
        if done.code != 0:
            raise explained(what, done.output)

    def _reach(self, what: str, remote: str, *words: str) -> str:
        where = remote if "/" in remote or ":" in remote else self.remote_url(remote)
        surroundings = {**remote_environment(self.root), **self.environment}
        with hidden(*_secrets_in(where)), process.within(PATIENCE):
            try:
                done = process.run([*GIT, *words], cwd=self.root, env=surroundings, check=False)
            except SlipwayError as error:
                if "and was stopped" not in error.message:
                    raise
                raise TransientError(f"{what}: the server let {PATIENCE:g} seconds pass", hint="is the network up?") from error
            output = redact(done.output)
        if done.code != 0:
            raise explained(what, output)
        return output


def _whole_records(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Cut what comes in pieces behind the last NUL of each."""
    rest = b""
    for piece in pieces:
        whole = rest + piece if rest else piece
        end = whole.rfind(b"\0") + 1
        rest = whole[end:]
        if end:
            yield whole[:end]


def _public(remote: str) -> str:
    """A remote as it may be shown: a URL without a name and a password."""
    if "://" not in remote:
        return remote
    parts = urlsplit(remote)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secrets_in(url: str) -> tuple[str, ...]:
    if "://" not in url:
        return ()
    name, colon, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    # A token often stands where the name belongs.
    return (password,) if colon else (name,) if name not in {"", "git"} and len(name) >= 16 else ()
