"""The GitHub of the tests behind a proxy that compares every call and every answer with GitHub's own description of its API."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_github import GitHub as Fake
from forge_github import github
from prism import proxying

from slipway.errors import NetworkError
from slipway.forges import Upload, Wanted
from slipway.forges.github import GitHub

pytestmark = pytest.mark.slow
COMMIT = "c0ffee" * 6 + "c0ff"
NAMES = tuple(f"greeter-{number}.tar.gz" for number in range(35))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    """A GitHub behind the proxy; an answer of the proxy's own is never one of ours."""
    with github() as found, proxying(f"{found.url}/api/v3", tmp_path_factory.mktemp("prism") / "log") as proxy:
        found.behind = proxy
        yield found


@pytest.fixture
def client(fake: Fake) -> GitHub:
    """A client that goes through the proxy."""
    return GitHub(fake.behind, fake.repository, fake.token)


def upload(tmp_path: Path, name: str) -> Upload:
    """A file to publish."""
    path = tmp_path / name
    path.write_bytes(name.encode() * 100)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Upload(name=name, path=path, size=path.stat().st_size, sha256=digest, media_type="application/octet-stream")


def test_a_whole_life_follows_the_description(fake: Fake, client: GitHub, tmp_path: Path) -> None:
    wanted = Wanted(tag="v2.1.0", commit=COMMIT, title="Greeter 2.1.0", notes="What is new")
    client.access()
    assert client.release(wanted.tag) is None
    client.open(wanted)
    for name in NAMES:
        client.upload(wanted.tag, upload(tmp_path, name), lambda _: None)
    assert client.upload(wanted.tag, upload(tmp_path, NAMES[0]), lambda _: None).complete, "taken, and equal"
    assert [asset.name for asset in client.assets(wanted.tag)] == list(NAMES)
    # Reading is left out: it is a redirect to another server, which this proxy follows by itself.
    fake.tags[wanted.tag] = COMMIT
    client.publish(wanted, NAMES, latest=True)
    assert client.latest() == wanted.tag
    client.mark_latest(wanted.tag)
    again = GitHub(fake.behind, fake.repository, fake.token).withdraw(wanted.tag, "It eats files.")
    assert (again.draft, again.withdrawn) == (True, True)
    assert len(fake.made("upload")) == len(NAMES) + 1, "all of it went through the proxy"


def test_what_gates_ask_follows_the_description(fake: Fake, client: GitHub) -> None:
    fake.tags["v1.0.0"] = COMMIT
    fake.issues = [{"number": 1, "title": "It burns", "labels": ["release-blocker"], "milestone": 1}, {"number": 2, "title": "x"}]
    fake.milestones = [{"title": "2.1"}]
    fake.statuses, fake.check_runs = {COMMIT: {"ci": "success"}}, {COMMIT: {"build": "success", "docs": ""}}
    assert client.tag_commit("v1.0.0") == COMMIT
    assert client.tag_commit("v9") == ""
    assert [issue.number for issue in client.issues("release-blocker")] == [1]
    assert [issue.number for issue in client.milestone("2.1")] == [1]
    assert client.checks(COMMIT).pending == ("docs",)


def test_refusals_are_those_of_the_description(fake: Fake, client: GitHub) -> None:
    fake.burned.add("v3.0.0")
    with pytest.raises(NetworkError, match="422"):
        client.open(Wanted(tag="v3.0.0", commit=COMMIT, title="", notes=""))


@pytest.mark.parametrize(
    ("data", "status"), [({"name": "no tag"}, 422), ({"tag_name": "v4", "draft": "yes"}, 422)], ids=["missing", "type"]
)
def test_the_proxy_does_compare(fake: Fake, data: dict[str, str], status: int) -> None:
    """Without this, a proxy that lets everything pass would pass for one that finds nothing."""
    url = f"{fake.behind}/repos/{fake.repository}/releases"
    asked = urllib.request.Request(url, json.dumps(data).encode(), {"Content-Type": "application/json"})
    calls = len(fake.calls)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked)
    with refused.value as error:
        assert (error.code, b"UNPROCESSABLE_ENTITY" in error.read()) == (status, True)
    assert len(fake.calls) == calls, "it came no further than the proxy"


def test_the_proxy_compares_answers_too(fake: Fake, client: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forge_github_texts.WHEN", 2026)
    with pytest.raises(NetworkError, match="500"):
        client.access()
