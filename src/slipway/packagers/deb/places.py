"""Where Debian has the files that other systems keep elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from slipway.packagers.entries import Entry

# What a package brings for a shell is kept apart from what the administrator puts there.
_MOVED: Final = (
    ("usr/share/zsh/site-functions/", "usr/share/zsh/vendor-completions/"),
    ("usr/share/fish/completions/", "usr/share/fish/vendor_completions.d/"),
)


def at_home(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The files at Debian's places; all others stay where they are."""
    return (replace(entry, path=_home(entry.path)) for entry in entries)


def _home(path: str) -> str:
    found = (there + path.removeprefix(here) for here, there in _MOVED if path.startswith(here))
    return next(found, path)
