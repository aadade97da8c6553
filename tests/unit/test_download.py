"""Files from the web: fetched once, kept by digest, and never taken when they are not what is expected."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from web import Answer, Web, serving

import slipway
from slipway import console, download
from slipway.errors import ConfigError, NetworkError, SlipwayError, VerificationError

BODY = b"a program, or so" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server, and an environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as found:
        yield found


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; they take no time."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


def fetch(url: str, cache: Path, sha256: str = DIGEST, limit: int = download.LIMIT) -> Path:
    return download.fetch(url, sha256=sha256, cache=cache, limit=limit)


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if not path.is_dir()]


def test_a_file_is_fetched_once_and_kept_by_its_digest(web: Web, tmp_path: Path) -> None:
    url = web.say("/tool.tar.gz", BODY)
    path = fetch(url, tmp_path)
    assert path == tmp_path / "downloads" / "sha256" / DIGEST
    assert path.read_bytes() == BODY
    assert fetch(url, tmp_path, DIGEST.upper()) == path
    assert len(web.asked) == 1
    assert web.asked[0][1]["user-agent"] == f"slipway/{slipway.__version__}"


def test_a_damaged_file_in_the_cache_is_fetched_again(web: Web, tmp_path: Path) -> None:
    url = web.say("/tool", BODY)
    fetch(url, tmp_path).write_bytes(BODY[:-1] + b"X")
    assert fetch(url, tmp_path).read_bytes() == BODY
    assert len(web.asked) == 2


def test_another_digest_is_refused_with_both_and_nothing_is_kept(web: Web, tmp_path: Path) -> None:
    url = web.say("/tool", BODY)
    with pytest.raises(VerificationError) as failed:
        fetch(url, tmp_path, OTHER)
    assert DIGEST in failed.value.message
    assert OTHER in failed.value.message
    assert not kept(tmp_path)
    assert len(web.asked) == 1


def test_a_web_page_in_place_of_the_file_is_said_to_be_one(web: Web, tmp_path: Path) -> None:
    url = web.say("/tool", Answer(b"<html>log in", headers={"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(VerificationError, match="it is a web page"):
        fetch(url, tmp_path)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(web: Web, tmp_path: Path, pauses: list[float], status: int) -> None:
    url = web.say("/tool", Answer(b"busy", status), Answer(b"busy", status), Answer(BODY))
    assert fetch(url, tmp_path).read_bytes() == BODY
    assert pauses == list(download.PAUSES[:2])


def test_retry_after_says_how_long_to_wait(
    web: Web, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_767_225_600.0
    monkeypatch.setattr(time, "time", lambda: now)
    said = ["7", formatdate(now + 20, usegmt=True), "soon"]
    url = web.say("/tool", *(Answer(b"", 503, {"Retry-After": text}) for text in said), Answer(BODY))
    fetch(url, tmp_path)
    assert pauses == [7.0, 20.0, download.PAUSES[2]]


def test_too_long_a_wait_is_left_to_the_user(web: Web, tmp_path: Path, pauses: list[float]) -> None:
    url = web.say("/tool", Answer(b"", 429, {"Retry-After": "3600"}))
    with pytest.raises(NetworkError, match="429 Too Many Requests; the server asks to wait 3600 seconds"):
        fetch(url, tmp_path)
    assert pauses == []


def test_a_server_that_stays_ill_is_given_up(web: Web, tmp_path: Path, pauses: list[float]) -> None:
    url = web.say("/tool", Answer(b"", 503))
    with pytest.raises(NetworkError, match="503 Service Unavailable") as failed:
        fetch(url, tmp_path)
    assert failed.value.exit_code == 42
    assert (len(web.asked), len(pauses)) == (len(download.PAUSES) + 1, len(download.PAUSES))


@pytest.mark.parametrize(("status", "hint"), [(404, "does this version have the file"), (401, "login"), (403, "login")])
def test_a_refusal_is_final_and_explained(web: Web, tmp_path: Path, status: int, hint: str) -> None:
    url = web.say("/tool", Answer(b"no", status))
    with pytest.raises(NetworkError, match=str(status)) as failed:
        fetch(url, tmp_path)
    assert hint in str(failed.value.hint)
    assert len(web.asked) == 1


def test_a_body_that_ends_early_is_tried_again_and_never_kept(web: Web, tmp_path: Path, pauses: list[float]) -> None:
    url = web.say("/tool", Answer(BODY, cut=10), Answer(BODY))
    assert fetch(url, tmp_path).read_bytes() == BODY
    url = web.say("/cut", Answer(BODY, cut=10))
    with pytest.raises(NetworkError, match=f"ended after {len(BODY) - 10} of {len(BODY)} bytes"):
        fetch(url, tmp_path / "other")
    assert not kept(tmp_path / "other")


@pytest.mark.parametrize("announced", [True, False])
def test_too_large_a_file_is_refused(web: Web, tmp_path: Path, announced: bool) -> None:
    url = web.say("/tool", Answer(BODY, headers={} if announced else {"Content-Length": "unknown"}))
    with pytest.raises(VerificationError, match="larger than 100 bytes"):
        fetch(url, tmp_path, limit=100)
    assert not kept(tmp_path)


def test_a_redirect_is_followed(web: Web, tmp_path: Path) -> None:
    web.say("/there", BODY)
    url = web.say("/tool", Answer(b"", 302, {"Location": "/there"}))
    assert fetch(url, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("target", ["http://198.51.100.7/tool", "ftp://127.0.0.1/tool", "file:///etc/passwd"])
def test_a_redirect_to_elsewhere_is_refused(web: Web, tmp_path: Path, target: str) -> None:
    url = web.say("/tool", Answer(b"", 302, {"Location": target}))
    with pytest.raises(NetworkError):
        fetch(url, tmp_path)


def test_redirects_in_a_circle_end(web: Web, tmp_path: Path) -> None:
    url = web.say("/tool", Answer(b"", 302, {"Location": "/tool"}))
    with pytest.raises(NetworkError, match="302"):
        fetch(url, tmp_path)


@pytest.mark.parametrize("url", ["http://hello.example/tool", "ftp://127.0.0.1/tool", "file:///etc/passwd", "https:///tool"])
def test_only_https_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError):
        fetch(url, tmp_path)


def test_no_network(web: Web, tmp_path: Path, pauses: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/tool"
        with pytest.raises(NetworkError, match="Connection refused") as failed:
            fetch(url, tmp_path)
    assert "proxy" in str(failed.value.hint)
    assert len(pauses) == len(download.PAUSES)


def test_a_server_that_says_nothing_is_given_up(
    web: Web, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NetworkError, match="no answer in time"):
            fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/tool", tmp_path)


def test_the_proxy_of_the_environment_is_used(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://localhost:1/tool"
    web.say(url, BODY)
    monkeypatch.setenv("http_proxy", web.url)
    assert fetch(url, tmp_path).read_bytes() == BODY


def test_a_login_in_the_url_is_sent_to_that_server_alone_and_never_told(web: Web, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    web.say("/there", BODY)
    web.say("/tool?token=hush", Answer(b"", 302, {"Location": f"{web.url.replace('127.0.0.1', 'localhost')}/there"}))
    url = f"{web.url.replace('//', '//me:s%40cret@')}/tool?token=hush"
    with console.logging_to(log):
        fetch(url, tmp_path)
        with pytest.raises(SlipwayError) as failed:
            fetch(url, tmp_path, OTHER)
        with pytest.raises(SlipwayError) as missing:
            fetch(f"{web.url.replace('//', '//me:s%40cret@')}/none?token=hush", tmp_path, OTHER)
    first, second = web.asked[:2]
    assert base64.b64decode(first[1]["authorization"].removeprefix("Basic ")) == b"me:s@cret"
    assert "authorization" not in second[1]
    for text in (log.read_text(), str(failed.value), str(missing.value)):
        assert "127.0.0.1" in text
        assert not any(word in text for word in ("s%40cret", "s@cret", "hush", "me:"))
