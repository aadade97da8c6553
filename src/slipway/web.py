"""The one door to httpx: calls of web APIs and files sent to and from them, with every failure sorted and no secret shown."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from slipway import console
from slipway.download import AGENT, TRANSIENT, is_url, refusal, seconds_of, shown, words_of
from slipway.errors import ConfigError, NetworkError, SlipwayError, TransientError
from slipway.files import CHUNK
from slipway.redaction import redact

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

TIMEOUT: Final = 60.0
ANSWER: Final = 150.0  # a server may first have to digest a large file
REDIRECTS: Final = 5
PAGES: Final = 1000
LIMITED: Final = 60.0  # how long to wait where a server limits us and does not say
_REFUSAL: Final = 64 << 10  # how much of a refusal is read
# Those of the reverse proxies before large forges, beside the standard ones.
_TRANSIENT: Final = TRANSIENT | {520, 521, 522, 523, 524, 529, 530}
Sent = Callable[[int], None]


class RefusedError(NetworkError):
    """A server answered, and it was no; `status` and `answer` say how."""

    def __init__(self, message: str, answer: Answer, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.answer, self.status = answer, answer.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered; the names of the headers are in small letters."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body as data; raises NetworkError when it is something else, such as the page of a proxy that wants a login."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            kind = self.headers.get("content-type", "something else").partition(";")[0]
            raise NetworkError(
                f"{shown(self.url)} answers with {kind} in place of JSON",
                hint="is this the address of the API, and is there a proxy in between?",
            ) from error

    @property
    def next_page(self) -> str:
        """Where the next page of a list is; empty after the last."""
        for part in self.headers.get("link", "").split(","):
            place, _, about = part.partition(";")
            if 'rel="next"' in about.replace(" ", ""):
                return place.strip().strip("<>")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBody:
    """A file that is sent, with what stands before and after it where a form demands that."""

    path: Path
    size: int
    media_type: str = "application/octet-stream"
    before: bytes = b""
    after: bytes = b""

    @property
    def length(self) -> int:
        """The number of bytes that are sent."""
        return len(self.before) + self.size + len(self.after)

    def chunks(self, sent: Sent) -> Iterator[bytes]:
        """The bytes; says how many of the file were taken."""
        yield self.before
        left = self.size
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                if left >= 0:
                    yield chunk
                    sent(len(chunk))
        if left:
            raise SlipwayError(f"{self.path} changed while it was sent", hint="let nothing write there, and run again")
        yield self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The headers that say who asks, and where the secret in them came from; never shown."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    hints: Mapping[int, str] = field(default_factory=dict)


class Client:
    """Talks to the API of one server as one user; may be used by several threads.

    The login goes to that server alone, and to those that are `trusted` later, wherever something redirects to. Nothing is
    tried again here: what may work later is a TransientError, and while a server limits us, it is not even asked.
    """

    def __init__(self, base: str, *, login: Login | None = None, headers: Mapping[str, str] | None = None) -> None:
        import httpx

        _require_allowed(base)
        self.base = base.rstrip("/")
        self._login = login or Login()
        self._trusted = {_origin(self.base)}
        self._headers = dict(headers or {})
        limits = httpx.Timeout(TIMEOUT, connect=20.0, read=ANSWER)
        self._http = httpx.Client(headers={"User-Agent": AGENT}, timeout=limits, verify=_certificates())
        weakref.finalize(self, self._http.close)
        self._lock = threading.Lock()
        self._limited_until = 0.0

    def trust(self, url: str) -> None:
        """Send the login to the server of a URL too: the API has named it."""
        _require_allowed(url)
        self._trusted.add(_origin(url))

    def ask(
        self,
        method: str,
        place: str,
        *,
        query: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call; raises RefusedError when the answer is no, TransientError when it may be another a little later."""
        content = None if data is None else json.dumps(data).encode()
        more = {**(headers or {}), **({} if data is None else {"Content-Type": "application/json"})}
        return self._whole(method, self._url(place), query, more, content)

    def get(self, place: str, *, query: Mapping[str, str] | None = None) -> Any:
        """What a GET answers, as data."""
        return self.ask("GET", place, query=query).json()

    def pages(self, place: str, *, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The pages of a list, each as data."""
        url, wanted, seen = self._url(place), dict(query or {}), set[str]()
        for _ in range(PAGES):
            answer = self.ask("GET", url, query=wanted)
            yield answer.json()
            following = answer.next_page
            if following:
                url, wanted = urljoin(url, following), {}
            elif number := answer.headers.get("x-next-page", ""):
                wanted["page"] = number
                following = f"{url} {number}"
            if not following or following in seen:
                return
            if _origin(url) != _origin(self.base):
                raise NetworkError(f"{shown(self.base)} names a next page on another server: {shown(url)}")
            seen.add(following)

    def send(
        self,
        method: str,
        place: str,
        body: FileBody,
        *,
        sent: Sent,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a file in one piece, read anew for each call, with its length said beforehand."""
        more = {**(headers or {}), "Content-Type": body.media_type, "Content-Length": str(body.length)}
        return self._whole(method, self._url(place), query, more, body.chunks(sent))

    def fetch(self, place: str, take: Callable[[bytes], object], *, headers: Mapping[str, str] | None = None) -> Answer:
        """Read a file piece by piece; follows redirects, without the login where they lead to another server."""
        url = self._url(place)
        for _ in range(REDIRECTS):
            with self._called("GET", url, None, {**(headers or {}), "Accept-Encoding": "identity"}, None) as response:
                if not response.is_redirect:
                    answer = _answer(response, b"" if response.status_code < 400 else response.read())
                    self._judge("GET", answer)
                    for chunk in response.iter_raw(CHUNK):
                        take(chunk)
                    return answer
                url = _redirected(url, response.headers.get("location", ""))
        raise NetworkError(f"{shown(place)} redirects too often", hint="name the address at which the file really lies")

    def _whole(self, method: str, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str], content: Any) -> Answer:
        with self._called(method, url, query, headers, content) as response:
            answer = _answer(response, response.read())
        self._judge(method, answer)
        return answer

    @contextmanager
    def _called(
        self, method: str, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str], content: Any
    ) -> Iterator[httpx.Response]:
        _require_allowed(url)
        if (wait := self._limited_until - time.monotonic()) > 0:
            raise TransientError(f"{shown(self.base)} has asked us to be slower", wait=wait)
        with self._explained(f"{method} {shown(url)}"):
            login = self._login.headers if _origin(url) in self._trusted else {}
            every = {**self._headers, **login, **headers}
            with self._http.stream(method, url, params=query or None, headers=every, content=content) as response:
                console.log(f"{method} {shown(url)}: {response.status_code}")
                yield response

    def _judge(self, method: str, answer: Answer) -> None:
        """Raise what an answer means that is not yes."""
        if answer.status < 300:
            return
        what = f"{method} {shown(answer.url)}"
        if answer.status < 400:
            raise RefusedError(
                f"{what}: it has moved to {shown(answer.headers.get('location', 'another place'))}",
                answer,
                hint="was the repository renamed? name it as it is called now, and by its own server",
            )
        said = self._clean(f"{what}: the server answers {answer.status}{_told(answer)}")
        if (wait := _limit_of(answer)) is not None:
            with self._lock:
                self._limited_until = max(self._limited_until, time.monotonic() + wait)
            raise TransientError(f"{said}: too many calls", wait=wait)
        if answer.status in _TRANSIENT:
            raise TransientError(said, wait=seconds_of(answer.headers.get("retry-after", "")))
        raise RefusedError(said, answer, hint=self._login.hints.get(answer.status) or _HINTS.get(answer.status))

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Sort what can go wrong on the way into what may pass and what will not."""
        from ssl import SSLCertVerificationError

        import httpx

        try:
            yield
        except httpx.LocalProtocolError:
            # What httpx says of it may quote the login.
            raise NetworkError(f"{what}: this cannot be sent", hint="is there a line end or a blank in the token?") from None
        except httpx.TransportError as error:
            cause = _cause(error)
            if isinstance(cause, SSLCertVerificationError):
                raise NetworkError(
                    f"{what}: the server's certificate is not trusted ({cause.verify_message})",
                    hint="check the clock of this machine; SSL_CERT_FILE names the certificates of a company's own proxy",
                ) from error
            kind = "no answer in time" if isinstance(error, httpx.TimeoutException) else words_of(cause)
            raise TransientError(self._clean(f"{what}: {kind}"), hint=_LATER) from error
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise NetworkError(self._clean(f"{what}: {error}")) from error

    def _clean(self, text: str) -> str:
        secret = self._login.secret
        return redact(text.replace(secret, "***") if secret else text)

    def _url(self, place: str) -> str:
        return place if is_url(place) else f"{self.base}/{place.lstrip('/')}"


_LATER: Final = "check the network and the proxy (https_proxy, no_proxy), or run again later"
_HINTS: Final = {
    401: "the login is refused: has the token expired, or was it revoked?",
    403: "this login may not do that: does the token have the rights for it?",
    404: "check the names; to a login without rights, what is there may look like nothing",
    407: "the proxy wants a login: check https_proxy",
    413: "the server does not take files of this size: its settings say how large they may be",
}


@cache
def _certificates() -> SSLContext:
    """Those that the system trusts, as for downloads; reading them takes a while."""
    from ssl import create_default_context

    return create_default_context()


def _require_allowed(url: str) -> None:
    if said := refusal(url):
        raise ConfigError(said, hint="write an address that starts with https://")


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    if refusal(target) or (urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"):
        raise NetworkError(f"{shown(url)} redirects to {shown(target)}, which is not https://")
    return target


def _answer(response: httpx.Response, body: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(url=str(response.url), status=response.status_code, headers=headers, body=body)


def _told(answer: Answer) -> str:
    """What a server says of a refusal, in one line; each forge has its own form."""
    try:
        found = json.loads(answer.body[:_REFUSAL])
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    said = [found.get("message"), found.get("error"), found.get("error_description"), found.get("errors")]
    text = "; ".join(" ".join(each.split()) if isinstance(each, str) else json.dumps(each) for each in said if each)
    return f" ({text[:500]})" if text else ""


def _limit_of(answer: Answer) -> float | None:
    """How long to wait when the answer says that we called too often; None when it says something else."""
    if answer.status not in (403, 429):
        return None
    headers = answer.headers
    if (asked := seconds_of(headers.get("retry-after", ""))) is not None:
        return asked
    remaining = headers.get("x-ratelimit-remaining", headers.get("ratelimit-remaining", ""))
    reset = headers.get("x-ratelimit-reset", headers.get("ratelimit-reset", ""))
    if remaining.strip() == "0" and reset.strip().isdecimal():
        return max(1.0, float(reset) - time.time())
    limited = answer.status == 429 or b"rate limit" in answer.body.lower() or b"abuse detection" in answer.body.lower()
    return LIMITED if limited else None


def _cause(error: BaseException) -> BaseException:
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return error
