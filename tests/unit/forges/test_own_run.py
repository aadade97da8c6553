"""A release that runs in CI does not wait for the jobs that wait for it."""

from __future__ import annotations

from typing import Any

import forge_github_texts
import forge_server
import pytest
from forge_gitea import Gitea as FakeGitea
from forge_github import GitHub as FakeGitHub
from forge_gitlab import GitLab as FakeGitLab

from slipway.forges import Checks
from slipway.forges.gitea import Gitea
from slipway.forges.github import GitHub
from slipway.forges.gitlab import GitLab
from slipway.forges.own_run import is_own_job, is_own_page

GITHUB = {"GITHUB_REPOSITORY": "acme/greeter", "GITHUB_RUN_ID": "7000000001", "GITHUB_RUN_NUMBER": "12"}
GITLAB = {"CI_JOB_ID": "91", "CI_PIPELINE_ID": "5"}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*GITHUB, *GITLAB):
        monkeypatch.delenv(name, raising=False)


def in_ci(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("page", "own"),
    [
        ("https://github.com/acme/greeter/actions/runs/7000000001/job/3", True),
        ("https://github.com/Acme/Greeter/actions/runs/7000000001", True),
        ("/acme/greeter/actions/runs/12/jobs/0", True),
        ("https://github.com/acme/greeter/actions/runs/70000000011/job/3", False),
        ("https://github.com/other/greeter/actions/runs/7000000001/job/3", False),
        ("https://ci.example/acme/greeter/7000000001", False),
        ("", False),
    ],
)
def test_a_page_tells_the_run(monkeypatch: pytest.MonkeyPatch, page: str, own: bool) -> None:
    assert not is_own_page(page)
    in_ci(monkeypatch, GITHUB)
    assert is_own_page(page) == own


@pytest.mark.parametrize(
    ("job", "pipeline", "own"), [(91, None, True), (92, 5, True), (92, None, False), (5, 91, False), ("", "", False)]
)
def test_numbers_tell_the_job(monkeypatch: pytest.MonkeyPatch, job: object, pipeline: object, own: bool) -> None:
    assert not is_own_job(job, pipeline)
    in_ci(monkeypatch, GITLAB)
    assert is_own_job(job, pipeline) == own


def test_github(hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = forge_github_texts.check_run

    def check_run(forge: FakeGitHub, sha: str, name: str, conclusion: str) -> dict[str, Any]:
        run = "7000000001" if name in ("release", "lint") else "7000000002"
        page = f"https://github.com/acme/greeter/actions/runs/{run}/job/1"
        return usual(forge, sha, name, conclusion) | {"details_url": page}

    monkeypatch.setattr(forge_github_texts, "check_run", check_run)
    hub.check_runs = {"abc": {"release": "", "lint": "failure", "build": "", "docs": "success"}}
    client = GitHub(hub.api, hub.repository, forge_server.TOKEN)
    assert client.checks("abc") == Checks(passed=("docs",), pending=("build", "release"), failed=("lint",))
    in_ci(monkeypatch, GITHUB)
    assert client.checks("abc") == Checks(passed=("docs",), pending=("build",), failed=("lint",))


def test_gitlab(lab: FakeGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.jobs["abc"] = [
        {"id": 90, "name": "build", "status": "success"},
        {"id": 91, "name": "release", "status": "running"},
        {"id": 92, "name": "announce", "status": "created", "pipeline_id": 5},
        {"id": 93, "name": "fuzz", "status": "running", "pipeline_id": 6},
    ]
    client = GitLab(lab.api, lab.project, lab.token)
    assert client.checks("abc").pending == ("announce", "fuzz", "release")
    in_ci(monkeypatch, GITLAB)
    assert client.checks("abc") == Checks(passed=("build",), pending=("fuzz",))


def test_gitea(tea: FakeGitea, monkeypatch: pytest.MonkeyPatch) -> None:
    tea.statuses["abc"] = {"build": "success", "release": "pending"}
    client = Gitea(tea.api, tea.repository, forge_server.TOKEN)
    usual = client._listed

    def listed(*words: Any, **more: Any) -> Any:
        pages = {"release": "/acme/greeter/actions/runs/12/jobs/1"}
        return [each | {"target_url": pages.get(each["context"])} for each in usual(*words, **more)]

    monkeypatch.setattr(client, "_listed", listed)
    assert client.checks("abc").pending == ("release",)
    in_ci(monkeypatch, GITHUB)
    assert client.checks("abc") == Checks(passed=("build",))
