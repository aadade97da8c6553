"""What Actions work on: the opened stores of an environment, the files to publish, the repository, and what was done before."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.actions.action import Receipt
from slipway.actions.progress import Meter
from slipway.actions.store import Content, Found, Hosting, Pointing, Store
from slipway.errors import GateError, VerificationError
from slipway.files import digest_file


@dataclass(slots=True, kw_only=True)
class Site:
    """One environment, opened; `done` are the receipts of the journal, by the Action's key."""

    environment: str
    root: Path
    outputs: Path
    stores: Mapping[str, Store]
    done: dict[str, Receipt] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    _listings: dict[tuple[str, str], Mapping[str, Found]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def store(self, name: str) -> Store:
        """The opened store of a name."""
        return self.stores[name]

    def pointing(self, name: str) -> Pointing:
        """The store, which has to know pointers."""
        store = self.stores[name]
        if not isinstance(store, Pointing):
            raise GateError(f"{name} has no pointers", hint="leave its [pointer] out of slipway.toml")
        return store

    def hosting(self, name: str) -> Hosting:
        """The store, which has to be a forge."""
        store = self.stores[name]
        assert isinstance(store, Hosting), name
        return store

    def listed(self, store: str, folder: str) -> Mapping[str, Found]:
        """What lies in a folder of a store, listed once per run."""
        with self._lock:
            if (place := (store, folder)) not in self._listings:
                self._listings[place] = self.stores[store].listing(folder)
            return self._listings[place]

    def note(self, store: str, content: Content, found: Found) -> None:
        """Remember what was just put there; the next phase looks for itself."""
        with self._lock:
            if (known := self._listings.get(place := (store, content.folder))) is not None:
                self._listings[place] = {**known, content.name: found}

    def forget(self, store: str, folder: str) -> None:
        """List a folder anew when it is asked for next."""
        with self._lock:
            self._listings.pop((store, folder), None)

    def refresh(self) -> None:
        """List everything anew when it is asked for next."""
        with self._lock:
            self._listings.clear()

    def file(self, content: Content) -> Path:
        """The file to publish; raises VerificationError when it is not here or is another than was planned."""
        path = self.outputs / content.path
        if not path.is_file():
            raise VerificationError(
                f"{content.path} is not here, and it is to be published",
                hint="make it again (doit all); the same commit gives the same bytes",
            )
        if path.stat().st_size != content.size or digest_file(path) != content.sha256:
            raise VerificationError(
                f"{content.path} is not the file that was planned: its SHA-256 is no longer {content.sha256}",
                hint="plan again: slipway plan; what is published already under this version must not change",
            )
        return path
