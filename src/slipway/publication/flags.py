"""The flags of the commands that publish and roll back, once for every way to call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from slipway.actions.retries import Retries
from slipway.errors import UsageError
from slipway.publication.rollback import REASONS
from slipway.publication.wish import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag: `--name`, of a type that is told by its default; `other` are other spellings of it."""

    name: str
    doc: str
    default: str | int | bool = ""
    other: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    many: bool = False

    @property
    def key(self) -> str:
        """The name as Python spells it."""
        return self.name.replace("-", "_")


PUBLISHING: Final = (
    Flag(name="environment", doc="Where to publish (default: as the project says, else local)."),
    Flag(name="dry-run", doc="Print the plan, with what is there already, and write nothing.", default=False),
    Flag(name="steps", doc="Ask before each action.", default=False),
    Flag(name="yes", doc="Answer the environment's question with yes.", default=False),
    Flag(name="confirm", doc="The phrase that the environment wants to hear."),
    Flag(name="retry-count", doc="How often to try again what may work a little later.", default=3),
    Flag(name="backoff-delay", doc="After how many seconds to try again at first; then twice as long each time.", default=5),
    Flag(name="take-lease", doc="Take the lease from a run that is dead.", default=False),
    Flag(name="bypass", doc="Pass by a gate: GATE=REASON; the reason is recorded.", many=True),
)
ROLLING_BACK: Final = (
    Flag(name="from-version", doc="The bad version.", other=("version",)),
    Flag(name="to-version", doc="The version to go back to (default: the one before).", other=("target-version",)),
    Flag(name="reason", doc="Why.", default=REASONS[0], choices=REASONS),
    Flag(name="notice", doc="What users are told besides."),
    Flag(name="reissue", doc="Build the good version once more, from its tag, under this higher version, and publish that."),
    Flag(name="emergency", doc="Do without the rehearsal and the gates that can wait.", default=False),
    Flag(name="security-issue", doc="It is a vulnerability: the notice says so.", default=False),
    Flag(name="staging-environment", doc="Rehearse: do it where the environment has its rollbacks rehearsed.", default=False),
    Flag(name="update-registries", doc="Update package registries too.", default=False),
    Flag(name="notify-users", doc="Tell users.", default=False),
    Flag(name="immediate-notify", doc="Tell users before anything else is announced.", default=False),
    Flag(name="infrastructure-failover", doc="Publish from the backup stores: the usual ones have failed.", default=False),
    Flag(name="backup-registry", doc="Lead users to the backup stores.", default=False),
    Flag(name="mirror-sync", doc="Bring every store of the environment what it lacks of the release.", default=False),
)


def wish_of(values: Mapping[str, Any], usual: Wish | None = None) -> Wish:
    """The wish that the values of the flags say; `usual` is what the variables say, for flags that were not given."""
    said = usual or Wish()
    count, delay = values.get("retry_count"), values.get("backoff_delay")
    return Wish(
        dry_run=bool(values.get("dry_run")),
        steps=bool(values.get("steps")),
        yes=bool(values.get("yes")),
        confirm=str(values.get("confirm") or said.confirm),
        take_lease=bool(values.get("take_lease")),
        bypass=dict(_bypass(text) for text in values.get("bypass") or ()),
        retries=Retries(
            count=said.retries.count if count is None else int(count),
            delay=said.retries.delay if delay is None else float(delay),
        ),
    )


def _bypass(text: str) -> tuple[str, str]:
    gate, mark, reason = text.partition("=")
    if not mark or not reason.strip():
        raise UsageError(f"--bypass {text} says no reason", hint=f'such as --bypass {gate}="the server that is asked is down"')
    return gate, reason.strip()
