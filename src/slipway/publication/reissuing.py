"""The content of a good version once more, under a higher version: updaters never go back by themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from slipway import console, process
from slipway.actions.action import Action
from slipway.actions.perform import Outcome
from slipway.environments import GATE_NAMES
from slipway.errors import GateError, UsageError
from slipway.git import Repository
from slipway.model import Paths, Release
from slipway.publication import register, verbs
from slipway.publication.noting import Said
from slipway.publication.opening import Opened
from slipway.publication.published import at_version
from slipway.publication.rollback import Retreat, marks
from slipway.publication.wish import Wish
from slipway.release.gates import FIRM, severities

# What counts of the present checkout says nothing about a release that is built from a tag.
CLEAN: Final = {"clean": "it is built from a tag, in a checkout of its own"}
# What an emergency does not do without: room, and keys that sign.
NEEDED: Final = ("disk", "keys")
# The targets that prove what gates ask for.
PROOFS: Final = {"tests": "unit-tests", "test-dist": "test-dist", "validate-package": "validate-package"}


def reissue(release: Release, opened: Opened, wish: Wish, retreat: Retreat, version: str, *, emergency: bool = False) -> Outcome:
    """Build the good version from its tag under another version, publish that, and mark the bad one.

    Raises UsageError when the version is not higher than the good one, GateError when there is no such tag.
    """
    again = at_version(release, version)
    if again.version <= retreat.good:
        raise UsageError(
            f"{again.version} is not higher than {retreat.good}, whose content it is to have",
            hint=f"such as --reissue {retreat.good.next('patch')}",
        )
    repository = Repository(release.project.root)
    tag = release.project.version.tag_of(str(retreat.good))
    if not (commit := repository.commit_of(f"refs/tags/{tag}")):
        raise GateError(f"there is no tag {tag} to build {retreat.good} from", hint="fetch it: git fetch --tags")
    outputs = release.paths.state / "reissue" / str(again.version)
    if wish.dry_run:
        console.out(f"would build {again.version} from {tag}, publish it, and mark {retreat.bad} as withdrawn")
        return Outcome()
    wish = _in_a_hurry(wish, retreat) if emergency else replace(wish, bypass={**CLEAN, **wish.bypass})
    _build(repository, commit, again, outputs, _targets(opened, wish))
    made = _made(again, repository, commit, outputs)
    told = replace(retreat, good=again.version)
    more: tuple[Action, ...] = tuple(_marks(opened, made, told))
    said = Said(urgent=retreat.urgent, replaces=str(retreat.bad), again=str(retreat.good))
    publication = verbs.plan_in(made, opened, said, backwards=f"{retreat.reason} in {retreat.bad}", commit=commit, more=more)
    outcome = verbs.run(publication, wish)
    opened.note(str(retreat.bad), register.WITHDRAWN)
    console.say(told.text.rstrip())
    return outcome


def _in_a_hurry(wish: Wish, retreat: Retreat) -> Wish:
    """The wish of an emergency: what can wait is passed by, and the journal says so."""
    reason = f"an emergency: {retreat.reason} in {retreat.bad}"
    waiting = {gate: reason for gate in GATE_NAMES if gate not in (*FIRM, *NEEDED)}
    return replace(wish, bypass={**waiting, **CLEAN, **wish.bypass})


def _targets(opened: Opened, wish: Wish) -> tuple[str, ...]:
    """What has to be run so that the gates of the environment find what they ask for."""
    asked = {gate for gate, severity in severities(opened.environment).items() if severity == "error" and gate not in wish.bypass}
    return ("all", *(target for gate, target in PROOFS.items() if gate in asked))


def _made(release: Release, repository: Repository, commit: str, outputs: Path) -> Release:
    """The release with its files where they were built; paths from the usual root let a killed run be resumed."""
    paths = replace(Paths.under(outputs), root=release.paths.root)
    return replace(release, paths=paths, epoch=repository.time_of(commit) or release.epoch)


def _build(repository: Repository, commit: str, release: Release, outputs: Path, targets: Iterable[str]) -> None:
    """Make and prove everything from the commit in a checkout of its own; this slipway does it, whatever the commit had."""
    top, file = repository.top, release.project.file.resolve()
    where = file.relative_to(top.resolve()) if top is not None else Path(file.name)
    names = ",".join(row.id for row in release.platforms)
    with repository.worktree(commit) as tree:
        console.say(f"building {release.version} from {commit[:12]}")
        words = ["--project", str(tree.root / where), "--outputs", str(outputs), *targets, f"VERSION={release.version}"]
        # Variables that are meant for this run must not say another version there.
        aside = dict.fromkeys(("RELEASE_TYPE", "SOURCE_DATE_EPOCH"), "")
        process.run([sys.executable, "-m", "slipway", *words, f"PLATFORMS={names}"], cwd=tree.root, env=aside)


def _marks(opened: Opened, release: Release, retreat: Retreat) -> Iterable[Action]:
    for rules in opened.environment.stores:
        yield from marks(opened, release, rules.name, retreat)
