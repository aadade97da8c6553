"""What can be wrong with a table that says where files come from that were built elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from slipway import download
from slipway.components import words_in
from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.parts import SourceTable

WORDS: Final = ("version", "tag", "platform", "triple", "family", "arch", "exe", "name")
_ARCHIVE: Final = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|tbz2?|txz|tzst|zip)\Z", re.IGNORECASE)
_HOW_TO_HASH: Final = "print it with: sha256sum FILE"


def source_faults(at: lines.Path, table: SourceTable, makes: tuple[str, ...]) -> Iterator[Fault]:
    """Check one table; `makes` are the names of what the component makes."""
    is_url = download.is_url(table.source)
    if is_url and (said := download.refusal(table.source)):
        yield Fault((*at, "source"), said, "write a URL that starts with https://")
    if not table.sha256 and is_url:
        yield Fault(at, "sha256 is missing: what a server sends is taken only when its digest is known", _HOW_TO_HASH)
    elif not table.sha256 and _ARCHIVE.search(table.source):
        yield Fault(at, "sha256 is missing: an archive is opened only when its digest is known", _HOW_TO_HASH)
    for to in table.files:
        if to not in makes:
            yield Fault((*at, "files", to), f"the component makes nothing that is called {to!r}", suggestion(to, makes))
    texts: dict[lines.Path, str] = {("source",): table.source, **{("files", to): text for to, text in table.files.items()}}
    for where, text in texts.items():
        yield from _unknown_words((*at, *where), text)


def _unknown_words(at: lines.Path, text: str) -> Iterator[Fault]:
    for word in words_in(text):
        if word not in WORDS:
            yield Fault(at, f"{{{word}}} stands for nothing", suggestion(word, WORDS))
