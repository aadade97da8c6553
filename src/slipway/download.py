"""The one door to the web for files whose digest is known: fetched once, kept by digest, never taken when it is another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import slipway
from slipway import console
from slipway.errors import ConfigError, NetworkError, VerificationError
from slipway.files import CHUNK, HashingWriter, digest_file

if TYPE_CHECKING:
    from urllib.request import OpenerDirector, Request

AGENT: Final = f"slipway/{slipway.__version__}"
TIMEOUT: Final = 60.0
LIMIT: Final = 4 << 30
PAUSES: Final = (1.0, 3.0, 9.0)
LONGEST_PAUSE: Final = 120.0
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SECONDS_BETWEEN_LINES: Final = 5.0
_locks: Final[dict[str, Lock]] = {}


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL, not as a path."""
    return "://" in text


def refusal(url: str) -> str:
    """Say why a URL is not fetched; empty when it may be.

    What comes over plain HTTP could be changed on its way, so that is for servers on this machine alone.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Neither the URL nor the reason is told: a password with a slash in it would be part of them.
        return "this URL cannot be read: a user name or a password in it needs %-escapes"
    if not parts.hostname:
        return f"{shown(url)} names no server"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return ""
    return f"{shown(url)} is refused: only https:// is fetched"


def shown(url: str) -> str:
    """The URL without what may be secret in it: names, passwords, and the values behind a question mark."""
    start, mark, rest = url.partition("://")
    place, question, _ = rest.partition("?")
    server, slash, path = place.partition("/")
    return f"{start}{mark}{server.rpartition('@')[2]}{slash}{path.partition('#')[0]}{'?…' if question else ''}"


def fetch(url: str, *, sha256: str, cache: Path, limit: int = LIMIT) -> Path:
    """Return the file of a URL, from the cache folder when it is there already.

    The digest is checked while the file is written and again whenever it is used. Raises NetworkError when the file cannot
    be had, VerificationError when it is another or larger than `limit` bytes.
    """
    if said := refusal(url):
        raise ConfigError(said, hint="write a URL that starts with https://")
    digest = sha256.lower()
    path = cache / "downloads" / "sha256" / digest
    with _locks.setdefault(str(path), Lock()):
        if _is_whole(path, digest):
            console.log(f"{shown(url)} is in the cache: {path}")
        else:
            _Download(url=url, sha256=digest, path=path, limit=limit).run()
    return path


def _is_whole(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    if digest_file(path) == digest:
        return True
    console.warn(f"{path} is damaged and is fetched again")
    path.unlink()
    return False


class _TransientError(Exception):
    """It may work a little later; `wait` is what the server asks for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait = reason, wait


@dataclass(frozen=True, slots=True, kw_only=True)
class _Download:
    """One file that is to be fetched."""

    url: str
    sha256: str
    path: Path
    limit: int

    def run(self) -> None:
        """Try, and try again as long as that may help."""
        for pause in (*PAUSES, None):
            try:
                return self._once()
            except _TransientError as error:
                wait = pause if error.wait is None else error.wait
                if pause is None or wait is None or wait > LONGEST_PAUSE:
                    raise self._gave_up(error, wait) from error
                console.log(f"{shown(self.url)}: {error.reason}; trying again in {wait:g} seconds")
                time.sleep(wait)
        return None

    def _gave_up(self, error: _TransientError, wait: float | None) -> NetworkError:
        later = f"; the server asks to wait {wait:g} seconds" if wait and wait > LONGEST_PAUSE else ""
        return NetworkError(f"cannot fetch {shown(self.url)}: {error.reason}{later}", hint=_LATER)

    def _once(self) -> None:
        console.log(f"fetching {shown(self.url)}")
        with _explained(self.url), _opener().open(_request(self.url), timeout=TIMEOUT) as answer:
            kind, said = answer.headers.get_content_type(), answer.headers.get("Content-Length", "")
            total = int(said) if said.isdecimal() else None
            self._require_room(total or 0)
            with HashingWriter(self.path, "sha256") as out:
                self._copy(answer, out, total)
                if total is not None and out.size < total:
                    raise _TransientError(f"it ended after {out.size} of {total} bytes")
                if (found := out.digests()["sha256"]) != self.sha256:
                    raise self._wrong(found, out.size, kind)

    def _copy(self, answer: Any, out: HashingWriter, total: int | None) -> None:
        told = time.monotonic()
        while chunk := answer.read(CHUNK):
            self._require_room(out.size + len(chunk))
            out.write(chunk)
            if time.monotonic() - told > _SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                console.log(f"{shown(self.url)}: {out.size >> 20} of {'?' if total is None else total >> 20} MiB")

    def _require_room(self, size: int) -> None:
        if size > self.limit:
            raise VerificationError(
                f"{shown(self.url)} is larger than {self.limit} bytes", hint="check that the URL names the file that is meant"
            )

    def _wrong(self, found: str, size: int, kind: str) -> VerificationError:
        page = "; it is a web page: does the URL name the file itself?" if kind == "text/html" else ""
        return VerificationError(
            f"{shown(self.url)} is not the file that is expected: its SHA-256 is {found} ({size} bytes), not {self.sha256}{page}",
            hint="find out why it changed before the new digest is put in the place of the old one",
        )


_LATER: Final = (
    "check the network and the proxy (https_proxy, no_proxy), or run again later; a copy of the file in a folder or a local "
    "archive works without a network"
)
_HINTS: Final = {
    401: "the server wants a login: check the name and the password in the URL",
    403: "the server does not give the file to this user: check the URL and the login",
    404: "check the URL: does this version have the file?",
    407: "the proxy wants a login: check https_proxy",
    410: "check the URL: does this version have the file?",
}


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Sort what can go wrong into what may pass and what will not."""
    from http.client import HTTPException
    from ssl import SSLCertVerificationError
    from urllib.error import HTTPError, URLError

    try:
        yield
    except HTTPError as error:
        with error:
            raise _refused(url, error.code, error.headers.get("Retry-After", "")) from error
    except (URLError, OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, SSLCertVerificationError):
            raise NetworkError(
                f"cannot fetch {shown(url)}: the server's certificate is not trusted ({reason.verify_message})",
                hint="check the clock of this machine; SSL_CERT_FILE names the certificates of a company's own proxy",
            ) from error
        raise _TransientError(words_of(reason)) from error


def _refused(url: str, code: int, after: str) -> Exception:
    from http.client import responses

    said = f"the server answers {code} {responses.get(code, '')}".rstrip()
    if code in TRANSIENT:
        return _TransientError(said, seconds_of(after))
    return NetworkError(f"cannot fetch {shown(url)}: {said}", hint=_HINTS.get(code, _LATER))


def seconds_of(after: str) -> float | None:
    """What Retry-After asks for: seconds, or a date (RFC 9110, 10.2.3)."""
    from email.utils import parsedate_to_datetime

    if after.strip().isdecimal():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None


def words_of(reason: object) -> str:
    """What went wrong on the way, in words."""
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(text)


def _request(url: str) -> Request:
    """The request; a name and a password in the URL are sent to that server alone, wherever it redirects to."""
    from base64 import b64encode
    from urllib.request import Request

    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    request = Request(bare, headers={"User-Agent": AGENT, "Accept-Encoding": "identity"})  # noqa: S310  (refusal() has seen it)
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
    return request


def _opener() -> OpenerDirector:
    from urllib.request import HTTPRedirectHandler, build_opener

    class Careful(HTTPRedirectHandler):
        """Follows no redirect to where nothing is fetched from, nor from HTTPS to HTTP."""

        def redirect_request(self, req: Request, fp: Any, *rest: Any) -> Request | None:
            target = str(rest[-1])
            if refusal(target) or (req.type == "https" and urlsplit(target).scheme != "https"):
                fp.close()
                raise NetworkError(
                    f"{shown(req.full_url)} redirects to {shown(target)}, which is not https://",
                    hint="name the URL at which the file really lies",
                )
            return super().redirect_request(req, fp, *rest)

    return build_opener(Careful)
