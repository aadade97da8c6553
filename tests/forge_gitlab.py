"""A GitLab of the tests: generic packages that may hold a name twice, releases without drafts, and what the public sees."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import forge_gitlab_texts as texts
from forge_gitlab_texts import Package, PackageFile, Release
from forge_routes import Ask, Reply, Route, route
from forge_server import Forge, serving

API = "/api/v4/projects/{id}"
GENERIC = API + "/packages/generic/{package}/{version}/{file}"
PUBLIC = "/{group}/{project}/-/releases"
LINK: dict[str, type | tuple[type, ...]] = dict.fromkeys(("name", "url", "direct_asset_path", "link_type"), str)
PATH = re.compile(r"/(?:[-.\w]+/?)*[0-9a-zA-Z]+", re.ASCII)
SERIAL_AT = 0.03  # how long the first upload to a package takes


class GitLab(Forge):
    """One project, acme/greeter, with its packages, releases, tags, issues and jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.page_size = 30
        self.project = "acme/greeter"
        self.packages: list[Package] = []
        self.releases: dict[str, Release] = {}
        self.tags: dict[str, str] = {}
        self.protected = False  # whether only maintainers may release tags
        self.rejects_duplicates = False
        self.issues: list[dict[str, Any]] = []
        self.merge_requests: list[dict[str, Any]] = []
        self.milestones: list[str] = []
        self.jobs: dict[str, list[dict[str, Any]]] = {}  # commit: name, status, allow_failure
        self.damages = False
        self._uploading: dict[tuple[str, str], int] = {}

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"{self.url}/api/v4"

    @property
    def place(self) -> str:
        """The address of the project in the API."""
        return f"{self.api}/projects/{quote(self.project, safe='')}"

    def published(self) -> dict[str, dict[str, bytes]]:
        """What the public sees of the releases: the files that their links lead to."""
        with self.lock:
            return {
                release.tag: {
                    link["direct_asset_path"].lstrip("/"): file.data
                    for link in release.links
                    if (file := self._linked(link["url"])) is not None
                }
                for release in self.releases.values()
            }

    def latest_tag(self) -> str | None:
        """The release that the public gets as the latest: by its date."""
        return max(self.releases.values(), key=lambda each: each.released_at).tag if self.releases else None

    def login_of(self, headers: dict[str, str]) -> str | None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return headers.get("private-token") or headers.get("job-token") or bearer or None

    @contextmanager
    def together(self, ask: Ask, known: Route) -> Iterator[None]:
        # Two first uploads at once into one version: the second fails, as GitLab's documentation warns.
        if known.name != "upload":
            yield
            return
        key = (ask.params["package"], ask.params["version"])
        with self.lock:
            self._uploading[key] = self._uploading.get(key, 0) + 1
            first = self._package(*key) is None
        time.sleep(SERIAL_AT if first else 0)
        try:
            yield
        finally:
            with self.lock:
                self._uploading[key] -= 1

    # Projects and packages.
    @route("GET", API, login="possible")
    def project_about(self, ask: Ask) -> Reply:
        if not self._here(ask):
            return texts.missing("Project")
        level = 30 if self.may_write else 20
        access = {"project_access": {"access_level": level, "notification_level": 3}, "group_access": None}
        about = {"id": 7, "path_with_namespace": self.project, "archived": False, "visibility": "public"}
        return Reply(200, {**about, "permissions": access if ask.known else None})

    @route("PUT", GENERIC, query="select status", body="file")
    def upload(self, ask: Ask) -> Reply:
        key = (ask.params["package"], ask.params["version"])
        if not self._here(ask):
            return texts.missing("Project")
        if not re.fullmatch(r"[A-Za-z0-9._+-]+", ask.params["file"]):
            return Reply(400, {"error": "file_name is invalid"})
        if not re.fullmatch(r"(?!.*\.\.)[\w+.-]+", ask.params["version"], re.ASCII):
            return Reply(400, {"error": "package_version is invalid"})
        package = self._package(*key)
        if package is None:
            if self._uploading.get(key, 0) > 1:
                return Reply(500, {"message": "500 Internal Server Error"})
            package = Package(self.serial(), *key)
            self.packages.append(package)
        if self.rejects_duplicates and any(each.name == ask.params["file"] for each in package.files):
            return Reply(400, {"message": "Duplicate package is not allowed"})
        if ask.half:
            return Reply(500, {"message": "500 Internal Server Error"})
        kept = ask.body[:-1] + bytes([ask.body[-1] ^ 1]) if self.damages else ask.body
        file = PackageFile(self.serial(), ask.params["file"], kept)
        package.files.append(file)
        wanted = ask.query.get("select") == "package_file"
        return Reply(201, texts.file(package, file) if wanted else {"message": "201 Created"})

    @route("GET", GENERIC, login="possible", query="select")
    @route("HEAD", GENERIC, login="possible", query="select")
    def package_download(self, ask: Ask) -> Reply:
        package = self._package(ask.params["package"], ask.params["version"])
        found = [each for each in (package.files if package else ()) if each.name == ask.params["file"]]
        return Reply(200, found[-1].data, {"Content-Type": "application/octet-stream"}) if found else texts.missing()

    @route("GET", API + "/packages", login="possible", query="package_type package_name package_version")
    def list_packages(self, ask: Ask) -> Reply:
        # The names are searched for, not compared.
        found = [
            {"id": each.id, "name": each.name, "version": each.version, "package_type": "generic", "status": "default"}
            for each in self.packages
            if ask.query.get("package_name", "") in each.name
            and ask.query.get("package_version", each.version) == each.version
            and self.is_seen(("package", each.id))
        ]
        return self._paged(ask, found)

    @route("GET", API + "/packages/{number}/package_files", login="possible")
    def list_package_files(self, ask: Ask) -> Reply:
        package = next((each for each in self.packages if str(each.id) == ask.params["number"]), None)
        return (
            texts.missing("Package")
            if package is None
            else self._paged(ask, [texts.file(package, each) for each in package.files])
        )

    @route("DELETE", API + "/packages/{number}/package_files/{file}")
    def delete_package_file(self, ask: Ask) -> Reply:
        for package in self.packages:
            for file in package.files:
                if str(file.id) == ask.params["file"]:
                    package.files.remove(file)
                    return Reply(204)
        return texts.missing()

    # Releases.
    @route("GET", API + "/releases", login="possible", query="order_by sort")
    def list_releases(self, ask: Ask) -> Reply:
        shown = sorted(self.releases.values(), key=lambda each: each.released_at, reverse=True)
        return self._paged(ask, [texts.release(self, each) for each in shown if self.is_seen(("release", each.tag))])

    @route("GET", API + "/releases/{tag}", login="possible")
    def release(self, ask: Ask) -> Reply:
        found = self.releases.get(ask.params["tag"])
        seen = found is not None and self.is_seen(("release", found.tag))
        return Reply(200, texts.release(self, found)) if found is not None and seen else texts.missing()

    @route(
        "POST",
        API + "/releases",
        fields={
            **dict.fromkeys(("tag_name", "ref", "name", "description", "released_at"), str),
            "assets": dict,
            "milestones": list,
        },
        needs="tag_name ref name description",
    )
    def create_release(self, ask: Ask) -> Reply:
        given = ask.json()
        tag, links = given["tag_name"], given.get("assets", {}).get("links", [])
        if tag in self.releases:
            return Reply(409, {"message": "Release already exists"})
        if self.protected:
            return Reply(403, {"message": "403 Forbidden - You are not allowed to create this tag as it is protected."})
        names, urls = [each["name"] for each in links], [each["url"] for each in links]
        if len({*names}) < len(names) or len({*urls}) < len(urls):
            return Reply(400, {"message": "Validation failed: Links name has already been taken"})
        if any(not PATH.fullmatch(each["direct_asset_path"]) or len(each["direct_asset_path"]) > 128 for each in links):
            return Reply(400, {"message": "Validation failed: Links filepath is in an invalid format"})
        for key in {key for each in links for key in each} - LINK.keys():
            self.violated(f"create_release: an unknown field of a link: {key}")
        self.tags.setdefault(tag, given["ref"])
        now = datetime.now(UTC).isoformat()
        links = [{"id": self.serial(), **each} for each in links]
        when = texts.utc(given.get("released_at", now))
        self.releases[tag] = Release(tag, given["name"], given["description"], when, texts.utc(now), links)
        self.is_new(("release", tag))
        return Reply(201, texts.release(self, self.releases[tag]))

    @route(
        "PUT", API + "/releases/{tag}", fields={**dict.fromkeys(("name", "description", "released_at"), str), "milestones": list}
    )
    def update_release(self, ask: Ask) -> Reply:
        if (found := self.releases.get(ask.params["tag"])) is None:
            return texts.missing()
        for key, value in ask.json().items():
            setattr(found, key, texts.utc(value) if key == "released_at" else value)
        return Reply(200, texts.release(self, found))

    @route("DELETE", API + "/releases/{tag}")
    def delete_release(self, ask: Ask) -> Reply:
        found = self.releases.pop(ask.params["tag"], None)
        return texts.missing() if found is None else Reply(200, texts.release(self, found))

    @route("POST", API + "/releases/{tag}/assets/links", fields=LINK, needs="name url")
    def create_link(self, ask: Ask) -> Reply:
        found, given = self.releases.get(ask.params["tag"]), ask.json()
        if found is None:
            return texts.missing()
        if any(each["name"] == given["name"] or each["url"] == given["url"] for each in found.links):
            return Reply(400, {"message": {"name": ["has already been taken"]}})
        found.links.append({"id": self.serial(), **given})
        return Reply(201, texts.link(self, found, found.links[-1]))

    @route("PUT", API + "/releases/{tag}/assets/links/{link}", fields=LINK)
    def update_link(self, ask: Ask) -> Reply:
        found = self.releases.get(ask.params["tag"])
        for link in found.links if found else ():
            if str(link["id"]) == ask.params["link"]:
                link.update(ask.json())
                return Reply(200, link)
        return texts.missing()

    # What gates ask.
    @route("GET", API + "/repository/tags/{tag}", login="possible")
    def tag(self, ask: Ask) -> Reply:
        commit = self.tags.get(ask.params["tag"])
        return texts.missing("Tag") if commit is None else Reply(200, {"name": ask.params["tag"], "commit": {"id": commit}})

    @route("GET", API + "/issues", query="labels state milestone")
    def list_issues(self, ask: Ask) -> Reply:
        return self._paged(ask, self._items(ask, self.issues, "issues"))

    @route("GET", API + "/merge_requests", query="labels state milestone")
    def list_merge_requests(self, ask: Ask) -> Reply:
        return self._paged(ask, self._items(ask, self.merge_requests, "merge_requests"))

    @route("GET", API + "/milestones", query="title")
    def list_milestones(self, ask: Ask) -> Reply:
        return self._paged(ask, [{"title": each} for each in self.milestones if each == ask.query.get("title", each)])

    @route("GET", API + "/repository/commits/{sha}/statuses")
    def statuses(self, ask: Ask) -> Reply:
        return self._paged(ask, [{"allow_failure": False, **each} for each in self.jobs.get(ask.params["sha"], [])])

    # What the public sees.
    @route("GET", PUBLIC + "/{tag}", login="never")
    def page(self, ask: Ask) -> Reply:
        found = self.releases.get(ask.params["tag"])
        if found is None:
            return Reply(404, b"Not Found")
        names = "".join(f"<a>{each['direct_asset_path'].lstrip('/')}</a>\n" for each in found.links)
        return Reply(200, f"<html><h1>{found.name}</h1><p>{found.description}</p>{names}</html>".encode())

    @route("GET", PUBLIC + "/{tag}/downloads/{path:path}", login="never")
    @route("HEAD", PUBLIC + "/{tag}/downloads/{path:path}", login="never")
    def download(self, ask: Ask) -> Reply:
        found = self.releases.get(ask.params["tag"])
        for link in found.links if found else ():
            if link["direct_asset_path"] == "/" + ask.params["path"]:
                return Reply(302, b"", {"Location": link["url"]})
        return Reply(404, b"Not Found")

    @route("GET", PUBLIC + "/permalink/latest", login="never")
    @route("GET", PUBLIC + "/permalink/latest/{rest:path}", login="never")
    def permalink(self, ask: Ask) -> Reply:
        if (tag := self.latest_tag()) is None:
            return Reply(404, b"Not Found")
        rest = f"/{ask.params['rest']}" if "rest" in ask.params else ""
        return Reply(302, b"", {"Location": f"{self.url}/{self.project}/-/releases/{tag}{rest}"})

    def _paged(self, ask: Ask, items: list[Any]) -> Reply:
        reply = self.paged(ask, items)
        following = str(int(ask.query.get("page", "1")) + 1) if "Link" in reply.headers else ""
        # Large lists have no Link header, only this one.
        return Reply(reply.status, reply.body, {"X-Next-Page": following})

    def _items(self, ask: Ask, items: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
        wanted = {label for label in ask.query.get("labels", "").split(",") if label}
        return [
            {"iid": each["number"], "title": each["title"], "web_url": f"{self.url}/{self.project}/-/{kind}/{each['number']}"}
            for each in items
            if wanted <= set(each.get("labels", ()))
            and each.get("state", "opened") == ask.query.get("state", "opened")
            and ask.query.get("milestone", each.get("milestone")) == each.get("milestone")
        ]

    def _here(self, ask: Ask) -> bool:
        return ask.params["id"] in (self.project, "7")

    def _package(self, name: str, version: str) -> Package | None:
        return next((each for each in self.packages if (each.name, each.version) == (name, version)), None)

    def _linked(self, url: str) -> PackageFile | None:
        package, version, name = url.split("/packages/generic/")[1].split("/")
        found = self._package(package, version)
        return next((each for each in reversed(found.files) if each.name == name), None) if found else None


@contextmanager
def gitlab() -> Iterator[GitLab]:
    """A GitLab inside the block."""
    with serving(GitLab()) as fake:
        yield fake
