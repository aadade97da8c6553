"""Changelogs of real histories: which commit belongs to which version, in which group, with which links."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from repositories import Ground

from bench.changelog import make_repository
from slipway.errors import GateError
from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.changelog import History, chapter_of, oneline, write_changelog
from slipway.release.links import links_of
from slipway.rules import ChangelogRules


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "work")


def history(ground: Ground, **rules: object) -> History:
    return History(Repository(ground.root), "hello", VersionRule(source="git"), ChangelogRules(**rules))  # type: ignore[arg-type]


def told(history: History) -> dict[str, list[str]]:
    """The summaries below each version."""
    chapters: dict[str, list[str]] = {}
    name = ""
    for line in write_changelog(history).splitlines():
        if line.startswith("## "):
            name = line[3:].partition(" - ")[0].strip("[]")
            chapters[name] = []
        elif line.startswith("- "):
            chapters[name].append(line[2:].rpartition(" (")[0])
    return chapters


@pytest.mark.req("S0-47")
def test_a_changelog(ground: Ground) -> None:
    one = ground.commit("feat: begin")
    ground.tag("v1.0.0")
    two = ground.commit("fix(core): mend <it>")
    three = ground.commit("feat!: change\n\nBREAKING CHANGE: call b\n")
    ground.commit("chore: tidy up")
    four = ground.commit("Say something without a type")
    ground.tag("v2.0.0")
    five = ground.commit("docs: explain")
    links = "https://github.com/ada/hello"
    assert write_changelog(history(ground, repository=links)) == (
        f"# Changelog\n\n"
        f"## [Unreleased]\n\n### Documentation\n\n- explain ([{five[:7]}]({links}/commit/{five}))\n\n"
        f"## [2.0.0] - 2023-11-15\n\n"
        f"### Breaking changes\n\n- call b ([{three[:7]}]({links}/commit/{three}))\n\n"
        f"### Fixes\n\n- **core**: mend &lt;it&gt; ([{two[:7]}]({links}/commit/{two}))\n\n"
        f"### Other changes\n\n- Say something without a type ([{four[:7]}]({links}/commit/{four}))\n\n"
        f"## 1.0.0 - 2023-11-14\n\n### Features\n\n- begin ([{one[:7]}]({links}/commit/{one}))\n\n"
        f"[Unreleased]: {links}/compare/v2.0.0...HEAD\n[2.0.0]: {links}/compare/v1.0.0...v2.0.0\n"
    )


def test_a_preview_names_what_is_coming(ground: Ground) -> None:
    ground.commit("feat: begin")
    ground.tag("v1.0.0")
    ground.commit("fix: mend")
    before = sorted(ground.root.rglob("*"))
    text = write_changelog(history(ground, repository="https://gitlab.com/a/b"), version="1.0.1")
    assert "## [1.0.1] - 2023-11-15\n" in text
    assert "[1.0.1]: https://gitlab.com/a/b/-/compare/v1.0.0...v1.0.1\n" in text
    assert "Unreleased" not in text
    assert sorted(ground.root.rglob("*")) == before
    assert "1.0.0" not in write_changelog(history(ground), since="v1.0.0")


def test_a_project_s_own_headings_and_template(ground: Ground, tmp_path: Path) -> None:
    ground.commit("feat: begin")
    ground.commit("chore: tidy up")
    ground.commit("speed: run")
    ground.commit("odd one")
    assert told(history(ground, groups={"Work": ("chore", "speed"), "New": ("feat",)})) == {
        "Unreleased": ["run", "tidy up", "begin"]
    }
    template = tmp_path / "own" / "templates" / "notes" / "changelog.md.j2"
    template.parent.mkdir(parents=True)
    template.write_text(
        "{% for c in chapters %}{% for g in c.groups %}{% for x in g.changes %}"
        "{{ x.type }} by {{ x.author }}\n{% endfor %}{% endfor %}{% endfor %}"
    )
    text = write_changelog(replace(history(ground), overrides=tmp_path / "own"))
    assert text.splitlines() == ["feat by Ada", " by Ada", "speed by Ada"]


def test_a_commit_belongs_to_the_first_version_that_has_it(ground: Ground) -> None:
    ground.commit("feat: base")
    ground.git("checkout", "-q", "-b", "slow")
    ground.commit("feat: slow work")
    ground.git("checkout", "-q", "main")
    ground.commit("feat: quick work")
    ground.tag("v1.0.0")
    ground.git("checkout", "-q", "-b", "maintenance")
    ground.commit("fix: old")
    ground.tag("v1.0.1")
    ground.git("checkout", "-q", "main")
    # The slow work is older than 1.0.0 by its date, but only 1.1.0 has it.
    ground.merge("slow", "Merge branch 'slow'")
    ground.tag("v1.1.0")
    ground.commit("fix: new")
    ground.merge("maintenance", "Merge branch 'maintenance'")
    assert told(history(ground)) == {
        "Unreleased": ["new"],
        "1.1.0": ["slow work"],
        "1.0.1": ["old"],
        "1.0.0": ["quick work", "base"],
    }


def test_pre_releases_have_chapters_when_that_is_wanted(ground: Ground) -> None:
    for number, tag in enumerate(["v1.0.0", "v1.1.0-rc.1", "v1.1.0", "nightly"]):
        ground.commit(f"feat: number {number}")
        ground.tag(tag)
    assert told(history(ground)) == {"Unreleased": ["number 3"], "1.1.0": ["number 2", "number 1"], "1.0.0": ["number 0"]}
    assert list(told(history(ground, prereleases=True))) == ["Unreleased", "1.1.0", "1.1.0-rc.1", "1.0.0"]


def test_paths_and_first_parents(ground: Ground) -> None:
    ground.commit("feat: ours", {"ours/a": "1"})
    ground.commit("feat: theirs", {"theirs/a": "1"})
    ground.tag("v1.0.0")
    ground.git("checkout", "-q", "-b", "side")
    ground.commit("feat: step one", {"ours/b": "1"})
    ground.commit("feat: step two", {"theirs/b": "1"})
    ground.git("checkout", "-q", "main")
    ground.merge("side", "Merge pull request #7 from ada/side\n\nfeat: both steps")
    assert told(history(ground, paths=("ours",))) == {"Unreleased": ["step one"], "1.0.0": ["ours"]}
    assert told(history(ground, first_parent=True)) == {"Unreleased": ["both steps (#7)"], "1.0.0": ["theirs", "ours"]}


def test_who_took_part_and_who_is_new(ground: Ground) -> None:
    ground.commit("feat: one")
    ground.tag("v1.0.0")
    ground.commit("feat: two", who=("Bob", "bob@example.org"))
    ground.commit("feat: three\n\nCo-authored-by: Eve <eve@example.org>\n", who=("A. Lovelace", "ADA@example.org"))
    ground.commit("chore: bump", who=("renovate[bot]", "bot@example.org"))
    ground.tag("v1.1.0")
    found = chapter_of(history(ground), "1.1.0")
    assert (found.contributors, found.newcomers) == (["A. Lovelace", "Bob", "Eve"], ["Bob", "Eve"])
    assert chapter_of(history(ground), "1.0.0").newcomers == ["Ada"]


def test_what_one_version_changed(ground: Ground) -> None:
    for number, tag in enumerate(["v1.0.0", "v1.1.0-rc.1", "v1.1.0-rc.2", "v1.1.0"]):
        ground.commit(f"feat: number {number}")
        ground.tag(tag)
    ground.commit("fix: not yet")

    def summaries(version: str) -> tuple[str, list[str]]:
        found = chapter_of(history(ground), version)
        return found.previous, [change.summary for group in found.groups for change in group.changes]

    assert summaries("1.1.0-rc.2") == ("v1.1.0-rc.1", ["number 2"])
    assert summaries("1.1.0") == ("v1.0.0", ["number 3", "number 2", "number 1"])
    assert summaries("1.1.1") == ("v1.1.0", ["not yet"])
    ground.tag("v1.2.0")
    ground.tag("v1.2.1")
    with pytest.raises(GateError, match=r"no commits between v1\.2\.0 and v1\.2\.1"):
        chapter_of(history(ground), "1.2.1")


@pytest.mark.req("S4-19")
def test_the_commits_in_a_line_each(ground: Ground) -> None:
    ground.commit("feat: one")
    ground.tag("v1.0.0")
    ground.commit("fix: two\n\nbody")
    ground.commit("odd: größer")
    assert oneline(history(ground)).rstrip("\n") == ground.git("log", "--oneline", "--no-decorate", "v1.0.0..HEAD")
    assert oneline(history(ground), since="v1.0.0", until="HEAD~1").endswith("fix: two\n")


def test_the_measured_history_is_told_whole(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "made.git", 120, 12)
    here = History(Repository(root), "made", VersionRule(source="git"), ChangelogRules(repository="https://github.com/a/b"))
    text = write_changelog(here)
    assert text.count("\n## ") == 12
    listed = subprocess.run(["git", "-C", root, "log", "--format=%h %s"], check=True, capture_output=True, text=True)
    lines = [line.partition(" ") for line in listed.stdout.splitlines()]
    wanted = {name for name, _, subject in lines if not re.match(r"(build|chore|ci|refactor|style|test)(\(\w+\))?:", subject)}
    assert len(lines) == 120
    assert set(re.findall(r"\(\[([0-9a-f]{7})\]", text)) == wanted


def test_a_repository_without_commits(ground: Ground) -> None:
    with pytest.raises(GateError, match="no such commit"):
        write_changelog(history(ground))


@pytest.mark.parametrize(
    ("url", "page", "forge"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b", "github"),
        ("git@github.com:a/b.git", "https://github.com/a/b", "github"),
        ("ssh://git@gitlab.example.org:2222/group/sub/b.git", "https://gitlab.example.org/group/sub/b", "gitlab"),
        ("https://user:secret@codeberg.org/a/b/", "https://codeberg.org/a/b", "gitea"),
        ("http://127.0.0.1:3000/a/b", "http://127.0.0.1:3000/a/b", "github"),
        ("git+ssh://git@forgejo.example.org/a/b", "https://forgejo.example.org/a/b", "gitea"),
        ("/srv/git/b.git", "", "github"),
        ("file:///srv/git/b.git", "", "github"),
        ("", "", "github"),
    ],
)
def test_the_pages_of_a_repository(url: str, page: str, forge: str) -> None:
    links = links_of(url)
    assert (links.page, links.forge) == (page, forge)
    assert bool(links.commit) is bool(links.tag("v1")) is bool(links.compare("a", "b")) is bool(page)


def test_links_follow_the_remote(ground: Ground) -> None:
    name = ground.commit("feat: one")
    ground.git("remote", "add", "origin", "git@git.example.org:a/b.git")
    assert f"](https://git.example.org/a/b/-/commit/{name})" in write_changelog(history(ground, forge="gitlab"))


def test_the_whole_history_is_read_with_one_program(ground: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ground.commit("feat: one")
    ground.tag("v1.0.0")
    calls = tmp_path / "calls"
    real = subprocess.run(["sh", "-c", "command -v git"], check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(f"#!/bin/sh\necho \"$*\" >> '{calls}'\nexec '{real}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    write_changelog(history(ground, repository="https://github.com/a/b"))
    assert [line for line in calls.read_text().splitlines() if " log " not in line] == []
    assert len(calls.read_text().splitlines()) == 1
