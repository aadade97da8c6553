"""A GitHub of the tests: releases with drafts, assets that are renamed, immutable releases, and what the public sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import forge_github_texts as texts
from forge_github_texts import Asset, Release
from forge_routes import Ask, Reply, Route, route
from forge_server import Forge, serving

REPO = "/api/v3/repos/{owner}/{repo}"
PUBLIC = "/{owner}/{repo}/releases"
FIELDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("tag_name", "target_commitish", "name", "body", "make_latest", "discussion_category_name"), str),
    **dict.fromkeys(("draft", "prerelease", "generate_release_notes"), bool),
}
TAKEN = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}


class GitHub(Forge):
    """One repository, acme/greeter, with its releases, tags, issues and checks."""

    def __init__(self) -> None:
        super().__init__()
        self.repository = "acme/greeter"
        self.releases: list[Release] = []
        self.latest: int | None = None
        self.immutable = False  # whether releases are locked when they are published
        self.tags: dict[str, str] = {}  # tag: commit
        self.annotated = True  # whether tags are objects of their own
        self.tag_rules = False  # whether nobody may make a tag by the API
        self.burned: set[str] = set()
        self.issues: list[dict[str, Any]] = []
        self.statuses: dict[str, dict[str, str]] = {}  # commit: context: state
        self.check_runs: dict[str, dict[str, str]] = {}  # commit: name: conclusion, or "" while it runs
        self.milestones: list[dict[str, Any]] = []
        self.behind = ""  # the address of a proxy through which the API is called
        self.digests = True  # false: as for assets from before June 2025
        self.damages = False  # whether uploads are kept damaged

    @property
    def api(self) -> str:
        """The address of the API."""
        return self.behind or f"{self.url}/api/v3"

    @property
    def uploads(self) -> str:
        """The address to which files are uploaded; on github.com it is another host."""
        return self.behind or f"{self.url.replace('127.0.0.1', 'localhost')}/api/uploads"

    def of(self, tag: str) -> list[Release]:
        """The releases and drafts of a tag."""
        return [each for each in self.releases if each.tag == tag]

    def published(self) -> dict[str, dict[str, bytes]]:
        """What the public sees: the files of each release by tag and name."""
        with self.lock:
            shown = [each for each in self.releases if not each.draft]
            return {each.tag: {a.name: a.data for a in each.assets if a.state == "uploaded"} for each in shown}

    def latest_tag(self) -> str | None:
        """The release that the public gets as the latest."""
        found = self._latest()
        return None if found is None else found.tag

    # What every call must have.
    def login_of(self, headers: dict[str, str]) -> str | None:
        return headers.get("authorization", "").removeprefix("Bearer ") or None

    def check(self, ask: Ask, known: Route) -> None:
        if known.pattern.startswith("/api/"):
            if ask.headers.get("x-github-api-version") != "2022-11-28":
                self.violated(f"{known.name}: no X-GitHub-Api-Version")
            if ask.headers.get("accept") not in ("application/vnd.github+json", "application/octet-stream"):
                self.violated(f"{known.name}: Accept is {ask.headers.get('accept')}")

    def seen_as(self, ask: Ask) -> str:
        return self.behind + urlsplit(ask.url).path.removeprefix("/api/v3") if self.behind else super().seen_as(ask)

    # Releases.
    @route("GET", REPO, login="possible")
    def repo(self, ask: Ask) -> Reply:
        if not self._here(ask):
            return missing()
        return Reply(200, texts.repository(self, push=self.may_write))

    @route("GET", REPO + "/releases", login="possible")
    def list_releases(self, ask: Ask) -> Reply:
        seen = [each for each in reversed(self.releases) if self.is_seen(("listed", each.id)) and (ask.known or not each.draft)]
        return self.paged(ask, [texts.release(self, each) for each in seen]) if self._here(ask) else missing()

    @route("POST", REPO + "/releases", fields=FIELDS, needs="tag_name draft prerelease make_latest")
    def create_release(self, ask: Ask) -> Reply:
        given = ask.json()
        if not self._here(ask):
            return missing()
        if given.get("make_latest") not in ("true", "false", "legacy"):
            self.violated(f"create_release: make_latest is {given.get('make_latest')!r}")
        if any(not each.draft for each in self.of(given["tag_name"])) or given["tag_name"] in self.burned:
            return invalid({"resource": "Release", "code": "already_exists", "field": "tag_name"})
        if len(given.get("body", "")) > 125_000:
            return invalid({"resource": "Release", "code": "custom", "message": "body is too long"})
        number = self.serial()
        release = Release(number, given["tag_name"], number, draft=True)
        release.target = given.get("target_commitish", "main")
        self.releases.append(release)
        self.is_new(("release", number))
        self.is_new(("listed", number))
        return self._change(release, given, 201)

    @route("GET", REPO + "/releases/latest", login="possible")
    def latest_release(self, ask: Ask) -> Reply:
        found = self._latest()
        return missing() if found is None else Reply(200, texts.release(self, found))

    @route("GET", REPO + "/releases/tags/{tag:path}", login="possible")
    def release_by_tag(self, ask: Ask) -> Reply:
        found = next((each for each in self.of(ask.params["tag"]) if not each.draft), None)
        return missing() if found is None else Reply(200, texts.release(self, found))

    @route("GET", REPO + "/releases/{id}")
    def release(self, ask: Ask) -> Reply:
        found = self._found(ask)
        return missing() if found is None else Reply(200, texts.release(self, found))

    @route("PATCH", REPO + "/releases/{id}", fields=FIELDS)
    def update_release(self, ask: Ask) -> Reply:
        found, given = self._found(ask), ask.json()
        if found is None:
            return missing()
        if given.get("draft") is False and given.get("make_latest") not in ("true", "false"):
            self.violated("update_release: published without make_latest")
        if found.immutable and {"draft", "tag_name", "target_commitish"} & given.keys():
            return invalid({"resource": "Release", "code": "custom", "message": "immutable releases cannot be changed"})
        if given.get("draft") is False and found.draft and any(not each.draft for each in self.of(found.tag)):
            return invalid({"resource": "Release", "code": "already_exists", "field": "tag_name"})
        return self._change(found, given, 200)

    @route("DELETE", REPO + "/releases/{id}")
    def delete_release(self, ask: Ask) -> Reply:
        if (found := self._found(ask)) is None:
            return missing()
        self.releases.remove(found)
        if found.immutable:
            self.burned.add(found.tag)
        return Reply(204)

    def _change(self, release: Release, given: dict[str, Any], status: int) -> Reply:
        was_draft = release.draft
        if was_draft and given.get("draft") is False:
            if release.tag not in self.tags:
                if self.tag_rules:
                    return invalid({"resource": "Release", "code": "custom", "field": "pre_receive"})
                self.tags[release.tag] = release.target
            release.immutable = self.immutable
        release.name, release.body = given.get("name", release.name), given.get("body", release.body)
        release.draft, release.prerelease = given.get("draft", release.draft), given.get("prerelease", release.prerelease)
        wish = given.get("make_latest", "true" if was_draft and not release.draft else "")
        if wish == "true" and not release.draft and not release.prerelease:
            self.latest, release.passed_over = release.id, False
        elif wish == "false":
            release.passed_over = True
            self.latest = None if self.latest == release.id else self.latest
        return Reply(status, texts.release(self, release))

    # Assets.
    @route("GET", REPO + "/releases/{id}/assets")
    def list_assets(self, ask: Ask) -> Reply:
        found = self._found(ask)
        return missing() if found is None else self.paged(ask, [texts.asset(self, found, each) for each in found.assets])

    @route("POST", "/api/uploads/repos/{owner}/{repo}/releases/{id}/assets", query="name label", body="file")
    @route("POST", REPO + "/releases/{id}/assets", query="name label", body="file")
    def upload(self, ask: Ask) -> Reply:
        found, name = self._found(ask), mangled(ask.query.get("name", ""))
        if found is None:
            return missing()
        if found.immutable:
            return invalid({"resource": "ReleaseAsset", "code": "custom", "message": "the release is immutable"})
        if not ask.body:
            return Reply(400, {"message": "Bad Content-Length: 0"})
        if any(each.name == name for each in found.assets):
            return invalid(TAKEN)
        kind, label = ask.headers["content-type"], ask.query.get("label")
        kept = ask.body[:-1] + bytes([ask.body[-1] ^ 1]) if self.damages else ask.body
        asset = Asset(self.serial(), name, label, b"" if ask.half else kept, kind, "starter" if ask.half else "uploaded")
        found.assets.append(asset)
        return Reply(201, texts.asset(self, found, asset))

    @route("GET", REPO + "/releases/assets/{asset}")
    def asset(self, ask: Ask) -> Reply:
        for release, asset in self._assets():
            if asset.id == int(ask.params["asset"]) and asset.state == "uploaded":
                if ask.headers.get("accept") == "application/octet-stream":
                    return Reply(302, b"", {"Location": self._storage(asset)})
                return Reply(200, texts.asset(self, release, asset))
        return missing()

    @route("DELETE", REPO + "/releases/assets/{asset}")
    def delete_asset(self, ask: Ask) -> Reply:
        for release, asset in self._assets():
            if asset.id == int(ask.params["asset"]):
                if release.immutable:
                    return invalid({"resource": "ReleaseAsset", "code": "custom", "message": "the release is immutable"})
                release.assets.remove(asset)
                return Reply(204)
        return missing()

    # What gates ask.
    @route("GET", REPO + "/git/ref/{ref:path}")
    def ref(self, ask: Ask) -> Reply:
        tag = ask.params["ref"].removeprefix("tags/")
        return Reply(200, texts.ref(self, tag)) if tag in self.tags else missing()

    @route("GET", REPO + "/git/tags/{sha}")
    def tag_object(self, ask: Ask) -> Reply:
        tag = next((tag for tag in self.tags if texts.tag_sha(tag) == ask.params["sha"]), None)
        return missing() if tag is None else Reply(200, texts.tag(self, tag))

    @route("GET", REPO + "/issues", query="labels state milestone")
    def list_issues(self, ask: Ask) -> Reply:
        wanted = {label for label in ask.query.get("labels", "").split(",") if label}
        found = [
            issue
            for issue in self.issues
            if wanted <= set(issue.get("labels", ()))
            and issue.get("state", "open") == ask.query.get("state", "open")
            and ask.query.get("milestone", str(issue.get("milestone"))) == str(issue.get("milestone"))
        ]
        return self.paged(ask, [texts.issue(self, each) for each in found])

    @route("GET", REPO + "/milestones", query="state")
    def list_milestones(self, ask: Ask) -> Reply:
        return self.paged(ask, [texts.milestone(self, number, each) for number, each in enumerate(self.milestones, 1)])

    @route("GET", REPO + "/commits/{sha}/status")
    def status(self, ask: Ask) -> Reply:
        return Reply(200, texts.combined(self, ask.params["sha"], self.statuses.get(ask.params["sha"], {})))

    @route("GET", REPO + "/commits/{sha}/check-runs")
    def list_check_runs(self, ask: Ask) -> Reply:
        page = self.paged(ask, list(self.check_runs.get(ask.params["sha"], {}).items()))
        runs = [texts.check_run(self, ask.params["sha"], name, end) for name, end in page.body]
        return Reply(200, {"total_count": len(self.check_runs.get(ask.params["sha"], {})), "check_runs": runs}, page.headers)

    # What the public sees.
    @route("GET", PUBLIC + "/tag/{tag:path}", login="never")
    def page(self, ask: Ask) -> Reply:
        found = next((each for each in self.of(ask.params["tag"]) if not each.draft), None)
        return Reply(404, b"Not Found") if found is None else Reply(200, texts.page(self, found))

    @route("GET", PUBLIC + "/latest", login="never")
    @route("GET", PUBLIC + "/latest/download/{name}", login="never")
    def latest_page(self, ask: Ask) -> Reply:
        if (found := self._latest()) is None:
            return Reply(404, b"Not Found")
        rest = f"download/{found.tag}/{ask.params['name']}" if "name" in ask.params else f"tag/{found.tag}"
        return Reply(302, b"", {"Location": f"{self.url}/{self.repository}/releases/{rest}"})

    @route("GET", PUBLIC + "/download/{tag}/{name}", login="never")
    @route("HEAD", PUBLIC + "/download/{tag}/{name}", login="never")
    def download(self, ask: Ask) -> Reply:
        for release, asset in self._assets():
            if (release.tag, asset.name, release.draft, asset.state) == (
                ask.params["tag"],
                ask.params["name"],
                False,
                "uploaded",
            ):
                return Reply(302, b"", {"Location": self._storage(asset)})
        return Reply(404, b"Not Found")

    @route("GET", "/storage/{asset}", login="never", query="sig")
    @route("HEAD", "/storage/{asset}", login="never", query="sig")
    def storage(self, ask: Ask) -> Reply:
        found = next((asset for _, asset in self._assets() if asset.id == int(ask.params["asset"])), None)
        return Reply(404, b"") if found is None else Reply(200, found.data, {"Content-Type": found.kind})

    def _storage(self, asset: Asset) -> str:
        return f"{self.storage_url}/storage/{asset.id}?sig=abc"

    def _here(self, ask: Ask) -> bool:
        return f"{ask.params['owner']}/{ask.params['repo']}" == self.repository

    def _found(self, ask: Ask) -> Release | None:
        found = next((each for each in self.releases if str(each.id) == ask.params["id"]), None)
        return found if found is not None and self.is_seen(("release", found.id)) else None

    def _assets(self) -> Iterator[tuple[Release, Asset]]:
        return ((release, asset) for release in list(self.releases) for asset in list(release.assets))

    def _latest(self) -> Release | None:
        full = [each for each in self.releases if not each.draft and not each.prerelease]
        return next(
            (each for each in full if each.id == self.latest),
            max(full, key=lambda each: (not each.passed_over, each.created), default=None),
        )


def mangled(name: str) -> str:
    """The name under which GitHub keeps a file."""
    return re.sub(r"\.+", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", name)).strip(".")


def missing() -> Reply:
    """The answer to what is not there."""
    return Reply(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})


def invalid(*errors: dict[str, str]) -> Reply:
    """The answer to what cannot be done."""
    return Reply(422, {"message": "Validation Failed", "errors": list(errors), "documentation_url": "https://docs.github.com"})


@contextmanager
def github() -> Iterator[GitHub]:
    """A GitHub inside the block."""
    with serving(GitHub()) as fake:
        yield fake
