"""The plan of the compiling, and its parts that need no compiler."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway import process
from slipway.build import workspace
from slipway.build.cargo import plan_compile
from slipway.build.diagnosis import explain
from slipway.components import CargoComponent
from slipway.errors import ConfigError, NetworkError, SlipwayError
from slipway.model import PlatformSettings, Release
from slipway.platforms import DOCUMENTED, PLATFORMS
from slipway.version import Version


def component(folder: Path, name: str = "platform", **changes: Any) -> CargoComponent:
    values: dict[str, Any] = {"name": name, "path": folder, "package": name, "binaries": (name,)}
    return CargoComponent(**(values | changes))


def release(root: Path, *parts: CargoComponent, settings: dict[str, PlatformSettings] | None = None, **changes: Any) -> Release:
    project = sample.project(root, components=parts or (component(workspace_at(root)),), settings=settings or {})
    return sample.release(root, project=project, **changes)


def workspace_at(root: Path) -> Path:
    for name, text in {"Cargo.toml": "[workspace]\n", "Cargo.lock": "", "src/main.rs": "", "target/debug/x": ""}.items():
        path = root / "ws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "ws"


@pytest.mark.req("S0-16", "S0-17", "S0-53")
def test_one_step_per_platform_whatever_was_asked_for(tmp_path: Path) -> None:
    made = release(tmp_path, platforms=(PLATFORMS["linux-amd64"], PLATFORMS["linux-amd64-musl"]))
    steps = plan_compile(made)
    assert [step.name for step in steps] == [f"compile-platform:{name}" for name in (*DOCUMENTED, "linux-amd64-musl")]
    windows = next(step for step in steps if step.key == "windows-amd64")
    assert windows.outputs == (
        tmp_path / "out/dist/platform/windows-amd64/platform.exe",
        tmp_path / "out/.slipway/binaries/windows-amd64.platform.json",
    )


def test_components_of_one_workspace_share_an_invocation(tmp_path: Path) -> None:
    folder = workspace_at(tmp_path)
    parts = [component(folder, "one"), component(folder, "two"), component(folder, "three", features=("extra",))]
    keys = [step.key for step in plan_compile(release(tmp_path, *parts)) if step.key.startswith("linux-amd64")]
    assert keys == ["linux-amd64.one", "linux-amd64.three"]


def test_the_inputs_are_the_sources_and_nothing_that_was_built(tmp_path: Path) -> None:
    folder = workspace_at(tmp_path)
    for name in ("docs/x.md", ".git/HEAD", ".cargo/config.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (step, *_) = plan_compile(release(tmp_path, component(folder)))
    names = [path.relative_to(folder).as_posix() for path in step.inputs]
    assert names == [".cargo/config.toml", "Cargo.lock", "Cargo.toml", "docs/x.md", "src/main.rs"]
    (step, *_) = plan_compile(release(tmp_path, component(folder, inputs=("src/**",))))
    assert [path.relative_to(folder).as_posix() for path in step.inputs] == [
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "src/main.rs",
    ]


def test_a_member_of_a_workspace_depends_on_the_whole(tmp_path: Path) -> None:
    folder = workspace_at(tmp_path)
    for crate in ("one", "two"):
        (folder / crate).mkdir()
        (folder / crate / "Cargo.toml").write_text("[package]\n")
    (step, *_) = plan_compile(release(tmp_path, component(folder / "one")))
    assert {folder / "two/Cargo.toml", folder / "Cargo.lock"} <= set(step.inputs)


@pytest.mark.parametrize(
    "change",
    [
        {"version": Version("2.0.0")},
        {"epoch": 1},
        {"settings": {"linux-amd64": PlatformSettings(rustflags=("-Ctarget-cpu=x86-64-v2",))}},
    ],
)
def test_what_changes_the_bytes_makes_the_step_stale(tmp_path: Path, change: dict[str, Any]) -> None:
    before, after = (plan_compile(release(tmp_path, **said))[0].settings for said in ({}, change))
    assert json.dumps(before) != json.dumps(after)


def test_the_users_flags_make_the_step_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan_compile(release(tmp_path))[0].settings
    monkeypatch.setenv("RUSTFLAGS", "-Cdebuginfo=1")
    assert plan_compile(release(tmp_path))[0].settings != before


def test_asking_for_other_platforms_or_more_jobs_makes_nothing_stale(tmp_path: Path) -> None:
    every = plan_compile(release(tmp_path))[0]
    one = plan_compile(release(tmp_path, platforms=(PLATFORMS["linux-amd64"],), jobs=8, verbose=True))[0]
    assert every.settings == one.settings
    assert "preflight" not in json.dumps(every.settings)


def test_a_step_can_go_to_another_process(tmp_path: Path) -> None:
    step = plan_compile(release(tmp_path))[0]
    assert pickle.loads(pickle.dumps(step)) == step


def test_two_components_with_one_binary_are_refused(tmp_path: Path) -> None:
    folder = workspace_at(tmp_path)
    parts = [component(folder, "one", binaries=("same",)), component(folder, "two", binaries=("same",))]
    with pytest.raises(ConfigError, match="one and two would both make the binary same"):
        plan_compile(release(tmp_path, *parts))


def test_planning_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    made = release(tmp_path)
    monkeypatch.setattr("subprocess.Popen", None)
    assert len(plan_compile(made)) == 6


@pytest.mark.parametrize(
    "said",
    [
        "error: failed to download from `https://example/x.crate`\n[6] Could not resolve hostname",
        "warning: spurious network error (3 tries remaining): [28] Timeout was reached\nerror: failed to get `x`",
        "error: failed to get `serde`\nCaused by:\n  network failure seems to have happened",
    ],
)
def test_what_cargo_says_about_the_network(said: str) -> None:
    assert isinstance(explain(PLATFORMS["linux-amd64"], process.Result(101, said)), NetworkError)


def test_a_compilers_message_is_shown_from_its_start() -> None:
    said = (
        "".join(f"   Compiling crate{n}\n" for n in range(100))
        + "error[E0425]: cannot find x\n --> src/main.rs:3:5\nnote: more\n"
    )
    error = explain(PLATFORMS["linux-amd64"], process.Result(101, said))
    assert type(error) is SlipwayError
    assert error.message.splitlines()[1:] == ["    error[E0425]: cannot find x", "     --> src/main.rs:3:5", "    note: more"]


def test_flags_of_configuration_files_are_joined_as_cargo_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    inner = tmp_path / "a/b"
    texts = {
        tmp_path / "home/config.toml": '[build]\nrustflags = "-Chome"\n',
        tmp_path / "a/.cargo/config.toml": '[build]\nrustflags = ["-Couter"]\n',
        inner / ".cargo/config.toml": '[target.t]\nrustflags = ["-Ctarget"]\n',
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert workspace.configured_flags(inner, "other") == ("-Chome", "-Couter")
    assert workspace.configured_flags(inner, "t") == ("-Ctarget",)


def test_the_innermost_configuration_says_how_many_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    assert workspace.configured_jobs(tmp_path / "a") == 0
    for path, text in {tmp_path / "home/config.toml": "[build]\njobs = 3\n", tmp_path / "a/.cargo/config.toml": ""}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert workspace.configured_jobs(tmp_path / "a") == 3
    (tmp_path / "a/.cargo/config.toml").write_text("[build]\njobs = 1\n")
    assert workspace.configured_jobs(tmp_path / "a") == 1


def test_a_component_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no Cargo\.toml"):
        workspace.ask(tmp_path)
