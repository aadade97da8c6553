"""The one list of artifacts, from which checksums, installers, publishing and validation all read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file that a release gives to users; `path` is relative to the packages folder."""

    kind: str
    name: str
    path: str
    size: int
    digests: Mapping[str, str]
    media_type: str
    platform: str = ""
    variant: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The artifacts of one release, sorted by path."""

    name: str
    version: str
    epoch: int
    artifacts: tuple[Artifact, ...]
    schema: int = SCHEMA
