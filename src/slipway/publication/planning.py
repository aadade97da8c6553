"""From a release and an environment to the plan of its publication."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slipway.actions.action import Action
from slipway.actions.plan import Kinds, Plan
from slipway.actions.store import Content, Hosting, HostRelease
from slipway.environments import Environment, PointerRules
from slipway.errors import VerificationError
from slipway.model import Release
from slipway.publication.contents import contents_of, folder_of, require_distinct
from slipway.publication.opening import Opened
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.hosting import MarkLatest, OpenDraft, PublishDraft, Withdraw
from slipway.publish.pointers import MovePointer
from slipway.release.branches import MergeBack, MoveRef, PushBranch
from slipway.release.notes import fit
from slipway.release.plan_tags import plan_ref, plan_tagging
from slipway.release.tagging import CreateTag, PushTag
from slipway.release.wording import filled, words_of
from slipway.verify.public import planning as public
from slipway.verify.public.planning import plan_public, plan_public_pointers

PUBLISH: Final = "publish"
# Every kind of Action that a plan may hold, by what it is called there.
ACTIONS: Final[tuple[type[Any], ...]] = (
    *(OpenDraft, Upload, ReadBack, PublishDraft, MovePointer, MarkLatest, Withdraw),
    *(CreateTag, PushTag, PushBranch, MergeBack, MoveRef),
    *public.ACTIONS,
)
KINDS: Final[Kinds] = {each.KIND: each for each in ACTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a plan is made from: the release, the opened environment, and what the release says about itself."""

    release: Release
    opened: Opened
    commit: str = ""
    notes: str = ""
    contents: Mapping[str, tuple[Content, ...]] = field(default_factory=dict)
    backwards: str = ""

    @property
    def environment(self) -> Environment:
        """Where to publish."""
        return self.opened.environment

    @property
    def tag(self) -> str:
        """The release's tag."""
        return self.release.project.version.tag_of(str(self.release.version))

    def hosted(self, store: str) -> HostRelease:
        """The release as a forge shows it, with as much of its notes as that takes."""
        return HostRelease(
            tag=self.tag,
            commit=self.commit,
            title=f"{self.release.project.name} {self.release.version}",
            notes=fit(self.notes, self.environment.store(store).KIND),
            prerelease=self.release.version.is_prerelease,
        )

    def folder(self, store: str) -> str:
        """The release's folder in a store."""
        return folder_of(self.release, self.environment.store(store), self.environment.name)

    def placed(self, store: str, files: Iterable[Path]) -> tuple[Content, ...]:
        """Files as the contents of a store."""
        found = tuple(contents_of(self.release, files, self.folder(store), self.opened.site.store(store)))
        require_distinct(found, self.environment)
        return found


def plan_publication(draft: Draft, more: Iterable[Action] = ()) -> Plan:
    """Plan what publishes a release into an environment, and `more` that is done with it."""
    environment, release, stores = draft.environment, draft.release, draft.opened.site.stores
    names = tuple(each.name for each in environment.stores if each.name not in environment.backups)
    pointers = tuple(_pointers(draft, names))
    moves = tuple(each for each in pointers if isinstance(each, MovePointer))
    actions = (
        *plan_tagging(release.project, release.version, draft.commit, environment),
        *(action for name in names for action in _store(draft, name)),
        *pointers,
        *plan_public(release, environment, stores, {name: draft.contents[name] for name in names}),
        *plan_public_pointers(stores, moves),
        *more,
    )
    return Plan.of(
        actions,
        verb=PUBLISH,
        product=release.project.name,
        version=str(release.version),
        environment=environment.name,
        commit=draft.commit,
        optional=environment.optional,
        reason=draft.backwards,
    )


def _store(draft: Draft, store: str) -> Iterator[Action]:
    """Files in, read back, and what makes a draft public."""
    contents = draft.contents[store]
    yield from (Upload(store=store, content=each) for each in contents)
    yield from (ReadBack(store=store, content=each) for each in contents)
    if isinstance(hosting := draft.opened.site.store(store), Hosting):
        if hosting.drafts:
            yield OpenDraft(store=store, release=draft.hosted(store))
        yield PublishDraft(store=store, release=draft.hosted(store), files=tuple(each.name for each in contents))


def _pointers(draft: Draft, stores: Collection[str]) -> Iterator[Action]:
    """The pointers of the environment, in their order; those of a pre-release only where they are for such."""
    for rules in draft.environment.pointers:
        if draft.release.version.is_prerelease and not rules.prereleases:
            continue
        if rules.form == "ref":
            yield plan_ref(draft.release.project, draft.release.version, draft.commit, rules)
        elif rules.store in stores and (move := pointer_of(draft, rules)) is not None:
            yield move


def pointer_of(draft: Draft, rules: PointerRules) -> Action | None:
    """The Action that lets a pointer lead to a release; none when the release has not what it would lead to."""
    names = frozenset(each.name for each in draft.contents[rules.store])
    to = target_of(draft.release, draft.environment, rules, names)
    if rules.form != "latest" and not to.endswith("/") and to not in names:
        if rules.declared:
            raise VerificationError(
                f"[pointer.{rules.name}] is to lead to {to}, which the release has not",
                hint="mend its key to, or make what it leads to part of the release",
            )
        return None
    return pointer_to(draft.release, rules, to, backwards=draft.backwards)


def pointer_to(release: Release, rules: PointerRules, to: str, *, backwards: str) -> Action:
    """The Action that moves a pointer; `backwards` is the reason why it may move to an older version."""
    rule, version = release.project.version, str(release.version)
    head = {"store": rules.store, "version": version, "scheme": rule.scheme, "backwards": backwards}
    if rules.form == "latest":
        return MarkLatest(**head, tag=rule.tag_of(version), tags=rule.tag)
    return MovePointer(**head, name=rules.name, form=rules.form, to=to)


def target_of(release: Release, environment: Environment, rules: PointerRules, names: Collection[str]) -> str:
    """What a pointer leads to when a release is the newest one; `names` are the files of the release."""
    folder = folder_of(release, environment.store(rules.store), environment.name)
    words = {**words_of(release.project, release.version, environment.name), "folder": folder}
    return online(filled(rules.to, words, where=f"[pointer.{rules.name}]"), names)


def online(to: str, names: Collection[str]) -> str:
    """The script that knows the environment's own address, where there is one, in the place of the one that does not."""
    folder, _, file = to.rpartition("/")
    found = f"{folder}/online-{file}"
    return found if found in names else to
