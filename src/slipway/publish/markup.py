"""Release notes as HTML, with nothing in it that a browser would run or load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.token import Token

# The page has headings of its own above those of the notes.
_BELOW: Final = 2
_LOWEST: Final = 6
_WEB: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def html_of(text: str) -> str:
    """HTML of some notes in Markdown (CommonMark); HTML in them is shown as text, and pictures are not loaded."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table").disable("image")
    reader.validateLink = lambda url: bool(_WEB.match(url))  # type: ignore[method-assign]
    tokens = reader.parse(text)
    for token in tokens:
        _lower(token)
    return str(reader.renderer.render(tokens, reader.options, {}))


def _lower(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + _BELOW, _LOWEST)}"
