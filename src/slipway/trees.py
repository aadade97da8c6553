"""Which files of a folder a project means: a fast walk, and patterns with `*`, `**`, `?` and `[…]`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError, SlipwayError

# Never part of a project: version control, and what tools leave behind.
SKIPPED: Final = frozenset({".git", ".hg", ".svn", ".jj", ".slipway", "__pycache__", ".DS_Store"})
# Files that mark their folder as one that can be made again: https://bford.info/cachedir/ (cargo's target folder
# is one) and a Python environment.
MARKS: Final = frozenset({"CACHEDIR.TAG", "pyvenv.cfg"})


def walk(root: Path, skip: Collection[Path] = ()) -> tuple[str, ...]:
    """Return the files and links below a folder as sorted relative paths with forward slashes; links are not followed."""
    return tuple(sorted(_walk(os.fspath(root), "", {os.fspath(path) for path in skip})))


def select(root: Path, include: Sequence[str], exclude: Sequence[str] = (), skip: Collection[Path] = ()) -> tuple[str, ...]:
    """Return the walked paths that a pattern includes and none excludes; a pattern that names a folder means all it holds."""
    names = walk(root, skip)
    if "**" not in include:
        wanted = [_pattern(glob) for glob in include]
        names = tuple(name for name in names if any(pattern.match(name) for pattern in wanted))
    unwanted = [_pattern(glob) for glob in exclude]
    return tuple(name for name in names if not any(pattern.match(name) for pattern in unwanted))


def _walk(folder: str, prefix: str, skip: set[str]) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SlipwayError(f"cannot read {folder}: {error.strerror}", hint="check the folder's owner and mode") from error
    if any(entry.name in MARKS for entry in entries):
        return
    for entry in entries:
        if entry.name in SKIPPED or entry.path in skip:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/", skip)
        else:
            yield prefix + entry.name


def matches(name: str, glob: str) -> bool:
    """Whether a pattern names just this path, not a folder above it."""
    return _pattern(glob, below=False).match(name) is not None


@cache
def _pattern(glob: str, *, below: bool = True) -> re.Pattern[str]:
    parts = glob.strip("/").removeprefix("./").split("/")
    text = "".join(_part(part, last=index == len(parts) - 1) for index, part in enumerate(parts))
    try:
        return re.compile(rf"{text}(?:/.*)?\Z" if below else rf"{text}\Z", re.DOTALL)
    except re.error as error:
        raise ConfigError(f"{glob!r} is not a pattern: {error}", hint="write [a-z] with the smaller letter first") from error


def _part(part: str, *, last: bool) -> str:
    if part == "**":
        return ".*" if last else "(?:[^/]+/)*"
    tokens = re.findall(r"\[!?\]?[^\]]*\]|.", part, re.DOTALL)
    return "".join(_token(token) for token in tokens) + ("" if last else "/")


def _token(token: str) -> str:
    if len(token) > 2 and token.startswith("["):
        negated, body = ("^", token[2:-1]) if token[1] == "!" else ("", token[1:-1])
        escaped = re.sub(r"([^\w-])", r"\\\1", body)
        return f"(?!/)[{negated}{escaped}]"
    return {"*": "[^/]*", "?": "[^/]"}.get(token) or re.escape(token)
