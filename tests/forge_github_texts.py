"""What the GitHub of the tests says, in the form that GitHub's own description of its API demands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forge_github import GitHub

WHEN = "2026-01-02T03:04:05Z"
USER_LINKS = (
    "events",
    "followers",
    "following",
    "gists",
    "organizations",
    "received_events",
    "repos",
    "starred",
    "subscriptions",
)
REPO_LINKS = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks"),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications", "pulls"),
    *("releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees"),
)


@dataclass
class Asset:
    """A file of a release; one whose upload was interrupted stays a `starter`."""

    id: int
    name: str
    label: str | None
    data: bytes
    kind: str
    state: str = "uploaded"

    @property
    def digest(self) -> str | None:
        """What GitHub says of the bytes."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest() if self.state == "uploaded" else None


@dataclass
class Release:
    """A release or a draft of one."""

    id: int
    tag: str
    created: int
    target: str = "main"
    name: str = ""
    body: str = ""
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    passed_over: bool = False  # whether it must not be the latest
    assets: list[Asset] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The tag as it stands in URLs."""
        return f"untagged-{self.id:x}" if self.draft else self.tag


def user(forge: GitHub) -> dict[str, Any]:
    """The user to whom everything belongs."""
    links = {f"{name}_url": f"{forge.api}/users/releaser/{name}" for name in USER_LINKS}
    about = {"login": "releaser", "id": 1, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": False}
    web = {"avatar_url": f"{forge.url}/releaser.png", "html_url": f"{forge.url}/releaser", "url": f"{forge.api}/users/releaser"}
    return {**about, **web, **links}


def repository(forge: GitHub, *, push: bool = True) -> dict[str, Any]:
    """The repository."""
    place = f"{forge.api}/repos/{forge.repository}"
    web = f"{forge.url}/{forge.repository}"
    links = {f"{name}_url": f"{place}/{name}" for name in REPO_LINKS}
    places = {"url": place, "html_url": web, "clone_url": f"{web}.git", "git_url": web, "ssh_url": web, "svn_url": web}
    counts = "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count network_count"
    yes = dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True)
    no = dict.fromkeys(("private", "fork", "archived", "disabled", "has_pages", "has_discussions"), False)
    nothing = dict.fromkeys(("description", "homepage", "language", "mirror_url", "license"))
    times = dict.fromkeys(("pushed_at", "created_at", "updated_at"), WHEN)
    return {
        "id": 7,
        "node_id": "R_7",
        "name": forge.repository.partition("/")[2],
        "full_name": forge.repository,
        "owner": user(forge),
        "default_branch": "main",
        "permissions": {"admin": False, "push": push, "pull": True},
        "subscribers_count": 0,
        **dict.fromkeys(counts.split(), 0),
        **yes,
        **no,
        **nothing,
        **times,
        **places,
        **links,
    }


def release(forge: GitHub, found: Release) -> dict[str, Any]:
    """A release with its files."""
    place = f"{forge.api}/repos/{forge.repository}/releases/{found.id}"
    return {
        "id": found.id,
        "node_id": f"RE_{found.id}",
        "tag_name": found.tag,
        "target_commitish": found.target,
        "name": found.name,
        "body": found.body,
        "draft": found.draft,
        "prerelease": found.prerelease,
        "immutable": found.immutable,
        "created_at": WHEN,
        "published_at": None if found.draft else WHEN,
        "url": place,
        "assets_url": f"{place}/assets",
        "upload_url": f"{forge.uploads}/repos/{forge.repository}/releases/{found.id}/assets{{?name,label}}",
        "html_url": f"{forge.url}/{forge.repository}/releases/tag/{found.place}",
        "tarball_url": f"{forge.api}/repos/{forge.repository}/tarball/{found.tag}",
        "zipball_url": f"{forge.api}/repos/{forge.repository}/zipball/{found.tag}",
        "author": user(forge),
        # GitHub shows no more than a page of them here.
        "assets": [asset(forge, found, each) for each in found.assets if each.state == "uploaded"][: forge.page_size],
    }


def asset(forge: GitHub, release: Release, found: Asset) -> dict[str, Any]:
    """A file of a release."""
    return {
        "id": found.id,
        "node_id": f"RA_{found.id}",
        "name": found.name,
        "label": found.label,
        "state": found.state,
        "content_type": found.kind,
        "size": len(found.data),
        "digest": found.digest if forge.digests else None,
        "download_count": 0,
        "created_at": WHEN,
        "updated_at": WHEN,
        "uploader": user(forge),
        "url": f"{forge.api}/repos/{forge.repository}/releases/assets/{found.id}",
        "browser_download_url": f"{forge.url}/{forge.repository}/releases/download/{release.place}/{found.name}",
    }


def page(forge: GitHub, found: Release) -> bytes:
    """The page of a release, as a browser gets it."""
    names = "".join(
        f'<a href="/{forge.repository}/releases/download/{found.tag}/{each.name}">{each.name}</a>\n'
        for each in found.assets
        if each.state == "uploaded"
    )
    mark = "Pre-release" if found.prerelease else "Latest" if forge.latest_tag() == found.tag else ""
    return f"<html><h1>{found.name}</h1><b>{mark}</b><p>{found.body}</p>{names}</html>".encode()


def tag_sha(tag: str) -> str:
    """The name of a tag's own object."""
    return hashlib.sha1(f"tag {tag}".encode()).hexdigest()


def ref(forge: GitHub, tag: str) -> dict[str, Any]:
    """A tag as a ref."""
    place = f"{forge.api}/repos/{forge.repository}/git"
    sha, kind = (tag_sha(tag), "tag") if forge.annotated else (forge.tags[tag], "commit")
    target = {"type": kind, "sha": sha, "url": f"{place}/{kind}s/{sha}"}
    return {"ref": f"refs/tags/{tag}", "node_id": "REF_1", "url": f"{place}/refs/tags/{tag}", "object": target}


def tag(forge: GitHub, name: str) -> dict[str, Any]:
    """A tag's own object."""
    place = f"{forge.api}/repos/{forge.repository}/git"
    commit = forge.tags[name]
    return {
        "node_id": "T_1",
        "sha": tag_sha(name),
        "tag": name,
        "message": name,
        "url": f"{place}/tags/{tag_sha(name)}",
        "tagger": {"date": WHEN, "email": "releaser@example.org", "name": "Releaser"},
        "object": {"type": "commit", "sha": commit, "url": f"{place}/commits/{commit}"},
    }


def issue(forge: GitHub, given: dict[str, Any]) -> dict[str, Any]:
    """An issue; with a `pull_request` when it is one."""
    place = f"{forge.api}/repos/{forge.repository}"
    number = given["number"]
    links = {f"{name}_url": f"{place}/issues/{number}/{name}" for name in ("comments", "events", "labels")}
    pull = {"diff_url": place, "html_url": place, "patch_url": place, "url": place}
    return {
        "id": number,
        "node_id": f"I_{number}",
        "number": number,
        "title": given["title"],
        "state": given.get("state", "open"),
        "labels": [{"name": label} for label in given.get("labels", ())],
        "locked": False,
        "comments": 0,
        "user": user(forge),
        "created_at": WHEN,
        "updated_at": WHEN,
        "url": f"{place}/issues/{number}",
        "repository_url": place,
        "html_url": f"{forge.url}/{forge.repository}/issues/{number}",
        **dict.fromkeys(("assignee", "closed_at", "milestone")),
        **links,
        **({"pull_request": pull} if given.get("pull") else {}),
    }


def milestone(forge: GitHub, number: int, given: dict[str, Any]) -> dict[str, Any]:
    """A milestone."""
    place = f"{forge.api}/repos/{forge.repository}/milestones/{number}"
    return {
        "id": number,
        "node_id": f"M_{number}",
        "number": number,
        "title": given["title"],
        "state": given.get("state", "open"),
        "open_issues": sum(each.get("milestone") == number and each.get("state", "open") == "open" for each in forge.issues),
        "closed_issues": 0,
        "creator": user(forge),
        "created_at": WHEN,
        "updated_at": WHEN,
        "url": place,
        "html_url": f"{forge.url}/{forge.repository}/milestone/{number}",
        "labels_url": f"{place}/labels",
        **dict.fromkeys(("description", "due_on", "closed_at")),
    }


def combined(forge: GitHub, sha: str, states: dict[str, str]) -> dict[str, Any]:
    """The statuses of a commit; without any, GitHub says pending."""
    place = f"{forge.api}/repos/{forge.repository}"
    worst = next((state for state in ("failure", "error", "pending", "success") if state in states.values()), "pending")
    rest = {"description": None, "target_url": None, "avatar_url": None, "node_id": "S_1", "url": f"{place}/statuses/{sha}"}
    times = {"created_at": WHEN, "updated_at": WHEN}
    listed = [{"id": at, "context": name, "state": states[name], **rest, **times} for at, name in enumerate(states, 1)]
    return {
        "state": "failure" if worst == "error" else worst,
        "sha": sha,
        "total_count": len(states),
        "statuses": listed,
        "repository": repository(forge),
        "commit_url": f"{place}/commits/{sha}",
        "url": f"{place}/commits/{sha}/status",
    }


def check_run(forge: GitHub, sha: str, name: str, conclusion: str) -> dict[str, Any]:
    """A check of a commit."""
    place = f"{forge.api}/repos/{forge.repository}/check-runs/1"
    output = {"title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": f"{place}/annotations"}
    return {
        "id": 1,
        "node_id": "C_1",
        "head_sha": sha,
        "name": name,
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion or None,
        "started_at": WHEN,
        "completed_at": WHEN if conclusion else None,
        "external_id": "",
        "url": place,
        "html_url": place,
        "details_url": place,
        "output": output,
        "check_suite": {"id": 1},
        "app": None,
        "pull_requests": [],
    }
