"""Texts of slipway.toml in which words in braces are replaced, and the names that become of them below a store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from slipway.config import lines
from slipway.config.faults import Fault, suggestion

WORDS: Final = ("name", "version", "tag", "major", "minor", "codename", "environment")
_OWN: Final = ".slipway"


def unknown_words(at: lines.Path, text: str, words: tuple[str, ...]) -> Iterator[Fault]:
    """Tell the words in braces that stand for nothing there."""
    for word in re.findall(r"\{([a-z_]+)\}", text):
        if word not in words:
            yield Fault(at, f"{{{word}}} stands for nothing", suggestion(word, words))


def no_path(text: str) -> str:
    """Say what is wrong with a name below a store; empty when nothing is."""
    parts, rest = text.split("/"), re.sub(r"\{[a-z_]+\}", "", text)
    if any(part in ("", ".", "..") for part in parts) or re.search(r"[{}\\\s\x00-\x1f]", rest):
        return f"{text!r} is no plain path"
    return f"{_OWN} holds slipway's own files" if parts[0] == _OWN else ""
