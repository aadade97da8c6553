"""The next version of real histories."""

from __future__ import annotations

from pathlib import Path

import pytest
from repositories import Ground

from slipway.errors import GateError, UsageError
from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.bump import next_version
from slipway.release.changelog import History


def history(ground: Ground, scheme: str = "semver", tag: str = "v{version}") -> History:
    return History(Repository(ground.root), "hello", VersionRule(source="git", scheme=scheme, tag=tag))


def made(tmp_path: Path, script: str, tag: str = "v{version}") -> Ground:
    """A history from words: `feat` is a commit of that kind, `=1.0` a tag."""
    ground = Ground(tmp_path / "work")
    for word in script.split():
        if word.startswith("="):
            ground.tag(tag.replace("{version}", word[1:]))
        else:
            ground.commit(f"{word}: something")
    return ground


@pytest.mark.req("S0-40", "S0-45")
@pytest.mark.parametrize(
    ("script", "kind", "pre", "expected"),
    [
        ("feat", "", "", "0.1.0"),
        ("feat", "major", "", "1.0.0"),
        ("feat", "", "rc", "0.1.0-rc.1"),
        ("feat =1.2.3 fix", "", "", "1.2.4"),
        ("feat =1.2.3 docs", "", "", "1.2.4"),
        ("feat =1.2.3 fix feat fix", "", "", "1.3.0"),
        ("feat =1.2.3 fix! feat", "", "", "2.0.0"),
        ("feat =0.2.3 fix!", "", "", "0.3.0"),
        ("feat =0.2.3 feat", "", "", "0.3.0"),
        ("feat =1.2.3 fix!", "patch", "", "1.2.4"),
        ("feat =1.2.3", "minor", "", "1.3.0"),
        # pre-releases: numbered, and followed by their release
        ("feat =1.2.3 feat", "", "rc", "1.3.0-rc.1"),
        ("feat =1.2.3 feat =1.3.0-rc.1 fix", "", "rc", "1.3.0-rc.2"),
        ("feat =1.2.3 feat =1.3.0-rc1 fix", "", "rc", "1.3.0-rc2"),
        ("feat =1.2.3 feat =1.3.0-beta.9 fix", "", "rc", "1.3.0-rc.1"),
        ("feat =1.2.3 feat =1.3.0-rc.9 fix =1.3.0-rc.10 fix", "", "rc", "1.3.0-rc.11"),
        ("feat =1.2.3 feat =1.3.0-rc.2 fix", "", "", "1.3.0"),
        ("feat =1.2.3 feat =1.3.0-rc.2 fix!", "", "", "2.0.0"),
        ("feat =1.2.3 fix =2.0.0-rc.1 fix", "", "", "2.0.0"),
        ("feat =1.2.3 feat =1.3.0-rc.2 fix", "minor", "", "1.3.0"),
        # the highest version counts, not the newest tag
        ("feat =1.10.0 fix =1.9.1 fix", "", "", "1.10.1"),
    ],
)
def test_the_next_version(tmp_path: Path, script: str, kind: str, pre: str, expected: str) -> None:
    found = next_version(history(made(tmp_path, script)), kind=kind, pre=pre)
    assert str(found.version) == expected
    assert found.reason


@pytest.mark.req("S4-8")
@pytest.mark.parametrize(
    ("scheme", "script", "kind", "pre", "expected"),
    [
        # the commits are of November 2023
        ("calver", "feat =2023.10.1 fix", "", "", "2023.11"),
        ("calver", "feat =2023.11 feat", "", "", "2023.11.1"),
        ("calver", "feat =23.09 feat", "", "rc", "23.11-rc.1"),
        ("calver", "feat =2023.11 feat", "patch", "rc", "2023.11.1-rc.1"),
        ("debian", "feat =2023.10-1 fix", "", "", "2023.11-1"),
        ("debian", "feat =2023.11-1 feat", "", "", "2023.11.1-1"),
        ("debian", "feat =2.1.0-3 feat", "", "", "2.2.0-1"),
        ("debian", "feat =2.1.0-3 feat", "", "rc", "2.2.0~rc.1-1"),
        ("debian", "feat =2.1.0-3 feat =2.2.0~rc.1-1 fix", "", "rc", "2.2.0~rc.2-1"),
        ("nix", "feat =2.93.0 feat", "", "", "2.94.0"),
        ("nix", "feat =2.93.0 feat", "", "pre", "2.94.0pre1"),
        ("nix", "feat =2.93.0 feat =2.94.0pre1 fix", "", "pre", "2.94.0pre2"),
    ],
)
def test_the_next_version_of_other_schemes(tmp_path: Path, scheme: str, script: str, kind: str, pre: str, expected: str) -> None:
    # No ref of git can have a tilde; Debian writes an underscore there (DEP-14).
    ground = made(tmp_path, script.replace("~", "_"), "{version}")
    found = next_version(history(ground, scheme, "{version}"), kind=kind, pre=pre)
    assert str(found.version) == expected


def test_what_made_it_so_is_said(tmp_path: Path) -> None:
    ground = made(tmp_path, "feat =1.0.0 fix")
    name = ground.commit("fix(api)!: drop it\n\nBREAKING CHANGE: call new() instead\n")
    found = next_version(history(ground))
    assert str(found.before) == "1.0.0"
    assert found.reason == f"{name[:7]} breaks something: call new() instead"


@pytest.mark.req("S4-26")
def test_tags_of_packaging_and_of_other_branches_do_not_count(tmp_path: Path) -> None:
    ground = made(tmp_path, "feat =2023.10", "{version}")
    ground.tag("debian/2024.05-1")
    ground.tag("nightly")
    ground.git("checkout", "-q", "-b", "side")
    ground.commit("feat: elsewhere")
    ground.tag("2031.01")
    ground.git("checkout", "-q", "main")
    ground.commit("fix: here")
    found = next_version(history(ground, "calver", "{version}"))
    assert (str(found.before), str(found.version)) == ("2023.10", "2023.11")


def test_nothing_new_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"nothing has changed since 1\.0\.0"):
        next_version(history(made(tmp_path, "feat =1.0.0")))


@pytest.mark.parametrize(
    ("scheme", "script", "kind", "pre"),
    [
        ("calver", "feat", "", ""),
        ("calver", "feat =2023.10 feat", "major", ""),
        ("semver", "feat =1.0.0 feat", "huge", ""),
        ("semver", "feat =1.0.0 feat", "", "rc.1"),
        ("semver", "feat =1.0.0 feat =1.1.0-rc.1 fix", "", "beta"),
        ("nix", "feat =2.93.0 feat", "", "rc"),
    ],
)
def test_a_next_version_that_cannot_be(tmp_path: Path, scheme: str, script: str, kind: str, pre: str) -> None:
    ground = made(tmp_path, script, "{version}")
    with pytest.raises(UsageError) as caught:
        next_version(history(ground, scheme, "{version}"), kind=kind, pre=pre)
    assert caught.value.hint
