"""The JSON Schema of a plan, derived from the Actions that it may hold."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from slipway.actions.action import PHASE_NAMES
from slipway.actions.plan import SCHEMA, Kinds, Plan

_PLAIN: Final[Mapping[type, Mapping[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}
# What every Action says besides its own fields, for people and programs that read a plan.
_SAID: Final[Mapping[str, Any]] = {
    "phase": {"enum": list(PHASE_NAMES)},
    "key": {"type": "string", "minLength": 1},
    "doc": {"type": "string", "minLength": 1},
}


def plan_schema(kinds: Kinds) -> dict[str, Any]:
    """The JSON Schema of plans with these kinds of Actions."""
    head = {each.name: _type(get_type_hints(Plan)[each.name]) for each in fields(Plan) if each.name != "actions"}
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    properties = {
        "schema": {"const": SCHEMA},
        **head,
        "actions": {"type": "array", "items": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in sorted(kinds)]}},
        "digest": digest,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "slipway plan",
        "description": "What a publication will do, in order; `digest` is the SHA-256 of the rest as canonical JSON.",
        **_object(properties),
        "$defs": {name: _action(name, kind) for name, kind in sorted(kinds.items())},
    }


def _action(name: str, kind: type[Any]) -> dict[str, Any]:
    own = _properties(kind)
    return {"description": (kind.__doc__ or "").strip(), **_object({**_SAID, **own, "kind": {"const": name}})}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(properties),
        "properties": dict(properties),
    }


def _properties(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: _type(hints[each.name]) for each in fields(kind)}


def _type(hint: Any) -> dict[str, Any]:
    """The schema of a type hint; one that is not foreseen allows everything."""
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if is_dataclass(hint):
        tag = {"kind": {"const": hint.KIND}} if hasattr(hint, "KIND") else {}
        return _object({**tag, **_properties(hint)})  # type: ignore[arg-type]
    return _composed(get_origin(hint), get_args(hint))


def _composed(origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if each is type(None) else _type(each) for each in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    return {}
