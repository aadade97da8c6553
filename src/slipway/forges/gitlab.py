"""The releases of a GitLab project: the files are generic packages, and the release, which has no draft, links to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from threading import Lock
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from slipway import web
from slipway.errors import GateError, VerificationError
from slipway.forges import (
    Asset,
    Checks,
    Item,
    Release,
    Sent,
    Upload,
    Wanted,
    require_complete,
    require_equal,
    require_tag,
    with_notice,
)
from slipway.forges.names import gitlab_name
from slipway.forges.own_run import is_own_job
from slipway.forges.repository import Repository
from slipway.forges.seen import Seen

DEVELOPER: Final = 30
LONGEST_NAME: Final = 127
JOB: Final = "glcbt-"  # how the tokens of jobs begin
_STATES: Final = {"success": "passed", "skipped": "passed", "failed": "failed", "canceled": "failed"}


class GitLab(Repository):
    """A project on GitLab."""

    NAME = "GitLab"
    ALL: ClassVar = {"per_page": "100"}
    HINTS: ClassVar = {
        401: "GitLab refuses the token: has it expired? mint a new one with the scope `api` in the settings of the project",
        403: "the token lacks a right: it needs the scope `api` and the role Developer, or Maintainer where tags are protected",
        404: "check the name of the project; to a token without rights for it, it is not there",
    }

    def __init__(self, api: str, repository: str, token: str) -> None:
        super().__init__(api, repository, token)
        self._is_job = token.startswith(JOB)
        self._seen, self._first = Seen(), Lock()

    @staticmethod
    def _login(token: str) -> dict[str, str]:
        return {"JOB-TOKEN" if token.startswith(JOB) else "PRIVATE-TOKEN": token}

    @property
    def drafts(self) -> bool:
        """There are none: a release is public from the moment it is there."""
        return False

    @property
    def digests(self) -> bool:
        """GitLab says them."""
        return True

    def access(self) -> None:
        """Ask for the project, which says the role; the token of a job may not ask."""
        if self._is_job:
            return
        roles = (self._about().get("permissions") or {}).values()
        if max((role["access_level"] for role in roles if role), default=0) < DEVELOPER:
            raise self._no_rights()

    @staticmethod
    def served(name: str) -> str:
        """The name with which GitLab takes the file."""
        return gitlab_name(name)

    def release(self, tag: str) -> Release | None:
        """The release of a tag; to the token of a job, one that is not there is forbidden."""
        found = self._release(tag)
        return None if found is None else _released(found)

    def assets(self, tag: str) -> tuple[Asset, ...]:
        """The files of the package; of several with one name, the newest is the one that is served."""
        return tuple({asset.name: asset for asset in self._files(tag)}.values())

    def open(self, wanted: Wanted) -> Release:
        """There are no drafts: the files are put in place, and nothing leads to them."""
        return self.release(wanted.tag) or Release(
            id="", tag=wanted.tag, title=wanted.title, notes=wanted.notes, draft=True, prerelease=wanted.prerelease
        )

    def upload(self, tag: str, file: Upload, sent: Sent) -> Asset:
        """Send a file if its name is not taken: a second one would take its place."""
        if len(file.name) > LONGEST_NAME:
            raise GateError(f"{file.name}: {self.NAME} links to names of {LONGEST_NAME} characters at most", hint="shorten it")
        with self._alone_if_first(tag):
            if found := self._seen.of(tag, file.name, lambda: self._files(tag)):
                return self._taken(file, found[-1])
            try:
                made = self._send(tag, file, sent)
            except web.RefusedError as error:
                if (found := self._now(tag, file.name)) and b"uplicate" in error.answer.body:
                    return self._taken(file, found[-1])
                raise
            except BaseException:
                self._seen.forget(tag)
                raise
            self._seen.add(tag, made)
            return made

    def read(self, asset: Asset, take: Callable[[bytes], object]) -> None:
        """Read a file of the package."""
        self._client.fetch(asset.place, take)

    def publish(self, wanted: Wanted, names: tuple[str, ...], *, latest: bool) -> Release:
        """Make the release with all its links in one call, or mend the one that is there."""
        require_tag(self.NAME, wanted, self.tag_commit(wanted.tag))
        require_complete(self.NAME, wanted.tag, names, self.assets(wanted.tag))
        if (found := self._release(wanted.tag)) is None:
            links = [self._link(wanted.tag, name) for name in names]
            data = {"tag_name": wanted.tag, "ref": wanted.commit or wanted.tag, **_texts(wanted), "assets": {"links": links}}
            before = {} if latest and not wanted.prerelease else self._before_latest(wanted.tag)
            try:
                return _released(self._client.ask("POST", self._at("releases"), data={**data, **before}).json())
            except web.RefusedError as error:
                if error.status != 409 or (found := self._release(wanted.tag)) is None:
                    raise
        self._mend_links(wanted.tag, names, found["assets"]["links"])
        if (found["name"], found["description"]) != (wanted.title, wanted.notes):
            found = self._change(wanted.tag, _texts(wanted))
        return _released(found)

    def withdraw(self, tag: str, notice: str) -> Release:
        """Say so in its notes, and give it a date before the one that is the latest without it."""
        found = self._required(tag)
        before = self._before_latest(tag) if self.latest() == tag else {}
        return _released(self._change(tag, {"description": with_notice(notice, found["description"] or ""), **before}))

    def latest(self) -> str:
        """The release with the newest date, even one that is to come: that is what the permanent link leads to."""
        return next((str(each["tag_name"]) for each in self._releases()), "")

    def mark_latest(self, tag: str) -> None:
        """Give it the newest date, or those an older one that were made after it: GitLab goes by dates."""
        found = self._required(tag)
        before = list(takewhile(lambda each: each["tag_name"] != tag, self._releases()))
        if before and all(each["created_at"] > found["created_at"] for each in before):
            for each in before:
                self._change(each["tag_name"], _just_before(found))
        elif before:
            self._change(tag, {"released_at": datetime.now(UTC).isoformat(timespec="milliseconds")})

    def address(self, tag: str, name: str) -> str:
        """The permanent link of a file, which works when the release is there."""
        rest = f"/downloads/{quote(name)}" if name else ""
        parts = urlsplit(self.api)
        return f"{parts.scheme}://{parts.netloc}/{self.repository}/-/releases/{quote(tag, safe='')}{rest}"

    def tag_commit(self, tag: str) -> str:
        """The commit of a tag."""
        found = self._find(f"repository/tags/{quote(tag, safe='')}")
        return "" if found is None else str(found["commit"]["id"])

    def issues(self, label: str) -> tuple[Item, ...]:
        """The open issues with a label."""
        return tuple(_item(each) for each in self._listed("issues", {"labels": label, "state": "opened"}))

    def milestone(self, title: str) -> tuple[Item, ...]:
        """The open issues and merge requests of a milestone."""
        if not list(self._listed("milestones", {"title": title})):
            raise self._no_milestone(title)
        query = {"milestone": title, "state": "opened"}
        return tuple(_item(each) for place in ("issues", "merge_requests") for each in self._listed(place, query))

    def checks(self, commit: str) -> Checks:
        """The jobs of a commit; one that may fail does not count when it has."""
        jobs = self._listed(f"repository/commits/{quote(commit, safe='')}/statuses")
        # Jobs of the pipeline that asks have not ended because it has not.
        others = (job for job in jobs if _state_of(job) != "pending" or not is_own_job(job.get("id"), job.get("pipeline_id")))
        return Checks.of((job["name"], _state_of(job)) for job in others)

    def _at(self, rest: str = "") -> str:
        return f"projects/{quote(self.repository, safe='')}/{rest}".rstrip("/")

    def _package(self, tag: str) -> tuple[str, str]:
        """The name and the version of the package with the files of a tag."""
        return gitlab_name(self.repository.rpartition("/")[2]), re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9_.+-]", "-", tag))

    def _place(self, tag: str, name: str) -> str:
        package, version = self._package(tag)
        return f"{self._client.base}/{self._at(f'packages/generic/{package}/{quote(version)}/{quote(name)}')}"

    def _files(self, tag: str) -> tuple[Asset, ...]:
        package, version = self._package(tag)
        query = {"package_type": "generic", "package_name": package, "package_version": version}
        found = [each for each in self._listed("packages", query) if (each["name"], each["version"]) == (package, version)]
        files = [file for each in found for file in self._listed(f"packages/{each['id']}/package_files")]
        return tuple(self._asset(tag, file) for file in sorted(files, key=lambda file: int(file["id"])))

    def _now(self, tag: str, name: str) -> tuple[Asset, ...]:
        self._seen.forget(tag)
        return self._seen.of(tag, name, lambda: self._files(tag))

    @contextmanager
    def _alone_if_first(self, tag: str) -> Iterator[None]:
        """Send the first file of a package alone: two at once would make the package twice, and one of them fails."""
        with self._first:
            if not self._seen.any(tag, lambda: self._files(tag)):
                yield
                return
        yield

    def _send(self, tag: str, file: Upload, sent: Sent) -> Asset:
        body = web.FileBody(path=file.path, size=file.size, media_type="application/octet-stream")
        place, query = self._place(tag, file.name), {"select": "package_file"}
        made = self._asset(tag, self._client.send("PUT", place, body, sent=sent, query=query).json())
        if (made.name, made.size, made.sha256 or file.sha256) == (file.name, file.size, file.sha256):
            return made
        self._client.ask("DELETE", self._at(f"packages/{made.id.partition('/')[0]}/package_files/{made.id.partition('/')[2]}"))
        raise self._damaged(file.name)

    def _taken(self, file: Upload, found: Asset) -> Asset:
        require_equal(self.NAME, file, found)
        return found

    def _asset(self, tag: str, found: dict[str, Any]) -> Asset:
        return Asset(
            id=f"{found['package_id']}/{found['id']}",
            name=found["file_name"],
            size=found["size"],
            place=self._place(tag, found["file_name"]),
            sha256=found.get("file_sha256") or "",
        )

    def _release(self, tag: str) -> dict[str, Any] | None:
        # To the token of a job, what is not there is forbidden.
        found: dict[str, Any] | None = self._find(f"releases/{quote(tag, safe='')}", *((403,) if self._is_job else ()))
        return found

    def _required(self, tag: str) -> dict[str, Any]:
        found = self._release(tag)
        if found is None:
            raise self._no_release(tag)
        return found

    def _releases(self) -> Iterator[Any]:
        """The releases, those with the newest date first."""
        return self._listed("releases", {"order_by": "released_at", "sort": "desc"})

    def _before_latest(self, tag: str) -> dict[str, str]:
        """A date that makes another release the latest, if there is another."""
        other = next((each for each in self._releases() if each["tag_name"] != tag), None)
        return {} if other is None else _just_before(other)

    def _change(self, tag: str, data: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = self._client.ask("PUT", self._at(f"releases/{quote(tag, safe='')}"), data=data).json()
        return changed

    def _link(self, tag: str, name: str) -> dict[str, str]:
        return {"name": name, "url": self._place(tag, name), "direct_asset_path": f"/{name}", "link_type": "package"}

    def _mend_links(self, tag: str, names: tuple[str, ...], there: list[dict[str, Any]]) -> None:
        """Add the links that a release lacks; one whose name or address is taken is changed in its place."""
        place = f"releases/{quote(tag, safe='')}/assets/links"
        for name in names:
            link = self._link(tag, name)
            same = [each for each in there if each["name"] == name or each["url"] == link["url"]]
            if not same:
                self._client.ask("POST", self._at(place), data=link)
            elif (same[0]["name"], same[0]["url"]) != (name, link["url"]):
                if len(same) > 1:
                    raise VerificationError(f"{tag} on {self.NAME} has two links for {name}", hint="remove the wrong one there")
                self._client.ask("PUT", self._at(f"{place}/{same[0]['id']}"), data=link)


def _texts(wanted: Wanted) -> dict[str, Any]:
    return {"name": wanted.title, "description": wanted.notes}


def _just_before(found: dict[str, Any]) -> dict[str, str]:
    when = datetime.fromisoformat(found["released_at"]) - timedelta(seconds=1)
    return {"released_at": when.isoformat(timespec="milliseconds")}


def _released(found: dict[str, Any]) -> Release:
    return Release(
        id=found["tag_name"],
        tag=found["tag_name"],
        title=found["name"] or "",
        notes=found["description"] or "",
        page=found.get("_links", {}).get("self", ""),
    )


def _state_of(job: dict[str, Any]) -> str:
    state = _STATES.get(job["status"], "pending")
    return "passed" if job.get("allow_failure") and (state == "failed" or job["status"] == "manual") else state


def _item(found: dict[str, Any]) -> Item:
    return Item(number=found["iid"], title=found["title"], page=found["web_url"])
