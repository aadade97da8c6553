"""The project's own unit tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway import console, process
from slipway.model import Release
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUnitTests:
    """Run one shell line of `[test] unit` in the project's folder."""

    command: str
    root: Path
    target: Path

    def __call__(self) -> None:
        """Run; what the tests say last is shown."""
        done = process.run(["sh", "-c", self.command], cwd=self.root, env={"CARGO_TARGET_DIR": str(self.target)})
        for line in done.output.splitlines():
            if line.startswith("test result:"):
                console.say(f"      {line}")


def plan_unit_tests(release: Release) -> tuple[Step, ...]:
    """One Step per line of `[test] unit`; they always run, for only the test tool knows what is stale."""
    target = release.paths.state / "target" / "test"
    return tuple(
        Step(
            stage="unit-tests",
            key=str(number),
            doc=command,
            run=RunUnitTests(command=command, root=release.project.root, target=target),
            always=True,
        )
        for number, command in enumerate(release.project.tests.unit, 1)
    )
