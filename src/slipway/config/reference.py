"""The reference of slipway.toml, made from the schema: a page for people and a JSON schema for editors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from slipway.config.examples import CREDENTIAL, EXAMPLES, SOURCE, STAMPS
from slipway.config.forms import Table
from slipway.config.packages import DebArchitectureTable, DebSuiteTable
from slipway.config.parts import KINDS, SourceTable
from slipway.config.release import StampTable
from slipway.config.schema import NAMED, TABLES, SlipwayFile
from slipway.config.stores import STORES, CredentialTable

_INTRODUCTION: Final = """\
# slipway.toml

<!-- Made by `python -m slipway.reference docs/reference`; the texts stand in src/slipway/config/. -->

One file, at the top of a project, says everything that slipway has to know about it. An unknown key is an error, and every
error names the line. Only `[project]` and one `[component.NAME]` are required. All paths are relative to the file's folder.
In patterns, `*` and `?` stand for any part of a name and `**` for any number of folders; a pattern that names a folder means
all it holds.
"""
_WITHIN: Final[Mapping[str, Mapping[str, type[Table]]]] = {
    "deb": {"deb.suite.NAME": DebSuiteTable, "deb.architecture.NAME": DebArchitectureTable},
    "release": {STAMPS: StampTable, **STORES, CREDENTIAL: CredentialTable},
}


def project_schema() -> dict[str, Any]:
    """Return the JSON schema of slipway.toml."""
    schema = _without_titles(SlipwayFile.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "slipway.toml", **schema}


def reference_page() -> str:
    """Return the reference page in Markdown: every table with its keys, their types, defaults and meanings."""
    parts = [_INTRODUCTION]
    for name, table in _tables():
        parts += [f"## {_heading(name)}", _about(table), _keys(table), f"```toml\n{EXAMPLES[name]}```"]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _tables() -> Iterator[tuple[str, type[Table]]]:
    yield from ((name, TABLES[name]) for name in ("project", "version"))
    yield from KINDS.items()
    yield SOURCE, SourceTable
    for name, table in TABLES.items():
        if name not in {"project", "version"}:
            yield name, table
            yield from _WITHIN.get(name, {}).items()


def _heading(name: str) -> str:
    if name == STAMPS:
        return f"`[[{name}]]`"
    for table, kinds in (("component", KINDS), ("store", STORES)):
        if name in kinds:
            return f'`[{table}.NAME]` with `kind = "{name}"`'
    return f"`[{name}.NAME]`" if name in NAMED else f"`[{name}]`"


def _about(table: type[Table]) -> str:
    return inspect.cleandoc(table.__doc__ or "")


def _keys(table: type[Table]) -> str:
    types = table.model_json_schema()["properties"]
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in table.model_fields.items():
        key = field.alias or name
        cells = (f"`{key}`", _type(types[key]), _default(field), " ".join((field.description or "").split()))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"`{_toml(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_toml(item)}`" for item in schema["enum"])
    if schema.get("type") == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    return _of_many(schema) or {"string": "string", "boolean": "true or false"}.get(schema.get("type", ""), "table")


def _of_many(schema: Mapping[str, Any]) -> str:
    """What a list or a table holds; empty when it is neither."""
    if schema.get("type") == "array":
        inner = schema["items"]
        return f"list of {_type(inner)}" if "enum" in inner else f"list of {_INSIDE[inner.get('type', 'object')]}"
    if schema.get("type") == "object":
        # Where the keys have a form, it stands before what they lead to.
        inner = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")][0]
        return f"table of {_INSIDE[inner.get('type', 'object')]}"
    return ""


_INSIDE: Final = {"string": "strings", "array": "lists", "object": "tables"}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{_toml({} if isinstance(field.default, Table) else field.default)}`"


def _toml(value: object) -> str:
    """How TOML spells a default: as JSON does, but for tables."""
    if isinstance(value, dict) and value:
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def _without_titles(schema: Any) -> Any:
    """The schema without the titles that pydantic makes of the keys; a property that is called `title` would stay."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
        return {key: _without_titles(value) for key, value in kept.items()}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
