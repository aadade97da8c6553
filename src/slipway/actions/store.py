"""What a store of published files can do, whatever it is: a folder, a bucket, a server, the releases of a forge.

Names are paths below the store, such as `v2.1.0/hello-2.1.0-linux-amd64.tar.gz`; the last `/` parts the folder from the file,
and the name of a folder that a pointer leads to ends with `/`: `v2.1.0/`.
Every method raises TransientError where trying again may help, and another SlipwayError where it will not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from slipway.environments import Form

Sent = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file as it is published, under a name that never changes its bytes; `path` is where it lies below the outputs."""

    name: str
    path: str
    size: int
    sha256: str
    media_type: str
    encoding: str = ""

    @property
    def folder(self) -> str:
        """`v2.1.0`."""
        return self.name.rpartition("/")[0]

    @property
    def file(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a store says of a file without reading it; `sha256` is empty where it says none.

    `token` changes whenever the bytes may have changed.
    """

    size: int
    sha256: str = ""
    token: str = ""


@runtime_checkable
class Store(Protocol):
    """Where files are published, each under a name that never changes its bytes."""

    @property
    def name(self) -> str:
        """The store's name in slipway.toml."""

    def check(self, size: int) -> None:
        """Raise GateError, and write nothing, when so many bytes could not be written: login, rights, room."""

    def served(self, name: str) -> str:
        """The name under which the store serves a file: some replace characters that they do not like."""

    def listing(self, folder: str) -> Mapping[str, Found]:
        """The files right in a folder, by full name, in one listing; also those that the public does not see yet."""

    def put(self, content: Content, source: Path, sent: Sent) -> Found:
        """Write a file that is not there.

        Equal bytes that are there already are left as they are; raises VerificationError when others are there.
        """

    def digest(self, name: str) -> str:
        """The SHA-256 of a file as the store itself knows it, read where it knows none; empty when there is no such file."""

    def reread(self, name: str) -> str:
        """The SHA-256 of the bytes that the store gives back now; empty when there is no such file."""

    def copy(self, name: str, target: Path) -> None:
        """Bring a file here, as the store gives it back."""

    def url(self, name: str) -> str:
        """Where the public finds a file or a folder; empty when there is no such place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """Where a pointer leads: the name of a file or folder in its store, and the version that this belongs to."""

    target: str
    version: str
    token: str = ""


@runtime_checkable
class Pointing(Protocol):
    """A store with names that lead to others."""

    def pointed(self, name: str, form: Form) -> Pointed | None:
        """Where a pointer leads, None when there is none; raises GateError when that cannot be read surely."""

    def point(self, name: str, form: Form, to: Pointed, seen: Pointed | None) -> Pointed:
        """Let a pointer lead elsewhere, in one move that nobody sees half.

        Raises ChangedError when it is not as it was `seen`.
        """

    def unpoint(self, name: str, form: Form, seen: Pointed) -> None:
        """Remove a pointer; raises ChangedError when it is not as it was `seen`."""


@runtime_checkable
class StateFiles(Protocol):
    """Small files of slipway's own in a store, which change only from what has been seen: the lease, the journal's copy."""

    def load(self, name: str) -> tuple[bytes, str] | None:
        """The bytes of a file and the token that stands for them; None when there is no such file."""

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write a file whose token was `seen`, or that was not there (None); returns the new token.

        Raises ChangedError when that is no longer so.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRelease:
    """A release as a forge shows it."""

    tag: str
    commit: str
    title: str
    notes: str
    prerelease: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """How a forge has a release: `draft`, `published` or `withdrawn`."""

    state: str
    id: str
    title: str = ""
    notes: str = ""
    prerelease: bool = False
    immutable: bool = False


@runtime_checkable
class Hosting(Protocol):
    """A forge, which keeps files in releases that may be drafts."""

    @property
    def drafts(self) -> bool:
        """Whether a release can be there before the public sees it; where not, it is made when it is published."""

    def release(self, tag: str) -> Hosted | None:
        """The release of a tag, a draft too; None when there is none."""

    def open(self, release: HostRelease) -> Hosted:
        """Make a draft, or take the one that is there."""

    def publish(self, release: HostRelease, files: tuple[str, ...], *, latest: bool) -> Hosted:
        """Show a release with these files to the public."""

    def withdraw(self, tag: str, notice: str) -> Hosted:
        """Mark a release as withdrawn, as far as the forge lets one: no file is deleted."""

    def latest(self) -> str:
        """The tag of the release that the forge calls the latest; empty when there is none."""

    def mark_latest(self, tag: str) -> None:
        """Let the forge call a release the latest."""
