"""Entries of debian/changelog, read back by Debian's own programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from repositories import Ground

from slipway.errors import ConfigError, UsageError
from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.changelog import History
from slipway.release.debian import debian_entry, prepended

ADA = "Ada Lovelace <ada@example.org>"
LONG = "fix: " + "a very long line of words " * 6


@pytest.fixture
def history(tmp_path: Path) -> History:
    ground = Ground(tmp_path / "work")
    ground.commit("feat: old")
    ground.tag("2023.10")
    ground.tag("debian/2023.10-1")
    ground.commit("feat: größer")
    ground.commit(LONG.strip(), who=("Bob", "bob@example.org"))
    ground.commit("Merge branch 'x'")
    return History(Repository(ground.root), "hello", VersionRule(source="git", scheme="calver", tag="{version}"))


def parsed(text: str, folder: Path, *fields: str) -> list[str]:
    file = folder / "changelog"
    file.write_text(text)
    words = ["dpkg-parsechangelog", "-l", str(file), "--all"]
    whole = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "warning" not in whole.stderr
    shown = [subprocess.run([*words[:3], "-S", field], check=True, capture_output=True, text=True).stdout for field in fields]
    return [text.strip() for text in shown]


@pytest.mark.req("S4-7", "S4-8")
def test_an_entry_as_debian_s_own_program_reads_it(history: History, tmp_path: Path) -> None:
    entry = debian_entry(history, "2023.11-1", ADA)
    found = parsed(entry, tmp_path, "Source", "Version", "Distribution", "Urgency", "Maintainer", "Date")
    assert found == ["hello", "2023.11-1", "unstable", "medium", ADA, "Wed, 15 Nov 2023 04:13:20 +0000"]
    assert max(map(len, entry.splitlines())) <= 80
    assert entry.splitlines()[:6] == [
        "hello (2023.11-1) unstable; urgency=medium",
        "",
        "  [ Ada ]",
        "  * feat: größer",
        "",
        "  [ Bob ]",
    ]
    assert "feat: old" not in entry
    assert "Merge" not in entry
    assert debian_entry(history, "2023.11-1", ADA) == entry


def test_one_author_is_not_named(history: History, tmp_path: Path) -> None:
    ground = Ground(tmp_path / "other")
    ground.commit("feat: one")
    entry = debian_entry(History(Repository(ground.root), "hello", history.rule), "1:2023.11-1~deb12u1", ADA, suite="bookworm")
    assert parsed(entry, tmp_path, "Version", "Distribution") == ["1:2023.11-1~deb12u1", "bookworm"]
    assert entry.splitlines()[2] == "  * feat: one"


def test_another_revision_of_a_release_has_what_the_release_had(history: History) -> None:
    Ground(history.repository.root).tag("2023.11")
    assert "größer" in debian_entry(history, "2023.11-2", ADA)


def test_entries_stand_newest_first_and_each_version_once(history: History, tmp_path: Path) -> None:
    old = debian_entry(history, "2023.11-1", ADA)
    new = debian_entry(history, "2023.12-1", ADA)
    both = prepended(new, prepended(old, ""))
    assert parsed(both, tmp_path, "Version") == ["2023.12-1"]
    assert both == f"{new}\n{old}"
    assert prepended(new, both) == both


def test_what_debian_does_not_take(history: History) -> None:
    with pytest.raises(ConfigError, match="no maintainer"):
        debian_entry(history, "2023.11-1", "Ada")
    with pytest.raises(UsageError, match="not a debian version"):
        debian_entry(history, "v1", ADA)
