"""Which versions an environment has seen: kept in its own store, so that every machine knows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from slipway.actions.store import StateFiles
from slipway.errors import ChangedError, VerificationError

BEGUN: Final = "begun"
PUBLISHED: Final = "published"
WITHDRAWN: Final = "withdrawn"
# How far a version is; it never goes back.
_ORDER: Final = (BEGUN, PUBLISHED, WITHDRAWN)
_TRIES: Final = 5


def versions_of(state: StateFiles, name: str) -> Mapping[str, str]:
    """The versions of an environment and how far each is; raises VerificationError when the file cannot be read."""
    found = state.load(name)
    return _read(name, found[0]) if found else {}


def note(state: StateFiles, name: str, version: str, how: str) -> None:
    """Note how far a version is, unless it is further already; somebody else may write at the same time."""
    for _ in range(_TRIES):
        found = state.load(name)
        known = _read(name, found[0]) if found else {}
        if _ORDER.index(known.get(version, BEGUN)) >= _ORDER.index(how) and version in known:
            return
        data = json.dumps({"schema": 1, "versions": {**known, version: how}}, indent=1, sort_keys=True).encode() + b"\n"
        try:
            state.save(name, data, found[1] if found else None)
        except ChangedError:
            continue
        return
    raise ChangedError(f"{name} was changed by others again and again", hint="run slipway resume")


def _read(name: str, data: bytes) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(data)["versions"]
        if set(found.values()) <= set(_ORDER):
            return found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(
            f"{name} in the store cannot be read: {error}", hint="remove it: journals know the same"
        ) from error
    raise VerificationError(f"{name} in the store is of another slipway", hint="use the slipway that wrote it")
