"""What a forge was seen to have, for forges that take a name twice: nothing is sent there before a look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from slipway.forges import Asset


@dataclass(slots=True)
class Seen:
    """The files of each tag, listed once; after a failure nobody knows, and they are listed anew."""

    _files: dict[str, dict[str, tuple[Asset, ...]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, tag: str, name: str, listing: Callable[[], tuple[Asset, ...]]) -> tuple[Asset, ...]:
        """The files of a name, which may be several."""
        return self._listed(tag, listing).get(name, ())

    def any(self, tag: str, listing: Callable[[], tuple[Asset, ...]]) -> bool:
        """Whether there is a file at all."""
        return bool(self._listed(tag, listing))

    def add(self, tag: str, asset: Asset) -> None:
        """A file was sent."""
        with self._lock:
            if tag in self._files:
                self._keep(tag, asset)

    def forget(self, tag: str) -> None:
        """Something went wrong."""
        with self._lock:
            self._files.pop(tag, None)

    def _listed(self, tag: str, listing: Callable[[], tuple[Asset, ...]]) -> dict[str, tuple[Asset, ...]]:
        with self._lock:
            if tag not in self._files:
                found = listing()
                self._files[tag] = {}
                for asset in found:
                    self._keep(tag, asset)
            return self._files[tag]

    def _keep(self, tag: str, asset: Asset) -> None:
        self._files[tag][asset.name] = (*self._files[tag].get(asset.name, ()), asset)
