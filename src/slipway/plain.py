"""Frozen dataclasses to plain JSON data and back, without importing anything heavy."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import PurePath
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
ASIDE: Final = {"aside": True}


def to_plain(value: object) -> Any:
    """Turn dataclasses, tuples, mappings and paths into what JSON can hold.

    A dataclass that is one of several kinds says which by its class variable `KIND`. A field with
    `metadata=ASIDE` is left out: it takes part in the work, but does not decide what comes of it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        tag = {"kind": kind} if (kind := _tag(type(value))) else {}
        shown = (field.name for field in fields(value) if "aside" not in field.metadata)
        return tag | {name: to_plain(getattr(value, name)) for name in shown}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        items = [to_plain(item) for item in value]
        return sorted(items) if isinstance(value, frozenset | set) else items
    if isinstance(value, PurePath):
        return str(value)
    return value


def from_plain(kind: type[T], data: Any) -> T:
    """Build a frozen dataclass from what `to_plain` made of it."""
    return _build(kind, data)  # type: ignore[no-any-return]


def _tag(kind: type) -> str:
    return str(getattr(kind, "KIND", ""))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _build_union(get_args(kind), data)
    if origin is tuple:
        return _build_tuple(get_args(kind), data)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _build(get_args(kind)[1], item) for key, item in data.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in data.items() if name in hints})
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return kind(data)
    return data


def _build_tuple(arguments: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_build(arguments[0], item) for item in data)
    return tuple(_build(kind, item) for kind, item in zip(arguments, data, strict=True))


def _build_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    tagged = [kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]
    for kind in tagged:
        if len(tagged) == 1 or _tag(kind) == data["kind"]:
            return _build(kind, data)
    plain = [kind for kind in kinds if kind is not type(None)]
    return _build(plain[0], data) if len(plain) == 1 else data
