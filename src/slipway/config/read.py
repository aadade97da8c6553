"""From the text of slipway.toml to its tables; what does not fit is put in plain words."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.forms import Table
from slipway.config.kinds import KINDS_AT, tables_in, with_kinds
from slipway.config.packages import DebArchitectureTable, DebSuiteTable
from slipway.config.parts import KINDS, SourceTable
from slipway.config.release import StampTable
from slipway.config.schema import NAMED, TABLES, SlipwayFile, keys_of
from slipway.config.stores import STORES, CredentialTable
from slipway.errors import ConfigError

# The tables that have kinds or lie in others.
_INNER: Final[Mapping[tuple[str, ...], type[Table] | Mapping[str, type[Table]]]] = {
    ("component", "*"): KINDS,
    ("component", "*", "prebuilt", "*"): SourceTable,
    ("deb", "suite", "*"): DebSuiteTable,
    ("deb", "architecture", "*"): DebArchitectureTable,
    ("release", "stamps", "*"): StampTable,
    ("store", "*"): STORES,
    ("store", "*", "credential"): CredentialTable,
    ("environment", "*", "store", "*"): STORES,
    ("environment", "*", "store", "*", "credential"): CredentialTable,
}
_SECRET: Final = re.compile(r"token|secret|passw|passphrase|api[-_]?key|access[-_]?key|login", re.IGNORECASE)
_TOML_TYPES: Final = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_EXPECTED: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def parse_text(file: Path) -> tuple[str, dict[str, Any]]:
    """Read the text and the data of a TOML file; raises ConfigError when it is missing or malformed."""
    text = _text(file)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(file, str(error), text) from error


def read_tables(data: Mapping[str, Any]) -> tuple[SlipwayFile | None, list[Fault]]:
    """Return the tables and their faults; a faulty part is left out of the tables, so that the rest can be checked too."""
    data = with_kinds(data)
    try:
        return SlipwayFile.model_validate(data), []
    except ValidationError as error:
        faults = [_fault(dict(detail), data) for detail in error.errors(include_url=False)]
    try:
        return SlipwayFile.model_validate(_without(data, faults)), faults
    except ValidationError:
        return None, faults


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", file=file, hint="write one with: slipway init") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"this is not UTF-8 text: {error.reason}", file=file, hint="save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=file, hint="check the file and its mode") from error


def _malformed(file: Path, message: str, text: str) -> ConfigError:
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
    reason = message[: place.start()] if place else message
    column = f", at column {place[2]}" if place and place[2] else ""
    return ConfigError(
        f"this is not TOML: {reason[:1].lower()}{reason[1:]}{column}",
        file=file,
        line=line,
        hint="texts stand in quotes, lists in [ ], and a key may be set only once: https://toml.io",
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """What pydantic says about one fault, and the data around it."""

    path: lines.Path
    detail: Mapping[str, Any]
    data: Mapping[str, Any]


def _fault(detail: Mapping[str, Any], data: Mapping[str, Any]) -> Fault:
    case = _Case(_path(detail["loc"]), detail, data)
    message, hint = _EXPLAIN.get(detail["type"], _anything)(case)
    return Fault(case.path, message, hint)


def _path(loc: tuple[str | int, ...]) -> lines.Path:
    """Where in the file: without the kinds of components and stores and the marks that pydantic puts between."""
    kinds, at = KINDS_AT.get(loc[0], ({}, 0))
    if len(loc) > at and loc[at] in kinds:
        loc = (*loc[:at], *loc[at + 1 :])
    return tuple(part for part in loc if part != "[key]")


def table_at(path: lines.Path, data: Mapping[str, Any]) -> type[Table] | None:
    """The table whose keys a path leads to."""
    if not path:
        return SlipwayFile
    for pattern, found in _INNER.items():
        if len(pattern) == len(path) and all(part in ("*", key) for part, key in zip(pattern, path, strict=True)):
            return found if isinstance(found, type) else _of_kind(path, data, found)
    return TABLES.get(str(path[0])) if len(path) == (2 if path[0] in NAMED else 1) else None


def _of_kind(path: lines.Path, data: Mapping[str, Any], kinds: Mapping[str, type[Table]]) -> type[Table] | None:
    """The table of the kind that the data at a path say."""
    part: Any = data
    for key in path:
        part = part.get(key) if isinstance(part, dict) else None
    kind = part.get("kind") if isinstance(part, dict) else None
    return kinds.get(kind) if isinstance(kind, str) else None


Explained = tuple[str, str]


def _unknown(case: _Case) -> Explained:
    word, table = str(case.path[-1]), table_at(case.path[:-1], case.data)
    known = keys_of(table) if table is not None else ()
    what = "table" if len(case.path) == 1 else "key"
    homes = [f"[{name}]" for name, other in TABLES.items() if word in keys_of(other)]
    hint = suggestion(word, known)
    if table is not None and table in STORES.values() and _SECRET.search(word):
        return f"unknown {what}", 'secrets never stand in slipway.toml; say where this one is: credential = { env = "NAME" }'
    if homes and "did you mean" not in hint:
        hint = f"{word} belongs in {' or '.join(homes)}; {hint}"
    return f"unknown {what}", hint


def _missing(case: _Case) -> Explained:
    table = table_at(case.path[:-1], case.data)
    fields = {field.alias or name: field for name, field in table.model_fields.items()} if table else {}
    field = fields.get(str(case.path[-1]))
    return "is missing", (field.description or "") if field else ""


def _choice(case: _Case) -> Explained:
    choices = re.findall(r"'([^']*)'", case.detail["ctx"]["expected"])
    given = case.detail["input"]
    if not isinstance(given, str):
        return f"must be one of {', '.join(choices)}, not {_kind(given)}", ""
    return f"{given!r} is not possible here", suggestion(given, choices)


def _wrong_kind(case: _Case) -> Explained:
    part = "component" if case.path[0] == "component" else "store"
    kinds = KINDS if part == "component" else STORES
    if (tag := case.detail["ctx"].get("tag")) is not None:
        return f"unknown kind {tag!r}", suggestion(str(tag), kinds)
    if case.path[0] == "environment":
        known = [name for name, _ in tables_in(case.data, "store")]
        hint = suggestion(str(case.path[-1]), known) or "describe it first: [store.NAME]"
        return f"there is no store {case.path[-1]!r} of which something could be different", hint
    return "the key kind is missing", f"say what the {part} is: kind = {' or '.join(repr(kind) for kind in kinds)}"


def _range(case: _Case) -> Explained:
    bounds = case.detail["ctx"]
    limit = f"at least {bounds['ge']}" if "ge" in bounds else f"at most {bounds['le']}"
    return f"must be {limit}, not {case.detail['input']}", ""


def _empty(case: _Case) -> Explained:
    return "must not be empty", "describe at least one part: [component.NAME]" if case.path == ("component",) else ""


def _value(case: _Case) -> Explained:
    return str(case.detail["ctx"]["error"]), ""


def _anything(case: _Case) -> Explained:
    if (expected := _EXPECTED.get(case.detail["type"])) is not None:
        return f"must be {expected}, not {_kind(case.detail['input'])}", ""
    return str(case.detail["msg"]), ""


_EXPLAIN: Final[Mapping[str, Callable[[_Case], Explained]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "union_tag_not_found": _wrong_kind,
    "union_tag_invalid": _wrong_kind,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "too_short": _empty,
    "string_too_short": _empty,
    "value_error": _value,
}


def _kind(value: object) -> str:
    name = _TOML_TYPES.get(type(value), "a date or time")
    return f"{name} ({value!r})" if isinstance(value, str | int | float) and not isinstance(value, bool) else name


def _without(data: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The data without the faulty parts: a whole [component.x], but only the single key of [project]."""
    left = copy.deepcopy(dict(data))
    for table, key in {(fault.path[0], fault.path[1] if len(fault.path) > 1 else None) for fault in faults}:
        if key is None:
            left.pop(str(table), None)
        elif isinstance(left.get(str(table)), dict):
            left[str(table)].pop(key, None)
    _stand_in(left)
    return left


def _stand_in(left: dict[str, Any]) -> None:
    """Put something where a part without which nothing can be checked was left out."""
    project = left.setdefault("project", {})
    for key in ("name", "summary"):
        project.setdefault(key, "unnamed")
    if not left.get("component"):
        left["component"] = {"unnamed": {"kind": "tree", "path": ".", "to": ""}}
