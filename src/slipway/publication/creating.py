"""`create-release`: as much of a publication as its flags ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from slipway import console
from slipway.actions.action import Action
from slipway.actions.perform import Outcome
from slipway.errors import GateError, UsageError
from slipway.model import Release
from slipway.publication import preparing, register, verbs
from slipway.publication.contents import folder_of
from slipway.publication.noting import Said
from slipway.publication.opening import Opened
from slipway.publication.published import at_version, versions_in
from slipway.publication.rollback import REASONS, Retreat, marks
from slipway.publication.wish import Wish

CANDIDATE = "rc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The flags of create-release besides those of all commands that publish; None means that a flag was not given.

    `kind` is that of the release whose version is to be found, `assets` the folder of the files.
    """

    draft: bool = False
    pre_release: bool = False
    generate_changelog: bool = False
    push_tag: bool | None = None
    auto_upload: bool | None = None
    rollback_from: str = ""
    urgent: bool = False
    kind: str = ""
    assets: Path | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The options that the values of the flags say."""
        names = ("draft", "pre_release", "generate_changelog", "push_tag", "auto_upload", "rollback_from", "urgent")
        assets = values["asset_dir"].absolute() if values["asset_dir"] else None
        return cls(kind=values["release_type"] or "", assets=assets, **{name: values[name] for name in names})


def create(release: Release, environment: str, wish: Wish, options: Options) -> Outcome:
    """Create a release: a draft and a tag, a draft with all files, or all of it."""
    _require_sense(options)
    if options.kind:
        release = preparing.at_next(release, kind=options.kind, pre=CANDIDATE if options.pre_release else "")
    _require_version(release, options)
    opened = verbs.open_environment(release, environment)
    if options.push_tag is not None:
        opened.environment = replace(opened.environment, tag=_tag(opened, push=options.push_tag))
    retreat = _retreat(opened, release, options)
    said = Said(
        from_commits=options.generate_changelog, urgent=options.urgent, replaces=options.rollback_from and str(retreat.bad)
    )
    more = tuple(_marks(opened, release, retreat)) if options.rollback_from else ()
    reason = f"it replaces {retreat.bad}" if options.rollback_from else ""
    publication = verbs.plan_in(_found(release, options), opened, said, backwards=reason, more=more)
    phases = _phases(options)
    if not any(each.phase in phases for each in publication.plan.actions):
        raise GateError(
            f"{opened.environment.name} has neither drafts nor tags, so there is nothing to create before the files are there",
            hint="publish at once: --auto-upload; or only put the files in place: --draft",
        )
    outcome = verbs.run(publication, replace(wish, phases=phases))
    if not wish.dry_run:
        _conclude(opened, release, options, retreat)
    return outcome


def _require_sense(options: Options) -> None:
    if options.draft and options.auto_upload:
        raise UsageError("--draft shows nothing to the public, and --auto-upload shows all", hint="leave out one of them")
    if options.draft and options.push_tag:
        raise UsageError("a draft has no tag yet", hint="leave out --push-tag; slipway publish tags and shows the draft")


def _require_version(release: Release, options: Options) -> None:
    if options.pre_release and not release.version.is_prerelease:
        raise UsageError(
            f"{release.version} is no pre-release, and --pre-release says it is",
            hint="name one with --version, or let --release-type find the next one",
        )
    if not options.rollback_from and (before := preparing.require_following(release)):
        console.say(f"{release.version} comes after {before}")


def _tag(opened: Opened, *, push: bool) -> Any:
    """What becomes of the tag: without a push it stays here, where the environment has one at all."""
    here = opened.environment.tag
    return "push" if push else "local" if here == "push" else here


def _retreat(opened: Opened, release: Release, options: Options) -> Retreat:
    """From the bad version to this one; raises UsageError when nobody has ever published the bad one."""
    bad = at_version(release, options.rollback_from).version if options.rollback_from else release.version
    if options.rollback_from and (bad == release.version or not _is_known(opened, at_version(release, str(bad)))):
        known = ", ".join(map(str, versions_in(opened, release))) or "none"
        raise UsageError(
            f"{release.version} cannot replace {bad}", hint=f"name a published version with --rollback-from; known are {known}"
        )
    return Retreat(bad=bad, good=release.version, reason=REASONS[0], urgent=options.urgent)


def _is_known(opened: Opened, bad: Release) -> bool:
    name = opened.environment.name
    return bad.version in versions_in(opened, bad) or any(
        opened.site.listed(rules.name, folder_of(bad, rules, name)) for rules in opened.environment.stores
    )


def _marks(opened: Opened, release: Release, retreat: Retreat) -> Iterator[Action]:
    for rules in opened.environment.stores:
        yield from marks(opened, release, rules.name, retreat)


def _found(release: Release, options: Options) -> Release:
    """The release with its files where they are said to lie."""
    if options.assets is None:
        return release
    return replace(release, paths=replace(release.paths, packages=options.assets, installers=options.assets / "installers"))


def _phases(options: Options) -> tuple[str, ...]:
    if options.draft:
        return verbs.UPLOADING
    return verbs.EVERYTHING if options.auto_upload else verbs.DRAFTING


def _conclude(opened: Opened, release: Release, options: Options, retreat: Retreat) -> None:
    """Say what is still to be done, and note what was replaced."""
    if options.auto_upload:
        if options.rollback_from:
            opened.note(str(retreat.bad), register.WITHDRAWN)
    elif opened.journal(str(release.version)).unfinished:
        where = opened.environment.name
        shown = f" --environment {where}" if where != release.project.release.environment else ""
        console.say(f"nobody sees it yet: slipway resume --version {release.version}{shown} does the rest and shows it")
