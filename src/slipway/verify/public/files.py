"""The check that the public gets the very bytes of a file that was published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import Content
from slipway.errors import VerificationError
from slipway.verify.public.download import get
from slipway.verify.public.serving import reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFile(OnStore):
    """Download a file through its public address and compare it with what was published."""

    KIND: ClassVar[str] = "public-file"
    PHASE: ClassVar[str] = "check"
    content: Content

    @property
    def key(self) -> str:
        """`check/site/v2.1.0/hello.tar.gz`."""
        return f"check/{self.store}/{self.content.name}"

    @property
    def size(self) -> int:
        """The file's size: all of it is downloaded."""
        return self.content.size

    def describe(self) -> str:
        """`download v2.1.0/hello.tar.gz from site and compare`."""
        return f"download {self.content.name} from {self.store} and compare"

    def probe(self, site: Site) -> Probe:
        """Whether this was checked at this address, and the file is the same since."""
        now, done = receipt_of(site, self.store, self.content), site.done.get(self.key)
        if done is None or not now["token"] or dict(done.after) != now:
            return Probe(state=State.ABSENT)
        return Probe(state=State.SAME, now=now)

    def apply(self, site: Site) -> Receipt:
        """Download and compare; raises VerificationError when the public gets something else."""
        now = receipt_of(site, self.store, self.content)
        if self.content.name not in site.listed(self.store, self.content.folder):
            hint = "find out who took it away; slipway resume puts it there again"
            raise VerificationError(f"{self.content.name} is no longer in {self.store}", hint=hint)
        with reachable(site, self.store):
            got = get(now["url"], meter=site.meter)
        try:
            got.require(self.content)
        except BaseException:
            site.meter.sent(-got.size)
            raise
        return Receipt(after=now, digest=got.sha256)

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Downloading leaves nothing to undo."""
        del site, receipt
        return "nothing to undo"


def receipt_of(site: Site, store: str, content: Content) -> dict[str, str]:
    """What a receipt says, and what has to be so still for the check to count."""
    return {"token": token_of(site, store, content), "url": site.store(store).url(content.name), "sha256": content.sha256}


def token_of(site: Site, store: str, content: Content) -> str:
    """What stands for the bytes of a file in a store; empty when it is not there or the store says nothing."""
    found = site.listed(store, content.folder).get(content.name)
    return found.token if found else ""
