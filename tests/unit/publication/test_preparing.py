"""The version of a release that is typed again, and what people call the place since when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from repositories import Ground

import sample
from slipway.errors import GateError, UsageError
from slipway.model import Project, VersionRule
from slipway.publication.preparing import changelog_of, following, require_following
from slipway.version import Version


def made(tmp_path: Path, script: str) -> Project:
    """A project with a history from words: `feat` is a commit of that kind, `=1.0.0` a tag."""
    ground = Ground(tmp_path / "work")
    for word in script.split():
        if word.startswith("="):
            ground.tag(f"v{word[1:]}")
        else:
            ground.commit(f"{word}: something", {f"{ground.hour}.txt": word})
    return sample.project(ground.root, version=VersionRule(source="git"))


@pytest.mark.req("S0-40", "S2-5")
@pytest.mark.parametrize(
    ("script", "kind", "pre", "expected"),
    [
        ("feat =1.2.3 fix", "minor", "", "1.3.0"),
        ("feat =1.2.3 fix =1.3.0", "minor", "", "1.3.0"),
        ("feat =1.2.3 fix =1.3.0 fix", "minor", "", "1.4.0"),
        ("feat =1.2.3 fix =1.3.0-rc.1", "minor", "", "1.3.0"),
        ("feat =1.2.3 fix =1.3.0-rc.1", "minor", "rc", "1.3.0-rc.1"),
        ("feat =1.2.3 fix =1.3.0-rc.1 fix", "minor", "rc", "1.3.0-rc.2"),
        ("feat =1.2.3 fix =1.3.0-rc.1 =1.3.0", "minor", "", "1.3.0"),
        ("feat", "minor", "", "0.1.0"),
    ],
)
def test_the_commit_of_a_release_is_that_release_again(tmp_path: Path, script: str, kind: str, pre: str, expected: str) -> None:
    assert str(following(made(tmp_path, script), kind=kind, pre=pre).version) == expected


@pytest.mark.parametrize(
    ("script", "version", "fine"),
    [
        ("feat =1.2.3 fix", "1.2.4", True),
        ("feat =1.2.3 fix", "1.2.3-rc.1", False),
        ("feat =1.2.3 fix", "1.2.2", False),
        ("feat =1.2.3 =1.2.2", "1.2.2", True),
        ("feat", "0.0.1", True),
    ],
)
def test_a_version_comes_after_those_of_its_history(tmp_path: Path, script: str, version: str, fine: bool) -> None:
    release = replace(sample.release(tmp_path / "other"), project=made(tmp_path, script), version=Version(version))
    if fine:
        require_following(release)
        return
    with pytest.raises(GateError, match=r"would come after 1\.2\.3"):
        require_following(release)


@pytest.mark.parametrize("since", ["v1.2.3", "1.2.3", "HEAD~1"])
def test_a_tag_a_version_and_a_commit_say_since_when(tmp_path: Path, since: str) -> None:
    text = changelog_of(made(tmp_path, "feat =1.2.3 fix"), since=since)
    assert (text.count("- something"), "Features" in text) == (1, False)


def test_what_is_no_tag_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no tag and no commit 1\.2\.4"):
        changelog_of(made(tmp_path, "feat =1.2.3 fix"), since="1.2.4")
