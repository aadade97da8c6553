"""Approving a plan: somebody has read it, and signs its digest."""

from __future__ import annotations

from pathlib import Path

from slipway import console
from slipway.actions.plan import Plan, load_plan
from slipway.errors import GateError, UsageError
from slipway.git import Repository
from slipway.model import Release
from slipway.publication.confirming import APPROVALS
from slipway.publication.planning import KINDS
from slipway.publication.verbs import open_environment
from slipway.release.approvals import approve, approvers_of, find_approver, granted


def approve_plan(release: Release, file: Path, name: str, key: str, *, environment: str = "", dry_run: bool = False) -> None:
    """Sign the plan in a file for the environment that it is of; what it would do is said first.

    Raises GateError when the person may not approve, and UsageError when the plan is of something else.
    """
    plan = load_plan(file.read_bytes(), KINDS, where=str(file))
    _require_mine(plan, release, file, environment)
    opened = open_environment(release, plan.environment)
    rules = opened.environment
    people = approvers_of(Repository(release.project.root), _commit(plan, release), rules.approvers)
    person = find_approver(people, name)
    for line in _told(plan):
        console.say(line)
    request, folder = (plan.digest, plan.environment, plan.version), opened.shared(APPROVALS)
    if dry_run:
        console.out(f"would sign the plan {plan.digest} as {person.name}")
        return
    approve(person, key, opened.state, folder, *request)
    have = granted(people, opened.state, folder, *request)
    console.out(f"{plan.version} in {plan.environment} is approved by {', '.join(have)}: {len(have)} of {rules.approvals}")


def _require_mine(plan: Plan, release: Release, file: Path, environment: str) -> None:
    if plan.product != release.project.name:
        raise UsageError(f"{file} is a plan of {plan.product}, and this is {release.project.name}")
    if environment and environment != plan.environment:
        raise UsageError(f"{file} is a plan for {plan.environment}, not for {environment}", hint="plan again: slipway plan")


def _commit(plan: Plan, release: Release) -> str:
    """The commit that says who may approve: the one that is released, which has to be here."""
    if not plan.commit:
        raise GateError("the plan is of no commit, so nobody can say who may approve it", hint="release from a checkout of git")
    if not Repository(release.project.root).commit_of(plan.commit):
        raise GateError(f"the plan is of {plan.commit[:12]}, which is not here", hint="git fetch")
    return plan.commit


def _told(plan: Plan) -> list[str]:
    """What somebody who approves is to know, without every file."""
    quiet = ("stage", "read-back", "check")
    files = sum(each.phase == "stage" for each in plan.actions)
    shown = [f"  {each.describe()}" for each in plan.actions if each.phase not in quiet]
    return [
        f"plan {plan.digest}",
        f"{plan.verb} {plan.product} {plan.version} in {plan.environment}, commit {plan.commit[:12]}",
        f"  upload {files} files, read them back, check them",
        *shown,
    ]
