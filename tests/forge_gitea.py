"""A Gitea of the tests, or a Forgejo: attachments whose names nobody compares, no digests, and what the public sees."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from forge_routes import Ask, Reply, route
from forge_server import Forge, serving

REPO = "/api/v1/repos/{owner}/{repo}"
PUBLIC = "/{owner}/{repo}/releases"
FIELDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("tag_name", "target_commitish", "name", "body"), str),
    **dict.fromkeys(("draft", "prerelease"), bool),
}


@dataclass
class Attachment:
    """A file of a release."""

    id: int
    name: str
    data: bytes
    uuid: str


@dataclass
class Release:
    """A release or a draft of one; `created` is its date: of the commit, or of the draft in newer versions."""

    id: int
    tag: str
    created: int
    name: str = ""
    body: str = ""
    draft: bool = False
    prerelease: bool = False
    assets: list[Attachment] = field(default_factory=list)


class Gitea(Forge):
    """One repository, acme/greeter, with its releases, tags, issues and statuses."""

    paging = ("limit", "page")

    def __init__(self) -> None:
        super().__init__()
        self.repository = "acme/greeter"
        self.releases: list[Release] = []
        self.tags: dict[str, str] = {}
        self.issues: list[dict[str, Any]] = []
        self.milestones: list[dict[str, Any]] = []
        self.statuses: dict[str, dict[str, str]] = {}
        self.largest = 1 << 40  # a setting of the server
        self.types: tuple[str, ...] = ()  # the endings that it takes, all when there are none
        self.damages = False

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"{self.url}/api/v1"

    def of(self, tag: str) -> list[Release]:
        """The releases of a tag; there can be one."""
        return [each for each in self.releases if each.tag == tag]

    def published(self) -> dict[str, dict[str, bytes]]:
        """What the public sees: the files of each release by tag and name."""
        with self.lock:
            return {each.tag: {a.name: a.data for a in each.assets} for each in self.releases if not each.draft}

    def latest_tag(self) -> str | None:
        """The release that the public gets as the latest: by its date."""
        full = [each for each in self.releases if not each.draft and not each.prerelease]
        return max(full, key=lambda each: (each.created, each.id)).tag if full else None

    def login_of(self, headers: dict[str, str]) -> str | None:
        return headers.get("authorization", "").removeprefix("token ").removeprefix("Bearer ") or None

    @route("GET", REPO, login="possible")
    def repo(self, ask: Ask) -> Reply:
        if not self._here(ask):
            return missing()
        rights = {"admin": False, "push": self.may_write, "pull": True}
        return Reply(200, {"full_name": self.repository, "archived": False, "has_releases": True, "permissions": rights})

    @route("GET", REPO + "/releases", login="possible", query="draft pre-release")
    def list_releases(self, ask: Ask) -> Reply:
        shown = [each for each in reversed(self.releases) if (ask.known or not each.draft) and self.is_seen(("listed", each.id))]
        return self.paged(ask, [self._release(each) for each in shown])

    @route("POST", REPO + "/releases", fields=FIELDS, needs="tag_name draft")
    def create_release(self, ask: Ask) -> Reply:
        given = ask.json()
        if self.of(given["tag_name"]):
            return Reply(409, {"message": "Release is has no Tag"})  # its own words
        number = self.serial()
        release = Release(number, given["tag_name"], number)
        self.is_new(("release", number))
        self.is_new(("listed", number))
        self.releases.append(release)
        return self._change(release, given, 201)

    @route("GET", REPO + "/releases/latest", login="possible")
    def latest_release(self, ask: Ask) -> Reply:
        found = next((each for each in self.releases if each.tag == self.latest_tag() and not each.draft), None)
        return missing() if found is None else Reply(200, self._release(found))

    @route("GET", REPO + "/releases/tags/{tag:path}", login="possible")
    def release_by_tag(self, ask: Ask) -> Reply:
        found = next((each for each in self.of(ask.params["tag"]) if not each.draft), None)
        return missing() if found is None else Reply(200, self._release(found))

    @route("GET", REPO + "/releases/{id}", login="possible")
    def release(self, ask: Ask) -> Reply:
        found = self._found(ask)
        return missing() if found is None or (found.draft and not ask.known) else Reply(200, self._release(found))

    @route("PATCH", REPO + "/releases/{id}", fields=FIELDS)
    def update_release(self, ask: Ask) -> Reply:
        found = self._found(ask)
        return missing() if found is None else self._change(found, ask.json(), 200)

    @route("DELETE", REPO + "/releases/{id}")
    def delete_release(self, ask: Ask) -> Reply:
        if (found := self._found(ask)) is None:
            return missing()
        self.releases.remove(found)
        return Reply(204)

    def _change(self, release: Release, given: dict[str, Any], status: int) -> Reply:
        for key in ("name", "body", "draft", "prerelease"):
            # Gitea passes over texts that are empty.
            setattr(release, key, getattr(release, key) if given.get(key) in (None, "") else given[key])
        if not release.draft:
            self.tags.setdefault(release.tag, given.get("target_commitish", "main"))
        return Reply(status, self._release(release))

    @route("GET", REPO + "/releases/{id}/assets", login="possible")
    def list_assets(self, ask: Ask) -> Reply:
        # Gitea has no pages here.
        found = self._found(ask)
        return missing() if found is None else Reply(200, [self._asset(each) for each in found.assets])

    @route("POST", REPO + "/releases/{id}/assets", query="name", body="file")
    def upload(self, ask: Ask) -> Reply:
        found = self._found(ask)
        if found is None:
            return missing()
        if "name" not in ask.query or (data := self._attachment(ask)) is None:
            return Reply(400, {"message": "no attachment"})
        if self.types and not ask.query["name"].endswith(self.types):
            return Reply(400, {"message": "File type is not allowed"})
        if len(data) > self.largest:
            return Reply(413, {"message": "attachment exceeds limit"})
        if ask.half:
            return Reply(502)
        kept = data[:-1] + bytes([data[-1] ^ 1]) if self.damages else data
        found.assets.append(Attachment(self.serial(), ask.query["name"], kept, str(uuid.uuid4())))
        return Reply(201, self._asset(found.assets[-1]))

    def _attachment(self, ask: Ask) -> bytes | None:
        """The file in a form (RFC 7578)."""
        kind = ask.headers["content-type"]
        if not kind.startswith("multipart/form-data; boundary="):
            self.violated(f"upload: Content-Type is {kind}")
            return None
        boundary = kind.partition("boundary=")[2].encode()
        pieces = ask.body.split(b"--" + boundary)
        if pieces[0] or pieces[-1].strip() != b"--":
            self.violated("upload: the form has no end")
        for piece in pieces[1:-1]:
            head, _, data = piece.partition(b"\r\n\r\n")
            about = BytesParser(policy=HTTP).parsebytes(head.lstrip() + b"\r\n\r\n")
            if about.get_param("name", header="content-disposition") != "attachment" or not about.get_filename():
                self.violated(f"upload: an unknown field of the form: {head!r}")
            return data.removesuffix(b"\r\n")
        return None

    @route("GET", REPO + "/releases/{id}/assets/{asset}", login="possible")
    def asset(self, ask: Ask) -> Reply:
        # Found whatever release is named: a client has to know better.
        found = next((each for release in self.releases for each in release.assets if str(each.id) == ask.params["asset"]), None)
        return missing() if found is None else Reply(200, self._asset(found))

    @route("DELETE", REPO + "/releases/{id}/assets/{asset}")
    def delete_asset(self, ask: Ask) -> Reply:
        found = self._found(ask)
        for each in found.assets if found else ():
            if found and str(each.id) == ask.params["asset"]:
                found.assets.remove(each)
                return Reply(204)
        return missing()

    # What gates ask.
    @route("GET", REPO + "/tags/{tag:path}", login="possible")
    def tag(self, ask: Ask) -> Reply:
        commit = self.tags.get(ask.params["tag"])
        return missing() if commit is None else Reply(200, {"name": ask.params["tag"], "id": "t", "commit": {"sha": commit}})

    @route("GET", REPO + "/issues", query="labels state type milestones")
    def list_issues(self, ask: Ask) -> Reply:
        wanted = {label for label in ask.query.get("labels", "").split(",") if label}
        found = [
            {
                "number": each["number"],
                "title": each["title"],
                "html_url": f"{self.url}/{self.repository}/issues/{each['number']}",
            }
            for each in self.issues
            if wanted <= set(each.get("labels", ()))
            and each.get("state", "open") == ask.query.get("state", "open")
            and ask.query.get("milestones", each.get("milestone")) == each.get("milestone")
            and not (ask.query.get("type") == "issues" and each.get("pull"))
        ]
        return self.paged(ask, found)

    @route("GET", REPO + "/milestones", query="state name")
    def list_milestones(self, ask: Ask) -> Reply:
        return self.paged(ask, [each for each in self.milestones if ask.query.get("name", each["title"]) == each["title"]])

    @route("GET", REPO + "/commits/{sha}/status")
    def status(self, ask: Ask) -> Reply:
        states = self.statuses.get(ask.params["sha"], {})
        page = self.paged(ask, [{"context": name, "status": state} for name, state in states.items()])
        return Reply(200, {"state": "", "total_count": len(states), "statuses": page.body}, page.headers)

    # What the public sees.
    @route("GET", "/attachments/{uuid}", login="possible")
    def attachment(self, ask: Ask) -> Reply:
        for release in self.releases:
            for each in release.assets:
                if each.uuid == ask.params["uuid"] and (ask.known or not release.draft):
                    return Reply(200, each.data)
        return Reply(404, b"Not found.")

    @route("GET", PUBLIC + "/download/{tag}/{name}", login="never")
    @route("HEAD", PUBLIC + "/download/{tag}/{name}", login="never")
    def download(self, ask: Ask) -> Reply:
        for release in self.of(ask.params["tag"]):
            for each in release.assets:
                if not release.draft and each.name == ask.params["name"]:
                    return Reply(200, each.data)
        return Reply(404, b"Not found.")

    @route("GET", PUBLIC + "/tag/{tag:path}", login="never")
    def page(self, ask: Ask) -> Reply:
        found = next((each for each in self.of(ask.params["tag"]) if not each.draft), None)
        if found is None:
            return Reply(404, b"Not found.")
        names = "".join(f"<a>{each.name}</a>\n" for each in found.assets)
        return Reply(200, f"<html><h1>{found.name}</h1><p>{found.body}</p>{names}</html>".encode())

    @route("GET", PUBLIC + "/latest", login="never")
    def latest_page(self, ask: Ask) -> Reply:
        if (tag := self.latest_tag()) is None:
            return Reply(404, b"Not found.")
        return Reply(302, b"", {"Location": f"{self.url}/{self.repository}/releases/tag/{tag}"})

    def _here(self, ask: Ask) -> bool:
        return f"{ask.params['owner']}/{ask.params['repo']}" == self.repository

    def _found(self, ask: Ask) -> Release | None:
        found = next((each for each in self.releases if str(each.id) == ask.params["id"]), None)
        return found if found is not None and self.is_seen(("release", found.id)) else None

    def _asset(self, found: Attachment) -> dict[str, Any]:
        address = f"{self.url}/attachments/{found.uuid}"
        about = {"id": found.id, "name": found.name, "size": len(found.data), "uuid": found.uuid, "download_count": 0}
        return {**about, "browser_download_url": address, "created_at": "2026-01-02T03:04:05Z"}

    def _release(self, found: Release) -> dict[str, Any]:
        return {
            "id": found.id,
            "tag_name": found.tag,
            "name": found.name,
            "body": found.body,
            "draft": found.draft,
            "prerelease": found.prerelease,
            "html_url": f"{self.url}/{self.repository}/releases/tag/{found.tag}",
            "upload_url": f"{self.api}/repos/{self.repository}/releases/{found.id}/assets",
            "assets": [self._asset(each) for each in found.assets],
        }


def missing() -> Reply:
    """The answer to what is not there."""
    return Reply(404, {"message": "The target couldn't be found.", "errors": [], "url": "/api/swagger"})


@contextmanager
def gitea() -> Iterator[Gitea]:
    """A Gitea inside the block."""
    with serving(Gitea()) as fake:
        yield fake
