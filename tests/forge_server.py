"""What the forges of the tests share: a strict server in memory that logs every call and goes wrong as it is told.

A call that the real forge does not have, a field it does not know, or a header it needs is a violation, and the block of
`serving` fails with the list of them at its end.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from forge_routes import AT_RANDOM, READS, Ask, Call, Fault, Kind, Reply, Route

HOST = "127.0.0.1"
TOKEN = "forge-token-5c0ffee1deadbeef"


class Forge:
    """A forge in memory; each kind adds its routes."""

    paging: ClassVar[tuple[str, ...]] = ("per_page", "page")

    def __init__(self) -> None:
        self.url = ""
        self.storage_url = ""  # another server, from where files come
        self.token = TOKEN
        self.may_write = True
        self.page_size = 30  # the most that a page holds, whatever is asked for
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.chance, self.random = 0.0, random.Random(0)
        self.lag_calls, self.lag_seconds = 0, 0.0
        self.lock = threading.RLock()
        self._fresh: dict[object, list[float]] = {}
        self._serial = 1000
        self._routes = [
            (known, getattr(self, name)) for name in dir(type(self)) for known in getattr(getattr(type(self), name), "routes", ())
        ]

    # For tests.
    def fail(self, kind: Kind, route: str, **more: Any) -> None:
        """Let something go wrong."""
        self.faults.append(Fault(kind, route, **more))

    def at_random(self, chance: float, seed: int) -> None:
        """Let any call go wrong with this chance, the same way for the same seed."""
        self.chance, self.random = chance, random.Random(seed)

    def lag(self, *, calls: int = 0, seconds: float = 0.0) -> None:
        """Answer 404 for what is new, and leave it out of lists: for so many calls about it, or so long."""
        self.lag_calls, self.lag_seconds = calls, seconds

    def writes(self) -> list[Call]:
        """The calls that could have changed something."""
        return [call for call in self.calls if call.writes]

    def made(self, route: str) -> list[Call]:
        """The calls of one route."""
        return [call for call in self.calls if call.route == route]

    # For the routes.
    def serial(self) -> int:
        """A number that is new."""
        self._serial += 1
        return self._serial

    def is_new(self, key: object) -> None:
        """Something was made, which may not be seen everywhere at once."""
        self._fresh[key] = [self.lag_calls, time.monotonic() + self.lag_seconds]

    def is_seen(self, key: object) -> bool:
        """Whether what was made is seen by this call."""
        left = self._fresh.get(key)
        if left is None or (left[0] <= 0 and time.monotonic() >= left[1]):
            return True
        left[0] -= 1
        return False

    def violated(self, what: str) -> None:
        """Keep what the client did wrong, for the end of the test."""
        self.violations.append(what)

    def paged(self, ask: Ask, items: list[Any]) -> Reply:
        """One page of a list, with the Link header that tells of the next."""
        size_key, page_key = self.paging
        size = min(int(ask.query.get(size_key, "30")), self.page_size)
        page = int(ask.query.get(page_key, "1"))
        headers, rest = {}, items[page * size :]
        if rest:
            again = "&".join(f"{key}={value}" for key, value in ask.query.items() if key != page_key)
            next_url = f"{self.seen_as(ask)}?{again}&{page_key}={page + 1}"
            headers["Link"] = f'<{next_url}>; rel="next", <{next_url}>; rel="last"'
        return Reply(200, items[(page - 1) * size : page * size], headers)

    def seen_as(self, ask: Ask) -> str:
        """The address to which this call was sent."""
        return f"http://{ask.headers.get('host', '')}{urlsplit(ask.url).path}"

    def login_of(self, headers: dict[str, str]) -> str | None:
        """The token that a call carries; each kind of forge has its own headers."""
        raise NotImplementedError

    def check(self, ask: Ask, known: Route) -> None:
        """Note what else is wrong with a call of this kind of forge."""

    @contextmanager
    def together(self, ask: Ask, known: Route) -> Iterator[None]:
        """Around each call, without the lock: for what happens to calls that come at the same time."""
        yield

    def denied(self, ask: Ask, known: Route) -> Reply | None:
        """Refuse a login that is wrong or may not do this."""
        given = self.login_of(ask.headers)
        if known.login == "never":
            if given is not None:
                self.violated(f"the token was sent to a public address: {ask.method} {ask.url}")
            return None
        if given is None and known.login == "needed":
            self.violated(f"no token: {ask.method} {ask.url}")
        if given is not None and given != self.token:
            return Reply(401, {"message": "Bad credentials"})
        ask.known = given is not None
        if ask.method not in READS and not self.may_write:
            return Reply(403, {"message": "Resource not accessible by personal access token"})
        return None

    def answer(self, ask: Ask) -> tuple[str, Reply]:
        """Find the route of a call, check the call strictly, and do it."""
        path = urlsplit(ask.url).path
        for known, handler in self._routes:
            if (params := known.match(ask.method, path)) is not None:
                ask.params = params
                self._strictly(ask, known)
                with self.together(ask, known), self.lock:
                    return known.name, self.denied(ask, known) or handler(ask)
        self.violated(f"an unknown call: {ask.method} {ask.url}")
        return "unknown", Reply(404, {"message": "Not Found"})

    def name_of(self, ask: Ask) -> str:
        """The name of the route that a call takes."""
        path = urlsplit(ask.url).path
        return next((known.name for known, _ in self._routes if known.match(ask.method, path) is not None), "unknown")

    def _strictly(self, ask: Ask, known: Route) -> None:
        said, name = self.violated, known.name
        if "user-agent" not in ask.headers or "python" in ask.headers["user-agent"]:
            said(f"{name}: no User-Agent of our own")
        for key in ask.query.keys() - known.query - set(self.paging):
            said(f"{name}: an unknown query parameter: {key}")
        if known.body == "none" and ask.body:
            said(f"{name}: a body that nobody reads")
        if known.body != "none" and "content-type" not in ask.headers:
            said(f"{name}: no Content-Type")
        if known.body == "json":
            self._fields(ask, known)
        self.check(ask, known)

    def _fields(self, ask: Ask, known: Route) -> None:
        if not ask.headers.get("content-type", "").startswith("application/json"):
            return self.violated(f"{known.name}: not JSON")
        given = ask.json()
        for key in set(known.needs) - given.keys():
            self.violated(f"{known.name}: the field {key} is missing")
        for key, value in given.items():
            kind = known.fields.get(key)
            if kind is None:
                self.violated(f"{known.name}: an unknown field: {key}")
            elif not isinstance(value, kind):
                self.violated(f"{known.name}: {key} is {value!r}")
        return None

    def struck(self, name: str, method: str) -> Fault | None:
        """The fault that strikes this call."""
        with self.lock:
            found = next((fault for fault in self.faults if fault.takes(name)), None)
            if found is None and self.chance and self.random.random() < self.chance:
                kind = self.random.choice(AT_RANDOM)
                found = Fault("reset" if kind == "half" and method in READS else kind, name)
            return found


class _Session(BaseHTTPRequestHandler):
    """Reads calls from one connection and lets them go wrong."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    forge: ClassVar[Forge]

    def _call(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "transfer-encoding" in headers or (self.command in ("POST", "PUT", "PATCH") and "content-length" not in headers):
            self.forge.violated(f"no Content-Length: {self.command} {self.path}")
            self.close_connection = True
            return self._send(Reply(411))
        body = self.rfile.read(int(headers.get("content-length", "0")))
        if len(body) < int(headers.get("content-length", "0")):
            self.close_connection = True
            return None
        self._handle(Ask(self.command, self.path, headers, body))
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _call  # noqa: N815 - the names that http.server calls

    def _handle(self, ask: Ask) -> None:
        name = self.forge.name_of(ask)
        fault = self.forge.struck(name, ask.method)
        if fault is None:
            return self._send(self._done(ask))
        if fault.kind == "refuse":
            body = {"message": "Server Error"} if fault.body is None else fault.body
            return self._send(self._log(ask, name, Reply(fault.status, body, fault.headers), fault.kind))
        if fault.kind == "reset":
            self._log(ask, name, Reply(0), fault.kind)
            return self._hang_up()
        ask.half = fault.kind == "half"
        reply = self._done(ask, fault.kind)
        if fault.kind == "lose":
            return self._hang_up()
        if fault.kind == "slow":
            return self._send(reply, fault.seconds)
        return self._send(Reply(fault.status, {"message": "Server Error"}))

    def _done(self, ask: Ask, fault: str = "") -> Reply:
        name, reply = self.forge.answer(ask)
        return self._log(ask, name, reply, fault)

    def _log(self, ask: Ask, name: str, reply: Reply, fault: str) -> Reply:
        with self.forge.lock:
            self.forge.calls.append(Call(ask.method, name, ask.url, reply.status, len(ask.body), fault))
        return reply

    def _hang_up(self) -> None:
        # Without lingering, closing is a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _send(self, reply: Reply, seconds: float = 0.0) -> None:
        data = reply.data()
        self.send_response(reply.status)
        if not isinstance(reply.body, bytes):
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        step = max(1, len(data) // 16) if seconds else max(1, len(data))
        for start in range(0, 0 if self.command == "HEAD" else len(data), step):
            time.sleep(seconds / 16)
            self.wfile.write(data[start : start + step])

    def log_message(self, *_: Any) -> None:
        """Be silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        """Close at once, so that a connection without lingering is reset."""
        self.close_request(request)

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the clients are the subject here."""


AnyForge = TypeVar("AnyForge", bound=Forge)


@contextmanager
def serving(forge: AnyForge) -> Iterator[AnyForge]:
    """Run a forge inside the block, at two addresses; what the clients did wrong fails the test at its end."""
    with _listening(forge) as forge.url, _listening(forge) as forge.storage_url:
        yield forge
    assert not forge.violations, "\n".join(forge.violations)


@contextmanager
def _listening(forge: Forge) -> Iterator[str]:
    with _Server((HOST, 0), type("Session", (_Session,), {"forge": forge})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
