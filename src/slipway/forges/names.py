"""The names under which forges serve files: some replace the characters that they do not like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final


def github_name(name: str) -> str:
    """The name that GitHub gives to a file: what it does not like becomes a dot, and dots at the ends fall away."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", name)).strip(".")


def gitlab_name(name: str) -> str:
    """GitLab links to no names but of `A-Z a-z 0-9 . _ -` that end with a letter or a digit; the rest becomes dots."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]", ".", name)).lstrip(".").rstrip("._-")


def gitea_name(name: str) -> str:
    """Gitea and Forgejo keep names as they are."""
    return name


_NAMES: Final[Mapping[str, Callable[[str], str]]] = {"github": github_name, "gitlab": gitlab_name, "gitea": gitea_name}
FORGES: Final = tuple(_NAMES)


def served_name(kind: str, name: str) -> str:
    """The name under which a kind of forge serves a file."""
    return _NAMES[kind](name)


def served_names(name: str, kinds: Iterable[str]) -> tuple[str, ...]:
    """The other names under which kinds of forges serve a file, each once."""
    return tuple(sorted({served_name(kind, name) for kind in kinds} - {name}))
