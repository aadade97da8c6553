"""Rolling back: the same machinery as publishing, with pointers that go back for a reason and a bad release that is marked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.actions.action import Action
from slipway.actions.plan import Plan
from slipway.actions.store import Content, Hosting
from slipway.environments import PointerRules
from slipway.errors import GateError, SlipwayError, UsageError
from slipway.files import digest_file, write_atomic
from slipway.git import Repository
from slipway.model import Release
from slipway.publication import register
from slipway.publication.contents import folder_of
from slipway.publication.opening import Opened
from slipway.publication.planning import pointer_to, target_of
from slipway.publication.published import WITHDRAWN, Published, at_version, published, versions_in
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.hosting import Withdraw
from slipway.version import Version

# Why a release is taken back (S0-62); the first word of the reason in every journal and notice.
REASONS: Final = ("critical-bug", "vulnerability", "regression", "incompatibility", "infrastructure-failure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retreat:
    """What is to be rolled back: from a bad version to a good one, why, and with which words to users."""

    bad: Version
    good: Version
    reason: str
    notice: str = ""
    urgent: bool = False

    @property
    def name(self) -> str:
        """What the journal of the rollback is called."""
        return f"rollback-{self.bad}-to-{self.good}"

    @property
    def text(self) -> str:
        """What users read: what happened, what to do."""
        head = "URGENT: " if self.urgent else ""
        said = f"\n\n{self.notice}" if self.notice else ""
        return (
            f"{head}{self.bad} was withdrawn ({self.reason}).{said}\n\n"
            f"Use {self.good}. Whoever has installed {self.bad} should install {self.good}.\n"
        )


def plan_rollback(opened: Opened, release: Release, retreat: Retreat) -> Plan:
    """Plan a rollback: the good release is read again, the pointers go back to it, and the bad one is marked.

    Raises GateError when the good release is not whole in a store that pointers have to lead to.
    """
    good = at_version(release, str(retreat.good))
    actions: list[Action] = []
    for rules in opened.environment.stores:
        if rules.name not in opened.environment.backups:
            actions += _retreat_in(opened, release, published(opened, good, rules.name), retreat)
        elif _has(opened, at_version(release, str(retreat.bad)), rules.name):
            actions += _backup(opened, release, rules.name, retreat)
    return Plan.of(
        actions,
        verb="rollback",
        product=release.project.name,
        version=retreat.name,
        environment=opened.environment.name,
        optional=(*opened.environment.optional, *opened.environment.backups),
        reason=retreat.reason,
    )


def _retreat_in(opened: Opened, release: Release, found: Published, retreat: Retreat) -> Iterator[Action]:
    """One store: the good release is read, the pointers go back to it, the bad one is marked."""
    _require_not_withdrawn(found, retreat)
    yield from (ReadBack(store=found.store, content=each) for each in found.contents)
    yield from _pointers(opened, at_version(release, str(retreat.good)), found, retreat)
    yield from marks(opened, release, found.store, retreat)


def _backup(opened: Opened, release: Release, store: str, retreat: Retreat) -> Iterator[Action]:
    """A backup store that was failed over to; without the good release, it can only be marked there."""
    try:
        found = published(opened, at_version(release, str(retreat.good)), store)
    except GateError as error:
        console.warn(f"{error.message}, so the pointers of {store} stay; first copy it there: --mirror-sync")
        yield from marks(opened, release, store, retreat)
    else:
        yield from _retreat_in(opened, release, found, retreat)


def _has(opened: Opened, release: Release, store: str) -> bool:
    """Whether a store has anything of a release; a backup that does not answer is left alone."""
    folder = folder_of(release, opened.environment.store(store), opened.environment.name)
    try:
        return bool(opened.site.listed(store, folder))
    except SlipwayError as error:
        console.warn(f"{store}, a backup, does not answer: {error.message}")
        return False


def _require_not_withdrawn(found: Published, retreat: Retreat) -> None:
    if found.is_withdrawn:
        raise GateError(
            f"{retreat.good} was withdrawn itself from {found.store}", hint="go back to another version: --to-version"
        )


def _pointers(opened: Opened, good: Release, found: Published, retreat: Retreat) -> Iterator[Action]:
    """Every pointer of the store, to where it would lead had the good release just been published."""
    for rules in opened.environment.pointers:
        if rules.store == found.store and (to := _target(opened, good, rules, found)):
            yield pointer_to(good, rules, to, backwards=retreat.reason)


def _target(opened: Opened, good: Release, rules: PointerRules, found: Published) -> str:
    to = target_of(good, opened.environment, rules, found.names)
    return to if rules.form == "latest" or to.endswith("/") or to in found.names else ""


def marks(opened: Opened, release: Release, store: str, retreat: Retreat) -> Iterator[Action]:
    """Mark the bad release: a forge says it of its release, elsewhere a file beside the others does."""
    bad = at_version(release, str(retreat.bad))
    tag = release.project.version.tag_of(str(retreat.bad))
    if isinstance(opened.site.store(store), Hosting):
        yield Withdraw(store=store, tag=tag, notice=retreat.text)
        return
    folder = folder_of(bad, opened.environment.store(store), opened.environment.name)
    there = opened.site.store(store).listing(folder)
    if not there or f"{folder}/{WITHDRAWN}" in there:
        return
    path = _notice_file(release, retreat)
    yield Upload(store=store, content=_content(release, path, f"{folder}/{WITHDRAWN}"), phase="announce")


def _notice_file(release: Release, retreat: Retreat) -> Path:
    path = release.paths.state / "notices" / retreat.name / WITHDRAWN
    write_atomic(path, retreat.text.encode())
    return path


def _content(release: Release, path: Path, name: str) -> Content:
    return Content(
        name=name,
        path=path.relative_to(release.paths.root).as_posix(),
        size=path.stat().st_size,
        sha256=digest_file(path),
        media_type="text/plain; charset=utf-8",
    )


def retreat_of(opened: Opened, release: Release, *, bad: str, good: str, **words: object) -> Retreat:
    """Find out from which version to which; without a good one, it is the one before the bad one.

    Raises UsageError when that cannot be said, with the versions that there are to choose from.
    """
    wrong = at_version(release, bad).version
    right = at_version(release, good).version if good else _before(opened, release, wrong)
    if wrong == right:
        raise UsageError(f"{wrong} cannot be rolled back to itself", hint="name the good version with --to-version")
    return Retreat(bad=wrong, good=right, **words)  # type: ignore[arg-type]


def candidates(opened: Opened, release: Release, bad: Version) -> tuple[Version, ...]:
    """The versions that a rollback could go to, newest last: those of the journals, and those that are tagged."""
    repository = Repository(release.project.root)
    tags = repository.tags() if repository.is_readable else ()
    rule = release.project.version
    start, _, end = rule.tag.partition("{version}")
    seen = versions_in(opened, release)
    found = {version for version, how in seen.items() if how != register.WITHDRAWN}
    for tag in tags:
        if tag.name.startswith(start) and tag.name.endswith(end):
            text = tag.name[len(start) : len(tag.name) - len(end)]
            with suppress(UsageError):
                found.add(Version.parse(text, rule.scheme))
    taken_back = {version for version, how in seen.items() if how == register.WITHDRAWN}
    return tuple(sorted(each for each in found - taken_back if each != bad and not each.is_prerelease))


def _before(opened: Opened, release: Release, bad: Version) -> Version:
    """The version before a bad one that is whole in every store and was not withdrawn."""
    known = [each for each in candidates(opened, release, bad) if each < bad]
    for version in reversed(known[-5:]):
        if _is_good(opened, at_version(release, str(version))):
            return version
    raise UsageError(
        f"there is no release before {bad} in {opened.environment.name} to go back to",
        hint=f"known are {', '.join(map(str, known[-5:])) or 'none'}; name one with --to-version",
    )


def _is_good(opened: Opened, release: Release) -> bool:
    stores = (each.name for each in opened.environment.stores if each.name not in opened.environment.backups)
    try:
        return not any(published(opened, release, store).is_withdrawn for store in stores)
    except GateError:
        return False
