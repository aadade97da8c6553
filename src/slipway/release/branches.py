"""The Actions on branches of the remote: they go forward, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from slipway.actions.action import Probe, Receipt, State
from slipway.actions.site import Site
from slipway.errors import ChangedError, GateError, TransientError
from slipway.git import Repository, Update
from slipway.git.objects import commit_tree, identity, set_ref

_DEEPEN: Final = "get the whole history: git fetch --unshallow"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """What these Actions know: a branch of a remote, and a commit that is to be in it."""

    remote: str
    branch: str
    commit: str

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
        """`refs/heads/main`."""
        return f"refs/heads/{self.branch}"

    def head(self, repository: Repository) -> str:
        """The commit of the branch on the remote, which is here then; empty when there is no such branch."""
        found = repository.ls_remote(self.remote, self.ref).get(self.ref, "")
        if found and not repository.commit_of(found):
            repository.fetch(self.remote, self.ref)
        return found

    def push(self, repository: Repository, commit: str, seen: str) -> None:
        """Move the branch on; one that somebody else has moved meanwhile is looked at again."""
        try:
            repository.push(self.remote, Update(commit, self.ref, seen))
        except ChangedError as error:
            raise TransientError(error.message, hint=error.hint) from error

    def apart(self, head: str, repository: Repository) -> Probe:
        """What is said of a branch that cannot go forward to the commit."""
        shallow = repository.is_shallow
        return Probe(
            state=State.DIFFERENT,
            found=head[:12],
            now={"commit": head},
            refusal=f"{self.branch} on {self.remote} is at {head[:12]}, which is not in the history of {self.commit[:12]}",
            hint=_DEEPEN if shallow else "a branch is never forced: merge what is there first, or release what is on the branch",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushBranch(_Branch):
    """Let a branch of the remote have a commit; one that is not there is made."""

    KIND: ClassVar[str] = "push-branch"

    @property
    def phase(self) -> str:
        """With the tag."""
        return "tag"

    @property
    def key(self) -> str:
        """`push/git/branch/main`."""
        return f"push/git/branch/{self.branch}"

    def describe(self) -> str:
        """`push 0123456789ab to main on origin`."""
        return f"push {self.commit[:12]} to {self.branch} on {self.remote}"

    def probe(self, site: Site) -> Probe:
        """Whether the branch has the commit, wherever it is by now."""
        repository = Repository(site.root)
        if not (head := self.head(repository)):
            return Probe(state=State.ABSENT)
        if repository.is_ancestor(self.commit, head):
            return Probe(state=State.SAME, found=head[:12], now={"commit": head})
        if not repository.is_ancestor(head, self.commit):
            return self.apart(head, repository)
        return Probe(state=State.DIFFERENT, found=head[:12], now={"commit": head})

    def apply(self, site: Site) -> Receipt:
        """Push."""
        repository = Repository(site.root)
        head = self.head(repository)
        if not (head and repository.is_ancestor(self.commit, head)):
            self.push(repository, self.commit, head)
        return Receipt(before={"commit": head} if head else {}, after={"commit": self.commit})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """What is pushed is not taken away again."""
        del site, receipt
        raise GateError(f"{self.branch} on {self.remote} stays as it is: others may have its commits")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeBack(_Branch):
    """Link the commit of a release, which lies beside its branch, into it by a merge that changes no file.

    The merge is made of what the remote has, or, with `pushed` false, of the branch here; no file in the work tree is touched.
    """

    KIND: ClassVar[str] = "merge-back"
    message: str
    time: int
    who: str = ""
    pushed: bool = True

    @property
    def phase(self) -> str:
        """With the tag."""
        return "tag"

    @property
    def key(self) -> str:
        """`merge/git/main`."""
        return f"merge/git/{self.branch}"

    def describe(self) -> str:
        """`link 0123456789ab into main, without its changes`."""
        return f"link {self.commit[:12]} into {self.branch}{f' on {self.remote}' if self.pushed else ''}, without its changes"

    def probe(self, site: Site) -> Probe:
        """Whether the branch has the commit in its history."""
        repository = Repository(site.root)
        if not (head := self._base(repository)):
            where = f" on {self.remote}" if self.pushed else ""
            return Probe(state=State.ABSENT, refusal=f"there is no branch {self.branch}{where} to merge into")
        if repository.is_ancestor(self.commit, head):
            return Probe(state=State.SAME, found=head[:12], now={"commit": head})
        if repository.is_shallow:
            return self.apart(head, repository)
        return Probe(state=State.DIFFERENT, found=head[:12], now={"commit": head})

    def apply(self, site: Site) -> Receipt:
        """Make the merge and move the branch on: on the remote, and here where it is as on the remote."""
        repository = Repository(site.root)
        head = self._base(repository)
        if repository.is_ancestor(self.commit, head):
            return Receipt(before={"commit": head}, after={"commit": head})
        who = self.who or identity(repository)
        merged = commit_tree(repository, head, (head, self.commit), self.message, who, self.time)
        if self.pushed:
            self.push(repository, merged, head)
        # Its files are those that the branch had, so one that is checked out stays clean.
        if repository.commit_of(self.ref) == head:
            set_ref(repository, self.ref, merged, head)
        return Receipt(before={"commit": head}, after={"commit": merged})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """It changed no file, so there is nothing that would have to be undone."""
        del site, receipt
        raise GateError(f"the merge in {self.branch} stays: it changed no file, and history is not rewritten")

    def _base(self, repository: Repository) -> str:
        return self.head(repository) if self.pushed else repository.commit_of(self.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRef(_Branch):
    """Move a branch that users follow to exactly the commit of a release: forward, never forced."""

    KIND: ClassVar[str] = "move-ref"
    version: str

    @property
    def phase(self) -> str:
        """It is a pointer."""
        return "point"

    @property
    def key(self) -> str:
        """`point/git/channel`."""
        return f"point/git/{self.branch}"

    def describe(self) -> str:
        """`move channel on origin to 2.1.0 (0123456789ab)`."""
        return f"move {self.branch} on {self.remote} to {self.version} ({self.commit[:12]})"

    def probe(self, site: Site) -> Probe:
        """Read where it is; it must not go back, nor away from its own history."""
        repository = Repository(site.root)
        if not (head := self.head(repository)):
            return Probe(state=State.ABSENT)
        if head == self.commit:
            return Probe(state=State.SAME, found=head[:12], now={"commit": head})
        if repository.is_ancestor(head, self.commit):
            return Probe(state=State.DIFFERENT, found=head[:12], now={"commit": head})
        if not repository.is_ancestor(self.commit, head):
            return self.apart(head, repository)
        return Probe(
            state=State.DIFFERENT,
            found=head[:12],
            now={"commit": head},
            refusal=f"{self.branch} on {self.remote} is at {head[:12]}, which is newer than {self.version}",
            hint="a branch that users follow never goes back: release the older content under a higher version",
        )

    def apply(self, site: Site) -> Receipt:
        """Push, from what is seen now."""
        repository = Repository(site.root)
        probe = self.probe(site)
        if probe.refusal:
            raise GateError(probe.refusal, hint=probe.hint)
        if probe.state is not State.SAME:
            self.push(repository, self.commit, probe.now.get("commit", ""))
        return Receipt(before=probe.now, after={"commit": self.commit})

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Whoever follows a branch cannot follow it back."""
        del site, receipt
        raise GateError(
            f"{self.branch} on {self.remote} stays at {self.version}: whoever follows a branch cannot follow it back",
            hint="release the older content under a higher version: the branch then goes forward to it",
        )
