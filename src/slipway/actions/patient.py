"""Slipway's small files in a store that does not always answer: what may work a little later is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.actions.retries import Retries
from slipway.actions.store import StateFiles
from slipway.errors import ChangedError


@dataclass(frozen=True, slots=True)
class Patient:
    """The small files of a store, with patience."""

    state: StateFiles
    retries: Retries

    def load(self, name: str) -> tuple[bytes, str] | None:
        """The bytes of a file and the token that stands for them."""
        return self.retries.run(f"read {name}", lambda: self.state.load(name))

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write a file; when an earlier try did it and only the answer was lost, that is no change by somebody else."""
        tries = 0

        def attempt() -> str:
            nonlocal tries
            tries += 1
            try:
                return self.state.save(name, data, seen)
            except ChangedError:
                found = self.state.load(name) if tries > 1 else None
                if found is None or found[0] != data:
                    raise
                return found[1]

        return self.retries.run(f"write {name}", attempt)
