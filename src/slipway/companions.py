"""What comes along with programs: manual pages and completions for shells, and their places in a distribution."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# How a shell's completions are called, and where shells look for what packages bring.
_COMPLETIONS: Final = (
    (re.compile(r"_(?P<name>[^/]+)"), "share/zsh/site-functions/_{name}"),
    (re.compile(r"(?P<name>[^/]+)\.bash"), "share/bash-completion/completions/{name}"),
    (re.compile(r"(?P<name>[^/]+)\.fish"), "share/fish/vendor_completions.d/{name}.fish"),
    (re.compile(r"(?P<name>[^/]+)\.nu"), "share/nushell/vendor/autoload/{name}.nu"),
)
_MANUAL: Final = re.compile(r"(?P<name>[^/]+)\.(?P<section>[1-9])[a-z]*")
COMPLETIONS: Final = "NAME.bash, _NAME (for zsh), NAME.fish and NAME.nu"
MANUALS: Final = "NAME.1 to NAME.9, not compressed"


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that comes along with the program `name`, and its place in a distribution."""

    name: str
    place: str


def completion_of(file: str) -> Companion | None:
    """What the completions in a file are for, by its name; nothing for a shell that is not known."""
    for pattern, place in _COMPLETIONS:
        if match := pattern.fullmatch(file):
            return Companion(match["name"], place.format(name=match["name"]))
    return None


def manual_of(file: str) -> Companion | None:
    """What a manual page is about, by its name; nothing for a name that no manual page has."""
    match = _MANUAL.fullmatch(file)
    return Companion(match["name"], f"share/man/man{match['section']}/{file}") if match else None


def program_of(page: str, programs: Iterable[str]) -> str:
    """The program that a page is about: `hello` for `hello`, `hello-serve` and `hello.toml`; empty when it is about none."""
    about = (name for name in programs if page == name or page.startswith((f"{name}-", f"{name}.")))
    return max(about, key=len, default="")
