"""How things stand: where the pointers of each environment lead, what began and did not end, and what is owed."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.actions import journal as events
from slipway.actions.action import State
from slipway.environments import DirStore
from slipway.errors import SlipwayError
from slipway.model import Release
from slipway.publication.opening import Opened
from slipway.publication.planning import pointer_to
from slipway.publication.published import versions_in
from slipway.publication.telling import ROLLBACK, versions_of
from slipway.publication.verbs import open_environment


def lines(release: Release, environment: str) -> Iterator[str]:
    """The lines about an environment, or about all those that were published to."""
    names = (environment,) if environment else tuple(each.name for each in release.project.environments)
    for name in names:
        if environment or _is_used(release, name):
            yield from standing(release, name)


def standing(release: Release, environment: str) -> Iterator[str]:
    """The lines about one environment."""
    opened = open_environment(release, environment)
    yield ""
    yield f"Environment  {opened.environment.name}"
    for rules in opened.environment.pointers:
        yield f"  {rules.name} in {rules.store} leads to {_leads(opened, release, rules.name)}"
    for version, how in versions_in(opened, release).items():
        yield from (f"  {line}" for line in _version_lines(opened, str(version), how))
    for name in sorted(path.name for path in opened.folder.glob(f"{ROLLBACK}*")):
        if opened.journal(name).unfinished:
            bad, good = versions_of(name)
            yield f"  the way back from {bad} to {good} began and did not end:"
            yield f"    slipway rollback-release --from-version {bad} --to-version {good}"


def _leads(opened: Opened, release: Release, name: str) -> str:
    """Where a pointer leads now, read from the store itself."""
    rules = next(each for each in opened.environment.pointers if each.name == name)
    try:
        probe = pointer_to(release, rules, "", backwards="only looked at").probe(opened.site)
    except SlipwayError as error:
        return f"somewhere that cannot be read: {error.message}"
    return probe.found if probe.state is not State.ABSENT else "nothing yet"


def _version_lines(opened: Opened, version: str, how: str) -> Iterator[str]:
    journal = opened.journal(version)
    if journal.unfinished:
        yield f"{version} began and did not end: slipway resume --version {version}"
    elif journal.last is not None:
        yield f"{version} {how}, {journal.last.at[:10]} by {journal.last.by}"
    else:
        yield f"{version} {how}"
    for key, why in journal.owed().items():
        yield f"  owed: {key}: {why}"
    for record in journal.records:
        if record.event == events.BYPASSED:
            yield f"  passed by: {record.action}: {record.text}, {record.at[:10]} by {record.by}"


def _is_used(release: Release, name: str) -> bool:
    """Whether anything was published there from here, or it is a folder here; no server is asked for that."""
    try:
        opened = open_environment(release, name)
        is_here = all(isinstance(each, DirStore) for each in opened.environment.stores)
        return opened.folder.is_dir() or (is_here and bool(opened.versions()))
    except SlipwayError:
        return False
