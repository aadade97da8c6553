"""The state of an environment on a git remote: read anywhere, changed only from what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Thread

import git_remote
import pytest
from git_remote import git

from slipway.actions.lease import acquire
from slipway.actions.store import StateFiles
from slipway.errors import ChangedError, GateError, NetworkError
from slipway.git import Repository
from slipway.git.objects import replace_remote_ref
from slipway.publish.git_state import GitState

BYTES = b'{"a": 1}\n\x00\r\n\xff\n'


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return git_remote.remote(tmp_path / "origin.git")


@pytest.fixture
def here(tmp_path: Path, origin: Path) -> GitState:
    git_remote.project(tmp_path / "here", origin)
    return GitState(Repository(tmp_path / "here"), "origin", "production")


def elsewhere(origin: Path, folder: Path) -> GitState:
    return GitState(Repository(git_remote.clone(origin, folder)), "origin", "production")


def test_what_one_machine_writes_another_reads(here: GitState, origin: Path, tmp_path: Path) -> None:
    assert isinstance(here, StateFiles)
    assert here.load("journal.jsonl") is None
    token = here.save("journal.jsonl", BYTES, None)
    there = elsewhere(origin, tmp_path / "there")
    assert there.load("journal.jsonl") == (BYTES, token) == here.load("journal.jsonl")
    newer = there.save("journal.jsonl", b"", token)
    assert here.load("journal.jsonl") == (b"", newer)
    assert here.save("journal.jsonl", b"", newer) == newer
    assert set(git_remote.refs(origin)) == {"refs/heads/main", "refs/slipway/production/journal.jsonl"}


def test_nothing_of_it_lies_in_the_work_tree_or_an_ordinary_clone(here: GitState, origin: Path, tmp_path: Path) -> None:
    here.save("lease.json", BYTES, None)
    here.load("lease.json")
    assert git(here.repository.root, "status", "--porcelain") == ""
    there = git_remote.clone(origin, tmp_path / "there")
    assert not [ref for ref in git_remote.refs(there) if "slipway" in ref]


@pytest.mark.parametrize("seen", [None, "0123456789" * 4], ids=["thought absent", "thought another"])
def test_what_changed_meanwhile_is_not_overwritten(here: GitState, seen: str | None) -> None:
    token = here.save("lease.json", b"mine", None)
    with pytest.raises(ChangedError):
        here.save("lease.json", b"yours", seen)
    assert here.load("lease.json") == (b"mine", token)
    with pytest.raises(ChangedError):
        here.save("other", b"", token)
    assert here.load("other") is None


@pytest.mark.parametrize(
    "name", ["journal/2.1.0.jsonl", "approvals/0123/a b@x~y^z:w.sig", "x.lock", ".hidden", "a..b", "dot.", "ä/ö", "a\\b*?[", "@"]
)
def test_names_that_git_minds(here: GitState, name: str) -> None:
    token = here.save(name, name.encode(), None)
    assert here.load(name) == (name.encode(), token)
    assert here.ref(name) != here.ref(f"{name}x")


def test_names_stay_apart(here: GitState) -> None:
    assert len({here.ref(name) for name in ("a.b", "a%2Eb", "a%b", "a b", "a/b", "a.", "a%2E")}) == 7


def test_what_changes_while_it_is_read_is_read_again(here: GitState, origin: Path, tmp_path: Path) -> None:
    there = elsewhere(origin, tmp_path / "there")
    token = there.save("journal", b"1", None)

    @dataclass(frozen=True, slots=True)
    class Hurried(Repository):
        """Between what it is told and what it fetches, somebody else writes once."""

        def fetch(self, remote: str, *refspecs: str, tags: bool = False) -> None:
            if git_remote.refs(origin)["refs/slipway/production/journal"] == token:
                there.save("journal", b"2", token)
            Repository.fetch(self, remote, *refspecs, tags=tags)

    hurried = GitState(Hurried(here.repository.root), "origin", "production")
    found = hurried.load("journal")
    assert found is not None and found[0] == b"2"


def test_of_two_who_want_the_lease_one_gets_it(here: GitState, origin: Path, tmp_path: Path) -> None:
    states = (here, elsewhere(origin, tmp_path / "there"))
    start, got = Barrier(2), []

    def want(state: GitState) -> None:
        start.wait()
        try:
            got.append(acquire(state, "lease.json", "2.1.0", clock=lambda: 0.0).token)
        except GateError as error:
            got.append(type(error).__name__)

    threads = [Thread(target=want, args=(state,)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(each) == 40 for each in got) == 1
    assert "GateError" in got


def test_no_remote_and_no_branch_of_others(here: GitState) -> None:
    with pytest.raises(NetworkError):
        GitState(here.repository, "nowhere", "production").load("lease.json")
    with pytest.raises(GateError, match="does not replace"):
        replace_remote_ref(here.repository, "origin", "refs/heads/main", "HEAD", "")
