"""What one can do with a release: plan it, publish it, go on, and check what the public gets."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from slipway.actions.action import PHASE_NAMES, Action
from slipway.actions.perform import Outcome
from slipway.actions.plan import Plan
from slipway.errors import GateError, SlipwayError
from slipway.git import Repository
from slipway.model import Release
from slipway.publication import confirming, publishing
from slipway.publication.contents import folder_of
from slipway.publication.noting import Said, notes_of
from slipway.publication.opening import Opened, environment_of
from slipway.publication.planning import Draft, plan_publication
from slipway.publication.presenting import presented
from slipway.publication.published import WITHDRAWN
from slipway.publication.verifying import plan_checks
from slipway.publication.wish import Wish

EVERYTHING: Final = PHASE_NAMES
UPLOADING: Final = ("open", "stage", "read-back")
DRAFTING: Final = ("open", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A release on its way into an environment that is opened."""

    release: Release
    opened: Opened
    plan: Plan
    notes: str = ""


def open_environment(release: Release, environment: str) -> Opened:
    """Open an environment of the project; nothing is asked of its stores yet."""
    return Opened.of(release.project, release.paths, environment_of(release.project, environment))


def prepare(release: Release, environment: str, said: Said | None = None, *, backwards: str = "") -> Publication:
    """Plan the publication of what lies in packages/ into an environment."""
    return plan_in(release, open_environment(release, environment), said, backwards=backwards)


def plan_in(
    release: Release,
    opened: Opened,
    said: Said | None = None,
    *,
    backwards: str = "",
    commit: str = "",
    more: Iterable[Action] = (),
) -> Publication:
    """Plan it into an opened environment.

    `backwards` is the reason why pointers may go back to this release, `commit` what it was built from when that is not what
    is checked out, and `more` is done with it.
    """
    draft = Draft(
        release=release,
        opened=opened,
        commit=commit or Repository(release.project.root).commit_of("HEAD"),
        notes=notes_of(release, said or Said()),
        backwards=backwards,
    )
    return Publication(release=release, opened=opened, plan=plan_publication(presented(draft), more), notes=draft.notes)


def publish(release: Release, environment: str, wish: Wish) -> Outcome:
    """Publish a release, or the phases of that which are asked for."""
    return run(prepare(release, environment), wish)


def run(publication: Publication, wish: Wish) -> Outcome:
    """Do a plan once its gates are passed and it is confirmed."""
    wish.retries.run("look for what was withdrawn", lambda: require_not_withdrawn(publication))
    guard = confirming.guard(publication.release, publication.opened, wish, notes=publication.notes)
    return publishing.publish(publication.plan, publication.opened, wish, confirm=guard)


def resume(release: Release, environment: str, wish: Wish) -> Outcome:
    """Go on with what was begun and has not ended, or is owed; its gates were passed then."""
    opened = open_environment(release, environment)
    opened.be_patient(wish.retries)
    plan = publishing.resume(opened, str(release.version))
    # Another machine has no pages and scripts for the stores yet; where they cannot be made, what needs them says so.
    with suppress(SlipwayError):
        plan_in(release, opened, commit=plan.commit)
    return publishing.publish(plan, opened, wish, confirm=confirming.asking(release, opened, wish))


def verify(release: Release, environment: str, *, dry_run: bool) -> Outcome:
    """Check everything that the public gets, whatever was checked before; the release need not be made here."""
    opened = open_environment(release, environment)
    return publishing.check(plan_checks(release, opened), opened, dry_run=dry_run)


def require_not_withdrawn(publication: Publication) -> None:
    """Raise GateError when the release was taken back from a store; forges say that of their own releases themselves."""
    release, opened = publication.release, publication.opened
    for rules in opened.environment.stores:
        folder = folder_of(release, rules, opened.environment.name)
        try:
            there = opened.site.listed(rules.name, folder)
        except SlipwayError:
            if rules.name in opened.environment.optional:
                continue
            raise
        if f"{folder}/{WITHDRAWN}" in there:
            raise GateError(
                f"{release.version} was withdrawn from {rules.name}, and a withdrawn release stays so",
                hint="publish under a new version",
            )


def is_unfinished(release: Release, environment: str) -> bool:
    """Whether a publication of this version began and has not ended, as far as this machine knows."""
    try:
        return bool(open_environment(release, environment).journal(str(release.version)).unfinished)
    except SlipwayError:
        return False
