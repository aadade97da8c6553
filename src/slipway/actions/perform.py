"""Doing a plan: survey first, then phase by phase, with the journal before and after each Action."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from slipway import console
from slipway.actions import journal as events
from slipway.actions.action import PHASE_NAMES, PHASES, Action, Phase, Probe, Receipt, State
from slipway.actions.journal import Journal
from slipway.actions.plan import Plan
from slipway.actions.progress import Silent, Watcher, require_going_on, stop
from slipway.actions.retries import Retries
from slipway.actions.site import Site
from slipway.errors import GateError, SlipwayError

WORKERS: Final = 8
SECONDS_BETWEEN_COPIES: Final = 5.0
# Nothing that people are told makes a release fail.
_NEVER_FAILS: Final = frozenset({"announce"})
Given = TypeVar("Given")
Made = TypeVar("Made")


def _nothing() -> None:
    pass


def _always(action: Action) -> bool:
    del action
    return True


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a plan went: what was done now, what was so already, and what is still owed, with the reason."""

    done: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    owed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Performance:
    """One run of a plan.

    `require` is asked before each write whether this run may still write, `copy` brings the journal to the store, and `ask`
    is asked before each Action.
    """

    plan: Plan
    site: Site
    journal: Journal
    retries: Retries = field(default_factory=Retries)
    require: Callable[[], None] = _nothing
    copy: Callable[[], None] = _nothing
    ask: Callable[[Action], bool] = _always
    watcher: Watcher = field(default_factory=Silent)
    phases: tuple[str, ...] = PHASE_NAMES
    outcome: Outcome = field(default_factory=Outcome)
    _given_up: set[str] = field(default_factory=set)
    _copied: float = 0.0
    _copying: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Outcome:
        """Do everything that is not so already; raises the error of the first required Action that failed."""
        probes = survey(self.plan.actions, self.site, self.retries, optional=self.plan.optional)
        refused = require_possible(self.plan, self._asked(), probes)
        wanted = [each for each in self._asked() if probes[each.key].state is not State.SAME and each not in refused]
        self._note_same(probes)
        if not wanted and not refused:
            self._end()
            return self.outcome
        self.site.meter.watcher = self.watcher
        self.site.meter.total = sum(each.size for each in wanted)
        self.journal.keep(self.plan)
        self.journal.write(events.STARTED, self.plan.digest, text=self.plan.verb)
        self._copy(now=True)
        for action in refused:
            self._owe(action, probes[action.key].refusal)
        for phase in PHASES:
            if mine := [each for each in wanted if each.phase == phase.name]:
                self.watcher.begin(phase, mine)
                self._phase(phase, mine)
                self.watcher.end(phase)
                self._copy(now=True)
        self._end()
        return self.outcome

    def _asked(self) -> Iterable[Action]:
        """The Actions of the phases that are asked for."""
        return (each for each in self.plan.actions if each.phase in self.phases)

    def _may_fail(self, action: Action) -> bool:
        return may_fail(self.plan, action)

    def _note_same(self, probes: Mapping[str, Probe]) -> None:
        """Note what is so already and was begun by a run that did not live to say so."""
        begun, owed = self.journal.begun(), self.journal.owed()
        for action in self._asked():
            if (probe := probes[action.key]).state is not State.SAME:
                continue
            self.outcome.same.append(action.key)
            if action.key in begun or action.key in owed:
                before = begun.get(action.key, Receipt()).before
                receipt = Receipt(before=before, after=probe.now, digest=probe.now.get("sha256", ""))
                self._done(action, receipt)

    def _phase(self, phase: Phase, actions: list[Action]) -> None:
        console.log(f"phase {phase.name}: {phase.doc}")
        self.site.refresh()
        if not phase.parallel or self.ask is not _always:
            for action in actions:
                self._one(action)
            return
        _side_by_side(self._one, actions)

    def _one(self, action: Action) -> None:
        if action.target in self._given_up and self._may_fail(action):
            self._owe(action, f"{action.target} failed before")
            return
        require_going_on()
        self.require()
        if not self.ask(action):
            raise GateError(f"stopped before: {action.describe()}", hint="slipway resume goes on from here")
        try:
            self._do(action)
        except SlipwayError as error:
            self.journal.write(events.FAILED, self.plan.digest, action=action.key, text=str(error))
            if not self._may_fail(action):
                raise
            # Whoever has lost the lease, or was stopped, owes nothing.
            require_going_on()
            self.require()
            self._owe(action, error.message)
        else:
            self._copy(now=False)

    def _do(self, action: Action) -> None:
        """Do one Action, between two records of the journal."""
        before = self.retries.run(action.describe(), lambda: action.probe(self.site))
        if before.refusal:
            raise GateError(before.refusal, hint=before.hint or None)
        self.journal.write(events.BEGIN, self.plan.digest, action=action.key, receipt=Receipt(before=before.now))
        tries = 0

        def attempt() -> Receipt:
            nonlocal tries
            tries += 1
            self.require()  # waiting between two tries may take longer than the lease lasts
            return action.apply(self.site)

        receipt = self.retries.run(action.describe(), attempt)
        if tries > 1:
            # An earlier try may have done it without an answer; the last one then found its own work there.
            receipt = replace(receipt, before=before.now)
        self._done(action, receipt)
        self.watcher.did(action)
        self.outcome.done.append(action.key)

    def _done(self, action: Action, receipt: Receipt) -> None:
        self.journal.write(events.DONE, self.plan.digest, action=action.key, receipt=receipt)
        self.site.done[action.key] = receipt

    def _owe(self, action: Action, why: str) -> None:
        if action.target not in self._given_up:
            console.warn(f"{action.describe()} is owed: {why}")
        self._given_up.add(action.target)
        self.outcome.owed[f"{action.target}/{action.key}"] = why
        self.journal.write(events.OWED, self.plan.digest, action=action.key, text=why)

    def _copy(self, *, now: bool) -> None:
        """Bring the journal to the store: at the end of each phase, and now and then within a long one."""
        with self._copying:
            if now or time.monotonic() - self._copied > SECONDS_BETWEEN_COPIES:
                self.require()
                self.retries.run("copy the journal", self.copy)
                self._copied = time.monotonic()

    def _end(self) -> None:
        if self.journal.unfinished and self.phases == PHASE_NAMES and not self.outcome.owed:
            self.journal.keep(self.plan)
            self.journal.write(events.ENDED, self.plan.digest, text=self.plan.verb)
            self._copy(now=True)


def may_fail(plan: Plan, action: Action) -> bool:
    """Whether an Action may fail, and stay owed, without the plan failing."""
    return action.target in plan.optional or action.phase in _NEVER_FAILS


def require_possible(plan: Plan, actions: Iterable[Action], probes: Mapping[str, Probe]) -> list[Action]:
    """What must not be done as things are, and may stay owed; raises one GateError for all that may not."""
    refused = [each for each in actions if probes[each.key].refusal]
    if fatal := [probes[each.key] for each in refused if not may_fail(plan, each)]:
        hints = dict.fromkeys(each.hint for each in fatal if each.hint)
        raise GateError("\n".join(each.refusal for each in fatal), hint="; ".join(hints) or None)
    return refused


def survey(actions: Iterable[Action], site: Site, retries: Retries, *, optional: Collection[str] = ()) -> dict[str, Probe]:
    """Ask every Action how things are, several at once; a store that does not answer is an error, or a refusal if optional."""

    def ask(action: Action) -> Probe:
        try:
            return retries.run(action.describe(), lambda: action.probe(site))
        except SlipwayError as error:
            if action.target not in optional and action.phase not in _NEVER_FAILS:
                raise
            return Probe(state=State.ABSENT, refusal=error.message, hint=error.hint or "")

    found = tuple(actions)
    return {action.key: probe for action, probe in zip(found, _side_by_side(ask, found), strict=True)}


def _side_by_side(work: Callable[[Given], Made], items: Iterable[Given]) -> list[Made]:
    """Do it for all items, several at once; after the first failure, or Ctrl-C, nothing more is begun."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        # Each with what is to stay hidden here: a thread by itself knows nothing of that.
        futures = [pool.submit(copy_context().run, work, each) for each in items]
        wait(futures, return_when=FIRST_EXCEPTION)
    except KeyboardInterrupt:
        stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures if not future.cancelled()]
