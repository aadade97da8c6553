"""The check that a pointer that has moved leads the public to where it should, which caches may let take a while."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote, urlsplit

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.download import shown
from slipway.environments import Form
from slipway.errors import NetworkError, VerificationError
from slipway.verify.public.download import get, moved_to
from slipway.verify.public.serving import reachable

PATIENCE: Final = 180.0
_LONGEST_PAUSE: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPointer(OnStore):
    """Ask the public address of a pointer until it serves what the pointer leads to, for `patience` seconds at most."""

    KIND: ClassVar[str] = "public-pointer"
    PHASE: ClassVar[str] = "point"
    name: str
    form: Form
    to: str
    patience: float = PATIENCE

    @property
    def key(self) -> str:
        """`point/site/latest (public)`."""
        return f"point/{self.store}/{self.name} (public)"

    def describe(self) -> str:
        """`see that the public is led from latest in site to v2.1.0`."""
        return f"see that the public is led from {self.name} in {self.store} to {self.to}"

    def probe(self, site: Site) -> Probe:
        """Ask once; whoever cannot be asked now is asked again when it is time."""
        try:
            with reachable(site, self.store):
                fault = self._fault(site)
        except (NetworkError, VerificationError) as error:
            fault = error.message
        if fault:
            return Probe(state=State.ABSENT, found=fault)
        return Probe(state=State.SAME, found=self.to, now={"target": self.to})

    def apply(self, site: Site) -> Receipt:
        """Ask until it is right; raises VerificationError when it does not become so."""
        end, pause = time.monotonic() + self.patience, 0.5
        with reachable(site, self.store):
            while fault := self._fault_or_trouble(site):
                if time.monotonic() + pause > end:
                    raise VerificationError(
                        f"{self.name} in {self.store} was moved, and the public does not see that: {fault}",
                        hint="is there a cache in between that keeps the old one? clear it, then run slipway resume",
                    )
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        return Receipt(after={"target": self.to})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Asking leaves nothing to undo."""
        del site, receipt
        return "nothing to undo"

    def _fault_or_trouble(self, site: Site) -> str:
        try:
            return self._fault(site)
        except (NetworkError, VerificationError) as error:
            return error.message

    def _fault(self, site: Site) -> str:
        """What is wrong with what the public gets; empty when it is right."""
        if self.to.endswith("/"):
            return self._folder_fault(site)
        url = site.store(self.store).url(self.name)
        return _other(url, site.store(self.store).digest(self.to), self.to)

    def _folder_fault(self, site: Site) -> str:
        """A folder has no bytes of its own: it is right when it redirects there, or when one of its files is to be had there."""
        store, url = site.store(self.store), site.store(self.store).url(self.name)
        if self.form == "redirect":
            return self._redirect_fault(url)
        files = site.listed(self.store, self.to.rstrip("/"))
        if not files:
            return f"there is nothing in {self.to}"
        name = min(files, key=lambda each: (files[each].size, each))
        below = f"{self.name.rstrip('/')}/{name.rpartition('/')[2]}"
        return _other(store.url(below), files[name].sha256 or store.digest(name), name)

    def _redirect_fault(self, url: str) -> str:
        wanted = f"/{quote(self.to)}"
        if leads := moved_to(url):
            right = f"/{urlsplit(leads).path.lstrip('/')}".endswith(wanted)
            return "" if right else f"{shown(url)} redirects to {shown(leads)}"
        page = bytearray()
        get(url, take=page.extend)
        # Where a bucket is not served as a website, a browser is led on by the page that the pointer is.
        return "" if f'{wanted}"'.encode() in page else f"{shown(url)} does not redirect"


def _other(url: str, sha256: str, name: str) -> str:
    got = get(url)
    return "" if got.sha256 == sha256 else f"{shown(url)} does not serve {name}: the SHA-256 there is {got.sha256}"
