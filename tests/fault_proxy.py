"""A reverse proxy that stands before a server of the tests, breaks some of its answers on purpose, and writes down what it saw.

Faults come from a script (`proxy.script`: the next requests that match) and, with a rate, by chance: which requests are hit
depends on the seed, the request and how often it was made, not on the order in which threads get to run.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

HOST: Final = "127.0.0.1"
READS: Final = ("GET", "HEAD", "OPTIONS")
# reset: hang up, before the server was asked or after it has done the work; cut: half of the body; 503: an answer of our own.
KINDS: Final = ("reset-before", "reset-after", "cut", "slow", "503", "429", "500", "500-after")
_OWN: Final = ("host", "connection", "transfer-encoding", "content-length", "expect", "keep-alive")
CHUNK: Final = 1 << 16


@dataclass
class Fault:
    """Something that is to go wrong `times` times with what matches the method and the pattern of the path with its query."""

    kind: str
    method: str = "*"
    path: str = ""
    times: int = 1
    retry_after: int = 0
    skip: int = 0  # so many matching requests pass before

    def hits(self, method: str, path: str) -> bool:
        """Whether this request is hit, which uses up one of the times."""
        if self.times <= 0 or self.method not in ("*", method) or not re.search(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Seen:
    """A request that came by, and what was done to it (`` for nothing)."""

    method: str
    path: str
    fault: str

    @property
    def is_write(self) -> bool:
        """Whether the request could change something."""
        return self.method not in READS


@dataclass
class FaultProxy:
    """A running proxy."""

    target: str
    rate: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = ("reset-before", "reset-after", "cut", "503", "429", "500")
    delay: float = 0.0  # seconds before each answer
    deaf: tuple[str, ...] = ()  # headers of requests that are not handed on, as if the server did not heed them
    unknown: tuple[str, ...] = ()  # headers for which the server says 501
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    watch: Callable[[Seen], object] = lambda _: None  # called with each request before it is answered
    _scripted: list[Fault] = field(default_factory=list)
    _times: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def script(self, *faults: Fault) -> None:
        """Add to what is to go wrong."""
        with self._lock:
            self._scripted.extend(faults)

    @property
    def writes(self) -> list[Seen]:
        """The requests that could change something."""
        return [each for each in self.seen if each.is_write]

    @property
    def faults(self) -> list[Seen]:
        """The requests that something was done to."""
        return [each for each in self.seen if each.fault]

    def forget(self) -> None:
        """Forget what was seen."""
        with self._lock:
            self.seen.clear()

    def meet(self, method: str, path: str) -> Fault | None:
        """Note a request; returns what is to go wrong with it."""
        with self._lock:
            fault = next((each for each in self._scripted if each.hits(method, path)), None) or self._by_chance(method, path)
            self.seen.append(Seen(method, path, fault.kind if fault else ""))
        self.watch(self.seen[-1])
        return fault

    def _by_chance(self, method: str, path: str) -> Fault | None:
        self._times[method, path] += 1
        if not self.rate:
            return None
        word = f"{self.seed} {method} {path} {self._times[method, path]}".encode()
        number = int.from_bytes(hashlib.sha256(word).digest()[:8])
        if number / 2**64 >= self.rate:
            return None
        return Fault(self.kinds[number % len(self.kinds)])


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        fault = self.proxy.meet(self.command, self.path)
        kind = fault.kind if fault else ""
        body = self._body()
        time.sleep(self.proxy.delay + (0.5 if kind == "slow" else 0))
        if any(name in self.headers for name in self.proxy.unknown):
            self._refuse(501, 0)
        elif kind == "reset-before":
            self._reset()
        elif fault and kind.isdigit():
            self._refuse(int(kind), fault.retry_after)
        else:
            self._pass_on(body, fault)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _pass_on(self, body: bytes, fault: Fault | None) -> None:
        target = urlsplit(self.proxy.target)
        there = HTTPConnection(target.hostname or HOST, target.port, timeout=60)
        try:
            # The host is handed on as the client said it: it is part of what was signed.
            headers = {name: value for name, value in self.headers.items() if name.lower() not in (*_OWN, *self.proxy.deaf)}
            headers["Host"] = self.headers.get("Host", "")
            if body or self.command in ("PUT", "POST", "PATCH"):
                headers["Content-Length"] = str(len(body))
            there.request(self.command, self.path, body, headers)
            self._answer(there.getresponse(), fault)
        except (OSError, HTTPException):
            self._reset()
        finally:
            there.close()

    def _answer(self, answer: HTTPResponse, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        data = answer.read()
        if kind == "reset-after":
            self._reset()
            return
        if fault and kind.endswith("-after"):
            self._refuse(int(kind.removesuffix("-after")), fault.retry_after)
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        size = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(data))
        if size and answer.status not in (204, 304):
            self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if kind == "cut" else data)
        if kind == "cut":
            self._reset() if len(data) < 2 else self._hang_up()

    def _refuse(self, status: int, retry_after: int) -> None:
        data = b"broken on purpose"
        self.send_response_only(status, "Broken On Purpose")
        if status in (429, 503):
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket.close(self.connection)

    for _method in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"):
        locals()[f"do_{_method}"] = handle_any

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Say nothing: whoever hangs up may do so here."""


@contextmanager
def fault_proxy(target: str, **settings: Any) -> Iterator[FaultProxy]:
    """A proxy before `target`, an http:// URL, as long as the block runs; `settings` are fields of FaultProxy."""
    proxy = FaultProxy(target, **settings)
    server = _Quiet((HOST, 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
