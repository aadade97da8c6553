"""The door to web APIs: every failure sorted into what may pass and what will not, and no secret in any of them."""

from __future__ import annotations

import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fault_server import certify
from forge_routes import Ask, Reply, route
from forge_server import TOKEN, Forge, serving

from slipway import web
from slipway.errors import ConfigError, NetworkError, SlipwayError, TransientError

SECRET = {"Authorization": f"Bearer {TOKEN}"}


class Plain(Forge):
    """A server with one of everything."""

    moved_to = ""

    def login_of(self, headers: dict[str, str]) -> str | None:
        return headers.get("authorization", "").removeprefix("Bearer ") or None

    @route("GET", "/thing")
    def thing(self, ask: Ask) -> Reply:
        return Reply(200, {"name": "thing"})

    @route("GET", "/page")
    def page(self, ask: Ask) -> Reply:
        return Reply(200, b"<html>log in", {"Content-Type": "text/html; charset=utf-8"})

    @route("GET", "/list")
    def listed(self, ask: Ask) -> Reply:
        return self.paged(ask, list(range(70)))

    @route("GET", "/circle")
    def circle(self, ask: Ask) -> Reply:
        return Reply(200, [1], {"Link": f'<{self.url}/circle>; rel="next"'})

    @route("GET", "/astray")
    def astray(self, ask: Ask) -> Reply:
        return Reply(200, [1], {"Link": f'<{self.storage_url}/list>; rel="next"'})

    @route("GET", "/file")
    def file(self, ask: Ask) -> Reply:
        return Reply(200, b"x" * 100_000)

    @route("GET", "/moved")
    def moved(self, ask: Ask) -> Reply:
        return Reply(302, b"", {"Location": self.moved_to})

    @route("GET", "/elsewhere", login="never")
    def elsewhere(self, ask: Ask) -> Reply:
        return Reply(200, b"elsewhere")

    @route("PUT", "/file", body="file")
    def put(self, ask: Ask) -> Reply:
        return Reply(201, {"size": len(ask.body)})

    @route("POST", "/thing", fields={"name": str})
    def post(self, ask: Ask) -> Reply:
        return Reply(201, {"name": ask.json()["name"]})


@pytest.fixture
def server() -> Iterator[Plain]:
    """A server on this machine."""
    with serving(Plain()) as found:
        yield found


@pytest.fixture
def client(server: Plain) -> web.Client:
    """A client that is logged in there."""
    return web.Client(server.url, login=web.Login(headers=SECRET, secret=TOKEN, hints={401: "mint a new one"}))


def test_data_goes_and_comes(client: web.Client) -> None:
    assert client.get("thing") == {"name": "thing"}
    assert client.ask("POST", "/thing", data={"name": "é"}).json() == {"name": "é"}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_what_may_pass_is_transient(server: Plain, client: web.Client, status: int) -> None:
    server.fail("refuse", "thing", status=status, headers={"Retry-After": "7"})
    with pytest.raises(TransientError, match=str(status)) as failed:
        client.get("thing")
    assert failed.value.wait == 7
    assert len(server.calls) == 1, "nothing is tried again here"


@pytest.mark.parametrize(
    ("headers", "body", "least", "most"),
    [
        ({"Retry-After": "30"}, None, 30, 30),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "in 90 seconds"}, None, 80, 90),
        ({}, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}, 60, 60),
    ],
    ids=["Retry-After", "used up", "words alone"],
)
def test_a_limit_is_waited_for_and_nobody_asks_meanwhile(
    server: Plain, client: web.Client, headers: dict[str, str], body: object, least: float, most: float
) -> None:
    if "X-RateLimit-Reset" in headers:
        headers = {**headers, "X-RateLimit-Reset": str(int(time.time()) + 90)}
    server.fail("refuse", "thing", status=403, headers=headers, body=body)
    with pytest.raises(TransientError) as failed:
        client.get("thing")
    assert failed.value.wait is not None
    assert least <= failed.value.wait <= most
    with pytest.raises(TransientError, match="asked us to be slower") as second:
        client.get("list")
    assert second.value.wait is not None
    assert least - 5 <= second.value.wait <= most
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "mint a new one"), (403, "rights"), (404, "names"), (413, "how large"), (422, None), (501, None)]
)
def test_a_refusal_is_final_and_tells_what_the_server_says(
    server: Plain, client: web.Client, status: int, hint: str | None
) -> None:
    server.fail("refuse", "thing", status=status, body={"message": f"no {TOKEN}", "errors": [{"field": "name"}]})
    with pytest.raises(web.RefusedError, match=f'{status} \\(no \\*\\*\\*; \\[{{"field": "name"}}\\]\\)') as failed:
        client.get("thing")
    assert not isinstance(failed.value, TransientError)
    assert failed.value.status == status
    assert failed.value.exit_code == 42
    assert (hint or "") in (failed.value.hint or "")


@pytest.mark.parametrize("kind", ["reset", "lose"])
def test_a_connection_that_breaks_is_transient(server: Plain, client: web.Client, kind: str) -> None:
    server.fail(kind, "post")  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        client.ask("POST", "thing", data={"name": "a"})
    assert len(server.made("post")) == 1
    assert client.get("thing"), "and the next call works"


def test_a_server_that_is_not_there_is_transient(server: Plain) -> None:
    gone = web.Client("http://127.0.0.1:9")
    with pytest.raises(TransientError, match="refused"):
        gone.get("thing")


def test_a_file_is_sent_in_one_piece_with_its_length_and_counted(server: Plain, client: web.Client, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 3_000_000)
    counted: list[int] = []
    body = web.FileBody(path=path, size=3_000_000, before=b"<", after=b">")
    assert client.send("PUT", "file", body, sent=counted.append).json() == {"size": 3_000_002}
    assert sum(counted) == 3_000_000
    assert len(counted) == 3


@pytest.mark.parametrize("size", [10, 30])
def test_a_file_that_changes_while_it_is_sent_is_said_so(server: Plain, client: web.Client, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 20)
    with pytest.raises(SlipwayError, match="changed while it was sent") as failed:
        client.send("PUT", "file", web.FileBody(path=path, size=size), sent=lambda _: None)
    assert not isinstance(failed.value, TransientError)


def test_a_file_is_read_piece_by_piece(server: Plain, client: web.Client) -> None:
    pieces: list[bytes] = []
    server.fail("slow", "file", seconds=0.1)
    client.fetch("file", pieces.append)
    assert b"".join(pieces) == b"x" * 100_000


def test_the_login_does_not_follow_a_redirect_to_another_server(server: Plain, client: web.Client) -> None:
    server.moved_to = f"{server.url.replace('127.0.0.1', 'localhost')}/elsewhere?sig=abc"
    pieces: list[bytes] = []
    client.fetch("moved", pieces.append)
    assert b"".join(pieces) == b"elsewhere"
    # The query is not one that the route knows; what matters is that no token came.
    assert server.violations == ["elsewhere: an unknown query parameter: sig"]
    server.violations.clear()


def test_what_redirects_to_plain_http_is_refused(server: Plain, client: web.Client) -> None:
    server.moved_to = "http://example.org/file"
    with pytest.raises(NetworkError, match="not https"):
        client.fetch("moved", lambda _: None)


def test_a_call_that_is_redirected_is_refused_with_the_reason(server: Plain, client: web.Client) -> None:
    server.moved_to = f"{server.url}/thing"
    with pytest.raises(NetworkError, match="has moved to") as failed:
        client.get("moved")
    assert "renamed" in (failed.value.hint or "")


def test_pages_are_followed_to_the_end_and_a_circle_is_left(server: Plain, client: web.Client) -> None:
    assert [number for page in client.pages("list", query={"per_page": "100"}) for number in page] == list(range(70))
    assert len(server.made("listed")) == 3, "pages of 30"
    assert len(list(client.pages("circle"))) <= 2


def test_pages_do_not_lead_to_another_server(server: Plain, client: web.Client) -> None:
    with pytest.raises(NetworkError, match="on another server"):
        list(client.pages("astray"))
    assert server.made("listed") == []


def test_a_certificate_that_is_not_trusted_is_final(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certify(tmp_path)[1])
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(NetworkError, match="certificate is not trusted") as failed:
            web.Client(f"https://127.0.0.1:{server.server_port}").get("thing")
        thread.join()
    assert not isinstance(failed.value, TransientError)


def test_a_page_in_place_of_data_is_said_to_be_one(client: web.Client) -> None:
    with pytest.raises(NetworkError, match="answers with text/html in place of JSON"):
        client.get("page")


@pytest.mark.parametrize("url", ["http://example.org/api", "ftp://example.org", "file:///etc/passwd", "https://"])
def test_nothing_is_asked_over_plain_http(url: str) -> None:
    with pytest.raises(ConfigError):
        web.Client(url)


def test_no_text_of_a_client_shows_the_secret(client: web.Client) -> None:
    login = web.Login(headers=SECRET, secret=TOKEN)
    assert TOKEN not in f"{client!r} {login!r}"


def test_a_token_that_cannot_be_sent_is_not_quoted(server: Plain) -> None:
    broken = web.Client(server.url, login=web.Login(headers={"Authorization": f"Bearer {TOKEN}\n"}, secret=f"{TOKEN}\n"))
    with pytest.raises(NetworkError, match="cannot be sent") as failed:
        broken.get("thing")
    assert not isinstance(failed.value, TransientError)
    assert TOKEN not in "".join(traceback.format_exception(failed.value))


def test_one_client_serves_several_threads(server: Plain, client: web.Client) -> None:
    def ask(found: list[object]) -> None:
        found.extend(client.get("thing") for _ in range(10))

    answers: list[object] = []
    _together(lambda: ask(answers))
    assert len(answers) == 80


def _together(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
