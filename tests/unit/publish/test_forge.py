"""Forges as stores: the same life on each of them, also when calls go wrong, and what the public sees meanwhile."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest
from forge_gitea import gitea
from forge_github import github
from forge_gitlab import GitLab, gitlab
from forge_server import Forge

from slipway.actions.action import Action, Receipt, State
from slipway.actions.retries import Retries
from slipway.actions.site import Site
from slipway.actions.store import Content, Hosting, HostRelease, Store
from slipway.environments import ForgeStore, GiteaStore, GithubStore, GitlabStore
from slipway.errors import GateError, NetworkError, TransientError, VerificationError
from slipway.forges.names import served_name
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.forge import Releases, open_releases
from slipway.publish.hosting import MarkLatest, OpenDraft, PublishDraft, Withdraw

COMMIT = "c0ffee" * 6 + "c0ff"
NAMES = ("greeter-linux.tar.gz", "greeter-macos.tar.gz", "SHA256SUMS")


@dataclass
class Stage:
    """A forge, the files of a release, and how slipway would be told of them."""

    fake: Any
    rules: ForgeStore
    outputs: Path
    contents: tuple[Content, ...]
    tag: str = "v2.1.0"

    def store(self) -> Releases:
        """A store that remembers nothing, as in another run."""
        return open_releases(self.rules, self.fake.token)

    def site(self, done: dict[str, Receipt] | None = None) -> Site:
        """Everything opened anew."""
        stores = {"forge": self.store()}
        return Site(environment="local", root=self.outputs, outputs=self.outputs, stores=stores, done=done or {})

    def release(self) -> HostRelease:
        """What the forge is to show."""
        return HostRelease(tag=self.tag, commit=COMMIT, title=f"Greeter {self.tag}", notes="What is new.")

    def actions(self) -> list[Action]:
        """A whole publication."""
        version = self.tag.removeprefix("v")
        names = tuple(each.name for each in self.contents)
        return [
            OpenDraft(store="forge", release=self.release()),
            *(Upload(store="forge", content=each) for each in self.contents),
            *(ReadBack(store="forge", content=each) for each in self.contents),
            PublishDraft(store="forge", release=self.release(), files=names),
            MarkLatest(store="forge", tag=self.tag, version=version, scheme="semver", tags="v{version}"),
        ]


OPENERS: dict[str, Callable[[], AbstractContextManager[Forge]]] = {"github": github, "gitlab": gitlab, "gitea": gitea}


def rules_of(kind: str, fake: Any) -> ForgeStore:
    """The store as slipway.toml would say it."""
    if kind == "gitlab":
        return GitlabStore(name="forge", repository=fake.project, api=fake.api)
    rules = GithubStore if kind == "github" else GiteaStore
    return rules(name="forge", repository=fake.repository, api=fake.api)


def contents_in(folder: Path, tag: str) -> tuple[Content, ...]:
    """Files to publish."""
    made = []
    for name in NAMES:
        data = f"{tag} {name} ".encode() * 99
        (folder / f"{tag}-{name}").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        path = f"{tag}-{name}"
        made.append(Content(name=f"{tag}/{name}", path=path, size=len(data), sha256=digest, media_type="application/gzip"))
    return tuple(made)


@pytest.fixture(params=list(OPENERS))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """One of the forges, with a release that is there already."""
    with OPENERS[request.param]() as fake:
        found = Stage(fake, rules_of(request.param, fake), tmp_path, contents_in(tmp_path, "v2.0.0"), "v2.0.0")
        perform(found)
        fake.calls.clear()
        yield Stage(fake, found.rules, tmp_path, contents_in(tmp_path, "v2.1.0"))


def perform(stage: Stage, retries: Retries | None = None) -> dict[str, Receipt]:
    """Do what is not done, as the engine does."""
    retries = retries or Retries(count=0)
    site = stage.site()
    for action in stage.actions():
        probe = retries.run(action.key, lambda action=action: action.probe(site))  # type: ignore[misc]
        assert not probe.refusal, probe
        if probe.state is not State.SAME:
            site.done[action.key] = retries.run(action.key, lambda action=action: action.apply(site))  # type: ignore[misc]
    return dict(site.done)


def whole(stage: Stage) -> dict[str, bytes]:
    """What the public is to see of the release."""
    return {each.file: (stage.outputs / each.path).read_bytes() for each in stage.contents}


def public(url: str) -> bytes | None:
    """What somebody without a login gets."""
    try:
        with build_opener(ProxyHandler({})).open(url) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        error.close()
        return None


def test_it_is_a_store_and_a_host(stage: Stage) -> None:
    store = stage.store()
    assert isinstance(store, Store)
    assert isinstance(store, Hosting)
    assert store.name == "forge"
    store.check(1 << 30)
    assert stage.fake.writes() == []


def test_a_publication_ends_with_all_files_shown_and_the_latest_moved(stage: Stage) -> None:
    assert stage.fake.latest_tag() == "v2.0.0"
    perform(stage)
    assert stage.fake.published()["v2.1.0"] == whole(stage)
    assert stage.fake.latest_tag() == "v2.1.0"
    store = stage.store()
    for content in stage.contents:
        assert public(store.url(content.name)) == (stage.outputs / content.path).read_bytes()
    assert public(store.url("v2.1.0/")) is not None


def test_a_second_publication_writes_nothing_and_lists_once(stage: Stage) -> None:
    done = perform(stage)
    stage.fake.calls.clear()
    site = stage.site(done)
    for action in stage.actions():
        assert action.probe(site).state is State.SAME, action.key
    assert stage.fake.writes() == []
    assert len(stage.fake.calls) <= 8


def test_what_it_finds_without_a_journal_is_the_same(stage: Stage) -> None:
    perform(stage)
    site = stage.site()
    for action in stage.actions():
        if not isinstance(action, ReadBack):
            assert action.probe(site).state is State.SAME, action.key


@pytest.mark.parametrize("kind", ["refuse", "fail", "lose", "reset", "half"])
def test_a_run_that_ends_anywhere_is_ended_by_the_next(stage: Stage, kind: Any) -> None:
    seen = Watch(stage)
    with seen:
        for number in range(40):
            stage.fake.faults.clear()
            stage.fake.fail(kind, "[cu]*", after=number % 9)
            try:
                perform(stage)
            except NetworkError as error:
                assert isinstance(error.__cause__, TransientError), error
            else:
                break
        else:
            pytest.fail("it never ended")
    stage.fake.faults.clear()
    perform(stage)
    assert stage.fake.published()["v2.1.0"] == whole(stage)
    assert seen.wrong == []


@pytest.mark.parametrize("seed", range(1, 5))
def test_random_faults_end_well(stage: Stage, seed: int) -> None:
    stage.fake.at_random(0.2, seed)
    with Watch(stage) as seen:
        perform(stage, Retries(count=12, delay=0, sleep=lambda _: None))
    assert any(call.fault for call in stage.fake.calls), "something did go wrong"
    stage.fake.at_random(0, 0)
    assert stage.fake.published()["v2.1.0"] == whole(stage)
    assert stage.fake.published()["v2.0.0"]
    assert stage.fake.latest_tag() == "v2.1.0"
    assert seen.wrong == []


def test_other_bytes_under_a_name_stop_it_before_anything_is_shown(stage: Stage) -> None:
    store = stage.store()
    store.open(stage.release())
    other = stage.outputs / "other"
    other.write_bytes(b"x" * stage.contents[0].size)
    sha256 = hashlib.sha256(other.read_bytes()).hexdigest()
    changed = Content(name=stage.contents[0].name, path="other", size=other.stat().st_size, sha256=sha256, media_type="a/b")
    store.put(changed, other, lambda _: None)
    probe = Upload(store="forge", content=stage.contents[0]).probe(stage.site())
    assert probe.state is State.DIFFERENT
    assert "never changes" in probe.refusal
    with pytest.raises(VerificationError, match="other bytes"):
        stage.store().put(stage.contents[0], stage.outputs / stage.contents[0].path, lambda _: None)
    assert "v2.1.0" not in stage.fake.published()


def test_what_is_changed_between_upload_and_reading_back_is_noticed(stage: Stage) -> None:
    site = stage.site()
    for action in stage.actions()[:4]:
        action.apply(site)
    tamper(stage.fake)
    with pytest.raises(VerificationError, match="is not what was put there"):
        ReadBack(store="forge", content=stage.contents[0]).apply(stage.site())


def tamper(fake: Any) -> None:
    """Change the bytes of the first file of the newest release."""
    if isinstance(fake, GitLab):
        fake.packages[-1].files[0].data = b"tampered"
    else:
        fake.releases[-1].assets[0].data = b"tampered"


def test_a_file_is_brought_here_and_what_is_not_there_is_said(stage: Stage) -> None:
    perform(stage)
    store = stage.store()
    store.copy(stage.contents[0].name, stage.outputs / "back")
    assert (stage.outputs / "back").read_bytes() == (stage.outputs / stage.contents[0].path).read_bytes()
    assert store.digest(stage.contents[0].name) == store.reread(stage.contents[0].name) == stage.contents[0].sha256
    assert store.reread("v2.1.0/absent") == store.digest("v9/absent") == ""
    assert store.listing("v9") == {}
    with pytest.raises(VerificationError, match="absent is not in forge"):
        store.copy("v2.1.0/absent", stage.outputs / "absent")
    assert not (stage.outputs / "absent").exists()


@pytest.mark.req("S0-44")
def test_a_bad_release_is_rolled_back(stage: Stage) -> None:
    perform(stage)
    site = stage.site()
    back = MarkLatest(store="forge", tag="v2.0.0", version="2.0.0", scheme="semver", tags="v{version}", backwards="it eats files")
    withdraw = Withdraw(store="forge", tag="v2.1.0", notice="It eats files: use 2.0.0.")
    for action in (back, withdraw):
        assert action.probe(site).state is State.DIFFERENT
        action.apply(site)
        assert action.probe(stage.site()).state is State.SAME
    assert stage.fake.latest_tag() == "v2.0.0"
    assert stage.store().listing("v2.1.0").keys() == {each.name for each in stage.contents}, "no byte is deleted"
    page = public(stage.store().url("v2.1.0/"))
    assert page is None or b"It eats files: use 2.0.0." in page
    refused = PublishDraft(store="forge", release=stage.release(), files=()).probe(stage.site())
    assert "was withdrawn" in refused.refusal


def test_names_that_a_forge_changes_are_refused(stage: Stage, tmp_path: Path) -> None:
    kind = stage.rules.KIND

    def serve(name: str) -> str:
        return served_name(kind, name)

    assert stage.store().served("v2.1.0/a~1.deb") == f"v2.1.0/{serve('a~1.deb')}"
    (tmp_path / "a").write_bytes(b"a")
    content = Content(name="v2.1.0/a~1.deb", path="a", size=1, sha256=hashlib.sha256(b"a").hexdigest(), media_type="a/b")
    store = stage.store()
    store.open(stage.release())
    if kind == "gitea":
        assert store.put(content, tmp_path / "a", lambda _: None).size == 1
    else:
        with pytest.raises(GateError, match=r"would call a~1\.deb a\.1\.deb"):
            store.put(content, tmp_path / "a", lambda _: None)


def test_bytes_are_counted_as_they_go(stage: Stage) -> None:
    store = stage.store()
    store.open(stage.release())
    counted: list[int] = []
    store.put(stage.contents[0], stage.outputs / stage.contents[0].path, counted.append)
    assert sum(counted) == stage.contents[0].size


def test_no_token_is_in_what_is_told_of_a_store(stage: Stage) -> None:
    store = stage.store()
    assert stage.fake.token not in f"{store!r} {store.forge!r} {stage.site()!r}"
    stage.fake.token = "another"
    with pytest.raises(GateError) as failed:
        store.check(1)
    assert "forge-token" not in str(failed.value)


class Watch:
    """Looks all the time at what the public sees: a release has all its files or is not there."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.wrong, self.stop = stage, list[str](), threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        expected = whole(self.stage)
        while not self.stop.wait(0.001):
            shown = self.stage.fake.published()
            if shown.get("v2.1.0", expected) != expected:
                self.wrong.append(f"half a release: {sorted(shown['v2.1.0'])}")
            if self.stage.fake.latest_tag() not in shown:
                self.wrong.append("the latest release is not there")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
