"""What a test of a distribution found, check by check."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway import console
from slipway.errors import SlipwayError, VerificationError
from slipway.files import write_atomic
from slipway.plain import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; `outcome` is passed, failed or skipped."""

    name: str
    outcome: str
    seconds: float = 0.0
    detail: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """The checks of one distribution; `how` says where they were made, `without` why nothing was run.

    `files` are the SHA-256 of what was tested, by their paths in packages/.
    """

    name: str
    levels: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    how: str = "static"
    without: str = ""
    image: str = ""
    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, work: Callable[[], object]) -> bool:
        """Do some work and note how it ended; a failure is kept and the caller goes on."""
        console.log(f"check {name}")
        start = time.monotonic()
        try:
            work()
        except SlipwayError as error:
            return self._note(name, "failed", start, str(error))
        return self._note(name, "passed", start)

    def skip(self, name: str, reason: str) -> None:
        """Note that something was not looked at, and why."""
        self._note(name, "skipped", time.monotonic(), reason)

    def count(self, outcome: str) -> int:
        """How many checks ended so."""
        return sum(check.outcome == outcome for check in self.checks)

    def write(self, path: Path) -> None:
        """Write the report as JSON; one with failures goes beside `path`, so that the test runs again."""
        failed = path.with_suffix(".failed.json")
        data = json.dumps(to_plain(self), indent=1, sort_keys=True).encode() + b"\n"
        write_atomic(failed if self.count("failed") else path, data)
        (path if self.count("failed") else failed).unlink(missing_ok=True)

    def conclude(self) -> None:
        """Say what was found; raises VerificationError with every failure."""
        if failed := [check for check in self.checks if check.outcome == "failed"]:
            details = "".join(f"\n  {check.name}: {check.detail}" for check in failed)
            raise VerificationError(
                f"{self.name} failed {len(failed)} of {len(self.checks)} checks{details}",
                hint="slipway test-distribution --no-cleanup keeps the container to look into; "
                f"the whole output is in {console.log_name()}",
            )
        where = f"checked statically: {self.without}" if self.without else f"tested in a clean container ({self.image})"
        console.say(f"      {self.name}: {self.count('passed')} checks passed, {where}")
        for check in self.checks:
            if check.outcome == "skipped":
                console.say(f"      {self.name}: {check.name} skipped: {check.detail}")

    def _note(self, name: str, outcome: str, start: float, detail: str = "") -> bool:
        seconds = round(time.monotonic() - start, 3)
        self.checks.append(Check(name=name, outcome=outcome, seconds=seconds, detail=detail))
        console.log(f"{name}: {outcome}{f': {detail}' if detail else ''}")
        console.verbose(f"      {name}: {outcome}")
        return outcome != "failed"
