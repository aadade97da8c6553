"""What all JSON documents here have in common: their time, their identity, their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

_SPACE: Final = "slipway"
# One for all: making an encoder takes longer than encoding a line.
_text: Final = json.JSONEncoder(ensure_ascii=False).encode


def moment(epoch: int) -> str:
    """`2026-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tool_version() -> str:
    """The version of slipway."""
    from slipway import __version__

    return __version__


def identified(document: Mapping[str, Any]) -> str:
    """A UUID that follows from a document (RFC 9562, version 5), in place of a random one."""
    from uuid import NAMESPACE_URL, uuid5

    plain = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return str(uuid5(NAMESPACE_URL, f"{_SPACE}:{sha256(plain.encode()).hexdigest()}"))


def laid_out(document: Mapping[str, Any]) -> bytes:
    """JSON with one line per element of its lists: readable, and quickly written."""
    return ("{\n" + ",\n".join(_lines(document)) + "\n}\n").encode()


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"  {_text(item)}" for item in value)
            yield f" {_text(key)}: [\n{items}\n ]"
        else:
            yield f" {_text(key)}: {_text(value)}"
