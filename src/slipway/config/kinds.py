"""The kinds of tables that have some, and the kind of an overlay, which is the one of the store that it is laid over."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from slipway.config.forms import Table
from slipway.config.parts import KINDS
from slipway.config.stores import SITE, STORES
from slipway.environments import LOCAL

# Where pydantic puts the kind of a table into the path of a fault, and which kinds there are.
KINDS_AT: Final[Mapping[str | int, tuple[Mapping[str, type[Table]], int]]] = {
    "component": (KINDS, 2),
    "store": (STORES, 2),
    "environment": (STORES, 4),
}


def with_kinds(data: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the data and put the kind of the store into each overlay: that says only what is different."""
    found = copy.deepcopy(dict(data))
    for name, environment in tables_in(found, "environment"):
        for store, overlay in tables_in(environment, "store"):
            if (kind := _kind_of(found, name, store)) and "kind" not in overlay:
                overlay["kind"] = kind
    return found


def tables_in(data: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables below a key, whatever else may stand there."""
    inner = data.get(name)
    return [(key, table) for key, table in inner.items() if isinstance(table, dict)] if isinstance(inner, dict) else []


def _kind_of(data: Mapping[str, Any], environment: str, store: str) -> str:
    """The kind of a store; `local` has a folder of its own as long as it names no stores."""
    said = dict(tables_in(data, "environment"))[environment].get("stores")
    declared = dict(tables_in(data, "store")).get(store)
    if environment == LOCAL and store == SITE and (declared is None or not said):
        return "dir"
    kind = (declared or {}).get("kind")
    return kind if isinstance(kind, str) else ""
