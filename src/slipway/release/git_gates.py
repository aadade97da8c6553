"""What git is asked before a release: a clean tree, a free tag, a commit that belongs to the branch."""

from __future__ import annotations

from slipway.git import Repository
from slipway.git.objects import parent_of
from slipway.release.plan_tags import is_beside, release_branch
from slipway.release.situation import Answer, Situation, absent, failed, passed, unknown
from slipway.release.worktree import WorkTree

_SHOWN = 5


def clean(situation: Situation) -> Answer:
    """Nothing in the work tree is changed or new, so what is published is what the commit holds."""
    repository = situation.repository
    if not situation.commit:
        return unknown("there is no commit that the release could be of", "git init, git add and git commit make one")
    if (head := repository.head()) != situation.commit:
        text = f"{head[:12]} is checked out, and the release is of {situation.commit[:12]}"
        return failed(text, f"git switch --detach {situation.commit}")
    if dirty := WorkTree.of(situation.project, situation.release.paths).dirty():
        more = f" and {len(dirty) - _SHOWN} more" if len(dirty) > _SHOWN else ""
        return failed(f"changed or new: {', '.join(dirty[:_SHOWN])}{more}", "commit it, or set it aside: git stash -u")
    return passed(f"the work tree is that of {head[:12]}")


def tag_free(situation: Situation) -> Answer:
    """The tag is free, or it stands at this very commit: here, and on the remote."""
    if situation.environment.tag == "none":
        return absent(f"{situation.environment.name} has no tags")
    repository, ref = situation.repository, f"refs/tags/{situation.tag}"
    places = [("here", repository.commit_of(ref))]
    if situation.remote:
        found = repository.ls_remote(situation.remote, ref, f"{ref}^{{}}")
        places.append((f"on {situation.remote}", found.get(f"{ref}^{{}}", found.get(ref, ""))))
    for where, commit in places:
        if commit and commit != situation.commit:
            return failed(f"{situation.tag} is {where} at {commit[:12]}", "a tag is never moved: release a higher version")
    there = [where for where, commit in places if commit]
    return passed(f"{situation.tag} is at this commit {' and '.join(there)}" if there else f"{situation.tag} is free")


def on_branch(situation: Situation) -> Answer:
    """The commit is on the release's branch or on the main one, and the remote's branch can go on to it or has it."""
    repository, project = situation.repository, situation.project
    if not situation.commit:
        return unknown("there is no commit that the release could be of")
    if repository.is_shallow:
        return unknown("only the last part of the history is here", "git fetch --unshallow")
    base = (parent_of(repository, situation.commit) if is_beside(project) else "") or situation.commit
    names = tuple(filter(None, dict.fromkeys((release_branch(project, situation.release.version), project.release.branch))))
    reasons = {name: _apart(repository, name, base, situation.remote, project.release.remote) for name in names}
    if on := [name for name, reason in reasons.items() if not reason]:
        return passed(f"{base[:12]} is on {on[0]}")
    hint = f"release what is on {names[-1]}; or name another branch in [release] branch"
    return failed("; ".join(reasons.values()), hint)


def _apart(repository: Repository, branch: str, commit: str, remote: str, tracked: str) -> str:
    """Why a commit is not on a branch; empty when it is. `remote` is asked, unless it is empty, and `tracked` was fetched."""
    ref = f"refs/heads/{branch}"
    if remote and (head := repository.ls_remote(remote, ref).get(ref, "")):
        if not repository.commit_of(head):
            repository.fetch(remote, ref)
        if repository.is_ancestor(commit, head):
            return ""
        if not repository.is_ancestor(head, commit):
            return f"{branch} on {remote} has commits that {commit[:12]} does not have"
    # A server for continuous integration has no branch of its own, and knows those of the remote.
    known = (repository.commit_of(name) for name in (ref, f"refs/remotes/{tracked}/{branch}"))
    on = any(here and repository.is_ancestor(commit, here) for here in known)
    return "" if on else f"{commit[:12]} is not on {branch}"
