"""Checking what the public gets of a release, from any machine: by what its stores say that it consists of."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.actions.action import Action, State
from slipway.actions.plan import Plan
from slipway.actions.store import Content
from slipway.errors import SlipwayError, VerificationError
from slipway.files import digest_file
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.publication.contents import MANIFEST
from slipway.publication.opening import Opened
from slipway.publication.planning import pointer_to, target_of
from slipway.publication.published import published
from slipway.publish.contents import ReadBack
from slipway.publish.pointers import MovePointer
from slipway.verify.public.planning import plan_public, plan_public_pointers


def plan_checks(release: Release, opened: Opened) -> Plan:
    """Plan it; raises GateError when the release is not whole in a store, VerificationError when it is not the one made here."""
    names = tuple(each.name for each in opened.environment.stores if each.name not in opened.environment.backups)
    contents = {name: published(opened, release, name).contents for name in names}
    for name in names:
        _require_ours(release, name, contents[name])
    stores = opened.site.stores
    reads = (ReadBack(store=name, content=each) for name in names for each in contents[name])
    checks = plan_public(release, opened.environment, stores, contents)
    leads = plan_public_pointers(stores, _leading_here(release, opened, contents))
    actions: Iterable[Action] = (*reads, *checks, *leads)
    return Plan.of(
        actions, verb="verify", product=release.project.name, version=str(release.version), environment=opened.environment.name
    )


def _require_ours(release: Release, store: str, contents: Iterable[Content]) -> None:
    """Where the release was made, what is published has to be that."""
    path = release.paths.packages / MANIFEST
    try:
        is_ours = Manifest.load(path).version == str(release.version)
    except SlipwayError:
        return
    found = next((each.sha256 for each in contents if each.file == MANIFEST), "")
    if is_ours and found != digest_file(path):
        raise VerificationError(
            f"{MANIFEST} of {release.version} in {store} is another than the one in {release.paths.packages.name}/",
            hint=f"was the release made anew since? if it was not, find out who changed it in {store}",
        )


def _leading_here(release: Release, opened: Opened, contents: dict[str, tuple[Content, ...]]) -> tuple[MovePointer, ...]:
    """The pointers that lead to this release; when it is not the newest one, they lead elsewhere."""
    found = []
    for rules in opened.environment.pointers:
        if rules.store not in contents or rules.form in ("ref", "latest"):
            continue
        names = frozenset(each.name for each in contents[rules.store])
        move = pointer_to(release, rules, target_of(release, opened.environment, rules, names), backwards="only looked at")
        if isinstance(move, MovePointer) and move.probe(opened.site).state is State.SAME:
            found.append(move)
    return tuple(found)
