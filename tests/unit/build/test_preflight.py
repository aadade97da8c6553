"""What is missing is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import machine
import sample
from machine import program
from slipway import toolchains, tools
from slipway.build import preflight
from slipway.build.preflight import Preflight
from slipway.components import CargoComponent
from slipway.errors import GateError
from slipway.model import Release
from slipway.platforms import PLATFORMS


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(toolchains, "host_platform", lambda: PLATFORMS["linux-amd64"])
    folder = machine.empty(monkeypatch, tmp_path / "bin")
    for name in ("cargo", "cc", "docker"):
        program(folder, name, "echo 1.95.0")
    machine.compiler(folder, tmp_path / "root", machine.HOST)
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    machine.forget()
    preflight._answers.clear()
    preflight.announce(())


def release(root: Path, *names: str, cross: bool | None = None) -> Release:
    part = CargoComponent(name="platform", path=root, package="hello", binaries=("hello",))
    project = sample.project(root / "project", components=(part,))
    return sample.release(root, project=project, platforms=tuple(PLATFORMS[name] for name in names), cross=cross)


def look(made: Release) -> None:
    """What the first compile Step of a run about these platforms does."""
    preflight.announce(row.id for row in made.platforms)
    Preflight.of(made)(made.platforms[0].id)


def test_a_machine_that_has_everything_passes(tmp_path: Path) -> None:
    look(release(tmp_path, "linux-amd64"))


def test_a_step_on_its_own_looks_at_its_own_platform(tmp_path: Path) -> None:
    asked = Preflight.of(release(tmp_path, "linux-amd64", "linux-arm64"))
    asked("linux-amd64")
    with pytest.raises(GateError) as refused:
        asked("linux-arm64")
    assert "freebsd" not in str(refused.value)


@pytest.mark.req("S0-59")
def test_all_platforms_are_looked_at_and_everything_missing_is_listed(tmp_path: Path) -> None:
    with pytest.raises(GateError) as refused:
        look(release(tmp_path, "linux-amd64", "linux-arm64", "windows-amd64", "freebsd-amd64"))
    lines = refused.value.message.splitlines()
    assert refused.value.exit_code == 3
    assert len(lines) == 5
    for platform in ("linux-arm64", "windows-amd64", "freebsd-amd64"):
        assert any(line.startswith(f"  {platform}: Rust's standard") and PLATFORMS[platform].triple in line for line in lines)
    assert any(line.startswith("  windows-amd64: mingw is not installed") for line in lines)


def test_one_thing_that_many_platforms_lack_is_one_line(tmp_path: Path, fresh: Path) -> None:
    (fresh / "cargo").unlink()
    with pytest.raises(GateError, match=r"linux-amd64, linux-arm64, macos-arm64: cargo is not installed: .*rustup") as refused:
        look(release(tmp_path, "linux-amd64", "linux-arm64", "macos-arm64"))
    assert refused.value.message.count("cargo is not installed") == 1


def test_one_command_of_slipways_own_mends_all_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "command_of", lambda name: None if "zig" in name else ("sh",))
    with pytest.raises(
        GateError, match="linux-arm64, macos-arm64: zig is not installed: slipway toolchain install linux-arm64 macos"
    ):
        look(release(tmp_path, "linux-arm64", "macos-arm64"))


def test_an_old_tool_is_told(tmp_path: Path, fresh: Path) -> None:
    program(fresh, "cargo", "echo cargo 1.40.0")
    with pytest.raises(GateError, match=r"cargo 1\.40\.0 is older than 1\.70"):
        look(release(tmp_path, "linux-amd64"))


def test_cross_needs_itself_and_an_engine_and_no_standard_library(tmp_path: Path, fresh: Path) -> None:
    program(fresh, "docker", "exit 1")
    made = release(tmp_path, "linux-arm64", cross=True)
    with pytest.raises(GateError) as refused:
        look(made)
    assert "cross is not installed" in str(refused.value)
    assert "container engine" in str(refused.value)
    assert "standard library" not in str(refused.value)
    program(fresh, "docker", "echo 27 amd64")
    program(fresh, "cross", "echo cross 0.2.5")
    _forget()
    look(made)


def test_the_question_is_asked_once_for_all_steps(tmp_path: Path, fresh: Path) -> None:
    machine.compiler(fresh, tmp_path / "root", also=f"echo asked >> {tmp_path}/asked")
    asked = Preflight.of(release(tmp_path, "linux-amd64", "linux-arm64"))
    preflight.announce(["linux-amd64", "linux-arm64"])
    for _ in range(3):
        with pytest.raises(GateError, match="aarch64-unknown-linux-gnu"):
            asked("linux-amd64")
    # Its version as a tool, what it says of itself, and its sysroot.
    assert (tmp_path / "asked").read_text() == "asked\n" * 3


def test_planning_runs_nothing(tmp_path: Path, fresh: Path) -> None:
    for name in ("cargo", "rustc", "docker"):
        program(fresh, name, f"touch {tmp_path}/ran")
    Preflight.of(release(tmp_path, "linux-amd64", "linux-arm64", cross=True))
    assert not (tmp_path / "ran").exists()
