"""Texts that get through wixl: it knows one code page of Windows, ends at letters beyond it, and expands `$` in all texts."""

from __future__ import annotations

import re
from typing import Final

# What wixl is told beside the text, for the `$` of what stands in the summary.
DOLLAR: Final = ("-D", "dollar=$")
# The tables that hold texts of a project or names of its files.
TABLES: Final = ("CustomAction", "Directory", "Feature", "File", "LaunchCondition", "Property", "Registry", "ServiceInstall")
_MARK: Final = "^"
# The summary's texts are UTF-8 in any case.
_SUMMARY: Final = re.compile(r"(<Package\b[^>]*>)")


def spelled(text: str) -> str:
    """A description for wixl in plain letters: `^e9;` in the place of every other one and of `^` and `$`."""
    parts = _SUMMARY.split(text)
    return "".join(part.replace("$", "$(var.dollar)") if at % 2 else _spelled(part) for at, part in enumerate(parts))


def has_spelling(text: str) -> bool:
    """Whether there is a letter to be put back."""
    return _MARK in text


def restored(text: str) -> str:
    """The text as it was."""
    return re.sub(r"\^([0-9a-f]+);", lambda code: chr(int(code[1], 16)), text)


def _spelled(text: str) -> str:
    return re.sub(r"[^\x00-\x7e]|[$^]", lambda letter: f"{_MARK}{ord(letter[0]):x};", text)
