"""One file that makes a system run a service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A text, where it goes, and its mode."""

    path: str
    text: str
    mode: int = 0o644
