"""What a store without metadata notes about a pointer: which version each thing is that it may lead to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Self

from slipway.actions.store import Pointed
from slipway.errors import GateError

_KEPT = 20


def record_name(pointer: str) -> str:
    """The name of a pointer's record among slipway's own files."""
    return f"pointers/{hashlib.sha256(pointer.encode()).hexdigest()[:16]}.json"


@dataclass(frozen=True, slots=True)
class PointerRecord:
    """The last things that a pointer led to, or was about to: target, version, and the digest where it is a file."""

    what: str
    entries: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def read(cls, what: str, data: bytes) -> Self:
        """Read a record; no bytes are one without entries. Raises GateError when it is damaged."""
        if not data:
            return cls(what)
        try:
            rows = json.loads(data)["entries"]
            return cls(what, tuple((row["target"], row["version"], row["sha256"]) for row in rows))
        except (ValueError, KeyError, TypeError) as error:
            raise GateError(f"what slipway noted about {what} cannot be read: {error}", hint=_HINT) from error

    def dump(self) -> bytes:
        """The JSON form."""
        rows = [{"target": target, "version": version, "sha256": sha256} for target, version, sha256 in self.entries]
        return json.dumps({"schema": 1, "pointer": self.what, "entries": rows}, indent=1).encode() + b"\n"

    def with_entry(self, to: Pointed, sha256: str) -> PointerRecord:
        """The record with one more thing that the pointer may lead to, the newest first."""
        entry = (to.target, to.version, sha256)
        others = tuple(each for each in self.entries if each != entry)
        return PointerRecord(self.what, (entry, *others)[:_KEPT])

    def by_target(self, target: str) -> Pointed:
        """What a pointer is that leads to this target; a folder that is gone is still known by its name."""
        for found, version, _ in self.entries:
            if found in (target, f"{target}/"):
                return Pointed(target=found, version=version)
        raise self._unknown(f"leads to {target}")

    def by_digest(self, sha256: str) -> Pointed:
        """What a pointer is that is a copy with this digest."""
        for target, version, digest in self.entries:
            if digest == sha256:
                return Pointed(target=target, version=version)
        raise self._unknown("has bytes that no release has")

    def _unknown(self, how: str) -> GateError:
        return GateError(f"{self.what} {how}, and slipway did not make it so", hint=_HINT)


_HINT = "nothing is moved until it is clear what users get now; mend or remove the pointer by hand, then run slipway resume"
