"""What the clients have in common: a repository of a forge as one user, and releases that begin as drafts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import RLock
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from slipway import console, web
from slipway.errors import GateError, SlipwayError, TransientError
from slipway.forges import Item, Release, Wanted

JSON: Final = {"Accept": "application/json"}


class Repository:
    """A repository of a forge, as one user."""

    NAME: ClassVar[str]
    ALL: ClassVar[Mapping[str, str]]
    HINTS: ClassVar[Mapping[int, str]]
    HEADERS: ClassVar[Mapping[str, str]] = JSON

    def __init__(self, api: str, repository: str, token: str) -> None:
        self.api, self.repository = api, repository
        secret = web.Login(headers=self._login(token) if token else {}, secret=token, hints=self.HINTS)
        self._client = web.Client(api, login=secret, headers=self.HEADERS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.repository})"

    @staticmethod
    def _login(token: str) -> dict[str, str]:
        raise NotImplementedError

    def _at(self, rest: str = "") -> str:
        return f"repos/{self.repository}/{rest}".rstrip("/")

    def _listed(self, place: str, query: Mapping[str, str] | None = None, *, key: str = "") -> Iterator[Any]:
        """The items of a list, all pages of it."""
        for page in self._client.pages(self._at(place), query={**self.ALL, **(query or {})}):
            yield from (page[key] or ()) if key else page

    def _find(self, place: str, *absent: int) -> Any:
        """What is at a place; None when nothing is."""
        try:
            return self._client.get(self._at(place))
        except web.RefusedError as error:
            if error.status in (404, *absent):
                return None
            raise

    def _about(self) -> Any:
        """What the forge says of the repository."""
        try:
            found = self._client.get(self._at())
        except web.RefusedError as error:
            raise GateError(f"{self.repository} on {self.NAME} cannot be used: {error.message}", hint=error.hint) from error
        if found.get("archived"):
            raise GateError(f"{self.repository} on {self.NAME} is archived", hint="nothing can be published there")
        return found

    def _no_rights(self) -> GateError:
        return GateError(f"the login may not make releases of {self.repository} on {self.NAME}", hint=self.HINTS[403])

    def _no_release(self, tag: str) -> GateError:
        return GateError(f"{self.NAME} has no release {tag}", hint="slipway status shows what is published")

    def _no_milestone(self, title: str) -> GateError:
        return GateError(f"{self.repository} has no milestone {title}", hint="check its name")

    def _damaged(self, name: str) -> TransientError:
        return TransientError(f"{name} did not reach {self.NAME} as it is")


class Drafting(Repository):
    """A repository whose releases begin as drafts, which are found by listing all of them."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        super().__init__(api, repository, token)
        self._known: dict[str, Release] = {}
        self._unsure: set[str] = set()  # tags whose draft was perhaps made: no answer came
        self._lock = RLock()

    @property
    def drafts(self) -> bool:
        """A release can be there unseen."""
        return True

    def access(self) -> None:
        """Ask for the repository, which says what the token may do."""
        if not self._about().get("permissions", {}).get("push"):
            raise self._no_rights()

    def release(self, tag: str) -> Release | None:
        """The release by its tag, which tells of published ones only, or its draft."""
        with self._lock:
            known = self._known.get(tag)
            found = self._again(known) if known else self._published(tag) or self._draft(tag)
            if found is not None:
                self._known[tag] = found
            return found

    def open(self, wanted: Wanted) -> Release:
        """Make a draft, unless there is a release already; a draft makes no tag."""
        if (found := self.release(wanted.tag)) is not None:
            return found
        if wanted.tag in self._unsure:
            self._unsure.discard(wanted.tag)
            raise TransientError(f"{self.NAME} may have made the draft {wanted.tag}, which is not listed yet")
        data = {**texts(wanted), **self._new(wanted), "draft": True}
        try:
            made = released(self._client.ask("POST", self._at("releases"), data=data).json())
        except TransientError:
            self._unsure.add(wanted.tag)
            raise
        except web.RefusedError as error:
            if error.status == 409:
                raise TransientError(f"{self.NAME} has a release {wanted.tag}, which is not listed yet") from error
            raise self._explained(error) from error
        with self._lock:
            self._known[wanted.tag] = made
        return made

    def latest(self) -> str:
        """What the forge calls the latest."""
        found = self._find("releases/latest")
        return "" if found is None else str(found["tag_name"])

    def address(self, tag: str, name: str) -> str:
        """On the pages of the server, not of its API."""
        place = f"download/{quote(tag, safe='')}/{quote(name)}" if name else f"tag/{quote(tag)}"
        return f"{self._server()}/{self.repository}/releases/{place}"

    def _server(self) -> str:
        parts = urlsplit(self.api)
        return f"{parts.scheme}://{parts.netloc}{parts.path.partition('/api/')[0]}"

    def _new(self, wanted: Wanted) -> dict[str, Any]:
        """What else is said of a new draft."""
        del wanted
        return {}

    def _explained(self, error: web.RefusedError) -> web.RefusedError:
        """Say what to do about a refusal that the forge hardly explains."""
        return error

    def _required(self, tag: str, *, fresh: bool = False) -> Release:
        """The release as it was seen last, or as it is now."""
        found = None if fresh else self._known.get(tag)
        if (found := found or self.release(tag)) is None:
            raise self._no_release(tag)
        return found

    def _again(self, known: Release) -> Release:
        """Read a release anew, by its number: lists lag behind that."""
        try:
            return released(self._client.get(self._at(f"releases/{known.id}")))
        except web.RefusedError as error:
            raise self._lagging(known, error) from error

    def _published(self, tag: str) -> Release | None:
        found = self._find(f"releases/tags/{quote(tag, safe='')}")
        return None if found is None else released(found)

    def _draft(self, tag: str) -> Release | None:
        """The draft of a tag; of several, the oldest that has files, so that each run takes the same."""
        found = [each for each in self._listed("releases") if each["tag_name"] == tag]
        if not found:
            return None
        chosen = min(found, key=lambda each: (each["draft"], not each["assets"], each["id"]))
        if others := [each["html_url"] for each in found if each is not chosen]:
            console.warn(f"{self.repository} has more drafts of {tag} than the one that is used; remove {', '.join(others)}")
        return released(chosen)

    def _lagging(self, release: Release, error: web.RefusedError) -> SlipwayError:
        """What a 404 means for a release that was there: not everywhere yet, or no longer."""
        if error.status != 404:
            return error
        hint = f"if {release.tag} was deleted on {self.NAME}, run again: the draft is made anew"
        return TransientError(f"{self.NAME} does not find the release {release.tag} that it has just told of", hint=hint)

    def _change(self, release: Release, data: Mapping[str, Any]) -> Release:
        """Change a release; doing that again after a lost answer changes nothing more."""
        try:
            changed = released(self._client.ask("PATCH", self._at(f"releases/{release.id}"), data=data).json())
        except web.RefusedError as error:
            raise self._lagging(release, self._explained(error)) from error
        with self._lock:
            self._known[release.tag] = changed
        return changed

    def _delete(self, place: str) -> None:
        try:
            self._client.ask("DELETE", self._at(place))
        except web.RefusedError as error:
            if error.status != 404:
                raise


def texts(wanted: Wanted) -> dict[str, Any]:
    """A release as GitHub and Gitea want it told."""
    told = {"tag_name": wanted.tag, "name": wanted.title, "body": wanted.notes, "prerelease": wanted.prerelease}
    return {**told, **({"target_commitish": wanted.commit} if wanted.commit else {})}


def is_as(release: Release, wanted: Wanted) -> bool:
    """Whether a release is told as it is to be."""
    return (release.title, release.notes, release.prerelease) == (wanted.title, wanted.notes, wanted.prerelease)


def released(found: Mapping[str, Any]) -> Release:
    """A release as GitHub and Gitea tell it."""
    return Release(
        id=str(found["id"]),
        tag=found["tag_name"],
        title=found["name"] or "",
        notes=found["body"] or "",
        draft=found["draft"],
        prerelease=found["prerelease"],
        immutable=found.get("immutable", False),
        uploads=found.get("upload_url", ""),
        page=found["html_url"],
    )


def item(found: Mapping[str, Any]) -> Item:
    """An issue as GitHub and Gitea tell it."""
    return Item(number=found["number"], title=found["title"], page=found["html_url"])
