"""Failures that a user can act on, each with its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class SlipwayError(Exception):
    """Something went wrong that the user can understand and mend.

    `message` says what happened and to what; `hint` says what to do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class UsageError(SlipwayError):
    """A command line, a variable or a flag that makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """A fault in slipway.toml; names the file, the line and the key where they are known."""

    def __init__(
        self,
        message: str,
        *,
        file: Path | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(": ".join(part for part in (place, key, message) if part), hint=hint)
        self.file, self.line, self.key = file, line, key


class GateError(SlipwayError):
    """A check that comes before the work refused it; nothing has been done."""

    exit_code = 3


class VerificationError(SlipwayError):
    """What was made or found is not what it should be."""

    exit_code = 4


class NetworkError(SlipwayError):
    """Another machine could not be reached or did not answer."""

    exit_code = 42


class TransientError(NetworkError):
    """It may work a little later; `wait` is for how many seconds the other side asks, when it says so."""

    def __init__(self, message: str, *, hint: str | None = None, wait: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class ChangedError(GateError):
    """Something is no longer as it was seen: somebody else has changed it meanwhile."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean X? `, to begin a hint with; empty when nothing known is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""
