"""The Actions on the releases of forges: open a draft, show it to the public, call it the latest, withdraw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import HostRelease
from slipway.errors import GateError
from slipway.version import Version

_WITHDRAWN = "a withdrawn release stays so: publish under a new version"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDraft(OnStore):
    """Make the draft that files are uploaded to."""

    KIND: ClassVar[str] = "draft"
    PHASE: ClassVar[str] = "open"
    release: HostRelease

    @property
    def key(self) -> str:
        """`open/github/v2.1.0`."""
        return f"open/{self.store}/{self.release.tag}"

    def describe(self) -> str:
        """`open the draft v2.1.0 in github`."""
        return f"open the draft {self.release.tag} in {self.store}"

    def probe(self, site: Site) -> Probe:
        """Look for a release of the tag, in whatever state."""
        hosted = site.hosting(self.store).release(self.release.tag)
        if hosted is None:
            return Probe(state=State.ABSENT)
        if hosted.state == "withdrawn":
            said = f"{self.release.tag} was withdrawn in {self.store}"
            return Probe(state=State.DIFFERENT, found=hosted.state, refusal=said, hint=_WITHDRAWN)
        return Probe(state=State.SAME, found=hosted.state, now={"id": hosted.id})

    def apply(self, site: Site) -> Receipt:
        """Open it, or take the one that is there."""
        return Receipt(after={"id": site.hosting(self.store).open(self.release).id})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """A draft is seen by nobody, and its files may be what a resumed run needs."""
        del site, receipt
        raise GateError(f"the draft {self.release.tag} stays in {self.store}", hint="delete it there when nobody needs it")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishDraft(OnStore):
    """Show a release with all its files to the public; `files` are the names that have to be there."""

    KIND: ClassVar[str] = "flip"
    PHASE: ClassVar[str] = "flip"
    release: HostRelease
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        """`flip/github/v2.1.0`."""
        return f"flip/{self.store}/{self.release.tag}"

    def describe(self) -> str:
        """`publish v2.1.0 in github`."""
        return f"publish {self.release.tag} in {self.store}"

    def probe(self, site: Site) -> Probe:
        """Whether the public sees it."""
        hosted = site.hosting(self.store).release(self.release.tag)
        if hosted is None or hosted.state == "draft":
            return Probe(state=State.ABSENT, found=hosted.state if hosted else "")
        if hosted.state == "withdrawn":
            said = f"{self.release.tag} was withdrawn in {self.store}"
            return Probe(state=State.DIFFERENT, found=hosted.state, refusal=said, hint=_WITHDRAWN)
        return Probe(state=State.SAME, found=hosted.state, now={"id": hosted.id, "state": hosted.state})

    def apply(self, site: Site) -> Receipt:
        """Publish it, not yet as the latest: that is a pointer, and pointers move last."""
        hosting = site.hosting(self.store)
        before = hosting.release(self.release.tag)
        hosted = hosting.publish(self.release, self.files, latest=False)
        return Receipt(before={"state": before.state if before else ""}, after={"id": hosted.id, "state": hosted.state})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """What the public has seen is withdrawn, with a notice, and not undone."""
        del site, receipt
        raise GateError(f"{self.release.tag} was published in {self.store}", hint="slipway rollback-release withdraws it")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLatest(OnStore):
    """Let a forge call a release the latest; `backwards` is the reason why that may be an older one."""

    KIND: ClassVar[str] = "latest"
    PHASE: ClassVar[str] = "point"
    tag: str
    version: str
    scheme: str
    tags: str
    backwards: str = ""

    @property
    def key(self) -> str:
        """`point/github/latest`."""
        return f"point/{self.store}/latest"

    def describe(self) -> str:
        """`call v2.1.0 the latest release in github`."""
        return f"call {self.tag} the latest release in {self.store}"

    def probe(self, site: Site) -> Probe:
        """Ask which one is the latest now; a tag of which nobody knows the version is not passed over."""
        tag = site.hosting(self.store).latest()
        if not tag:
            return Probe(state=State.ABSENT)
        now = {"target": tag}
        if tag == self.tag:
            return Probe(state=State.SAME, found=tag, now=now)
        refusal = self._refusal(tag)
        hint = "slipway rollback-release goes back, with a reason" if refusal else ""
        return Probe(state=State.DIFFERENT, found=tag, now=now, refusal=refusal, hint=hint)

    def apply(self, site: Site) -> Receipt:
        """Mark it."""
        hosting = site.hosting(self.store)
        before = hosting.latest()
        if before and (refusal := self._refusal(before)):
            raise GateError(refusal, hint="slipway rollback-release goes back, with a reason")
        hosting.mark_latest(self.tag)
        return Receipt(before={"target": before} if before else {}, after={"target": self.tag})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Mark the one that was the latest before."""
        if not (before := receipt.before.get("target", "")):
            raise GateError(f"{self.tag} is the first release in {self.store}, so none other can be the latest")
        site.hosting(self.store).mark_latest(before)
        return f"{before} is the latest release in {self.store} again"

    def _refusal(self, tag: str) -> str:
        """Why the mark must not move from the release of this tag."""
        if self.backwards or tag == self.tag:
            return ""
        start, _, end = self.tags.partition("{version}")
        if not (tag.startswith(start) and tag.endswith(end)):
            return f"{self.store} calls {tag} the latest release, and that is no tag like {self.tags}"
        seen = tag[len(start) : len(tag) - len(end)]
        newer = Version.parse(seen, self.scheme) > Version.parse(self.version, self.scheme)
        return f"{self.store} calls {tag} the latest release, which is newer than {self.tag}" if newer else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(OnStore):
    """Mark a release as withdrawn, with a notice that says what to do instead; its files stay."""

    KIND: ClassVar[str] = "withdraw"
    PHASE: ClassVar[str] = "announce"
    tag: str
    notice: str

    @property
    def key(self) -> str:
        """`withdraw/github/v2.2.0`."""
        return f"withdraw/{self.store}/{self.tag}"

    def describe(self) -> str:
        """`withdraw v2.2.0 in github`."""
        return f"withdraw {self.tag} in {self.store}"

    def probe(self, site: Site) -> Probe:
        """Whether it is marked."""
        hosted = site.hosting(self.store).release(self.tag)
        if hosted is None or hosted.state == "withdrawn":
            return Probe(state=State.SAME, found="withdrawn" if hosted else "")
        return Probe(state=State.DIFFERENT, found=hosted.state, now={"state": hosted.state})

    def apply(self, site: Site) -> Receipt:
        """Mark it."""
        before = site.hosting(self.store).release(self.tag)
        hosted = site.hosting(self.store).withdraw(self.tag, self.notice)
        return Receipt(before={"state": before.state if before else ""}, after={"state": hosted.state})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """A withdrawn release stays withdrawn."""
        del site, receipt
        raise GateError(f"{self.tag} was withdrawn in {self.store}", hint=_WITHDRAWN)
