"""Actions: the kind of work that changes the world, each with a way to see, to do and to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

if TYPE_CHECKING:
    from slipway.actions.site import Site


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a publication; the next begins when all that is required of it is done.

    What is `parallel` may be done in any order, everything else is done in the plan's.
    """

    name: str
    doc: str
    parallel: bool = False


PHASES: Final = (
    Phase("open", "open drafts"),
    Phase("stage", "put the files in place, unseen or under names that nothing leads to", parallel=True),
    Phase("read-back", "read what was put in place and compare", parallel=True),
    Phase("tag", "tag the commit"),
    Phase("flip", "publish drafts"),
    Phase("check", "check through the public addresses", parallel=True),
    Phase("point", "move the pointers that users follow"),
    Phase("announce", "tell people"),
)
PHASE_NAMES: Final = tuple(phase.name for phase in PHASES)


class State(StrEnum):
    """What an Action finds where it would work."""

    ABSENT = "absent"
    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an Action found; `refusal` says why it must not be done as things are, `found` what is there, for people.

    `now` is the same as data, as the receipt of an Action that has just been done would say it.
    """

    state: State
    found: str = ""
    now: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an Action did: enough to undo it, and to see later whether it still is so. It holds no secrets."""

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


class Action(Protocol):
    """One change of the world: a frozen dataclass of plain data with a class variable KIND.

    `target` is the store or repository it changes. `key` is unique in a plan. Verbs get what they work on as a `Site`.
    """

    KIND: ClassVar[str]

    @property
    def phase(self) -> str:
        """The phase that it belongs to."""

    @property
    def target(self) -> str:
        """The store, or `git`."""

    @property
    def key(self) -> str:
        """`stage/site/v2.1.0/hello.tar.gz`."""

    @property
    def size(self) -> int:
        """How many bytes it moves."""

    def describe(self) -> str:
        """What it does, in one line."""

    def probe(self, site: Site) -> Probe:
        """Read from the target itself how it is; writes nothing."""

    def apply(self, site: Site) -> Receipt:
        """Do it; what is done already is left as it is."""

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Undo it and say what was done; raises GateError with the reason where that cannot or must not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStore:
    """What all Actions on a store have in common: each names its PHASE and its key, and says its size where it has one."""

    KIND: ClassVar[str]
    PHASE: ClassVar[str]
    store: str

    @property
    def phase(self) -> str:
        """The phase that it belongs to."""
        return self.PHASE

    @property
    def target(self) -> str:
        """The store."""
        return self.store

    @property
    def size(self) -> int:
        """Next to nothing is moved."""
        return 0
