"""Planning the tests of distributions, and what happens before and without a container."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import packed
import pytest

import sample
from slipway import containers
from slipway.errors import GateError, NetworkError, UsageError, VerificationError
from slipway.model import Release, TestRules
from slipway.platforms import PLATFORMS
from slipway.steps import Step
from slipway.verify.distribution import CheckDistribution, plan_tests
from slipway.version import Version

RULES = TestRules(basic=("hello",), integration=("hello you",), complete=("hello all",), variants={"minimal": ("basic",)})


def step_of(made: Release, cell: str, **options: Any) -> Step:
    (step,) = (step for step in plan_tests(made, **options) if step.key == cell)
    return step


def run_of(step: Step) -> CheckDistribution:
    assert isinstance(step.run, CheckDistribution)
    return step.run


@pytest.mark.req("S0-21", "S0-60")
def test_one_step_per_cell_with_a_report_as_output(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    steps = plan_tests(made)
    assert [step.key for step in steps] == [cell.id for cell in made.cells]
    assert {step.stage for step in steps} == {"test-dist"}
    report = made.paths.state / "reports/test-dist-hello-1.2.3-linux-amd64-complete-basic+integration+complete.json"
    assert steps[0].outputs == (report,)
    assert pickle.loads(pickle.dumps(steps[0])) == steps[0]
    json.dumps(steps[0].settings)


@pytest.mark.req("S0-21")
def test_inputs_are_what_is_tested(tmp_path: Path) -> None:
    files = tmp_path / "tests"
    (files / "deep").mkdir(parents=True)
    (files / "deep/one.sh").write_text("")
    made = packed.release(tmp_path, tests=replace(RULES, files=files))
    archive = tmp_path / "planned.tar.gz"
    step = step_of(made, "linux-amd64-complete", packages={"linux-amd64-complete": (archive,)})
    contents = made.contents(sample.cell(made, "linux-amd64-complete"))
    assert step.inputs == (contents, archive, made.paths.installers / "install.sh", files / "deep/one.sh")
    assert not step.always


def test_what_nobody_plans_and_nobody_made_is_asked_for_at_run_time(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    step = step_of(made, "linux-amd64-complete")
    assert step.always
    with pytest.raises(GateError, match=r"contents\.json does not exist") as caught:
        step.run()
    assert caught.value.hint == "make it: doit dist-generate"
    sample.stage(made, sample.cell(made, step.key))
    with pytest.raises(GateError, match=r"tar\.gz does not exist") as caught:
        step.run()
    assert caught.value.hint == "make it: doit package-all"
    packed.pack(made, sample.cell(made, step.key))
    assert not step_of(made, "linux-amd64-complete").always


@pytest.mark.req("S0-38", "S0-60")
def test_levels_keep_their_order_and_variants_their_limits(tmp_path: Path) -> None:
    made = packed.release(tmp_path, tests=RULES)
    chosen = run_of(step_of(made, "linux-amd64-complete", levels=("complete", "basic"))).subject.levels
    assert [(level.name, level.commands, level.supported) for level in chosen] == [
        ("basic", ("hello",), True),
        ("complete", ("hello all",), True),
    ]
    limited = run_of(step_of(made, "linux-amd64-minimal")).subject
    assert [level.supported for level in limited.levels] == [True, False, False]
    assert limited.arguments == ("--variant", "minimal")


@pytest.mark.req("S0-38")
def test_unknown_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown kind of test: smoke") as caught:
        plan_tests(packed.release(tmp_path), levels=("basic", "smoke"))
    assert caught.value.hint == "valid are basic, integration, complete"


@pytest.mark.req("S0-38")
def test_platforms_and_cleanup_are_chosen(tmp_path: Path) -> None:
    steps = plan_tests(packed.release(tmp_path), platforms=(PLATFORMS["macos-arm64"],), cleanup=False)
    assert [step.key for step in steps] == ["macos-arm64-complete", "macos-arm64-minimal"]
    assert not run_of(steps[0]).cleanup


@pytest.mark.req("S0-21")
def test_another_version_is_another_set_of_files(tmp_path: Path) -> None:
    made = replace(packed.release(tmp_path), version=Version("1.0.0"))
    subject = run_of(step_of(made, "linux-amd64-complete")).subject
    assert subject.packages == (made.paths.packages / "hello-1.0.0-linux-amd64-complete.tar.gz",)
    assert subject.spec.version == "1.0.0"


@pytest.mark.req("S0-21")
def test_what_cannot_run_here_is_checked_statically_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = packed.release(tmp_path)
    packed.pack(made, sample.cell(made, "macos-arm64-minimal"))
    step = step_of(made, "macos-arm64-minimal")
    step.run()
    report = json.loads(step.outputs[0].read_bytes())
    assert (report["how"], report["without"]) == ("static", "macos-arm64 cannot run here")
    assert {check["outcome"] for check in report["checks"]} == {"passed"}
    assert "checks passed, checked statically: macos-arm64 cannot run here" in capsys.readouterr().err


@pytest.mark.req("S0-21")
def test_failure_leaves_a_report_under_another_name(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    archive = packed.pack(made, sample.cell(made, "macos-arm64-minimal"))
    step = step_of(made, "macos-arm64-minimal")
    step.run()
    archive.write_bytes(b"nothing")
    with pytest.raises(VerificationError, match="failed 2 of") as caught:
        step.run()
    assert f"archive {archive.name}: " in str(caught.value)
    failed = step.outputs[0].with_suffix(".failed.json")
    assert not step.outputs[0].exists()
    assert {check["outcome"] for check in json.loads(failed.read_bytes())["checks"]} == {"passed", "failed"}
    packed.pack(made, sample.cell(made, "macos-arm64-minimal"))
    step.run()
    assert not failed.exists()


@pytest.mark.req("S0-21")
def test_without_an_engine_this_machines_own_platform_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = packed.release(tmp_path)
    packed.pack(made, sample.cell(made, "linux-amd64-minimal"))
    monkeypatch.setenv("PATH", str(_shell_only(tmp_path)))
    containers.engine.cache_clear()
    with pytest.raises(GateError, match="no container engine answers") as caught:
        step_of(made, "linux-amd64-minimal").run()
    assert "podman" in str(caught.value.hint)


class _Engine:
    """An engine that has no image for other processors."""

    arch = "amd64"

    def ensure_image(self, *_: str) -> str:
        raise NetworkError("no such image\nmore")


@pytest.mark.req("S0-21")
def test_processor_that_is_not_emulated_is_checked_statically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = packed.release(tmp_path)
    packed.pack(made, sample.cell(made, "linux-arm64-minimal"))
    monkeypatch.setattr(containers, "engine", _Engine)
    step = step_of(made, "linux-arm64-minimal")
    step.run()
    assert json.loads(step.outputs[0].read_bytes())["without"] == "linux-arm64 cannot run here (no such image)"
    packed.pack(made, sample.cell(made, "linux-amd64-minimal"))
    with pytest.raises(NetworkError):
        step_of(made, "linux-amd64-minimal").run()


def test_planning_imports_nothing_heavy() -> None:
    code = "import sys, slipway.verify.distribution; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"testinfra", "tarfile", "zipfile", "slipway.containers", "zstandard"} & set(done.stdout.split())


def _shell_only(folder: Path) -> Path:
    programs = folder / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    return programs
