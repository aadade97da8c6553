"""What somebody wants of a publication, besides which release and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.actions.action import PHASE_NAMES
from slipway.actions.retries import Retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The flags of the commands that publish.

    `phases` are those to do, `bypass` maps gates to the reason why they are passed by, `confirm` is the phrase that was
    typed, `steps` asks before each Action.
    """

    dry_run: bool = False
    steps: bool = False
    yes: bool = False
    confirm: str = ""
    phases: tuple[str, ...] = PHASE_NAMES
    take_lease: bool = False
    bypass: Mapping[str, str] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)


def wish_from(variables: Mapping[str, Any]) -> Wish:
    """The wish that the variables of a target say."""
    usual = Retries()
    count, delay = variables.get("RETRY_COUNT", usual.count), variables.get("BACKOFF_DELAY", usual.delay)
    return Wish(confirm=variables.get("CONFIRM", ""), retries=Retries(count=count, delay=float(delay)))
