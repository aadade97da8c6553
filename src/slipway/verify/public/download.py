"""Getting a published file as anybody gets it: by its public address, without a login, byte by byte as it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from slipway.actions.progress import Meter
from slipway.actions.store import Content
from slipway.download import shown
from slipway.errors import TransientError, VerificationError
from slipway.web import Client, RefusedError

# What a server says of a file that it does not know yet: caches and copies of it may be behind for a while.
_NOT_YET: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_CLOSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_CHANGED: Final = "find out who changed it; nothing new leads to it before it is right, and bad bytes need a new version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What came from an address."""

    url: str
    size: int
    sha256: str
    media_type: str

    def require(self, content: Content) -> None:
        """Raise VerificationError when it is not what was published."""
        if self.size == content.size and self.sha256 == content.sha256:
            return
        if self.size != content.size:
            what = f"it has {self.size} bytes and not {content.size}"
        else:
            what = f"its SHA-256 is {self.sha256} and not {content.sha256}"
        page = self.media_type == "text/html" != content.media_type
        raise VerificationError(
            f"{shown(self.url)} is not {content.name} as it was published: {what}{'; it is a web page' if page else ''}",
            hint="does url of the store in slipway.toml name the place where its files lie?" if page else _CHANGED,
        )


def get(url: str, *, take: Callable[[bytes], object] = len, meter: Meter | None = None) -> Got:
    """Download a file; raises TransientError while it is not there, since what was just published may come a little later.

    `take` gets the pieces; a try that fails gives its bytes back to the meter.
    """
    digest, size = hashlib.sha256(), 0

    def taken(piece: bytes) -> None:
        nonlocal size
        digest.update(piece)
        size += len(piece)
        take(piece)
        if meter is not None:
            meter.sent(len(piece))

    try:
        answer = _client(url).fetch(url, taken)
    except BaseException as error:
        if meter is not None:
            meter.sent(-size)
        raise _sorted(url, error) from error
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Got(url=url, size=size, sha256=digest.hexdigest(), media_type=kind)


def moved_to(url: str) -> str:
    """Where an address redirects to, without going there; empty when it does not."""
    try:
        _client(url).ask("GET", url)
    except RefusedError as error:
        if 300 <= error.status < 400:
            return error.answer.headers.get("location", "")
        raise _sorted(url, error) from error
    return ""


def _client(url: str) -> Client:
    parts = urlsplit(url)
    return _client_of(f"{parts.scheme}://{parts.netloc}")


@cache
def _client_of(origin: str) -> Client:
    return Client(origin)


def _sorted(url: str, error: BaseException) -> BaseException:
    """What a refusal means to somebody who was to find a file there."""
    if not isinstance(error, RefusedError):
        return error
    if error.status in _NOT_YET:
        hint = "does url of the store in slipway.toml name the place where its files lie? slipway resume looks again"
        return TransientError(f"{shown(url)} is not there ({error.status})", hint=hint)
    if error.status in _CLOSED:
        return VerificationError(
            f"{shown(url)} is not given to the public ({error.status})",
            hint="let everybody read what the store publishes; to some stores, what is not there is forbidden too",
        )
    return error
