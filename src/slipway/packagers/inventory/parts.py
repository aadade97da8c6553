"""What is inside a release, whatever the format of the list: its parts, and which part needs which."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from slipway.errors import VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """Under which terms a part is given.

    `expression` is an SPDX licence expression (SPDX 2.3, annex D), `said` what its makers say when that is none; `file` is
    the file that they name instead, `texts` are the files of its source that hold licence texts.
    """

    expression: str = ""
    said: str = ""
    file: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: the release itself, a component, a file that was built elsewhere, a crate or a Python package.

    `kind` is release, component, files, prebuilt, crate or python; `download` is where its source comes from; `platform` is the
    only one that has it, or empty.
    """

    ref: str
    kind: str
    name: str
    version: str = ""
    purl: str = ""
    sha256: str = ""
    download: str = ""
    platform: str = ""
    about: str = ""
    license: License = field(default_factory=License)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All parts, sorted by reference, the release first; `needs` has the references of what each part needs."""

    parts: tuple[Part, ...]
    needs: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, root: Part, parts: Iterable[Part], needs: Mapping[str, Iterable[str]]) -> Inventory:
        """Put parts in order, each once."""
        others = {part.ref: part for part in parts if part.ref != root.ref}
        ordered = (root, *(others[ref] for ref in sorted(others)))
        return cls(parts=ordered, needs={part.ref: tuple(sorted(set(needs.get(part.ref, ())))) for part in ordered})

    @property
    def root(self) -> Part:
        """The release itself."""
        return self.parts[0]

    def below(self, refs: Iterable[str], platform: str) -> tuple[Part, ...]:
        """Some parts, and all that they need on a platform, in order."""
        seen: set[str] = set()
        known = {part.ref: part for part in self.parts}
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            if ref not in seen and known[ref].platform in {"", platform}:
                seen.add(ref)
                waiting += self.needs[ref]
        return tuple(part for part in self.parts if part.ref in seen)

    def dump(self) -> bytes:
        """The JSON form, with what is said about each part and nothing that is not."""
        rows = [{**_said(part, _FACTS), "license": _said(part.license, _TERMS)} for part in self.parts]
        return json.dumps({"parts": rows, "needs": self.needs}, sort_keys=True).encode() + b"\n"

    @classmethod
    def load(cls, path: Path) -> Inventory:
        """Read what `dump` wrote; raises VerificationError when it is not that."""
        try:
            data = json.loads(path.read_bytes())
            parts = tuple(Part(**{**row, "license": _license(**row["license"])}) for row in data["parts"])
            return cls(parts=parts, needs={ref: tuple(needs) for ref, needs in data["needs"].items()})
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise VerificationError(f"{path} is no inventory: {error}", hint=f"remove {path} and run again") from error


_FACTS: Final = tuple(each.name for each in fields(Part) if each.name != "license")
_TERMS: Final = tuple(each.name for each in fields(License))


def _said(part: Part | License, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(part, name))}


def _license(texts: Iterable[str] = (), **terms: str) -> License:
    return License(**terms, texts=tuple(texts))


def component_ref(root: str, name: str) -> str:
    """The reference of a component of the release."""
    return f"{root}/{name}"
