"""What stands between a plan and its first write: gates, approvals, and somebody who says yes."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.actions.plan import Plan
from slipway.forges import Queries
from slipway.model import Release
from slipway.publication.opening import Opened, forge_of
from slipway.publication.publishing import Confirm
from slipway.publication.telling import work_of
from slipway.publication.wish import Wish
from slipway.release.confirming import confirm
from slipway.release.gates import ask_gates
from slipway.release.situation import Situation
from slipway.release.wording import words_of

APPROVALS = "approvals"


def guard(release: Release, opened: Opened, wish: Wish, *, notes: str) -> Confirm:
    """Ask the gates, then whoever sits there; what is passed by is told to whoever keeps the journal."""

    def decide(plan: Plan) -> Mapping[str, str]:
        findings = ask_gates(_situation(release, opened, wish, plan, notes), wish.bypass)
        findings.tell()
        findings.conclude()
        _ask(release, opened, wish, plan)
        return findings.bypassed

    return decide


def asking(release: Release, opened: Opened, wish: Wish) -> Confirm:
    """Only ask whoever sits there: what goes on, or goes back, has passed its gates or must not wait for them."""

    def decide(plan: Plan) -> Mapping[str, str]:
        _ask(release, opened, wish, plan)
        return {}

    return decide


def _ask(release: Release, opened: Opened, wish: Wish, plan: Plan) -> None:
    words = words_of(release.project, release.version, opened.environment.name)
    what = work_of(plan)
    confirm(opened.environment, words, what, yes=wish.yes, text=wish.confirm)


def _situation(release: Release, opened: Opened, wish: Wish, plan: Plan, notes: str) -> Situation:
    forge: Queries | None = forge_of(release.project, opened.environment)
    return Situation(
        release=release,
        environment=opened.environment,
        commit=plan.commit,
        digest=plan.digest,
        notes=notes,
        forge=forge,
        state=opened.state,
        approvals=opened.shared(APPROVALS),
        retries=wish.retries,
    )
