"""Targets that begin anew: what was made before is removed, unless a publication of it has not ended."""

from __future__ import annotations

from typing import Final

from slipway import console
from slipway.doit import session
from slipway.flow import TARGETS
from slipway.request import Request

NAMES: Final = frozenset(name for target in TARGETS if target.cleans for name in (target.name, *target.aliases))


def clean_first(request: Request) -> None:
    """Remove everything before a target that begins anew, or say in a rehearsal that it would be."""
    if not NAMES.intersection(session.current.targets):
        return
    from slipway.dist.clean import clean_for_run
    from slipway.publication.verbs import is_unfinished

    if is_unfinished(request.release, request.environment):
        version = request.release.version
        console.say(f"the publication of {version} did not end: what is made is kept, and the publication goes on")
        return
    clean_for_run(request.release.paths, dry_run=session.current.rehearsed)
    session.current.begins_anew = True
