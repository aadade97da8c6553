"""A check of rendered scripts, with the shell itself and with shellcheck where it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway import process
from slipway.errors import VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckScript:
    """Let `sh -n` read a script, and shellcheck judge it."""

    script: Path

    def __call__(self) -> None:
        """Check; raises VerificationError with what was found."""
        _ask("sh", "-n", self.script)
        if process.which("shellcheck") is not None:
            _ask("shellcheck", "--shell=sh", self.script)


def _ask(program: str, option: str, script: Path) -> None:
    answer = process.run((program, option, script), check=False)
    if answer.code != 0:
        raise VerificationError(
            f"{program} finds fault with {script}:\n{answer.output.rstrip()}",
            hint="mend the project's own copy of the template, or report this",
        )
