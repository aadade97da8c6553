"""From what was asked for to a Release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import sample
from slipway.errors import UsageError
from slipway.request import NO_COMMIT_EPOCH, select_variants, source_date_epoch


@pytest.mark.parametrize(
    ("text", "expected"),
    [("all", ["complete", "minimal"]), ("minimal", ["minimal"]), ("minimal,complete", ["complete", "minimal"])],
)
@pytest.mark.req("S0-31")
def test_variants_are_selected_in_the_order_of_the_project(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert [variant.name for variant in select_variants(text, sample.project(tmp_path))] == expected


@pytest.mark.parametrize("text", ["minimul", ",", "complete,minimul"])
def test_an_unknown_variant_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"complete, minimal, all"):
        select_variants(text, sample.project(tmp_path))


def _commit(folder: Path, when: int) -> None:
    date = f"{when} +0200"
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@a.example",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@a.example",
    }
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(
        ["git", "-C", folder, "commit", "-q", "--allow-empty", "-m", "x"],
        check=True,
        env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, **who},
    )


def test_the_time_of_all_files_is_the_commit_s(tmp_path: Path) -> None:
    _commit(tmp_path, 1_700_000_000)
    assert source_date_epoch(tmp_path, {}) == 1_700_000_000
    assert source_date_epoch(tmp_path, {"SOURCE_DATE_EPOCH": "1600000000"}) == 1_600_000_000


def test_without_a_commit_the_time_is_fixed(tmp_path: Path) -> None:
    assert source_date_epoch(tmp_path, {}) == NO_COMMIT_EPOCH
    assert source_date_epoch(tmp_path, {"SOURCE_DATE_EPOCH": "0"}) == NO_COMMIT_EPOCH


@pytest.mark.parametrize("text", ["yesterday", "-5", "1.5", "١٢"])
def test_a_senseless_time_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        source_date_epoch(tmp_path, {"SOURCE_DATE_EPOCH": text})


def test_a_checkout_that_git_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _commit(tmp_path, 1_700_000_000)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert source_date_epoch(tmp_path, {}) == NO_COMMIT_EPOCH
    assert "git status" in capsys.readouterr().err


def test_without_a_commit_there_is_nothing_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert source_date_epoch(tmp_path, {}) == NO_COMMIT_EPOCH
    assert capsys.readouterr().err == ""
