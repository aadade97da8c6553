"""Preparing a release: stamps and notes become commits, and nothing half done is ever left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import git_remote
import pytest
from git_remote import git

from slipway.errors import ConfigError, GateError, SlipwayError, VerificationError
from slipway.model import Paths, Project
from slipway.release.stamp import Prepared, back_to_branch, prepare, prepared, stamped
from slipway.rules import Stamp
from slipway.version import Version

STAMP = Stamp(file="version.json", find='"official": false', text='"official": true, "version": "{version}"')
CHANGES = {"notes/rl-2.1.md": b"# 2.1\n", "fragments/a.md": None}
V = Version("2.1.0")


@pytest.fixture
def here(tmp_path: Path) -> Project:
    project = git_remote.project(tmp_path / "here", stamps=(STAMP,), commit_message="release: {version}")
    git_remote.commit(project.root, "fragments/a.md")
    return project


def paths(project: Project) -> Paths:
    return Paths.under(project.root)


def subjects(folder: Path, ref: str) -> list[str]:
    return git(folder, "log", "--format=%s", ref).splitlines()


@pytest.mark.req("S1-4", "S1-5", "S1-7", "S1-21", "S1-27")
def test_the_detached_flow_leaves_the_stamp_out_of_the_branch(here: Project) -> None:
    project = replace(here, release=replace(here.release, flow="detached"))
    found = prepare(project, paths(project), V, lambda folder: CHANGES if (folder / "fragments/a.md").is_file() else {})
    assert found == Prepared(version="2.1.0", commit=git(here.root, "rev-parse", "HEAD"), branch="main") == prepared(paths(here))
    assert git(here.root, "branch", "--show-current") == ""
    assert subjects(here.root, "HEAD")[:2] == ["release: 2.1.0", "release: release notes for 2.1.0"]
    assert subjects(here.root, "main")[0] == "release: release notes for 2.1.0"
    assert (here.root / "version.json").read_text() == '{"official": true, "version": "2.1.0"}\n'
    assert (here.root / "notes/rl-2.1.md").read_text() == "# 2.1\n" and not (here.root / "fragments/a.md").exists()
    assert '"official": false' in git(here.root, "show", "main:version.json")
    assert git(here.root, "status", "--porcelain") == ""
    assert prepare(project, paths(project), V) == found
    assert back_to_branch(project, paths(project)) == "main" == git(here.root, "branch", "--show-current")
    assert back_to_branch(project, paths(project)) == ""


def test_the_branch_flow_commits_on_the_branch(here: Project) -> None:
    found = prepare(here, paths(here), V, lambda _: CHANGES)
    assert git(here.root, "branch", "--show-current") == "main"
    assert git(here.root, "rev-parse", "main") == found.commit
    assert subjects(here.root, "main")[:2] == ["release: 2.1.0", "release: release notes for 2.1.0"]
    assert git(here.root, "worktree", "list").count("\n") == 0


def test_a_detached_release_has_a_commit_of_its_own_even_when_the_stamp_says_nothing_new(here: Project) -> None:
    git_remote.commit(here.root, "version.json", '{"official": true, "version": "2.1.0"}\n')
    project = replace(here, release=replace(here.release, flow="detached"))
    assert prepare(project, paths(project), V).commit != git(here.root, "rev-parse", "main")
    assert git(here.root, "rev-parse", "HEAD^") == git(here.root, "rev-parse", "main")


@pytest.mark.req("S3-4", "S1-20")
def test_a_release_branch_begins_with_its_first_release(here: Project) -> None:
    project = replace(here, release=replace(here.release, release_branch="release-{major}.{minor}"))
    main = git(here.root, "rev-parse", "main")
    assert prepare(project, paths(project), V).branch == "release-2.1" == git(here.root, "branch", "--show-current")
    assert git(here.root, "rev-parse", "main") == main
    git(here.root, "switch", "--quiet", "main")
    with pytest.raises(GateError, match=r"released from release-2\.1, and main is checked out"):
        prepare(project, paths(project), Version("2.1.1"))


@pytest.mark.req("S1-29")
def test_what_is_not_committed_tagged_or_on_a_branch_is_refused(here: Project) -> None:
    (here.root / "new").write_text("")
    with pytest.raises(GateError, match="1 files are changed or new, such as new"):
        prepare(here, paths(here), V)
    (here.root / "new").unlink()
    (here.root / "packages").mkdir()
    (here.root / "packages" / "hello.deb").write_text("")
    git(here.root, "tag", "v2.1.0")
    with pytest.raises(GateError, match="tagged already"):
        prepare(here, paths(here), V)
    git(here.root, "switch", "--quiet", "--detach")
    with pytest.raises(GateError, match="no branch is checked out"):
        prepare(here, paths(here), Version("2.2.0"))


def test_a_failure_changes_nothing(here: Project) -> None:
    before = git_remote.refs(here.root)
    broken = replace(here, release=replace(here.release, stamps=(STAMP, Stamp(file="none.json", find="x", text="y"))))
    with pytest.raises(ConfigError, match=r"no file none\.json"):
        prepare(broken, paths(here), V, lambda _: CHANGES)

    def fail(_: Path) -> dict[str, bytes | None]:
        raise SlipwayError("the notes are not right")

    with pytest.raises(SlipwayError, match="not right"):
        prepare(here, paths(here), V, fail)
    with pytest.raises(ConfigError, match="outside the project"):
        prepare(here, paths(here), V, lambda _: {"../x": b""})
    assert git_remote.refs(here.root) == before and git(here.root, "status", "--porcelain") == ""
    assert git(here.root, "worktree", "list").count("\n") == 0 and prepared(paths(here)) is None


def test_a_project_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    outer = git_remote.project(tmp_path / "outer", stamps=(Stamp(file="VERSION", text="{version}\n"),))
    inner = replace(outer, root=outer.root / "src")
    prepare(inner, Paths.under(inner.root), V)
    assert git(outer.root, "show", "HEAD:src/VERSION") == "2.1.0"


@pytest.mark.parametrize(
    ("stamp", "text", "expected"),
    [
        (Stamp(file="f", text="{name} {version}\n"), None, "hello 2.1.0\n"),
        (Stamp(file="f", text="x", find="^a$"), "a\nba\n", "x\nba\n"),
        (Stamp(file="f", text=r"\1{version}", find="a"), "a", r"\12.1.0"),
        (Stamp(file="f", text="new", find="^old$"), "new\n", "new\n"),
    ],
)
def test_stamps(stamp: Stamp, text: str | None, expected: str) -> None:
    assert stamped(stamp, text, {"name": "hello", "version": "2.1.0"}) == expected


@pytest.mark.parametrize(
    ("stamp", "text", "says"),
    [
        (Stamp(file="f", text="x", find="a"), "a a", "in 2 places of f"),
        (Stamp(file="f", text="x", find="a"), "", "in 0 places of f"),
        (Stamp(file="f", text="x", find="("), "", "no regular expression"),
        (Stamp(file="f", text="x", find="a"), None, "no file f"),
        (Stamp(file="f", text="{verison}"), "", "stands for nothing"),
    ],
)
def test_stamps_that_nobody_can_set(stamp: Stamp, text: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        stamped(stamp, text, {"version": "2.1.0"})


def test_a_damaged_note_of_what_was_prepared(here: Project) -> None:
    (paths(here).state).mkdir()
    (paths(here).state / "prepared.json").write_text("{}")
    with pytest.raises(VerificationError, match="cannot be read"):
        prepared(paths(here))
