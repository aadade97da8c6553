"""Words that nobody is to see: kept out of every log line and message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_here: ContextVar[tuple[str, ...]] = ContextVar("secrets", default=())
_everywhere: Final[set[str]] = set()


@contextmanager
def hidden(*secrets: str) -> Iterator[None]:
    """Keep these words out of every log line and message inside the block."""
    token = _here.set((*_here.get(), *(word for word in secrets if word)))
    try:
        yield
    finally:
        _here.reset(token)


def hide(*secrets: str) -> None:
    """Keep these words out of every log line and message from now on, in all threads."""
    _everywhere.update(word for word in secrets if word)


def redact(text: str) -> str:
    """Replace every word that is to stay hidden; the longest first, since one may be part of another."""
    for word in sorted({*_here.get(), *_everywhere}, key=len, reverse=True):
        text = text.replace(word, "***")
    return text
