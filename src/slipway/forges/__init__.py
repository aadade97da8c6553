"""Clients of the APIs of forges: GitHub, GitLab, Gitea and Forgejo. Only the calls that a release needs, none tried twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from slipway.errors import GateError, VerificationError

# Stands first in the notes of a release that was withdrawn, unseen on its page.
WITHDRAWN: Final = "<!-- withdrawn -->"
Sent = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as a forge has it; `sha256` is empty where the forge does not say, `place` is where the API gives its bytes."""

    id: str
    name: str
    size: int
    place: str
    sha256: str = ""
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as a forge has it; `uploads` is where files are sent to, where the forge says so."""

    id: str
    tag: str
    title: str
    notes: str
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    uploads: str = ""
    page: str = ""

    @property
    def withdrawn(self) -> bool:
        """Whether its notes say so."""
        return self.notes.startswith(WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A release as it is to be; `commit` is where its tag leads."""

    tag: str
    commit: str
    title: str
    notes: str
    prerelease: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is to be sent, under the name that the forge will serve."""

    name: str
    path: Path
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An issue, or a change that waits to be merged."""

    number: int
    title: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What continuous integration says of a commit, by the names of its checks."""

    passed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`failed`, `pending`, `passed`, or `none` when there are no checks."""
        return next((name for name in ("failed", "pending", "passed") if getattr(self, name)), "none")

    @classmethod
    def of(cls, states: Iterable[tuple[str, str]]) -> Checks:
        """Sort pairs of a name and `passed`, `pending` or `failed`."""
        known = sorted(set(states))
        kinds = {kind: tuple(name for name, state in known if state == kind) for kind in ("passed", "pending", "failed")}
        return cls(**kinds)


class Queries(Protocol):
    """What gates ask a forge."""

    def tag_commit(self, tag: str) -> str:
        """The commit that a tag of the forge leads to; empty when it has no such tag."""

    def issues(self, label: str) -> tuple[Item, ...]:
        """The open issues with a label."""

    def milestone(self, title: str) -> tuple[Item, ...]:
        """What is still open of a milestone; raises GateError when there is no such milestone."""

    def checks(self, commit: str) -> Checks:
        """What continuous integration says of a commit."""


class Forge(Queries, Protocol):
    """A repository on a forge, as one user."""

    @property
    def drafts(self) -> bool:
        """Whether a release can be there unseen."""

    @property
    def digests(self) -> bool:
        """Whether the forge says the SHA-256 of files, so that they need not be read."""

    def access(self) -> None:
        """Raise GateError when releases cannot be written with this login; writes nothing."""

    def served(self, name: str) -> str:
        """The name under which a file is kept."""

    def release(self, tag: str) -> Release | None:
        """The release of a tag, a draft too."""

    def assets(self, tag: str) -> tuple[Asset, ...]:
        """The files of the release of a tag, all pages of them."""

    def open(self, wanted: Wanted) -> Release:
        """Make a draft."""

    def upload(self, tag: str, file: Upload, sent: Sent) -> Asset:
        """Send a file that is not there; equal bytes that are there are fine, others raise VerificationError."""

    def read(self, asset: Asset, take: Callable[[bytes], object]) -> None:
        """Read the bytes of a file, of a draft too."""

    def publish(self, wanted: Wanted, names: tuple[str, ...], *, latest: bool) -> Release:
        """Show a release with these files."""

    def withdraw(self, tag: str, notice: str) -> Release:
        """Take a release back as far as the forge lets one."""

    def latest(self) -> str:
        """The tag of the release that the forge calls the latest."""

    def mark_latest(self, tag: str) -> None:
        """Let the forge call a release the latest."""

    def address(self, tag: str, name: str) -> str:
        """Where the public gets a file, or the page of the release when there is no name."""


def with_notice(notice: str, notes: str) -> str:
    """The notes of a release that is withdrawn; a notice of before is replaced."""
    rest = notes.partition("\n\n---\n\n")[2] if notes.startswith(WITHDRAWN) else notes
    return f"{WITHDRAWN}\n> **Withdrawn.** {' '.join(notice.split())}\n\n---\n\n{rest}"


def require_equal(forge: str, file: Upload, found: Asset) -> None:
    """Raise VerificationError unless a file of the forge is surely the one that is to be there."""
    if found.size != file.size or (found.sha256 and found.sha256 != file.sha256):
        raise VerificationError(
            f"{file.name} is on {forge} with other bytes ({found.size} of them), and what is published never changes",
            hint="publish what was built from the same commit, or give the release a new version",
        )


def require_complete(forge: str, tag: str, names: tuple[str, ...], assets: Iterable[Asset]) -> None:
    """Raise VerificationError unless each file of a release is there once and whole."""
    listed = [asset.name for asset in assets if asset.complete]
    if missing := sorted(set(names) - set(listed)):
        raise VerificationError(
            f"{tag} on {forge} lacks {', '.join(missing)}: it is not shown to the public",
            hint="slipway resume uploads what is missing",
        )
    if twice := sorted({name for name in names if listed.count(name) > 1}):
        raise VerificationError(
            f"{tag} on {forge} has {', '.join(twice)} more than once", hint="remove the wrong ones there, then slipway resume"
        )


def require_tag(forge: str, wanted: Wanted, found: str) -> None:
    """Raise GateError when the forge's tag leads to another commit than the release."""
    if found and wanted.commit and found != wanted.commit:
        raise GateError(
            f"the tag {wanted.tag} on {forge} leads to {found[:12]}, and the release is made from {wanted.commit[:12]}",
            hint="a tag that others have seen is never moved: give the release a new version",
        )
