"""A web server on this machine that does all that servers do to those who download, and a proxy that leads there."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from installer_lab import only

HOST = "127.0.0.1"
# A name that no one can look up: only a proxy leads there.
HIDDEN = "packages.invalid"
# What downloads, and how it shows a page.
FETCH = {"curl": "curl -fsSL", "wget": "wget -qO-", "busybox": "wget -q -O -"}
ARCHIVES = (".tar.gz", ".tar.xz", ".tar.zst")
TOOLS = (
    *("cat", "chmod", "cp", "cut", "expr", "getconf", "grep", "gzip", "id", "ls", "ln", "mkdir"),
    *("mv", "rm", "rmdir", "sh", "sha256sum", "sleep", "tail", "tar", "uname", "wc"),
)


@dataclass
class Site:
    """What the server serves, how it fails at the next `bad_answers` archives, and what it was asked for.

    `cut` is how many bytes of an archive it sends before it hangs up, in the middle when it is negative; `ranges` says
    whether it can go on where a transfer broke off.
    """

    folder: Path
    certificate: Path
    port: int = 0
    plain_port: int = 0
    mood: str = ""
    bad_answers: int = 1000
    cut: int = -1
    ranges: bool = False
    asked: list[str] = field(default_factory=list)
    asked_plainly: list[str] = field(default_factory=list)
    asked_ranges: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def plain_url(self) -> str:
        return f"http://{HOST}:{self.plain_port}"

    @property
    def trust(self) -> dict[str, str]:
        """The environment in which curl and wget trust the server; root must not install for the whole machine by mistake."""
        return {"HELLO_USER": "1", "CURL_CA_BUNDLE": str(self.certificate), "WGETRC": str(self.folder / "wgetrc")}

    @property
    def archives(self) -> list[str]:
        """The archives that were asked for."""
        return [path for path in self.asked if path.endswith(ARCHIVES)]

    def cheer(self) -> None:
        """Be in a good mood, with nothing asked yet."""
        self.mood, self.bad_answers, self.cut, self.ranges = "", 1000, -1, False
        for each in (self.asked, self.asked_plainly, self.asked_ranges):
            each.clear()


class Answer(BaseHTTPRequestHandler):
    """Serves files well, and archives according to the mood; what is below /elsewhere is always served well."""

    site: Site
    plain = False
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        (self.site.asked_plainly if self.plain else self.site.asked).append(self.path)
        path = self.site.folder / self.path.removeprefix("/elsewhere").lstrip("/")
        is_archive = self.path.endswith(ARCHIVES) and not self.path.startswith("/elsewhere")
        if is_archive and self.site.mood and self.site.bad_answers:
            self.site.bad_answers -= 1
            getattr(self, f"be_{self.site.mood}")(path.read_bytes())
        elif path.is_file():
            self.serve(path.read_bytes())
        else:
            self.give(b"nothing here", code=404)

    def serve(self, data: bytes) -> None:
        said = self.headers.get("Range", "")
        if said:
            self.site.asked_ranges.append(said)
        if not said or not self.site.ranges:
            self.give(data)
            return
        start = int(said.removeprefix("bytes=").split("-")[0])
        self.give_rest(data, start)

    def give_rest(self, data: bytes, start: int) -> None:
        place = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        self.give(data[start:], code=206, headers=place)

    def give(self, data: bytes, code: int = 200, size: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data) if size is None else size), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def part(self, data: bytes) -> bytes:
        return data[: len(data) // 2 if self.site.cut < 0 else self.site.cut]

    def be_missing(self, data: bytes) -> None:
        self.give(b"nothing here", code=404)

    def be_damaged(self, data: bytes) -> None:
        self.give(data[:-1] + bytes([data[-1] ^ 1]))

    def be_broken(self, data: bytes) -> None:
        self.give(b"oh dear", code=500)

    def be_busy(self, data: bytes) -> None:
        self.give(b"later", code=503)

    def be_patient(self, data: bytes) -> None:
        self.give(b"in three seconds", code=503, headers={"Retry-After": "3"})

    def be_short(self, data: bytes) -> None:
        self.give(self.part(data), size=len(data))
        self.close_connection = True

    def be_spoiled(self, data: bytes) -> None:
        """Cut the archive short after bytes that are not its own: what is resumed from there is never right."""
        self.give(bytes(len(self.part(data))), size=len(data))
        self.close_connection = True

    def be_reset(self, data: bytes) -> None:
        self.give(self.part(data), size=len(data))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.connection)
        self.close_connection = True

    def be_silent(self, data: bytes) -> None:
        self.give(self.part(data), size=len(data))
        self.site.stop.wait(60)
        self.close_connection = True

    def be_trickling(self, data: bytes) -> None:
        """Send a byte now and then, for ever as far as people are concerned."""
        self.give(b"", size=len(data))
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.site.stop.wait(0.25):
                break

    def be_slow(self, data: bytes) -> None:
        self.give(b"", size=len(data))
        for start in range(0, len(data), len(data) // 4):
            time.sleep(0.4)
            self.wfile.write(data[start : start + len(data) // 4])

    def be_plain(self, data: bytes) -> None:
        self.give(b"", code=302, headers={"Location": f"{self.site.plain_url}/elsewhere{self.path}"})

    def be_moved(self, data: bytes) -> None:
        self.give(b"", code=302, headers={"Location": f"{self.site.url}/elsewhere{self.path}"})

    def be_near(self, data: bytes) -> None:
        self.give(b"", code=307, headers={"Location": f"/elsewhere{self.path}"})

    def be_circling(self, data: bytes) -> None:
        self.give(b"", code=302, headers={"Location": self.path})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Proxy(BaseHTTPRequestHandler):
    """Connects every name to the site, or nobody to anything."""

    site: Site
    connected: list[str]
    refuses = False

    def do_CONNECT(self) -> None:
        self.connected.append(self.path)
        if self.refuses:
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection((HOST, self.site.port)) as there:
            back = threading.Thread(target=pump, args=(there, self.connection))
            back.start()
            pump(self.connection, there)
            back.join()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand all bytes on until one side hangs up."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Quiet(ThreadingHTTPServer):
    """A server that does not mind who hangs up."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the clients are the subject here."""


def serve(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None, **members: Any) -> Quiet:
    """Start a server whose handler has these members."""
    server = Quiet((HOST, 0), type(handler.__name__, (handler,), members))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@contextmanager
def proxying(site: Site, **members: Any) -> Iterator[tuple[str, list[str]]]:
    """A proxy's address, and what it is asked to connect to."""
    connected: list[str] = []
    proxy = serve(Proxy, site=site, connected=connected, **members)
    try:
        yield f"http://{HOST}:{proxy.server_port}", connected
    finally:
        proxy.shutdown()
        proxy.server_close()


@contextmanager
def serving(folder: Path, certificates: Path) -> Iterator[Site]:
    """A site with its secure and its plain server, as long as the block runs."""
    authority, chain = certify(certificates)
    site = Site(folder=folder, certificate=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # BusyBox says nothing of the signatures it knows
    (folder / "wgetrc").write_text(f"ca_certificate = {authority}\n")
    secure, plain = serve(Answer, context, site=site), serve(Answer, site=site, plain=True)
    site.port, site.plain_port = secure.server_port, plain.server_port
    try:
        yield site
    finally:
        site.stop.set()
        for server in (secure, plain):
            server.shutdown()
            server.server_close()


def certify(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the site, signed by an authority of our own; returns the authority's and the site's chain."""
    authority, site = folder / "authority.pem", folder / "site.pem"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    by_authority = ("-CA", authority, "-CAkey", folder / "authority.key", "-addext", "basicConstraints=critical,CA:FALSE")
    named = ("-subj", "/CN=Site", "-addext", f"subjectAltName=IP:{HOST},DNS:{HIDDEN}")
    for command in (
        (*new, "-subj", "/CN=Test authority", "-keyout", folder / "authority.key", "-out", authority),
        (*new, *named, *by_authority, "-keyout", folder / "site.key", "-out", folder / "site.crt"),
    ):
        subprocess.run(command, check=True, capture_output=True)
    site.write_text((folder / "site.key").read_text() + (folder / "site.crt").read_text())
    return authority, site


def programs(folder: Path, client: str, *more: str) -> str:
    """A PATH with what install.sh needs, one program that downloads, and more."""
    if folder.exists():
        return str(folder)
    path = only(folder, *TOOLS, *more, *({"busybox": (), "": ()}.get(client, (client,))))
    if client == "busybox":
        (folder / "wget").symlink_to(shutil.which("busybox") or "busybox")
    return path
