"""The notes of one release."""

from __future__ import annotations

from pathlib import Path

import pytest
from repositories import Ground

from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.changelog import History
from slipway.release.fragments import Edition, apply, gather
from slipway.release.notes import LIMITS, Digest, Way, fit, release_notes
from slipway.rules import ChangelogRules, FragmentRules

EDITION = Edition("hello", "1.1.0", "2023-11-15")


@pytest.fixture
def history(tmp_path: Path) -> History:
    ground = Ground(tmp_path / "work")
    ground.commit("feat: begin")
    ground.tag("v1.0.0")
    ground.commit("fix: mend", {"changes/mend.fixed.md": "Mended, at last.\n"}, who=("Bob", "bob@example.org"))
    ground.commit("feat: grow")
    rules = ChangelogRules(repository="https://github.com/a/b")
    return History(Repository(ground.root), "hello", VersionRule(source="git"), rules)


@pytest.mark.req("S0-47")
def test_notes_from_commits(history: History) -> None:
    text = release_notes(
        history,
        EDITION,
        install=[Way("Linux and macOS", "curl -fsSL https://example.org/install.sh | sh"), Way("", "brew install hello")],
        checksums=[Digest("hello.tar.gz", "a" * 64)],
    )
    names = [line for line in text.splitlines() if line.startswith("##")]
    assert names == ["## Features", "## Fixes", "## Install", "## Checksums", "## Contributors"]
    assert "- mend ([" in text
    assert (
        "Linux and macOS:\n\n```\ncurl -fsSL https://example.org/install.sh | sh\n```\n\n```\nbrew install hello\n```\n" in text
    )
    assert f"| `hello.tar.gz` | `{'a' * 64}` |\n" in text
    assert "- Ada\n- Bob (first contribution)\n" in text
    assert text.endswith("All changes: https://github.com/a/b/compare/v1.0.0...v1.1.0\n")
    assert "\n\n\n" not in text


@pytest.mark.req("S1-4")
def test_what_people_wrote_goes_before_commits_also_once_it_is_gathered(history: History) -> None:
    root, rules = history.repository.root, FragmentRules()
    before = release_notes(history, EDITION, rules)
    assert before.startswith("## Fixed\n\n- Mended, at last.\n\n## Contributors\n")
    gathered = gather(root, rules, EDITION)
    assert gathered is not None
    apply(gathered.changes)
    after = release_notes(history, EDITION, rules)
    assert after.startswith("### Fixed\n\n- Mended, at last.\n\n## Contributors\n")
    assert "begin" not in before + after
    assert release_notes(history, Edition("hello", "1.2.0", "2023-11-16"), rules).startswith("## Features\n")


def test_a_summary_goes_first(history: History) -> None:
    assert release_notes(history, EDITION, summary="The one that **grows**.").startswith("The one that **grows**.\n\n## Features")


def test_notes_are_cut_to_what_a_forge_takes() -> None:
    limit = LIMITS["github"]
    short = "x\n" * (limit // 2)
    assert fit(short, "github") == short
    line = "a line of commands\n"
    long = f"intro\n```\n{line * 10_000}```\nend\n"
    cut = fit(long, "github", "https://example.org/notes")
    assert limit - 100 < len(cut) <= limit
    assert cut.endswith("a line of commands\n```\n\n… the rest is at https://example.org/notes\n")
    assert len(fit("ö" * 200_000, "github")) <= limit
    assert fit(long, "gitea") == long
