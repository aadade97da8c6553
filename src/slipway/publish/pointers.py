"""The Action that moves a pointer: to what is proven to be there, and never backwards unless a rollback says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import Pointed
from slipway.environments import Form
from slipway.errors import GateError, VerificationError
from slipway.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePointer(OnStore):
    """Let a name lead to a file or a folder of a release; `backwards` is the reason why it may go to an older one."""

    KIND: ClassVar[str] = "pointer"
    PHASE: ClassVar[str] = "point"
    name: str
    form: Form
    to: str
    version: str
    scheme: str
    backwards: str = ""

    @property
    def key(self) -> str:
        """`point/site/latest`."""
        return f"point/{self.store}/{self.name}"

    def describe(self) -> str:
        """`let latest in site lead to v2.1.0`."""
        return f"let {self.name} in {self.store} lead to {self.to}"

    def probe(self, site: Site) -> Probe:
        """Read where it leads; a pointer that cannot be read is not moved."""
        seen = site.pointing(self.store).pointed(self.name, self.form)
        if seen is None:
            return Probe(state=State.ABSENT)
        now = {"target": seen.target, "version": seen.version}
        if seen.target == self.to and seen.version == self.version:
            return Probe(state=State.SAME, found=seen.target, now=now)
        return Probe(state=State.DIFFERENT, found=seen.target, now=now, **self._guard(seen))

    def apply(self, site: Site) -> Receipt:
        """Move it, from what is seen now."""
        pointing = site.pointing(self.store)
        seen = pointing.pointed(self.name, self.form)
        before = {} if seen is None else {"target": seen.target, "version": seen.version}
        if seen is not None and (said := self._guard(seen)):
            raise GateError(said["refusal"], hint=said["hint"])
        self._require_target(site, self.to)
        after = pointing.point(self.name, self.form, Pointed(target=self.to, version=self.version), seen)
        return Receipt(before=before, after={"target": after.target, "version": after.version})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Let it lead to where it led before; one that was not there is removed."""
        pointing = site.pointing(self.store)
        seen = pointing.pointed(self.name, self.form)
        before = _pointed(receipt.before)
        if _is_same(seen, before):
            return f"{self.name} in {self.store} leads to {before.target if before else 'nothing'} already"
        if seen is None or not _is_same(seen, _pointed(receipt.after)):
            raise GateError(
                f"{self.name} in {self.store} leads to {seen.target if seen else 'nothing'}: somebody else has moved it",
                hint="see how it stands: slipway status",
            )
        if before is None:
            pointing.unpoint(self.name, self.form, seen)
            return f"{self.name} in {self.store} is removed"
        self._require_target(site, before.target)
        pointing.point(self.name, self.form, before, seen)
        return f"{self.name} in {self.store} leads to {before.target} again"

    def _guard(self, seen: Pointed) -> dict[str, str]:
        """Why the pointer must not move; empty when it may."""
        if self.backwards or Version.parse(seen.version, self.scheme) <= Version.parse(self.version, self.scheme):
            return {}
        return {
            "refusal": f"{self.name} in {self.store} leads to {seen.version}, which is newer than {self.version}",
            "hint": "pointers never go back by themselves; slipway rollback-release does it, with a reason",
        }

    def _require_target(self, site: Site, target: str) -> None:
        """What it is to lead to has to be there, and to be what was read back before."""
        folder, _, file = target.rpartition("/")
        there = site.store(self.store).listing(folder)
        if (file and target not in there) or not there:
            raise GateError(
                f"{self.name} in {self.store} would lead to {target}, and that is not there",
                hint="a pointer only moves to what is there: publish that first",
            )
        place = f"{folder}/" if folder else ""
        for key, receipt in site.done.items():
            name = key.removeprefix(f"read-back/{self.store}/")
            if name == key or not name.startswith(place) or "/" in name.removeprefix(place):
                continue
            found = there.get(name)
            same = found is not None and bool(found.token) and found.token == receipt.after.get("token")
            if not same and site.store(self.store).reread(name) != receipt.digest:
                raise VerificationError(
                    f"{name} in {self.store} is no longer what was read back there: somebody has changed or removed it",
                    hint=f"{self.name} stays where it is; find out who it was, and publish under a new version",
                )


def _pointed(said: Mapping[str, str]) -> Pointed | None:
    """Where a pointer led, as a receipt says it."""
    return Pointed(target=said["target"], version=said["version"]) if said.get("target") else None


def _is_same(one: Pointed | None, other: Pointed | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.target, one.version) == (other.target, other.version)
