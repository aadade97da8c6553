"""Run Steps one after another, for commands that work beside the targets."""

from __future__ import annotations

from collections.abc import Iterable

from slipway import console
from slipway.files import told_as_error
from slipway.steps import Step, require_needs, unique


def run_steps(steps: Iterable[Step], *, dry_run: bool = False) -> int:
    """Run the steps in order, or only say what they are; returns how many there were.

    Raises the first step's SlipwayError.
    """
    planned = unique(steps)
    if not dry_run:
        require_needs(planned)
    for step in planned:
        if dry_run:
            console.out(f"would run  {step.name}  {step.doc}")
            continue
        console.say(f"{console.style(' run', 'blue')}  {step.name}")
        with console.task(step.name), told_as_error():
            step.run()
    return len(planned)
