"""Telling people how far a publication is: a line for each phase, and while files move, how many bytes and how long still."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from slipway import console
from slipway.actions.action import PHASE_NAMES, Action, Phase
from slipway.actions.perform import Outcome
from slipway.actions.plan import Plan
from slipway.actions.progress import Meter
from slipway.actions.site import Site
from slipway.publish.pointers import MovePointer

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_ON_TERMINAL: Final = 0.2
# What there are many of, and only the sum is told: what each is called, and what was done with it.
_COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "upload": ("file", "put in place"),
    "read-back": ("file", "compared"),
    "public-file": ("file", "downloaded and compared"),
    "public-pointer": ("pointer", "followed as the public does"),
}
_SCRIPT: Final = "install.sh"
# How the journal of a rollback is called.
ROLLBACK: Final = "rollback-"


def shown_size(size: float) -> str:
    """`4.2 MiB`."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def shown_time(seconds: float) -> str:
    """`0.4 s`, `2 min 05 s`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60:02} s"


def shown_count(number: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def versions_of(name: str) -> tuple[str, str]:
    """The bad and the good version of `rollback-1.3.0-to-1.2.3`."""
    bad, _, good = name.removeprefix(ROLLBACK).partition("-to-")
    return bad, good


def work_of(plan: Plan) -> str:
    """What a plan is for: `publish hello 1.2.3`, `roll hello back from 1.3.0 to 1.2.3`."""
    if plan.verb == "rollback":
        bad, good = versions_of(plan.version)
        return f"roll {plan.product} back from {bad} to {good}"
    if plan.verb == "fail-over":
        return f"bring {plan.product} {plan.version.removeprefix('fail-over-')} to where it is missing"
    return f"{plan.verb} {plan.product} {plan.version}"


def result_of(plan: Plan, phases: Sequence[str]) -> str:
    """What is so when a plan, or the phases of it that were asked for, is done."""
    if plan.verb == "verify":
        return f"{plan.product} {plan.version} in {plan.environment} is what was published"
    if plan.verb == "rollback":
        bad, good = versions_of(plan.version)
        return f"{plan.product} is rolled back from {bad} to {good} in {plan.environment}"
    if plan.verb == "fail-over":
        return f"{plan.product} {plan.version.removeprefix('fail-over-')} is where it was missing in {plan.environment}"
    if tuple(phases) == PHASE_NAMES:
        return f"{plan.product} {plan.version} is published in {plan.environment}"
    return f"{plan.product} {plan.version} is prepared in {plan.environment} ({', '.join(_of(plan, phases))})"


def _of(plan: Plan, phases: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in phases if plan.phase(name))


def tell(plan: Plan, site: Site, outcome: Outcome, phases: Sequence[str], seconds: float) -> None:
    """Say what came of it: what was done and how long that took, what was so already, what is owed."""
    what = work_of(plan) if outcome.owed else result_of(plan, phases)
    already = f", {len(outcome.same)} were done already" if outcome.same else ""
    done = f"{shown_count(len(outcome.done), 'action')} done in {shown_time(seconds)}{already}"
    console.say(f"{what}: {done if outcome.done else 'everything was done already'}")
    for target, owed in _by_target(outcome.owed).items():
        console.warn(f"{target} is owed {shown_count(len(owed), 'action')}; the first failed like this: {owed[0]}")
    if outcome.owed:
        console.say(f"slipway resume --version {plan.version} tries again what is owed")
    elif tuple(phases) == PHASE_NAMES:
        for line in _lines(plan, site):
            console.say(f"  {line}")


def _by_target(owed: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, why in owed.items():
        found.setdefault(key.partition("/")[0], []).append(why)
    return found


def _lines(plan: Plan, site: Site) -> Iterator[str]:
    """What users type now, where they do by the name that does not change."""
    moves = (each for each in plan.actions if isinstance(each, MovePointer))
    for move in (each for each in moves if each.name.rpartition("/")[2] == _SCRIPT):
        if url := site.store(move.store).url(move.name):
            yield f"curl -fsSL {url} | sh"


@dataclass(slots=True)
class Telling:
    """Tells on standard error: single Actions where they matter one by one, sums where there are many alike."""

    _began: float = 0.0
    _told: float = 0.0
    _parallel: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def begin(self, phase: Phase, actions: Sequence[Action]) -> None:
        """Begin to count."""
        del actions
        self._began = self._told = time.monotonic()
        self._parallel = phase.parallel
        self._counts, self._size = {}, 0

    def did(self, action: Action) -> None:
        """Say it, where each one counts."""
        counted = action.KIND in _COUNTED and (self._parallel or action.KIND == "public-pointer")
        if counted and not console.is_verbose():
            self._counts[action.KIND] = self._counts.get(action.KIND, 0) + 1
            self._size += action.size
        else:
            console.say(f"  {action.phase:<9}  {action.describe()}")

    def moved(self, meter: Meter) -> None:
        """Show bytes and time left: always anew on a terminal, now and then in a log."""
        now = time.monotonic()
        on_terminal, waited = console.is_terminal(), now - self._told
        if waited < (_SECONDS_ON_TERMINAL if on_terminal else _SECONDS_BETWEEN_LINES):
            return
        self._told = now
        # What the first second says of the rate is mere chance.
        seconds = meter.left if now - meter.began > 1 else None
        left = "" if seconds is None else f", {shown_time(seconds)} left"
        line = f"  {shown_size(meter.done)} of {shown_size(meter.total)}, {shown_size(meter.rate)}/s{left}"
        if on_terminal:
            console.passing(line)
        else:
            console.say(line)

    def end(self, phase: Phase) -> None:
        """Sum up what was not told one by one."""
        console.passing("")
        size = f", {shown_size(self._size)}" if self._size else ""
        took = shown_time(time.monotonic() - self._began)
        for kind, count in self._counts.items():
            what, done = _COUNTED[kind]
            console.say(f"  {phase.name:<9}  {shown_count(count, what)} {done}{size if what == 'file' else ''}, {took}")
