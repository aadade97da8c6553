"""Versions, changelogs, notes and the preparation of a release, by the commands that users type."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import git_hello
import pytest
from git_hello import commit, slipway, tag
from git_remote import git

import hello

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with 1.2.3 released, and a feature and a fix after it; nothing below writes into it."""
    folder = git_hello.write(tmp_path_factory.mktemp("history") / "hello")
    tag(folder, "v1.2.3")
    commit(folder, "fix: answer quickly")
    commit(folder, "feat: greet in French")
    return folder


@pytest.fixture
def project(told: Path, tmp_path: Path) -> Path:
    """A copy of it to work in."""
    return git_hello.copy(told, tmp_path / "work")


@pytest.mark.req("S0-40", "S0-45")
@pytest.mark.parametrize(
    ("words", "version", "reason"),
    [
        ((), "1.3.0", "after 1.2.3:"),
        (("--release-type", "patch"), "1.2.4", "a patch release was asked for"),
        (("--release-type", "major"), "2.0.0", "a major release was asked for"),
        (("--pre", "rc"), "1.3.0-rc.1", ""),
        (("--release-type", "major", "--pre", "beta"), "2.0.0-beta.1", ""),
    ],
)
def test_the_next_version_is_all_that_stands_on_standard_output(
    told: Path, words: tuple[str, ...], version: str, reason: str
) -> None:
    done = slipway(told, "next-version", *words)
    assert (done.returncode, done.stdout) == (0, f"{version}\n"), done.stderr
    assert reason in done.stderr


def test_the_next_version_as_data(told: Path) -> None:
    found = json.loads(slipway(told, "next-version", "--json", "--release-type", "minor").stdout)
    assert found == {"version": "1.3.0", "tag": "v1.3.0", "before": "1.2.3", "reason": "a minor release was asked for"}


def test_without_anything_new_there_is_no_next_version(project: Path) -> None:
    tag(project, "v1.3.0")
    done = slipway(project, "next-version")
    assert (done.returncode, done.stdout) == (3, "")


def test_the_notes_of_a_tag_are_those_of_its_release(project: Path) -> None:
    tag(project, "v1.3.0")
    done = slipway(project, "notes")
    assert (done.returncode, "greet in French" in done.stdout) == (0, True), done.stderr
    refused = slipway(project, "prepare")
    assert (refused.returncode, "1.3.0 is tagged already" in refused.stderr) == (3, True), refused.stderr


@pytest.mark.req("S0-40")
@pytest.mark.parametrize(("program", "words"), [("doit", ("status", "RELEASE_TYPE=minor")), ("slipway", ("status",))])
def test_release_type_says_the_version_of_a_run(told: Path, program: str, words: tuple[str, ...]) -> None:
    done = hello.run(told, program, *words, **({} if program == "doit" else {"RELEASE_TYPE": "minor"}))
    assert done.returncode == 0, done.stderr
    assert "Version  1.3.0" in done.stdout
    assert "the version is 1.3.0: a minor release was asked for" in done.stderr


@pytest.mark.req("S2-5")
def test_a_released_commit_is_the_same_release_again(project: Path) -> None:
    tag(project, "v1.3.0")
    assert "Version  1.3.0" in hello.run(project, "doit", "status", "RELEASE_TYPE=minor").stdout
    commit(project, "fix: more")
    assert "Version  1.4.0" in hello.run(project, "doit", "status", "RELEASE_TYPE=minor").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("doit", "status", "RELEASE_TYPE=minor", "VERSION=2.0.0"), "both say the version"),
        (("doit", "status", "RELEASE_TYPE=mnior"), "did you mean minor?"),
        (("slipway", "create-release", "--release-type", "minor", "--version", "2.0.0"), "both say the version"),
        (("slipway", "changelog", "--write", "--since", "v1.2.3"), "the file holds the whole changelog"),
        (("slipway", "changelog", "--since", "v1.2.4"), "did you mean v1.2.3?"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_usage(told: Path, words: tuple[str, ...], says: str) -> None:
    done = hello.run(told, *words)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("how", "says"),
    [(("--depth", "1"), "only the last part of the history is here"), (("--no-tags",), "origin has the tag v1.2.3, and no tag")],
)
def test_half_a_history_does_not_make_a_wrong_version(told: Path, tmp_path: Path, how: tuple[str, ...], says: str) -> None:
    git(tmp_path, "clone", "--quiet", *how, f"file://{told.parent / 'remote.git'}", "part")
    for words in (("next-version",), ("status", "RELEASE_TYPE=minor"), ("prepare",)):
        done = slipway(tmp_path / "part", *words)
        assert (done.returncode, says in done.stderr) == (3, True), done.stderr


@pytest.mark.req("S0-47", "S4-19", "S4-7")
@pytest.mark.parametrize(
    ("words", "expected", "absent"),
    [
        (("changelog",), ("# Changelog", "## Unreleased", "- greet in French", "## 1.2.3", "- greet ("), ()),
        (("changelog", "--version", "1.3.0"), ("## 1.3.0 - ", "## 1.2.3"), ("Unreleased",)),
        (("changelog", "--since", "1.2.3"), ("- answer quickly",), ("## 1.2.3",)),
        (("changelog", "--oneline"), ("feat: greet in French", "fix: answer quickly"), ("feat: greet\n",)),
        (("changelog", "--oneline", "--since", "HEAD~1"), ("feat: greet in French",), ("answer",)),
        (("notes",), ("Greet whoever asks", "## Features", "- greet in French", "Mara Maker"), ("1.2.3",)),
        (("notes", "--version", "v1.2.3"), ("- greet (",), ("French",)),
        (("debian-changelog",), ("hello (1.3.0-1) unstable; urgency=medium", "  * feat: greet in French"), ("feat: greet\n",)),
        (("debian-changelog", "--version", "2.0.0-rc.1", "--suite", "sid", "--urgency", "high"), ("(2.0.0~rc.1-1) sid;",), ()),
    ],
)
def test_a_preview_is_printed_and_nothing_is_written(
    told: Path, words: tuple[str, ...], expected: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    done = slipway(told, *words)
    assert done.returncode == 0, done.stderr
    assert [text for text in expected if text not in done.stdout] == []
    assert [text for text in absent if text in done.stdout] == []
    assert git(told, "status", "--porcelain") == ""


def test_notes_are_what_people_wrote_unless_the_commits_are_asked_for(project: Path) -> None:
    (project / "changes").mkdir()
    (project / "changes" / "french.added.md").write_text("Greets in French, politely.\n")
    assert "politely" in slipway(project, "notes").stdout
    assert "politely" not in slipway(project, "notes", "--from-commits").stdout


@pytest.mark.req("S0-47", "S0-75")
def test_the_changelog_is_written_once(project: Path) -> None:
    file = project / "CHANGELOG.md"
    assert slipway(project, "changelog", "--write", "--dry-run").stdout == "would write CHANGELOG.md\n"
    assert not file.exists()
    assert slipway(project, "changelog", "--write").returncode == 0
    assert file.read_text().rstrip("\n") == slipway(project, "changelog").stdout.rstrip("\n")
    assert "up to date" in slipway(project, "changelog", "--write").stderr
    tag(project, "v1.3.0")
    commit(project, "fix: more")
    assert slipway(project, "changelog", "--write", "--version", "1.3.1").returncode == 0
    assert [line[:8] for line in file.read_text().splitlines() if line.startswith("## ")] == ["## 1.3.1", "## 1.3.0", "## 1.2.3"]


def test_a_changelog_that_people_write_is_not_overwritten(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- It now speaks French, see the manual.\n")
    commit(project, "docs: tell it")
    done = slipway(project, "changelog", "--write")
    assert done.returncode == 3
    assert "would be lost: - It now speaks French" in done.stderr
    assert slipway(project, "prepare").returncode == 0
    assert "see the manual" in (project / "CHANGELOG.md").read_text()
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.req("S4-7", "S4-8")
def test_debian_reads_the_changelog_that_is_written(project: Path) -> None:
    for version in ("1.3.0", "1.3.0", "1.4.0"):
        assert slipway(project, "debian-changelog", "--version", version, "--write").returncode == 0
    done = subprocess.run(
        ["dpkg-parsechangelog", "--file", project / "debian" / "changelog", "--all", "--format", "rfc822"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("Version")] == ["Version: 1.4.0-1", "Version: 1.3.0-1"]
    assert done.stderr == ""


@pytest.fixture
def noted(project: Path) -> Path:
    """A project with two notes on changes, and a file that says of which release it is."""
    stamp = '\n[[release.stamps]]\nfile = "VERSION.txt"\ntext = "{version}"\n'
    (project / "slipway.toml").write_text(f"{git_hello.TOML}{stamp}")
    (project / "changes").mkdir()
    (project / "changes" / "french.added.md").write_text("Greets in French.\n")
    (project / "changes" / "quick.fixed.md").write_text("Answers quickly.\n")
    commit(project, "chore: notes")
    return project


@pytest.mark.req("S1-4", "S1-3", "S1-27")
@pytest.mark.parametrize(
    ("words", "version"), [((), "1.3.0"), (("--release-type", "major"), "2.0.0"), (("--version", "v1.9.0"), "1.9.0")]
)
def test_a_release_is_prepared_by_commits(noted: Path, words: tuple[str, ...], version: str) -> None:
    before = git(noted, "rev-parse", "HEAD")
    done = slipway(noted, "prepare", *words)
    assert done.returncode == 0, done.stderr
    assert f"doit all VERSION={version} builds it" in done.stderr
    assert git(noted, "status", "--porcelain") == ""
    assert (noted / "VERSION.txt").read_text() == version
    assert not (noted / "changes").exists()
    text = (noted / "CHANGELOG.md").read_text()
    assert f"## hello {version} (" in text
    assert "Greets in French." in text
    assert git(noted, "log", "--format=%s", f"{before}..HEAD").splitlines()[-1] == f"release: release notes for {version}"
    after = git(noted, "rev-parse", "HEAD")
    assert slipway(noted, "prepare", *words).returncode == 0
    assert git(noted, "rev-parse", "HEAD") == after
    assert "Greets in French." in slipway(noted, "notes", "--version", version).stdout


@pytest.mark.req("S1-5", "S1-7", "S1-21")
def test_a_release_beside_its_branch_is_left_for_the_branch_again(noted: Path) -> None:
    (noted / "slipway.toml").write_text((noted / "slipway.toml").read_text() + '[release]\nflow = "detached"\n')
    commit(noted, "chore: release beside the branch")
    branch = git(noted, "branch", "--show-current")
    assert slipway(noted, "prepare", "--version", "1.9.0").returncode == 0
    assert git(noted, "branch", "--show-current") == ""
    assert (noted / "VERSION.txt").read_text() == "1.9.0"
    done = slipway(noted, "prepare", "--back")
    assert (done.returncode, f"{branch} is checked out again" in done.stderr) == (0, True), done.stderr
    assert git(noted, "branch", "--show-current") == branch
    assert (noted / "VERSION.txt").read_text() != "1.9.0"
    assert "nothing to do" in slipway(noted, "prepare", "--back").stderr


@pytest.mark.req("S0-75")
def test_a_dry_preparation_says_which_files_change(noted: Path) -> None:
    before = git(noted, "rev-parse", "HEAD")
    done = slipway(noted, "prepare", "--dry-run")
    assert done.stdout.splitlines() == [
        "would write CHANGELOG.md",
        "would write VERSION.txt",
        "would remove changes/french.added.md",
        "would remove changes/quick.fixed.md",
    ]
    assert (git(noted, "rev-parse", "HEAD"), git(noted, "status", "--porcelain")) == (before, "")


@pytest.mark.req("S1-29")
@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_a_release_is_not_prepared_from_what_nobody_committed(noted: Path, words: tuple[str, ...]) -> None:
    (noted / "README.md").write_text("changed\n")
    done = slipway(noted, "prepare", *words)
    assert (done.returncode, "1 files are changed" in done.stderr) == (3, True), done.stderr
    assert (noted / "changes" / "french.added.md").is_file()


def test_a_released_version_is_not_prepared_again(noted: Path) -> None:
    done = slipway(noted, "prepare", "--version", "1.2.3")
    assert (done.returncode, "1.2.3 is tagged already" in done.stderr) == (3, True)
