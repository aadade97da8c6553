"""Which Actions on git a release has, by its flow: its tag, its branches, and the merge that links a commit beside them back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from slipway.actions.action import Action
from slipway.environments import Environment, PointerRules
from slipway.errors import GateError
from slipway.git import Repository
from slipway.git.objects import parent_of
from slipway.model import Project
from slipway.release.branches import MergeBack, MoveRef, PushBranch
from slipway.release.tag_keys import tag_key
from slipway.release.tagging import CreateTag, PushTag
from slipway.release.wording import filled, words_of
from slipway.version import Version

_PERSON: Final = re.compile(r"[^<>\n]+ <[^<>\s]+>")


def plan_tagging(project: Project, version: Version, commit: str, environment: Environment) -> tuple[Action, ...]:
    """The tag of a release and what goes with it; the tag is pushed last, since it cannot be taken back."""
    if environment.tag == "none":
        return ()
    if not commit:
        raise GateError("there is no commit that could be tagged", hint='in slipway.toml: tag = "none" for such an environment')
    git = _Git(Repository(project.root), project, version, commit)
    signer, words = tag_key(project), words_of(project, version, environment.name)
    remote = project.release.remote if environment.tag == "push" else ""
    tag = CreateTag(
        name=words["tag"],
        commit=commit,
        message=filled(project.release.tag_message, words, where="[release] tag-message"),
        tagger=tagger(project),
        time=git.time,
        signer=signer,
        remote=remote,
    )
    if not remote:
        return (tag, *git.merges(pushed=False))
    return (tag, *git.pushes(), *git.merges(pushed=True), PushTag(name=tag.name, commit=commit, remote=remote, signer=signer))


def plan_ref(project: Project, version: Version, commit: str, pointer: PointerRules) -> MoveRef:
    """The move of a branch that users follow, which slipway.toml calls a pointer of the form `ref`."""
    return MoveRef(remote=project.release.remote, branch=pointer.name, commit=commit, version=version.text)


def tagger(project: Project) -> str:
    """In whose name a project's tags are made; empty for whoever git says."""
    return project.release.tagger or (project.maintainer if _PERSON.fullmatch(project.maintainer) else "")


def release_branch(project: Project, version: Version) -> str:
    """The branch of a version's own; empty when releases are made from the main branch."""
    return filled(project.release.release_branch, words_of(project, version), where="[release] release-branch")


def is_beside(project: Project) -> bool:
    """Whether the commit that is released lies beside its branch: it has stamps that the branch is not to have."""
    return project.release.flow == "detached" and bool(project.release.stamps)


@dataclass(frozen=True, slots=True)
class _Git:
    """What the plan of one release's branches is made from. It must not change while the plan is carried out."""

    repository: Repository
    project: Project
    version: Version
    commit: str

    @property
    def time(self) -> int:
        """The commit's time, so that whoever makes the tag or the merge makes the same."""
        return self.repository.time_of(self.commit) or 0

    @property
    def base(self) -> str:
        """The newest commit that belongs to a branch."""
        return (parent_of(self.repository, self.commit) or self.commit) if is_beside(self.project) else self.commit

    def pushes(self) -> Iterator[PushBranch]:
        """The release's own branch, made where there is none, and the main branch where it has the commit."""
        rules = self.project.release
        for branch in self._branches():
            yield PushBranch(remote=rules.remote, branch=branch, commit=self.base)

    def merges(self, *, pushed: bool) -> Iterator[MergeBack]:
        """The links of a commit that lies beside its branches."""
        rules = self.project.release
        for branch in self._branches() if is_beside(self.project) else ():
            words = {**words_of(self.project, self.version), "branch": branch}
            yield MergeBack(
                remote=rules.remote,
                branch=branch,
                commit=self.commit,
                message=filled(rules.merge_message, words, where="[release] merge-message"),
                time=self.time,
                who=tagger(self.project),
                pushed=pushed,
            )

    def _branches(self) -> tuple[str, ...]:
        own = release_branch(self.project, self.version)
        return tuple(dict.fromkeys((*((own,) if own else ()), *((self.project.release.branch,) if self._is_on_main() else ()))))

    def _is_on_main(self) -> bool:
        """Whether the main branch has it, here or as it was when it was fetched: a branch of somebody's is not pushed there."""
        rules = self.project.release
        return any(
            (head := self.repository.commit_of(ref)) and self.repository.is_ancestor(self.base, head)
            for ref in (f"refs/heads/{rules.branch}", f"refs/remotes/{rules.remote}/{rules.branch}")
        )
