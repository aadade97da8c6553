"""What came of checking a folder, file by file: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from slipway.errors import GateError, VerificationError
from slipway.files import write_atomic
from slipway.plain import to_plain

SCHEMA: Final = 1
_OURS: Final = "make it again: doit clean-dist, then doit all; do not publish what is there"
_OTHERS: Final = "do not install what has faults: get it again from where it came"
_ALIGN: Final = ("<", "<", ">", "<", "<")
PASSED, FAILED, UNCHECKED, UNKNOWN = "passed", "failed", "unchecked", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault, and the file that has it; `path` is relative to the folder that was checked."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one file: which checks it passed, its faults, and what could not be checked, each with the reason.

    `kind` is empty for a file that slipway does not know; `size` is in bytes, 0 for a file that is not there; `sha256` is that
    of the bytes that were checked, for files that the manifest lists.
    """

    path: str
    kind: str = ""
    size: int = 0
    sha256: str = ""
    checks: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def result(self) -> str:
        """`failed`, `unchecked`, `passed`, or `unknown` when there is nothing that slipway could check."""
        if self.faults or self.lacks:
            return FAILED if self.faults else UNCHECKED
        return PASSED if self.checks else UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The outcomes of one folder, sorted by path."""

    folder: str
    files: tuple[Outcome, ...]
    schema: int = SCHEMA

    @property
    def result(self) -> str:
        """The worst of the results of the files."""
        found = {each.result for each in self.files}
        return next((one for one in (FAILED, UNCHECKED) if one in found), PASSED)

    @property
    def ours(self) -> bool:
        """Whether it is a folder that slipway made, rather than one with packages from anywhere."""
        return any(Path(self.folder).glob("*.contents.json")) or (Path(self.folder) / "manifest.json").is_file()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every fault, and everything that could not be checked."""
        return tuple(Finding(path=each.path, message=text) for each in self.files for text in (*each.faults, *each.lacks))

    def dump(self) -> bytes:
        """The JSON form."""
        files = [{**to_plain(each), "result": each.result} for each in self.files]
        whole = {"schema": self.schema, "folder": self.folder, "result": self.result, "files": files}
        return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def write(self, path: Path) -> None:
        """Write the JSON form to a file."""
        write_atomic(path, self.dump())

    def table(self) -> Iterator[str]:
        """One line per file: what it is, how large it is, which checks it passed, and the result."""
        head = ("file", "kind", "bytes", "checks", "result")
        rows = [(each.path, each.kind or "-", str(each.size), ", ".join(each.checks) or "-", each.result) for each in self.files]
        wide = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        for row in (head, *rows):
            cells = zip(_ALIGN, row, wide, strict=True)
            yield "  ".join(f"{text:{align}{width}}" for align, text, width in cells).rstrip()

    def conclude(self) -> None:
        """Raise VerificationError with every fault; without faults, GateError with what could not be checked."""
        found = self.findings
        lines = "".join(f"\n  {finding}" for finding in found)
        if any(each.faults for each in self.files):
            message = f"{self.folder} has {len(found)} fault{'s' if len(found) > 1 else ''}:{lines}"
            raise VerificationError(message, hint=_OURS if self.ours else _OTHERS)
        if found:
            raise GateError(
                f"{self.folder} could not be checked wholly:{lines}",
                hint="what is not checked is not trusted: get the tools and the public keys that are missing",
            )


def inspection_schema() -> dict[str, Any]:
    """The JSON Schema of a report, derived from the dataclasses."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    types = {"str": text, "int": {"type": "integer", "minimum": 0}, "tuple[str, ...]": texts}
    results = {"enum": [PASSED, FAILED, UNCHECKED, UNKNOWN]}
    file = {each.name: types[str(each.type)] for each in fields(Outcome)} | {"result": results}
    whole = {
        "schema": {"const": SCHEMA},
        "folder": text,
        "result": {"enum": [PASSED, FAILED, UNCHECKED]},
        "files": {"type": "array", "items": {"$ref": "#/$defs/Outcome"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "slipway validate-package report",
        **_object(Inspection, whole),
        "$defs": {"Outcome": _object(Outcome, file)},
    }


def _object(kind: type, properties: dict[str, Any]) -> dict[str, Any]:
    described = {"description": (kind.__doc__ or "").strip(), "type": "object", "additionalProperties": False}
    return {**described, "required": list(properties), "properties": properties}
