"""What proves that tests passed: written after them, for what they began with, and gone before they begin again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import git_remote
import pytest
from git_remote import git

import sample
from slipway.errors import SlipwayError, VerificationError
from slipway.executor import run_steps
from slipway.model import Paths, Release
from slipway.release.evidence import TESTS, evidence_folder, proven, read_evidence
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A test: a shell line."""

    command: str
    root: Path

    def __call__(self) -> None:
        from slipway import process

        process.run(["sh", "-c", self.command], cwd=self.root)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    project = git_remote.project(tmp_path / "here")
    return replace(sample.release(tmp_path, project=project), paths=Paths.under(project.root))


def steps(release: Release, *commands: str) -> tuple[Step, ...]:
    root = release.project.root
    plain = (
        Step(stage="unit-tests", key=str(n), doc=line, run=Run(command=line, root=root), always=True)
        for n, line in enumerate(commands)
    )
    return proven(release, TESTS, plain)


def test_tests_that_pass_leave_a_proof(release: Release) -> None:
    planned = steps(release, "true", "true")
    assert [each.name for each in planned] == [f"unit-tests:{key}" for key in ("begin", "0", "1", "proof")]
    assert planned[1].after == ("unit-tests:begin",) and planned[3].after == ("unit-tests:0", "unit-tests:1")
    run_steps(planned)
    found = read_evidence(TESTS, evidence_folder(release.paths))
    assert found and (found.commit, found.clean) == (git(release.project.root, "rev-parse", "HEAD"), True)
    assert "@" in found.by and read_evidence("tests.begun", evidence_folder(release.paths)) is None


def test_tests_that_fail_take_the_proof_away(release: Release) -> None:
    run_steps(steps(release, "true"))
    with pytest.raises(SlipwayError):
        run_steps(steps(release, "false"))
    assert read_evidence(TESTS, evidence_folder(release.paths)) is None


@pytest.mark.parametrize(
    "change",
    [
        "echo x > version.json",
        "touch new",
        "git commit --quiet --allow-empty --message newer",
        "echo x > version.json; git commit --quiet --all --message newer",
    ],
)
def test_what_changed_while_the_tests_ran_is_not_proven(release: Release, change: str) -> None:
    run_steps(steps(release, change))
    found = read_evidence(TESTS, evidence_folder(release.paths))
    assert found and not found.clean


def test_what_was_changed_before_is_not_proven(release: Release) -> None:
    (release.project.root / "version.json").write_text("{}")
    run_steps(steps(release, "git checkout --quiet version.json"))
    found = read_evidence(TESTS, evidence_folder(release.paths))
    assert found and not found.clean


def test_without_git_tests_pass_and_prove_nothing(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    run_steps(steps(made, "true"))
    found = read_evidence(TESTS, evidence_folder(made.paths))
    assert found and (found.commit, found.clean) == ("", False)


def test_without_tests_there_is_nothing_to_prove(release: Release) -> None:
    assert proven(release, TESTS, ()) == ()


@pytest.mark.parametrize("text", ["", "{}", '{"name": 1}', "[]"])
def test_a_damaged_proof_is_an_error(release: Release, text: str) -> None:
    path = release.paths.state / "evidence" / "tests.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(VerificationError, match="cannot be read"):
        read_evidence(TESTS, evidence_folder(release.paths))
