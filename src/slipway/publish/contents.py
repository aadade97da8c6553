"""The Actions on files under names that never change their bytes: put them in place, and read them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import Content, Found
from slipway.errors import GateError, VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(OnStore):
    """Put a file into a store: before everything that leads to it, or, as a notice, when all else is done."""

    KIND: ClassVar[str] = "upload"
    content: Content
    phase: str = "stage"

    @property
    def key(self) -> str:
        """`stage/site/v2.1.0/hello.tar.gz`."""
        return f"{self.phase}/{self.store}/{self.content.name}"

    @property
    def size(self) -> int:
        """The file's size."""
        return self.content.size

    def describe(self) -> str:
        """`put v2.1.0/hello.tar.gz into site`."""
        return f"put {self.content.name} into {self.store}"

    def probe(self, site: Site) -> Probe:
        """Look for the file in the store's listing; one that cannot be told apart by it is read."""
        found = site.listed(self.store, self.content.folder).get(self.content.name)
        if found is None:
            return Probe(state=State.ABSENT)
        if self._is_known(site, found) or self._is_equal(site, found):
            return Probe(state=State.SAME, found=f"{found.size} bytes", now={"token": found.token, "sha256": self.content.sha256})
        return Probe(
            state=State.DIFFERENT,
            found=f"{found.size} bytes",
            refusal=f"{self.content.name} is in {self.store} with other bytes, and what is published never changes",
            hint="publish what was built from the same commit, or give the release a new version",
        )

    def apply(self, site: Site) -> Receipt:
        """Upload; equal bytes that are there already are left as they are."""
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            site.meter.sent(size)

        try:
            found = site.store(self.store).put(self.content, site.file(self.content), count)
        except BaseException:
            site.meter.sent(-sent)
            site.forget(self.store, self.content.folder)
            raise
        site.note(self.store, self.content, found)
        return Receipt(after={"token": found.token}, digest=self.content.sha256)

    def revert(self, site: Site, receipt: Receipt) -> str:
        """What is published is not taken away again: somebody may have it already."""
        del site, receipt
        raise GateError(f"{self.content.name} stays in {self.store}: published bytes are never deleted")

    def _is_known(self, site: Site, found: Found) -> bool:
        """Whether it is what was put there: nothing about it changed since."""
        done = site.done.get(self.key)
        known = done is not None and bool(found.token) and done.after.get("token") == found.token
        return known and done is not None and done.digest == self.content.sha256

    def _is_equal(self, site: Site, found: Found) -> bool:
        if found.size != self.content.size:
            return False
        return (found.sha256 or site.store(self.store).digest(self.content.name)) == self.content.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack(OnStore):
    """Read a file back from a store and compare it with what was planned."""

    KIND: ClassVar[str] = "read-back"
    PHASE: ClassVar[str] = "read-back"
    content: Content

    @property
    def key(self) -> str:
        """`read-back/site/v2.1.0/hello.tar.gz`."""
        return f"read-back/{self.store}/{self.content.name}"

    def describe(self) -> str:
        """`read v2.1.0/hello.tar.gz back from site`."""
        return f"read {self.content.name} back from {self.store}"

    def probe(self, site: Site) -> Probe:
        """Whether it was read back since it was put there."""
        found = site.listed(self.store, self.content.folder).get(self.content.name)
        done = site.done.get(self.key)
        if found is None or done is None or not found.token or done.after.get("token") != found.token:
            return Probe(state=State.ABSENT)
        return Probe(state=State.SAME, now=done.after)

    def apply(self, site: Site) -> Receipt:
        """Read it back; raises VerificationError when it is not what was put there."""
        found = site.listed(self.store, self.content.folder).get(self.content.name)
        read = site.store(self.store).reread(self.content.name)
        if found is None or not read:
            raise VerificationError(
                f"{self.content.name} was put into {self.store} and is not there",
                hint="nothing leads to it yet; look into the store, then run slipway resume",
            )
        if read != self.content.sha256:
            raise VerificationError(
                f"{self.content.name} in {self.store} is not what was put there: its SHA-256 is {read}",
                hint="nothing leads to it yet; find out who changed it, and publish under a new version",
            )
        return Receipt(after={"token": found.token}, digest=read)

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Reading leaves nothing to undo."""
        del site, receipt
        return "nothing to undo"
