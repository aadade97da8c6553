"""Trying again what may work a little later, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from slipway import console
from slipway.actions import progress
from slipway.errors import NetworkError, TransientError

LONGEST: Final = 300.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often something is tried again, and after how many seconds at first; each pause is twice as long as the one before."""

    count: int = 3
    delay: float = 5.0
    sleep: Callable[[float], None] = progress.pause

    def run(self, what: str, work: Callable[[], T]) -> T:
        """Do the work; raises the last TransientError as a NetworkError when trying again did not help."""
        for attempt in range(self.count + 1):
            try:
                return work()
            except TransientError as error:
                pause = self._pause(attempt, error.wait)
                if attempt == self.count or pause > LONGEST:
                    raise self._gave_up(what, error, attempt + 1) from error
                console.log(f"{what}: {error.message}; trying again in {pause:.1f} seconds")
                console.verbose(f"{what}: {error.message}; trying again in {pause:.1f} seconds")
                self.sleep(pause)
        raise AssertionError(what)

    def _pause(self, attempt: int, wait: float | None) -> float:
        """What the other side asks for, else twice as long each time, and never the same for two who began together."""
        if wait is not None:
            return max(wait, 0.0) + random.uniform(0, 0.5)  # noqa: S311 - not for secrets
        return float(min(self.delay * 2**attempt, LONGEST)) * random.uniform(0.75, 1.0)  # noqa: S311

    @staticmethod
    def _gave_up(what: str, error: TransientError, tries: int) -> NetworkError:
        asked = f"; the other side asks to wait {error.wait:.0f} seconds" if error.wait and error.wait > LONGEST else ""
        hint = error.hint or "run again later: slipway resume goes on where this ended"
        often = "once" if tries == 1 else f"{tries} times"
        return NetworkError(f"{what}: {error.message} (tried {often}{asked})", hint=hint)
