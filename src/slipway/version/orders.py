"""What versions are sorted by: a key per scheme, made of plain tuples."""

from __future__ import annotations

import re
from typing import Any, Final

Key = tuple[Any, ...]
_NIX: Final = re.compile(r"\d+|[^\d.-]+")
_MISSING: Final = ((0,), 0)
_DPKG: Final = re.compile(r"(\D*)(\d*)")


def semver_key(match: re.Match[str]) -> Key:
    """The order of semver.org 2.0.0, item 11: numbers, then what a pre-release is made of; a build does not count."""
    pre = prerelease_of(match)
    numbers = tuple(int(number) for number in match["core"].split("."))
    parts = pre.split(".") if pre else []
    return numbers, not pre, tuple((False, int(part), "") if part.isdigit() else (True, 0, part) for part in parts)


def nix_key(match: re.Match[str]) -> Key:
    """The order of `builtins.compareVersions`: `pre` before the end, the end before words, words before numbers.

    A version is read as its numbers and words; dots, hyphens and a change from one to the other part them.
    """
    return (*map(_nix_part, _NIX.findall(match.string)), (1, 0, ""))


def dpkg_key(match: re.Match[str]) -> Key:
    """The order of `dpkg --compare-versions` (deb-version(7)): epoch, upstream version, revision."""
    return int(match["epoch"] or 0), _dpkg_parts(match["upstream"]), _dpkg_parts(match["revision"] or "")


def prerelease_of(match: re.Match[str]) -> str:
    """`rc.1` of `2.1.0-rc.1`, `pre.20240411` of `2.90.0pre20240411`; empty for a release."""
    if "nightly" in match.re.groupindex and (nightly := match["nightly"]):
        return f"pre.{re.sub('[_-]', '.', nightly)}"
    return match["pre"] or ""


def _nix_part(part: str) -> tuple[int, int, str]:
    if part[0].isdigit():
        return 2, int(part), ""
    return (0, 0, "") if part == "pre" else (1, 0, part)


def _dpkg_parts(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Words and numbers in turns; where one version ends, an empty word and the number 0 stand for what is missing."""
    parts = [((*map(_dpkg_rank, word), 0), int(number or 0)) for word, number in _DPKG.findall(text)]
    while parts and parts[-1] == _MISSING:
        parts.pop()
    # Two of them: a version may begin with a number 0, which looks like the first.
    return (*parts, _MISSING, _MISSING)


def _dpkg_rank(char: str) -> int:
    return -1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 256
