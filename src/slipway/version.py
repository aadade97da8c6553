"""Versions: the maintainer's own string, an order per scheme, a spelling per format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the maintainer wrote it, read by a scheme."""

    text: str
    scheme: str = "semver"

    def __str__(self) -> str:
        return self.text
