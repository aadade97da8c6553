"""Outside tools: found, asked, compared, and named with the command that gets them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import machine
import sample
from machine import program
from slipway import sysroot, tools
from slipway.errors import GateError


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Answers are remembered for a process; each test is one."""
    machine.forget()
    yield
    machine.forget()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds sh and what the test puts into the folder."""
    return machine.empty(monkeypatch, tmp_path / "bin")


def test_nothing_runs_at_import(tmp_path: Path) -> None:
    import subprocess

    code = "import sys; sys.addaudithook(lambda e, a: e == 'subprocess.Popen' and sys.exit('ran')); import slipway.tools"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "version"),
    [("git version 2.39.5", "2.39.5"), ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95.0"), ("no number here", "")],
)
def test_the_version_is_read_from_what_the_tool_says(path: Path, said: str, version: str) -> None:
    program(path, "git", f"echo '{said}'")
    assert tools.find("git") == tools.Found(path / "git", version)


def test_a_missing_tool_is_none_and_its_requirement_names_the_command(path: Path) -> None:
    program(path, "apt-get", "true")
    assert tools.find("shellcheck") is None
    with pytest.raises(GateError) as refused:
        tools.require("shellcheck")
    assert refused.value.exit_code == 3
    assert refused.value.hint == "apt-get install shellcheck"


@pytest.mark.parametrize(
    ("manager", "name", "command"),
    [
        ("apt-get", "git", "apt-get install git"),
        ("brew", "git", "brew install git"),
        ("brew", "mingw", "brew install mingw-w64"),
        ("apt-get", "cross", "slipway toolchain install --cross"),
        ("apt-get", "zig", "pip install ziglang"),
    ],
)
def test_the_command_that_installs_is_the_systems_own(path: Path, manager: str, name: str, command: str) -> None:
    program(path, manager, "true")
    assert tools.how_to_install(name) == command


@pytest.mark.parametrize(
    ("version", "old"), [("0.9.9", True), ("1.69.0", True), ("1.70.0", False), ("1.100.0", False), ("", False)]
)
def test_versions_are_compared_by_their_numbers(version: str, *, old: bool) -> None:
    assert tools.is_old(tools.TOOLS["cargo"], tools.Found(Path("cargo"), version)) is old


def test_an_old_tool_is_refused(path: Path) -> None:
    program(path, "cross", "echo cross 0.1.16")
    with pytest.raises(GateError, match=r"cross 0\.1\.16 is older than 0\.2\.5"):
        tools.require("cross")


def test_tools_that_a_wheel_brought_come_before_path(path: Path) -> None:
    program(path, "cargo-zigbuild", "echo cargo-zigbuild 0.0.1")
    found = tools.require("cargo-zigbuild")
    assert found.path.parent == Path(sys.executable).parent
    zig = tools.require("zig")
    assert zig.path == Path(sys.executable)


def test_what_slipway_installed_comes_first(path: Path, _own_cache: Path) -> None:
    for place, name in (("zigbuild/bin", "cargo-zigbuild"), ("zigbuild/ziglang", "zig"), ("cross-0.2.5/bin", "cross")):
        folder = _own_cache / "slipway/tools" / place
        folder.mkdir(parents=True)
        program(folder, name, "echo 9.9.9")
        assert tools.find(name) == tools.Found(folder / name, "9.9.9")


def test_a_zig_on_path_serves_where_no_wheel_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find_spec", lambda _name: None)
    assert tools.find("zig") is None
    tools.find.cache_clear()
    program(path, "zig", "echo 0.15.1")
    assert tools.find("zig") == tools.Found(path / "zig", "0.15.1")


def test_rust_targets_are_those_of_the_compiler_and_those_that_slipway_keeps_for_it(path: Path, tmp_path: Path) -> None:
    assert tools.rust_targets() == frozenset()
    machine.compiler(path, tmp_path / "root", machine.HOST, "aarch64-apple-darwin")
    (tmp_path / "root/lib/rustlib/etc").mkdir()
    (tmp_path / "root/lib/rustlib/x86_64-pc-windows-gnu/lib").mkdir(parents=True)
    machine.forget()
    assert tools.rust_targets() == {machine.HOST, "aarch64-apple-darwin"}
    found = sysroot.compiler()
    assert found is not None
    machine.library(found.home, "x86_64-unknown-freebsd")
    assert tools.rust_targets() == {machine.HOST, "aarch64-apple-darwin", "x86_64-unknown-freebsd"}
    machine.compiler(path, tmp_path / "root", release="1.96.0")
    machine.forget()
    assert "x86_64-unknown-freebsd" not in tools.rust_targets()


def test_an_engine_is_there_only_when_it_answers(path: Path) -> None:
    program(path, "docker", "echo cannot connect >&2; exit 1")
    assert tools.engine() == ""
    program(path, "podman", "echo 4.3.1")
    assert tools.engine() == "podman"
    program(path, "docker", "echo 27.0")
    assert tools.engine() == "docker"


@pytest.mark.req("S0-27", "S0-71")
def test_the_report_covers_everything_and_says_how_to_mend_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "git", "echo git version 2.39.5")
    program(path, "cross", "echo cross 0.1.0")
    program(path, "rustup", "echo stable-x86_64-unknown-linux-gnu")
    rows = {row.name: row for row in tools.report(tmp_path)}
    assert {*tools.TOOLS, "rust toolchain", "rust targets", "container engine", "GitHub login", "disk space"} == set(rows)
    assert (rows["git"].state, rows["git"].version, rows["git"].hint) == ("found", "2.39.5", "")
    assert (rows["cross"].state, rows["lintian"].state) == ("old", "missing")
    assert rows["rust toolchain"].version == "stable-x86_64-unknown-linux-gnu"
    assert "rustup.rs" in rows["rust targets"].hint
    assert rows["GitHub login"].hint == "gh auth login"
    assert "GiB free" in rows["disk space"].version
    monkeypatch.setattr(tools, "LOW_DISK", 1 << 62)
    assert next(row.state for row in tools.report(tmp_path) if row.name == "disk space") == "low"
    assert all(row.hint for row in rows.values() if row.state != "found")


@pytest.mark.req("S0-27")
def test_the_table_shows_a_line_per_row_and_the_hint_below(path: Path, tmp_path: Path) -> None:
    program(path, "git", "echo git version 2.39.5")
    lines = list(tools.report_lines(sample.release(tmp_path)))
    assert lines[0] == f"hello 1.2.3, {tmp_path}/project"
    assert any(line.split()[:3] == ["git", "found", "2.39.5,"] for line in lines)
    place = next(number for number, line in enumerate(lines) if line.startswith("rustup "))
    assert lines[place].split()[1] == "missing"
    assert lines[place + 1].split()[0] == "curl"


def test_asking_is_done_once(path: Path) -> None:
    program(path, "git", f"echo asked >> {path}/asked; echo git version 2.0")
    assert [tools.find("git") for _ in range(3)] == [tools.Found(path / "git", "2.0")] * 3
    assert (path / "asked").read_text() == "asked\n"
