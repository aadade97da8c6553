"""How far a publication is: bytes, rate and time left, and who is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from slipway.actions.action import Action, Phase
from slipway.errors import SlipwayError

_stopping = threading.Event()
_works: list[int] = []
_ended = threading.Condition()


@contextmanager
def working() -> Iterator[None]:
    """Let a run that is being stopped wait for what happens inside the block."""
    with _ended:
        _works.append(1)
    try:
        yield
    finally:
        with _ended:
            _works.pop()
            _ended.notify_all()


def stop(patience: float = 0) -> None:
    """The run is being stopped: nothing more is begun, and what moves bytes ends with the next of them.

    Waits for so many seconds at most until all that works in other threads has ended.
    """
    _stopping.set()
    with _ended:
        _ended.wait_for(lambda: not _works, patience)


def require_going_on() -> None:
    """Raise SlipwayError in the threads of a run that is being stopped."""
    if _stopping.is_set():
        raise SlipwayError("the run has been stopped", hint="the same command goes on from there")


def pause(seconds: float) -> None:
    """Wait, unless the run is being stopped."""
    _stopping.wait(seconds)
    require_going_on()


@dataclass(slots=True)
class Meter:
    """Counts the bytes that a run has moved, of those that it has to move."""

    total: int = 0
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    watcher: Watcher | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, count: int) -> None:
        """Count bytes; a try that failed gives its own back with a negative count."""
        if count > 0:
            require_going_on()
        with self._lock:
            if not self.done:
                self.began = time.monotonic()
            self.done += count
        if self.watcher is not None:
            self.watcher.moved(self)

    @property
    def rate(self) -> float:
        """Bytes per second since the first of them."""
        return self.done / max(time.monotonic() - self.began, 0.001)

    @property
    def left(self) -> float | None:
        """Seconds until all is moved, when that can be said."""
        return (self.total - self.done) / self.rate if self.done > 0 else None


class Watcher(Protocol):
    """Who tells people how far a run is."""

    def begin(self, phase: Phase, actions: Sequence[Action]) -> None:
        """A phase begins, with these Actions to do."""

    def did(self, action: Action) -> None:
        """An Action is done."""

    def moved(self, meter: Meter) -> None:
        """Bytes were moved."""

    def end(self, phase: Phase) -> None:
        """A phase has ended."""


class Silent:
    """Tells nobody."""

    def begin(self, phase: Phase, actions: Sequence[Action]) -> None:
        """Say nothing."""

    def did(self, action: Action) -> None:
        """Say nothing."""

    def moved(self, meter: Meter) -> None:
        """Say nothing."""

    def end(self, phase: Phase) -> None:
        """Say nothing."""
