"""What commits say about themselves, read from real histories."""

from __future__ import annotations

from pathlib import Path

import pytest
from repositories import Ground

from slipway.errors import GateError
from slipway.git import Repository
from slipway.release.commits import Commit, changes_of, read_commits

NAME = "a" * 40


def commit(message: str, *, name: str = NAME) -> Commit:
    subject, _, body = message.partition("\n")
    return Commit(f"{name} 1700000000 ", "Ada <ada@example.org>", "", subject, body.encode())


@pytest.mark.req("S0-47")
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        # type, scope, summary, what users have to mind
        ("feat: add a thing", ("feat", "", "add a thing", "")),
        ("Fix(core, cli): mend it", ("fix", "core, cli", "mend it", "")),
        ("feat!: drop the old way", ("feat", "", "drop the old way", "drop the old way")),
        (
            "feat(api)!: drop it\n\nBREAKING CHANGE: call new() now\ninstead of old()\n",
            ("feat", "api", "drop it", "call new() now instead of old()"),
        ),
        ("fix: a\n\nBREAKING-CHANGE: one\nBREAKING CHANGE #two\n", ("fix", "", "a", "one\ntwo")),
        ("fix: a\n\nBREAKING CHANGE: one\nReviewed-by: Z\n", ("fix", "", "a", "one")),
        ("fix: a\n\nThis is no BREAKING CHANGE at all.\nbreaking change: nor is this\n", ("fix", "", "a", "")),
        ("Just some words: with a colon", ("", "", "Just some words: with a colon", "")),
        ("no type", ("", "", "no type", "")),
        ("feat:no space", ("", "", "feat:no space", "")),
        ("feat(): empty scope", ("", "", "feat(): empty scope", "")),
        (": nothing", ("", "", ": nothing", "")),
        ("", ("", "", "", "")),
        ('Revert "feat: a"\n\nThis reverts commit 1234567890.\n', ("revert", "", "feat: a", "")),
        (
            "revert: let us never again speak of it\n\nRefs: 676104e, a215868\n",
            ("revert", "", "let us never again speak of it", ""),
        ),
    ],
)
def test_a_message_is_read_as_a_conventional_commit(message: str, expected: tuple[str, ...]) -> None:
    (found,) = changes_of([commit(message)])
    assert (found.type, found.scope, found.summary, found.breaking) == expected
    assert (found.short, found.author) == (NAME[:7], "Ada")


@pytest.mark.parametrize(
    "message",
    ["Merge branch 'x'", "Merge pull request #1 from a/b\n\nfeat: x", "fixup! feat: a", "squash! feat: a", "amend! feat: a"],
)
def test_merges_and_what_waits_to_be_squashed_are_no_changes(message: str) -> None:
    assert changes_of([commit(message)]) == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Merge pull request #12 from ada/x\n\nfeat(cli): add x", ("feat", "add x (#12)")),
        ("Merge branch 'x' into 'main'\n\nfix: mend y\n\nSee merge request group/project!34", ("fix", "mend y (!34)")),
        ("Merge pull request #12 from ada/x\n\nA plain title\n\nand more", ("", "A plain title (#12)")),
    ],
)
def test_in_a_history_of_first_parents_a_merge_stands_for_what_it_brings(message: str, expected: tuple[str, str]) -> None:
    (found,) = changes_of([commit(message)], merges=True)
    assert (found.type, found.summary) == expected
    assert changes_of([commit("Merge branch 'main' into x")], merges=True) == []


def test_hidden_types_are_left_out_unless_users_have_to_mind_them() -> None:
    found = changes_of([commit("chore: a"), commit("chore!: b"), commit("feat: c")], hidden={"chore"})
    assert [change.summary for change in found] == ["b", "c"]


def test_what_was_taken_back_is_gone(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "work")
    bad = ground.commit("feat: a bad thing", {"a": "1"})
    ground.commit("fix: another")
    ground.git("revert", "--no-edit", bad)
    here = Repository(ground.root)
    assert [change.summary for change in changes_of(read_commits(here, "HEAD"))] == ["another"]
    taken = ground.git("rev-parse", "HEAD")
    ground.git("revert", "--no-edit", taken)
    assert [change.summary for change in changes_of(read_commits(here, "HEAD"))] == ["another", "a bad thing"]
    # Where the first commit is in an older release, that it was taken back is news.
    (found,) = changes_of(read_commits(here, f"{taken}^..{taken}"))
    assert (found.type, found.summary, found.reverts) == ("revert", "feat: a bad thing", bad)


def test_commits_as_git_has_them(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "work")
    (ground.root / ".mailmap").write_text("Ada Lovelace <ada@example.org> <old@example.org>\n")
    first = ground.commit(
        "feat: größer\n\nBody.\n\nCo-authored-by: Bob B. <bob@example.org>\nco-authored-by: Eve <eve@example.org>\n",
        who=("A", "old@example.org"),
    )
    ground.tag("v1.0.0")
    ground.tag("other", light=True)
    second = ground.commit("fix: strange \x1f sign, \x01 too")
    newest, oldest = read_commits(Repository(ground.root), "HEAD")
    assert (newest.hash, newest.parents, newest.subject) == (second, [first], "fix: strange \x1f sign, \x01 too")
    assert (oldest.hash, oldest.parents, oldest.tags) == (first, [], ("v1.0.0", "other"))
    assert oldest.people == ("Ada Lovelace <ada@example.org>", "Bob B. <bob@example.org>", "Eve <eve@example.org>")
    assert oldest.subject == "feat: größer"
    assert newest.time - oldest.time == 3 * 3600


def test_a_part_of_the_history_is_not_enough(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "work")
    for number in range(4):
        ground.commit(f"feat: number {number}")
    ground.git("clone", "-q", "--depth=2", f"file://{ground.root}", str(tmp_path / "part"))
    here = Repository(tmp_path / "part")
    assert here.is_shallow
    with pytest.raises(GateError, match="last part of the history") as caught:
        read_commits(here, "HEAD")
    assert "--unshallow" in str(caught.value.hint)
    assert [commit.subject for commit in read_commits(here, "HEAD~1..HEAD")] == ["feat: number 3"]


def test_a_commit_in_another_encoding_and_one_with_broken_bytes(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "work")
    ground.commit("plain")
    (tmp_path / "message").write_bytes("feat: größer\n".encode("latin-1"))
    ground.git("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-F", str(tmp_path / "message"))
    (tmp_path / "message").write_bytes(b"feat: br\xfcken\n")
    ground.git("commit", "-q", "--allow-empty", "-F", str(tmp_path / "message"))
    found = [one.subject for one in read_commits(Repository(ground.root), "HEAD")]
    assert found[1:] == ["feat: größer", "plain"]
    assert found[0].startswith("feat: br")
