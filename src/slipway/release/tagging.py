"""The Actions that tag the commit of a release: here, then on the remote. A tag is never moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from slipway.actions.action import Probe, Receipt, State
from slipway.actions.site import Site
from slipway.errors import GateError, VerificationError
from slipway.git import Repository, Update
from slipway.git.objects import identity, set_ref, write_tag
from slipway.release.tag_keys import TagKey

_HIGHER: Final = "a tag is never moved: release under a higher version"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tag:
    """What both Actions know: the tag, its commit, the key that has to have signed it, and the remote ("": none)."""

    name: str
    commit: str
    remote: str = ""
    signer: TagKey | None = None

    @property
    def phase(self) -> str:
        """After the files were read back."""
        return "tag"

    @property
    def target(self) -> str:
        """The repository."""
        return "git"

    @property
    def size(self) -> int:
        """Next to nothing."""
        return 0

    @property
    def ref(self) -> str:
        """`refs/tags/v2.1.0`."""
        return f"refs/tags/{self.name}"

    def other(self, commit: str, where: str) -> Probe:
        """What is said of a tag at another commit."""
        return Probe(
            state=State.DIFFERENT,
            found=commit[:12],
            refusal=f"the tag {self.name} is {where} at {commit[:12]}, and the release is of {self.commit[:12]}",
            hint=_HIGHER,
        )

    def unsigned(self, site: Site, repository: Repository, name: str, where: str) -> Probe | None:
        """What is said of a tag whose signature git does not take; None when it is as it has to be."""
        if self.signer is None or not (fault := self.signer.fault(repository, name, site.root)):
            return None
        return Probe(
            state=State.DIFFERENT,
            refusal=f"the tag {self.name} {where} is not signed by the key of the release: {fault}",
            hint=f"look at it: git tag --verify {self.name}; one that nobody has yet can go: git tag --delete {self.name}",
        )

    def on_remote(self, repository: Repository) -> tuple[str, str]:
        """The object and the commit of the tag on the remote; empty when it is not there."""
        found = repository.ls_remote(self.remote, self.ref, f"{self.ref}^{{}}")
        made = found.get(self.ref, "")
        return made, found.get(f"{self.ref}^{{}}", made)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTag(_Tag):
    """Make an annotated tag here, or take the one of the remote.

    By the same plan and key it is the same object, whoever makes it: `time` is that of the commit, `tagger` the plan's.
    """

    KIND: ClassVar[str] = "create-tag"
    message: str
    time: int
    tagger: str = ""

    @property
    def key(self) -> str:
        """`tag/git/v2.1.0`."""
        return f"tag/git/{self.name}"

    def describe(self) -> str:
        """`tag 0123456789ab as v2.1.0, signed by gpg`."""
        signed = f", signed by {self.signer.form}" if self.signer else ""
        return f"tag {self.commit[:12]} as {self.name}{signed}"

    def probe(self, site: Site) -> Probe:
        """Look for the tag here and on the remote."""
        repository = Repository(site.root)
        if not repository.commit_of(self.commit):
            said = f"the commit {self.commit[:12]} of the release is not in this repository"
            return Probe(state=State.ABSENT, refusal=said, hint=f"fetch it: git fetch {self.remote or 'origin'}")
        if self.remote:
            _, commit = self.on_remote(repository)
            if commit and commit != self.commit:
                return self.other(commit, f"on {self.remote}")
        if not (made := repository.object_of(self.ref)):
            return Probe(state=State.ABSENT)
        if (commit := repository.commit_of(self.ref)) != self.commit:
            return self.other(commit, "here")
        return self.unsigned(site, repository, self.ref, "here") or Probe(state=State.SAME, now={"object": made})

    def apply(self, site: Site) -> Receipt:
        """Make it, unless it is there, and let git check its signature."""
        repository = Repository(site.root)
        if (made := repository.object_of(self.ref)) and repository.commit_of(self.ref) == self.commit:
            return Receipt(before={"object": made}, after={"object": made})
        if self.remote and self.on_remote(repository)[1] == self.commit:
            repository.fetch(self.remote, f"{self.ref}:{self.ref}")
            found = repository.object_of(self.ref)
            return Receipt(before={"object": found}, after={"object": found})
        made = write_tag(repository, self._text(site, repository))
        if wrong := self.unsigned(site, repository, made, "that was just made"):
            raise VerificationError(wrong.refusal, hint="no tag was set; look at the key in [sign]")
        set_ref(repository, self.ref, made)
        return Receipt(after={"object": made})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Remove it while nobody else has it."""
        repository = Repository(site.root)
        if receipt.before:
            return f"the tag {self.name} was there before, and stays"
        if repository.object_of(self.ref) != receipt.after.get("object"):
            raise GateError(f"the tag {self.name} is no longer the one that was made", hint=f"git show {self.name}")
        if self.remote and self.on_remote(repository)[0]:
            raise GateError(f"the tag {self.name} stays: it is on {self.remote}, and others may have it", hint=_HIGHER)
        repository.delete_tag(self.name)
        return f"the tag {self.name} is removed: it was nowhere but here"

    def _text(self, site: Site, repository: Repository) -> str:
        who = self.tagger or identity(repository)
        if not who:
            hint = "set [release] tagger, or git config user.name and user.email"
            raise GateError(f"nobody is named who makes the tag {self.name}", hint=hint)
        lines = (f"object {self.commit}", "type commit", f"tag {self.name}", f"tagger {who} {self.time} +0000", "", self.message)
        text = "\n".join(lines).rstrip("\n") + "\n"
        return text + (self.signer.sign(text, site.root, self.time) if self.signer else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTag(_Tag):
    """Push the tag to the remote."""

    KIND: ClassVar[str] = "push-tag"

    @property
    def key(self) -> str:
        """`push/git/v2.1.0`."""
        return f"push/git/{self.name}"

    def describe(self) -> str:
        """`push the tag v2.1.0 to origin`."""
        return f"push the tag {self.name} to {self.remote}"

    def probe(self, site: Site) -> Probe:
        """Look for the tag on the remote; one that has to be signed is fetched and checked."""
        repository = Repository(site.root)
        made, commit = self.on_remote(repository)
        if not made:
            return Probe(state=State.ABSENT)
        if commit != self.commit:
            return self.other(commit, f"on {self.remote}")
        if self.signer is not None and made != repository.object_of(self.ref):
            repository.fetch(self.remote, self.ref)
        wrong = self.unsigned(site, repository, made, f"on {self.remote}")
        return wrong or Probe(state=State.SAME, now={"object": made})

    def apply(self, site: Site) -> Receipt:
        """Push, and ask the remote what it has then."""
        repository = Repository(site.root)
        if wrong := self.unsigned(site, repository, self.ref, "here"):
            raise VerificationError(wrong.refusal, hint=wrong.hint)
        made = repository.object_of(self.ref)
        if self.on_remote(repository) != (made, self.commit):
            repository.push(self.remote, Update(made, self.ref, ""))
        if self.on_remote(repository) != (made, self.commit):
            hint = f"look: git ls-remote {self.remote} {self.ref}"
            raise VerificationError(f"{self.remote} took the tag {self.name} and does not show it", hint=hint)
        return Receipt(after={"object": made})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """What is pushed is not taken away again."""
        del site, receipt
        raise GateError(
            f"the tag {self.name} stays on {self.remote}: others may have fetched it, and what comes back at another commit does "
            "not reach them",
            hint=_HIGHER,
        )
