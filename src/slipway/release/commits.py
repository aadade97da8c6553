"""What commits say about themselves: one pass over the history, read as Conventional Commits 1.0 where they are written so."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from slipway.errors import GateError
from slipway.git import Repository

# Fields end in a character that nobody writes; the message stands last, so that it may hold any.
FORM: Final = "%H %ct %P%x1f%aN <%aE>%x1f%D%x1f%B"
_BEGINNING: Final = 4000  # as far as git's own words on a revert are looked for
_LAST: Final = 3
_GRAFTED: Final = "grafted"  # what git log shows at the first commit of a part
_TAG: Final = "tag: refs/tags/"
# https://www.conventionalcommits.org/en/v1.0.0/
_HEAD: Final = re.compile(r"(?P<type>[A-Za-z][\w-]*)(?:\((?P<scope>[^()\r\n]+)\))?(?P<breaking>!)?")
_BREAKING: Final = re.compile(
    rb"^BREAKING[ -]CHANGE(?:: | #)(?P<text>.+(?:\n(?!(?:[A-Za-z-]+|BREAKING CHANGE)(?:: | #)|\n).+)*)", re.MULTILINE
)
_TOGETHER: Final = re.compile(rb"^co-authored-by: *(?P<name>[^<\n]*<[^>\n]+>)", re.MULTILINE | re.IGNORECASE)
_REVERTED: Final = re.compile(rb"\bThis reverts commit ([0-9a-f]{7,64})")
_PULL: Final = re.compile(r"Merge pull request #(\d+)")
_REQUEST: Final = re.compile(rb"See merge request \S*!(\d+)")
_SEE: Final = b"See merge request "
_PASSING: Final = ("Merge ", "fixup! ", "squash! ", "amend! ")
_PLAIN: Final = ("", "", False)
_tuple: Final = tuple.__new__


class Commit(NamedTuple):
    """A commit as git prints it; `about` is its name, its time and its parents, and `body` is seldom looked at."""

    about: str
    author: str
    refs: str
    subject: str
    body: bytes

    @property
    def hash(self) -> str:
        """The commit's name."""
        return self.about.partition(" ")[0]

    @property
    def time(self) -> int:
        """When it was committed, in seconds."""
        return int(self.about.split(" ", 2)[1])

    @property
    def parents(self) -> list[str]:
        """The names of its parents, the one of its own line first."""
        return self.about.split()[2:]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that stand at the commit."""
        return tuple([mark[len(_TAG) :] for mark in self.refs.split(", ") if mark.startswith(_TAG)])

    @property
    def people(self) -> tuple[str, ...]:
        """Who made it, as `Name <address>`: the author, and whom the message names beside."""
        found = _TOGETHER.finditer(self.body) if b"o-authored-by:" in self.body.lower() else ()
        return (self.author, *(_text(match["name"]) for match in found))


class Change(NamedTuple):
    """What a commit changed, in the words of its message; `breaking` says what users have to mind, when they have to."""

    hash: str
    type: str
    scope: str
    summary: str
    breaking: str
    reverts: str
    commit: Commit

    @property
    def short(self) -> str:
        """The beginning of the commit's name, as people write it."""
        return self.hash[:7]

    @property
    def author(self) -> str:
        """The name of who made it."""
        return self.commit.author.rpartition(" <")[0]


def read_commits(repository: Repository, *revisions: str, first_parent: bool = False, paths: Sequence[str] = ()) -> list[Commit]:
    """The commits of some revisions, newest first; `paths` leaves out those that changed none of them.

    Raises GateError where the history ends too early, because only its last part was fetched.
    """
    options = ("--first-parent",) if first_parent else ()
    found: list[Commit] = []
    for piece in repository.log(FORM, *revisions, options=options, paths=paths):
        for head, _, body in [record.partition(b"\n") for record in piece.split(b"\0")]:
            fields = _decode(head).split("\x1f", _LAST)
            if len(fields) > _LAST:
                fields.append(body)  # type: ignore[arg-type] # the tuple's last field
                # What Commit(…) does too, in a third of the time.
                found.append(_tuple(Commit, fields))
    if any(_GRAFTED in commit.refs for commit in found if commit.refs):
        raise GateError(
            f"{repository.root} has only the last part of the history, so nobody can tell what a release is made of",
            hint="git fetch --unshallow --tags; in CI, let the checkout fetch everything: fetch-depth: 0, or GIT_DEPTH: 0",
        )
    return found


def changes_of(commits: Sequence[Commit], *, hidden: Container[str] = (), merges: bool = False) -> list[Change]:
    """What some commits changed; what was taken back among them is gone, and so are merges and commits that wait to be squashed.

    Changes of `hidden` types are left out, unless users have to mind them. With `merges`, a merge stands for what it brings
    in, when its message says that: for histories of first parents.
    """
    found = [change for change in [_change(commit, hidden, merges) for commit in commits] if change is not None]
    if any(change.reverts for change in found):
        return _without_reverted(found, {commit.hash for commit in commits})
    return found


def _change(commit: Commit, hidden: Container[str], merges: bool) -> Change | None:
    about, _, _, subject, body = commit
    head, colon, summary = subject.partition(": ")
    kind, scope, warned = _head(head) if colon else _PLAIN
    if not kind:
        summary = subject
        if subject.startswith(_PASSING):
            return _merged(commit, hidden) if merges else None
    # `find`, because `in` takes three times as long for bytes.
    breaking = _breaking(body) if body.find(b"BREAKING") >= 0 else ""
    if warned and not breaking:
        breaking = summary
    if kind in hidden and not breaking:
        return None
    reverts = ""
    if body.find(b"This reverts commit", 0, _BEGINNING) >= 0 and (taken := _REVERTED.search(body)):
        reverts, kind, summary = taken[1].decode(), "revert", summary.removeprefix('Revert "').removesuffix('"')
    return _tuple(Change, (about.partition(" ")[0], kind, scope, summary, breaking, reverts, commit))


@lru_cache(maxsize=4096)
def _head(head: str) -> tuple[str, str, bool]:
    match = _HEAD.fullmatch(head)
    return (match["type"].lower(), match["scope"] or "", bool(match["breaking"])) if match else _PLAIN


def _breaking(body: bytes) -> str:
    return "\n".join(" ".join(_text(match["text"]).split()) for match in _BREAKING.finditer(body))


def _merged(commit: Commit, hidden: Container[str]) -> Change | None:
    """What a merge of a pull or merge request brings in: the first paragraph of its body says it."""
    title, _, rest = commit.body.strip().partition(b"\n")
    if not commit.subject.startswith(("Merge pull request ", "Merge branch ")) or not title or title.startswith(_SEE):
        return None
    pull, request = _PULL.match(commit.subject), _REQUEST.search(commit.body)
    mark = f" (#{pull[1]})" if pull else f" (!{_text(request[1])})" if request else ""
    return _change(commit._replace(subject=f"{_text(title)}{mark}", body=rest), hidden, merges=False)


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()


def _without_reverted(changes: list[Change], known: Iterable[str]) -> list[Change]:
    """Leave out what was taken back, and what took it back; the newest first, since that too may have been taken back."""
    gone: set[str] = set()
    for change in changes:
        if change.reverts and change.hash not in gone:
            target = next((name for name in known if name.startswith(change.reverts)), "")
            if target:
                gone |= {change.hash, target}
    return [change for change in changes if change.hash not in gone]
