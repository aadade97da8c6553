"""The releases of a GitHub repository, on github.com and on servers of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
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
from slipway.forges.names import github_name
from slipway.forges.own_run import is_own_page
from slipway.forges.repository import Drafting, is_as, item, texts

LONGEST_NOTES: Final = 125_000
LARGEST_FILE: Final = (2 << 30) - 1
_STATES: Final = {"success": "passed", "neutral": "passed", "skipped": "passed", "": "pending", "pending": "pending"}


class GitHub(Drafting):
    """A repository on GitHub."""

    NAME = "GitHub"
    ALL: ClassVar = {"per_page": "100"}
    HEADERS: ClassVar = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    HINTS: ClassVar = {
        401: "GitHub refuses the token: mint a new one (gh auth refresh -s repo, or the settings of the account)",
        403: "the token lacks a right: it needs `contents: write` for this repository",
        404: "check the name of the repository; to a token without rights for it, it is not there",
    }

    @staticmethod
    def _login(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    @property
    def digests(self) -> bool:
        """GitHub says them."""
        return True

    @staticmethod
    def served(name: str) -> str:
        """What GitHub makes of the name."""
        return github_name(name)

    def assets(self, tag: str) -> tuple[Asset, ...]:
        """All files of a release, those too whose upload was interrupted."""
        release = self._required(tag)
        try:
            found = list(self._listed(f"releases/{release.id}/assets"))
        except web.RefusedError as error:
            raise self._lagging(release, error) from error
        return tuple(map(self._asset, found))

    def upload(self, tag: str, file: Upload, sent: Sent) -> Asset:
        """Send a file; what an interrupted upload has left under its name is removed and sent anew."""
        self._require_size(file)
        release = self._required(tag)
        try:
            made = self._send(release, file, sent)
        except web.RefusedError as error:
            if error.status == 404:
                raise self._lagging(release, error) from error
            if error.status != 422:
                raise
            return self._taken(release, file, sent, error)
        return self._checked(release, file, made)

    def read(self, asset: Asset, take: Callable[[bytes], object]) -> None:
        """Read a file through the API, which gives drafts too."""
        self._client.fetch(asset.place, take, headers={"Accept": "application/octet-stream"})

    def publish(self, wanted: Wanted, names: tuple[str, ...], *, latest: bool) -> Release:
        """Show the draft; `latest` is always said, since GitHub would otherwise take whatever is published last."""
        release = self._required(wanted.tag, fresh=True)
        latest = latest and not wanted.prerelease
        if not release.draft and is_as(release, wanted) and (self.latest() == wanted.tag) == latest:
            return release
        self._require_notes(wanted.notes)
        require_tag(self.NAME, wanted, self.tag_commit(wanted.tag))
        require_complete(self.NAME, wanted.tag, names, self.assets(wanted.tag))
        told = {"name": wanted.title, "body": wanted.notes, "prerelease": wanted.prerelease}
        shown = {**texts(wanted), "draft": False} if release.draft else told
        return self._change(release, {**shown, "make_latest": "true" if latest else "false"})

    def withdraw(self, tag: str, notice: str) -> Release:
        """Make it a draft again; one that is immutable becomes a pre-release that says what is wrong with it."""
        release = self._required(tag, fresh=True)
        notes = {"body": with_notice(notice, release.notes)[:LONGEST_NOTES]}
        if release.draft:
            return self._change(release, notes)
        unseen, marked = {"draft": True, **notes}, {"prerelease": True, "make_latest": "false", **notes}
        for change in (marked,) if release.immutable else (unseen, marked):
            try:
                return self._change(release, change)
            except web.RefusedError as error:
                if error.status != 422:
                    raise
        return self._change(release, notes)

    def mark_latest(self, tag: str) -> None:
        """Say so; drafts and pre-releases cannot be it."""
        release = self._required(tag, fresh=True)
        if release.draft or release.prerelease:
            kind = "a draft" if release.draft else "a pre-release"
            raise GateError(f"{tag} on {self.NAME} is {kind}, which cannot be the latest", hint="publish it first")
        self._change(release, {"make_latest": "true"})

    def tag_commit(self, tag: str) -> str:
        """The commit of a tag, through the tag's own object when it has one."""
        found = self._find(f"git/ref/{quote(f'tags/{tag}', safe='')}")
        while found is not None and found["object"]["type"] == "tag":
            found = self._find(f"git/tags/{found['object']['sha']}")
        return "" if found is None else str(found["object"]["sha"])

    def issues(self, label: str) -> tuple[Item, ...]:
        """The open issues with a label; GitHub lists pull requests among them."""
        return tuple(item(each) for each in self._listed("issues", {"labels": label, "state": "open"}))

    def milestone(self, title: str) -> tuple[Item, ...]:
        """The open issues and pull requests of a milestone."""
        found = [each for each in self._listed("milestones", {"state": "all"}) if each["title"] == title]
        if not found:
            raise self._no_milestone(title)
        query = {"milestone": str(found[0]["number"]), "state": "open"}
        return tuple(item(each) for each in self._listed("issues", query))

    def checks(self, commit: str) -> Checks:
        """The check runs and the statuses of a commit, which are two different things on GitHub."""
        runs = self._listed(f"commits/{commit}/check-runs", key="check_runs")
        told = self._listed(f"commits/{commit}/status", key="statuses")
        # Jobs of the run that asks have not ended because it has not.
        others = [run for run in runs if run["conclusion"] or not is_own_page(run.get("details_url") or "")]
        ends = [(run["name"], _STATES.get(run["conclusion"] or "", "failed")) for run in others]
        return Checks.of((*ends, *((each["context"], _STATES.get(each["state"], "failed")) for each in told)))

    def _server(self) -> str:
        parts = urlsplit(self.api)
        return "https://github.com" if parts.hostname == "api.github.com" else super()._server()

    def _new(self, wanted: Wanted) -> dict[str, Any]:
        self._require_notes(wanted.notes)
        return {"make_latest": "false", "generate_release_notes": False}

    def _explained(self, error: web.RefusedError) -> web.RefusedError:
        said = error.answer.body
        if b"pre_receive" in said or b"creations being restricted" in said:
            error.hint = "rules of the repository forbid to make this tag: push the signed tag first (tag = push)"
        elif b"already_exists" in said and b"tag_name" in said:
            error.hint = "another release has this tag, or an immutable one had it: give the release a new version"
        elif b"immutable" in said:
            error.hint = "the release is immutable, so nothing can be added: give it a new version"
        return error

    def _send(self, release: Release, file: Upload, sent: Sent) -> Asset:
        place = release.uploads.partition("{")[0]
        self._client.trust(place)
        body = web.FileBody(path=file.path, size=file.size, media_type=file.media_type)
        return self._asset(self._client.send("POST", place, body, sent=sent, query={"name": file.name}).json())

    def _taken(self, release: Release, file: Upload, sent: Sent, error: web.RefusedError) -> Asset:
        """Find out what has the name: our own bytes of a try whose answer was lost, half a file, or something else."""
        found = next((asset for asset in self.assets(release.tag) if asset.name == file.name), None)
        if found is None:
            raise self._explained(error) from error
        if found.complete:
            require_equal(self.NAME, file, found)
            if not found.sha256:
                self._compare(found, file)
            return found
        self._remove(found)
        return self._checked(release, file, self._send(release, file, sent))

    def _checked(self, release: Release, file: Upload, made: Asset) -> Asset:
        """Compare what GitHub says it got; what is wrong is removed from a draft, to be sent again."""
        if made.complete and (made.name, made.size, made.sha256 or file.sha256) == (file.name, file.size, file.sha256):
            return made
        if release.draft:
            self._remove(made)
        if made.name != file.name:
            raise VerificationError(
                f"{self.NAME} calls {file.name} {made.name}", hint="give the file a name of A-Z a-z 0-9 . _ -"
            )
        raise self._damaged(file.name)

    def _compare(self, asset: Asset, file: Upload) -> None:
        """Read a file of which GitHub does not say the digest."""
        digest = hashlib.sha256()
        self.read(asset, digest.update)
        if digest.hexdigest() != file.sha256:
            raise VerificationError(f"{file.name} is on {self.NAME} with other bytes", hint="give the release a new version")

    def _remove(self, asset: Asset) -> None:
        self._delete(f"releases/assets/{asset.id}")

    def _require_notes(self, notes: str) -> None:
        if len(notes) > LONGEST_NOTES:
            raise GateError(
                f"the release notes have {len(notes)} characters, and {self.NAME} takes {LONGEST_NOTES}",
                hint="shorten them, and put the whole into a file of the release",
            )

    def _require_size(self, file: Upload) -> None:
        if not 0 < file.size <= LARGEST_FILE:
            raise GateError(
                f"{file.name} has {file.size} bytes, and {self.NAME} takes files of 1 byte to 2 GiB",
                hint="publish it to another store, or in parts",
            )

    def _asset(self, found: Mapping[str, Any]) -> Asset:
        kind, _, digest = (found.get("digest") or "").partition(":")
        return Asset(
            id=str(found["id"]),
            name=found["name"],
            size=found["size"],
            place=self._at(f"releases/assets/{found['id']}"),
            sha256=digest if kind == "sha256" else "",
            complete=found["state"] == "uploaded",
        )
