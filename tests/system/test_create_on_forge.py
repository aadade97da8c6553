"""create-release and rollback-release where the store is a forge: drafts, notes, pre-releases, the mark `latest`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import forge_server
import git_hello
import pytest
from forge_github import GitHub, github
from git_hello import commit, make, slipway, tag
from git_remote import git

pytestmark = pytest.mark.slow

VERSION = ("--environment", "code", "--version")


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as fake:
        yield fake


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with 1.2.3 tagged, a fix after it, and packages/ of 1.3.0."""
    folder = git_hello.write(tmp_path_factory.mktemp("forge") / "hello")
    tag(folder, "v1.2.3")
    commit(folder, "fix: answer quickly")
    make(folder, "1.3.0")
    return folder


@pytest.fixture
def project(built: Path, hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that publishes to the forge."""
    monkeypatch.setenv("GITHUB_TOKEN", forge_server.TOKEN)
    folder = git_hello.copy(built, tmp_path / "work")
    store = f'\n[store.code]\nkind = "github"\nrepository = "{hub.repository}"\napi = "{hub.api}"\n'
    code = git_hello.environment("code", 'tag = "push"', 'confirm = "none"', "install = false", stores='"code"')
    # The environment has no folder of its own.
    (folder / "slipway.toml").write_text(git_hello.TOML + store + code.partition("[environment.code.store.main]")[0])
    git(folder, "commit", "--quiet", "--all", "--message", "chore: where to publish")
    git(folder, "push", "--quiet", "origin", "main")
    return folder


def pushed(project: Path) -> bool:
    return "v1.3.0" in git(project.parent / "remote.git", "tag", "--list").split()


@pytest.mark.req("S0-25", "S0-26", "S0-40", "S0-48")
@pytest.mark.parametrize(("words", "tagged", "filled"), [((), True, False), (("--draft",), False, True)])
def test_a_draft_waits_until_it_is_asked_for(
    project: Path, hub: GitHub, words: tuple[str, ...], tagged: bool, filled: bool
) -> None:
    done = slipway(project, "create-release", *VERSION, "1.3.0", *words)
    assert done.returncode == 0, done.stderr
    (draft,) = hub.of("v1.3.0")
    assert (draft.draft, bool(draft.assets), pushed(project)) == (True, filled, tagged)
    assert "answer quickly" in draft.body
    done = slipway(project, "upload-artifacts", *VERSION, "1.3.0")
    assert done.returncode == 0, done.stderr
    (draft,) = hub.of("v1.3.0")
    assert (draft.draft, len(draft.assets) > 5, hub.latest_tag()) == (True, True, None)
    done = slipway(project, "resume", *VERSION, "1.3.0")
    assert done.returncode == 0, done.stderr
    assert (hub.latest_tag(), pushed(project), hub.of("v1.3.0")[0].draft) == ("v1.3.0", True, False)


@pytest.mark.req("S0-40", "S0-46")
def test_a_release_candidate_is_marked_and_is_nobodys_latest(project: Path, hub: GitHub) -> None:
    make(project, "1.3.0-rc.1")
    words = ("--environment", "code", "--release-type", "minor", "--pre-release", "--auto-upload")
    done = slipway(project, "create-release", *words)
    assert done.returncode == 0, done.stderr
    (found,) = hub.of("v1.3.0-rc.1")
    assert (found.prerelease, found.draft, hub.latest_tag()) == (True, False, None)


@pytest.mark.req("S0-40", "S0-44", "S0-62")
def test_a_bad_release_is_marked_and_the_good_one_is_the_latest_again(project: Path, hub: GitHub) -> None:
    for version in ("1.3.0", "1.4.0"):
        make(project, version)
        done = slipway(project, "create-release", *VERSION, version, "--auto-upload", "--urgent")
        assert done.returncode == 0, done.stderr
        git(project, "commit", "--quiet", "--allow-empty", "--message", "fix: more")
        git(project, "push", "--quiet", "origin", "main")
    assert hub.latest_tag() == "v1.4.0"
    assert "Urgent: install this release now." in hub.of("v1.4.0")[0].body
    done = slipway(project, "rollback-release", "--environment", "code", "--from-version", "1.4.0", "--reason", "regression")
    assert done.returncode == 0, done.stderr
    assert hub.latest_tag() == "v1.3.0"
    assert "1.4.0 was withdrawn (regression)" in hub.of("v1.4.0")[0].body
    assert hub.of("v1.4.0")[0].assets
