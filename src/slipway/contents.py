"""The list of a distribution's files: written when it is staged, read by everything that packs or checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.errors import VerificationError
from slipway.plain import from_plain, to_plain

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a distribution; `path` is relative to its folder, with forward slashes."""

    path: str
    mode: int
    size: int
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All files of a distribution, sorted by path."""

    name: str
    platform: str
    variant: str
    files: tuple[File, ...]
    schema: int = SCHEMA

    def dump(self) -> bytes:
        """The JSON form, the same bytes for the same files."""
        return json.dumps(to_plain(self), indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def load(cls, path: Path) -> Contents:
        """Read a contents file; raises VerificationError when it is not one."""
        try:
            return from_plain(cls, json.loads(path.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
            raise VerificationError(
                f"{path} is not a contents file: {error}", hint="make it again: doit dist-generate"
            ) from error
