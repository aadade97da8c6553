"""When servers fail: publish from the backup stores, and bring every store what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from slipway import console
from slipway.actions.action import Action
from slipway.actions.perform import Outcome
from slipway.actions.plan import Plan
from slipway.actions.store import Hosting, StateFiles
from slipway.errors import GateError, SlipwayError
from slipway.git import Repository
from slipway.installers.online import PREFIX
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.publication import confirming, publishing, register
from slipway.publication.contents import MANIFEST, release_files
from slipway.publication.noting import Said, notes_of
from slipway.publication.opening import Opened
from slipway.publication.planning import Draft, pointer_to, target_of
from slipway.publication.presenting import presented
from slipway.publication.published import WITHDRAWN, at_version, published, versions_in
from slipway.publication.wish import Wish
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.hosting import OpenDraft, PublishDraft
from slipway.publish.page import DATA, PAGE

REASON: Final = "infrastructure-failure"
# How the names of files begin that are made for one store.
MADE: Final = (DATA, PAGE, PREFIX, WITHDRAWN)


def fail_over(release: Release, opened: Opened, wish: Wish, *, switch: bool, sync: bool) -> Outcome:
    """Fill the backup stores, or with `sync` every store, and with `switch` lead the backups' users to the release."""
    opened.state = _state(opened)
    plan = plan_failover(release, opened, switch=switch, sync=sync)
    return publishing.publish(plan, opened, wish, confirm=confirming.asking(release, opened, wish), anew=True)


def chosen(opened: Opened, release: Release, version: str) -> Release:
    """The release to copy: the one that is named, else the newest that the environment has published and not taken back."""
    if version:
        return at_version(release, version)
    try:
        seen = versions_in(opened, release)
    except SlipwayError as error:
        console.log(f"nobody can say what was published: {error}")
        return release
    good = [each for each, how in seen.items() if how == register.PUBLISHED and not each.is_prerelease]
    return replace(release, version=good[-1]) if good else release


def plan_failover(release: Release, opened: Opened, *, switch: bool, sync: bool) -> Plan:
    """Plan it; raises GateError when the release is whole nowhere."""
    environment = opened.environment
    if not environment.backups and not sync:
        raise GateError(
            f"{environment.name} has no backup stores to fail over to",
            hint=f'name them: [environment.{environment.name}] backups = ["…"]',
        )
    draft = _draft(release, opened)
    for rules in environment.stores:
        if f"{draft.folder(rules.name)}/{WITHDRAWN}" in _listed(draft, rules.name):
            raise GateError(f"{release.version} was withdrawn from {rules.name}", hint="name a good version: --to-version")
    wanted = tuple(each.name for each in environment.stores) if sync else environment.backups
    actions = [action for store in wanted for action in _fill(draft, store)]
    if switch:
        actions += [action for store in environment.backups for action in _pointers(draft, store)]
    return Plan.of(
        actions,
        verb="fail-over",
        product=release.project.name,
        version=f"fail-over-{release.version}",
        environment=environment.name,
        # Some of the servers have failed: what cannot be reached stays owed.
        optional=tuple(each.name for each in environment.stores if each.name not in environment.backups),
        reason=REASON,
    )


def _state(opened: Opened) -> StateFiles:
    """Where the lease and the journal lie: where they always do, else in the first backup that can be written."""
    environment = opened.environment
    if not environment.state or _is_well(opened, environment.state):
        return opened.state
    for name in environment.backups:
        store = opened.site.store(name)
        if isinstance(store, StateFiles) and _is_well(opened, name):
            console.warn(f"{environment.state} does not work, so {name} keeps what is known of this run")
            return store
    return opened.state


def _is_well(opened: Opened, store: str) -> bool:
    try:
        opened.site.store(store).check(0)
    except SlipwayError as error:
        console.log(f"{store} does not work: {error}")
        return False
    return True


def _draft(release: Release, opened: Opened) -> Draft:
    """What publishing the release puts into each store, backups too."""
    found = _here(release, opened)
    tag = release.project.version.tag_of(str(release.version))
    commit = Repository(release.project.root).commit_of(f"refs/tags/{tag}")
    return presented(Draft(release=found, opened=opened, commit=commit, notes=_notes(found)))


def _notes(release: Release) -> str:
    """The notes; a checkout without the history of the release does without."""
    try:
        return notes_of(release, Said())
    except SlipwayError as error:
        console.log(f"there are no notes on {release.version}: {error}")
        return ""


def _fill(draft: Draft, store: str) -> Iterator[Action]:
    """Put in place what the store lacks; the page that it has already stays as it is."""
    there = _listed(draft, store)
    contents = [each for each in draft.contents[store] if each.name not in there or not each.file.startswith(MADE)]
    yield from (Upload(store=store, content=each) for each in contents)
    yield from (ReadBack(store=store, content=each) for each in contents)
    if isinstance(hosting := draft.opened.site.store(store), Hosting):
        if hosting.drafts:
            yield OpenDraft(store=store, release=draft.hosted(store))
        yield PublishDraft(store=store, release=draft.hosted(store), files=tuple(each.name for each in contents))


def _listed(draft: Draft, store: str) -> frozenset[str]:
    try:
        return frozenset(draft.opened.site.listed(store, draft.folder(store)))
    except SlipwayError as error:
        console.log(f"{store} cannot be listed: {error}")
        return frozenset()


def _pointers(draft: Draft, store: str) -> Iterator[Action]:
    names = frozenset(each.name for each in draft.contents[store])
    for rules in (each for each in draft.environment.pointers if each.store == store):
        to = target_of(draft.release, draft.environment, rules, names)
        if rules.form == "latest" or to.endswith("/") or to in names:
            yield pointer_to(draft.release, rules, to, backwards=REASON)


def _here(release: Release, opened: Opened) -> Release:
    """The release with its files: those of packages/ when they are of it, else those of a store that has it whole."""
    try:
        release_files(release)
    except SlipwayError as error:
        console.log(f"packages/ is not what is to be copied: {error}")
    else:
        return release
    for rules in opened.environment.stores:
        try:
            return _brought(release, opened, rules.name)
        except SlipwayError as error:
            console.warn(error.message)
    raise GateError(
        f"{release.version} is whole in no store of {opened.environment.name}, and not in packages/ either",
        hint=f"build it again: doit all VERSION={release.version}; the same commit gives the same bytes",
    )


def _brought(release: Release, opened: Opened, store: str) -> Release:
    """Bring the files of a release from a store, laid out as packages/ was; raises GateError unless it is there whole."""
    found = published(opened, release, store)
    source, target = opened.site.store(store), release.paths.state / "mirrored" / release.base
    packages = target / "packages"
    source.copy(source.served(f"{found.folder}/{MANIFEST}"), packages / MANIFEST)
    said = Manifest.load(packages / MANIFEST)
    places = {source.served(f"{found.folder}/{each.name}"): each.path for each in said.artifacts}
    for content in found.contents:
        if content.name in places or not content.file.startswith(MADE):
            source.copy(content.name, packages / places.get(content.name, content.file))
    # A state of its own: the records of what was built here are of another version.
    paths = replace(release.paths, packages=packages, installers=packages / "installers", state=target / "state")
    return replace(release, paths=paths)
