"""Publishing a plan: gates, confirmation and lease before the first write, then the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from slipway import console
from slipway.actions import journal as events
from slipway.actions.action import PHASE_NAMES, PHASES, Action, Probe, State
from slipway.actions.journal import Journal
from slipway.actions.lease import NAME as LEASE
from slipway.actions.lease import held
from slipway.actions.perform import Outcome, Performance, require_possible, survey
from slipway.actions.plan import Plan, load_plan
from slipway.actions.progress import working
from slipway.errors import GateError, SlipwayError, UsageError
from slipway.publication import register
from slipway.publication.opening import Opened
from slipway.publication.planning import KINDS, PUBLISH
from slipway.publication.telling import Telling, result_of, shown_size, tell, work_of
from slipway.publication.wish import Wish

MARKS = {State.ABSENT: "create", State.SAME: "  same", State.DIFFERENT: "change"}
# Asks before the first write, and returns the gates that are passed by, with the reasons.
Confirm = Callable[[Plan], Mapping[str, str]]


def show(plan: Plan, opened: Opened, wish: Wish) -> None:
    """Print what a plan would do as things are now; nothing is written."""
    opened.journal(plan.version)
    probes = survey(plan.actions, opened.site, wish.retries, optional=plan.optional)
    for line in described(plan, probes):
        console.out(line)


def described(plan: Plan, probes: Mapping[str, Probe]) -> Iterator[str]:
    """The plan, a line for each Action, under the name of its phase."""
    yield f"{work_of(plan)} in {plan.environment}"
    yield f"plan {plan.digest}"
    for phase in PHASES:
        if actions := plan.phase(phase.name):
            yield f"{phase.name}: {phase.doc}"
            yield from (_line(each, probes[each.key]) for each in actions)
    wanted = [each for each in plan.actions if probes[each.key].state is not State.SAME]
    size = sum(each.size for each in wanted if each.phase == "stage")
    refused = sum(bool(probe.refusal) for probe in probes.values())
    yield (
        f"{len(wanted)} to do{f' ({shown_size(size)} to upload)' if size else ''}, {len(probes) - len(wanted)} done already"
        + (f", {refused} refused" if refused else "")
    )


def _line(action: Action, probe: Probe) -> str:
    if probe.refusal:
        return f"  refuse  {action.describe()}: {probe.refusal}"
    found = f" (now {probe.found})" if probe.found and probe.state is State.DIFFERENT else ""
    size = f" ({shown_size(action.size)})" if action.phase == "stage" and action.size else ""
    mark = "   see" if probe.state is not State.SAME and _only_reads(action) else MARKS[probe.state]
    return f"  {mark}  {action.describe()}{size}{found}"


def _only_reads(action: Action) -> bool:
    return action.phase in ("read-back", "check") or action.KIND == "public-pointer"


def publish(plan: Plan, opened: Opened, wish: Wish, *, confirm: Confirm, anew: bool = False) -> Outcome:
    """Do a plan under the environment's lease; raises GateError when something forbids it before the first write.

    `anew` reads everything again that was read back when the plan was done before.
    """
    opened.be_patient(wish.retries)
    if wish.dry_run:
        show(plan, opened, wish)
        return Outcome()
    whole = wish.phases == PHASE_NAMES
    journal = _journal(plan, opened, anew=anew)
    # A run that did everything and was killed before it could say so has not ended.
    if _is_done(plan, opened, wish) and not (whole and journal.unfinished):
        if whole and plan.verb == PUBLISH:
            opened.note(plan.version, register.PUBLISHED)
        console.say(f"{result_of(plan, wish.phases)}: nothing to do")
        return Outcome(same=[each.key for each in plan.actions])
    _check_stores(plan, opened, wish)
    bypassed = confirm(plan)
    began = time.monotonic()
    with working(), held(opened.state, opened.shared(LEASE), plan.version, take=wish.take_lease, retries=wish.retries) as lease:
        # What another run did until a moment ago, before the lease was ours.
        journal = _journal(plan, opened, anew=anew)
        opened.site.refresh()
        for gate, reason in bypassed.items():
            journal.write(events.BYPASSED, plan.digest, action=gate, text=reason)
        performance = Performance(
            plan=plan,
            site=opened.site,
            journal=journal,
            retries=wish.retries,
            require=lease.require,
            copy=lambda: opened.copy(journal, plan.version),
            phases=wish.phases,
            watcher=Telling(),
        )
        if wish.steps:
            performance.ask = ask
        if plan.verb == PUBLISH:
            opened.note(plan.version, register.BEGUN)
        outcome = performance.run()
        if plan.verb == PUBLISH and not journal.unfinished and journal.last is not None:
            opened.note(plan.version, register.PUBLISHED)
    tell(plan, opened.site, outcome, wish.phases, time.monotonic() - began)
    return outcome


def _check_stores(plan: Plan, opened: Opened, wish: Wish) -> None:
    """Check the stores that are written to; one whose failure stays owed refuses nothing."""
    for name, store in opened.site.stores.items():
        mine = [each for each in plan.actions if each.target == name]
        try:
            if mine:
                size = sum(each.size for each in mine)
                wish.retries.run(f"check {name}", partial(store.check, size))
        except SlipwayError as error:
            if name not in plan.optional:
                raise
            console.warn(error.message)


def _journal(plan: Plan, opened: Opened, *, anew: bool) -> Journal:
    journal = opened.journal(plan.version)
    if anew and not journal.unfinished:
        opened.site.done = {}
    return journal


def check(plan: Plan, opened: Opened, *, dry_run: bool) -> Outcome:
    """Do a plan that only reads: files back, and everything through the public addresses.

    Raises the first VerificationError; nothing is written, in the stores or in the journal.
    """
    outcome, began, telling = Outcome(), time.monotonic(), Telling()
    opened.site.meter.watcher = telling
    opened.site.meter.total = sum(each.size for each in plan.actions)
    for phase in (each for each in PHASES if plan.phase(each.name)):
        telling.begin(phase, plan.phase(phase.name))
        for action in plan.phase(phase.name):
            if dry_run:
                console.out(f"would {action.describe()}")
                continue
            action.apply(opened.site)
            telling.did(action)
            outcome.done.append(action.key)
        telling.end(phase)
    if not dry_run:
        tell(plan, opened.site, outcome, PHASE_NAMES, time.monotonic() - began)
    return outcome


def resume(opened: Opened, version: str) -> Plan:
    """The plan that was begun last for a version and has not ended; raises GateError when there is none."""
    journal = opened.journal(version)
    digest = journal.unfinished or (last.plan if journal.owed() and (last := journal.last) else "")
    if not digest:
        raise GateError(
            f"no publication of {version} in {opened.environment.name} is unfinished",
            hint="slipway status shows how it stands; slipway publish begins one",
        )
    data = opened.plan_data(journal, version, digest)
    return load_plan(data, KINDS, where=f"the plan {digest[:12]} of {version}")


def ask(action: Action) -> bool:
    """Ask before an Action (`--steps`); raises UsageError where nobody can answer."""
    if not console.is_interactive():
        raise UsageError("--steps asks before each action, and there is no terminal to answer at", hint="leave --steps out")
    return console.ask(f"{action.describe()}? [Y/n] ").lower() in ("", "y", "yes")


def _is_done(plan: Plan, opened: Opened, wish: Wish) -> bool:
    """Whether all that is asked for is so already; finding that out needs no lease and writes nothing.

    Raises GateError when something of it must not be done as things are.
    """
    wanted = [each for each in plan.actions if each.phase in wish.phases]
    probes = survey(wanted, opened.site, wish.retries, optional=plan.optional)
    require_possible(plan, wanted, probes)
    return all(probe.state is State.SAME for probe in probes.values())
