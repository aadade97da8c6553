"""The releases of a repository on a Gitea or Forgejo server, which takes a name twice and knows no digests."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

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
from slipway.forges.names import gitea_name
from slipway.forges.own_run import is_own_page
from slipway.forges.repository import Drafting, is_as, item, texts
from slipway.forges.seen import Seen

_STATES: Final = {"success": "passed", "warning": "passed", "skipped": "passed", "pending": "pending"}


class Gitea(Drafting):
    """A repository on Gitea or Forgejo."""

    NAME = "Gitea"
    ALL: ClassVar = {"limit": "50"}
    HINTS: ClassVar = {
        400: "the server's settings say which types of files it takes: [repository.release] ALLOWED_TYPES in its app.ini",
        401: "the server refuses the token: mint a new one with `write:repository` in the settings of the account",
        403: "the token lacks a right: it needs `write:repository`",
        404: "check the name of the repository; to a token without rights for it, it is not there",
        413: "the server's settings say how large files may be: [attachment] MAX_SIZE in its app.ini, and its proxy's own limit",
    }

    def __init__(self, api: str, repository: str, token: str) -> None:
        super().__init__(api, repository, token)
        self._seen = Seen()

    @staticmethod
    def _login(token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}"}

    @property
    def digests(self) -> bool:
        """Gitea knows none."""
        return False

    @staticmethod
    def served(name: str) -> str:
        """Gitea keeps names as they are."""
        return gitea_name(name)

    def assets(self, tag: str) -> tuple[Asset, ...]:
        """The files of a release, which come without pages and may have a name twice."""
        release = self._required(tag)
        try:
            found = self._client.get(self._at(f"releases/{release.id}/assets"))
        except web.RefusedError as error:
            raise self._lagging(release, error) from error
        return tuple(sorted((self._asset(each) for each in found), key=lambda asset: int(asset.id)))

    def upload(self, tag: str, file: Upload, sent: Sent) -> Asset:
        """Send a file if its name is not taken: Gitea would keep both."""
        if found := self._seen.of(tag, file.name, lambda: self.assets(tag)):
            return self._taken(tag, file, found)
        release = self._required(tag)
        try:
            made = self._send(release, file, sent)
        except web.RefusedError as error:
            raise self._lagging(release, error) from error
        except BaseException:
            self._seen.forget(tag)
            raise
        if (made.name, made.size) != (file.name, file.size):
            self._delete(f"releases/{release.id}/assets/{made.id}")
            raise self._damaged(file.name)
        self._seen.add(tag, made)
        return made

    def read(self, asset: Asset, take: Callable[[bytes], object]) -> None:
        """Read a file by its own number, which works for drafts too."""
        self._client.fetch(asset.place, take)

    def publish(self, wanted: Wanted, names: tuple[str, ...], *, latest: bool) -> Release:
        """Show the draft; which one is the latest, Gitea decides by dates."""
        release = self._required(wanted.tag, fresh=True)
        if release.draft or not is_as(release, wanted):
            require_tag(self.NAME, wanted, self.tag_commit(wanted.tag))
            require_complete(self.NAME, wanted.tag, names, self.assets(wanted.tag))
            release = self._change(release, {**texts(wanted), "draft": False})
        if latest:
            self.mark_latest(wanted.tag)
        return release

    def withdraw(self, tag: str, notice: str) -> Release:
        """Make it a draft again, with a notice."""
        release = self._required(tag, fresh=True)
        return self._change(release, {"draft": True, "body": with_notice(notice, release.notes)})

    def mark_latest(self, tag: str) -> None:
        """Let those step aside, as pre-releases, that were made after this one: Gitea goes by dates, nothing can be set."""
        release = self._required(tag, fresh=True)
        if release.draft:
            raise GateError(f"{tag} on {self.NAME} is a draft, which cannot be the latest", hint="publish it first")
        if release.prerelease:
            self._change(release, {"prerelease": False})
        while (now := self.latest()) not in (tag, ""):
            newer = self._required(now, fresh=True)
            if int(newer.id) < int(release.id):
                raise GateError(
                    f"{self.NAME} calls {now} the latest release, since its date is newer than that of {tag}",
                    hint=f"make {now} a pre-release there, or leave the pointer out of slipway.toml",
                )
            self._change(newer, {"prerelease": True})

    def tag_commit(self, tag: str) -> str:
        """The commit of a tag."""
        found = self._find(f"tags/{quote(tag, safe='')}")
        return "" if found is None else str(found["commit"]["sha"])

    def issues(self, label: str) -> tuple[Item, ...]:
        """The open issues with a label."""
        return tuple(item(each) for each in self._listed("issues", {"labels": label, "state": "open", "type": "issues"}))

    def milestone(self, title: str) -> tuple[Item, ...]:
        """The open issues and pull requests of a milestone."""
        if not [each for each in self._listed("milestones", {"name": title, "state": "all"}) if each["title"] == title]:
            raise self._no_milestone(title)
        return tuple(item(each) for each in self._listed("issues", {"milestones": title, "state": "open"}))

    def checks(self, commit: str) -> Checks:
        """The statuses of a commit."""
        found = self._listed(f"commits/{quote(commit, safe='')}/status", key="statuses")
        # Jobs of the run that asks have not ended because it has not.
        others = [each for each in found if each["status"] != "pending" or not is_own_page(each.get("target_url") or "")]
        return Checks.of((each["context"], _STATES.get(each["status"], "failed")) for each in others)

    def _send(self, release: Release, file: Upload, sent: Sent) -> Asset:
        boundary = f"slipway-{secrets.token_hex(16)}"
        name = file.name.replace("\\", "\\\\").replace('"', '\\"')
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="attachment"; filename="{name}"\r\n'
        body = web.FileBody(
            path=file.path,
            size=file.size,
            media_type=f"multipart/form-data; boundary={boundary}",
            before=f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(),
            after=f"\r\n--{boundary}--\r\n".encode(),
        )
        place = self._at(f"releases/{release.id}/assets")
        return self._asset(self._client.send("POST", place, body, sent=sent, query={"name": file.name}).json())

    def _taken(self, tag: str, file: Upload, found: tuple[Asset, ...]) -> Asset:
        """Find the file among those of its name; in a draft, its doubles go away."""
        equal = [asset for asset in found if asset.size == file.size and self._digest(asset) == file.sha256]
        if len(equal) < len(found):
            require_equal(self.NAME, file, next(asset for asset in found if asset not in equal))
            raise VerificationError(f"{file.name} is on {self.NAME} with other bytes", hint="give the release a new version")
        release = self._required(tag)
        if release.draft:
            for double in equal[1:]:
                self._delete(f"releases/{release.id}/assets/{double.id}")
                self._seen.forget(tag)
        return equal[0]

    def _digest(self, asset: Asset) -> str:
        digest = hashlib.sha256()
        self.read(asset, digest.update)
        return digest.hexdigest()

    def _asset(self, found: Mapping[str, Any]) -> Asset:
        # By its own number below the server's address: drafts too, and whatever the server believes it is called.
        place = f"{self._server()}/attachments/{found['uuid']}"
        return Asset(id=str(found["id"]), name=found["name"], size=found["size"], place=place)
