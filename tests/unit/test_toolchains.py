"""The table of toolchains: right for each platform, each way and each thing that may be missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hello
import machine
from machine import program
from slipway import toolchains, tools
from slipway.errors import UsageError
from slipway.platforms import DOCUMENTED, PLATFORMS, Platform
from slipway.toolchains import TOOLCHAINS, Question

RUSTUP = "curl https://sh.rustup.rs -sSf | sh"
LINUX, ARM, MAC, WINDOWS = (PLATFORMS[name] for name in ("linux-amd64", "linux-arm64", "macos-arm64", "windows-amd64"))


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A PATH that holds sh and what the test puts into the folder, on Linux."""
    monkeypatch.setattr(toolchains, "host_platform", lambda: LINUX)
    yield machine.empty(monkeypatch, tmp_path / "bin")
    machine.forget()


def lacks(way: str, platform: str, image: str = "") -> dict[str, str]:
    """What is missing, each with its command."""
    machine.forget()
    asked = Question(toolchain=TOOLCHAINS[way], platform=PLATFORMS[platform], image=image)
    return {lack.what: lack.how([platform]) for lack in toolchains.lacks(asked)}


def test_every_platform_that_is_compiled_has_ways_and_every_way_needs_known_tools() -> None:
    for platform in PLATFORMS.values():
        if not platform.parts:
            assert toolchains.ways(platform)
    assert {name for way in TOOLCHAINS.values() for name in way.tools} <= set(tools.TOOLS)


@pytest.mark.parametrize(
    ("platform", "ways"),
    [
        ("linux-amd64", ["cargo", "zigbuild", "cross"]),
        ("linux-arm64-musl", ["zigbuild", "cross"]),
        ("macos-arm64", ["zigbuild", "cross"]),
        ("windows-amd64", ["mingw", "cross"]),
        ("freebsd-amd64", ["zigbuild", "cross"]),
    ],
)
@pytest.mark.req("S0-53")
def test_the_preferred_way_stands_first(platform: str, ways: list[str]) -> None:
    assert [way.name for way in toolchains.ways(PLATFORMS[platform])] == ways


@pytest.mark.req("S0-71")
def test_without_a_compiler_the_command_that_gets_one_stands_for_the_library_too() -> None:
    assert lacks("cargo", "linux-amd64") == {
        "cargo is not installed": RUSTUP,
        "rustc is not installed": RUSTUP,
        "cc is not installed": "apt-get install build-essential",
    }


@pytest.mark.parametrize(
    ("with_rustup", "with_sources", "command"),
    [
        (True, False, "slipway toolchain install macos-arm64"),
        (False, True, "slipway toolchain install macos-arm64"),
        (False, False, "slipway toolchain install macos-arm64 --std FOLDER"),
    ],
)
def test_the_command_for_a_library_is_one_that_works_with_this_compiler(
    path: Path, tmp_path: Path, with_rustup: bool, with_sources: bool, command: str
) -> None:
    root = tmp_path / "root"
    machine.compiler(path, root, machine.HOST)
    program(path, "cargo", "echo cargo 1.95.0")
    if with_rustup:
        program(path, "rustup", "true")
        (root / "lib/rustlib/multirust-channel-manifest.toml").touch()
    if with_sources:
        (root / "lib/rustlib/src/rust/library/std").mkdir(parents=True)
        (root / "lib/rustlib/src/rust/library/std/Cargo.toml").touch()
    assert lacks("zigbuild", "macos-arm64") == {"Rust's standard library for aarch64-apple-darwin is missing": command}
    machine.library(root, "aarch64-apple-darwin")
    assert lacks("zigbuild", "macos-arm64") == {}


def test_what_wheels_bring_slipway_installs_itself(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _own_cache: Path
) -> None:
    machine.compiler(path, tmp_path / "root", machine.HOST, MAC.triple)
    program(path, "cargo", "echo cargo 1.95.0")
    old = _own_cache / "slipway/tools/zigbuild/ziglang"
    old.mkdir(parents=True)
    program(old, "zig", "echo 0.9.1")
    assert lacks("zigbuild", "macos-arm64") == {"zig 0.9.1 is older than 0.13": "slipway toolchain install macos-arm64"}


def test_windows_needs_mingw(path: Path, tmp_path: Path) -> None:
    machine.compiler(path, tmp_path / "root", machine.HOST, WINDOWS.triple)
    program(path, "cargo", "echo cargo 1.95.0")
    assert lacks("mingw", "windows-amd64") == {"mingw is not installed": "apt-get install gcc-mingw-w64-x86-64-win32"}
    program(path, "x86_64-w64-mingw32-gcc", "echo 12.2.0")
    assert lacks("mingw", "windows-amd64") == {}


def test_cross_needs_itself_an_engine_and_for_macos_an_image(path: Path) -> None:
    program(path, "cargo", "echo cargo 1.95.0")
    assert list(lacks("cross", "macos-arm64")) == [
        "cross is not installed",
        "no container engine answers",
        "cross has no image for macos",
    ]
    assert lacks("cross", "macos-arm64")["cross has no image for macos"] == "slipway toolchain image macos-arm64"
    program(path, "cross", "echo cross 0.2.5")
    program(path, "docker", "echo 27.0 amd64")
    assert lacks("cross", "macos-arm64", image="local/mac") == lacks("cross", "linux-arm64") == {}


@pytest.mark.parametrize(
    ("words", "project", "chosen"),
    [
        ((), (), DOCUMENTED),
        ((), (ARM, MAC), ("linux-arm64", "macos-arm64")),
        (("all",), (ARM, MAC), ("linux-arm64", "macos-arm64")),
        (("linux",), (ARM, MAC), ("linux-arm64",)),
        (
            ("x86_64-unknown-freebsd,macos-arm64", "linux-amd64-musl"),
            (ARM,),
            ("linux-amd64-musl", "macos-arm64", "freebsd-amd64"),
        ),
        (("macos-universal",), (), ("macos-amd64", "macos-arm64")),
    ],
)
def test_platforms_are_chosen_with_the_words_of_PLATFORMS(  # noqa: N802 - that is its name
    words: tuple[str, ...], project: tuple[Platform, ...], chosen: tuple[str, ...]
) -> None:
    assert tuple(row.id for row in toolchains.select(words, project)) == chosen


def test_an_unknown_platform_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean linux-arm64"):
        toolchains.select(["linux-amr64"])


@pytest.mark.req("S0-27", "S0-71")
def test_on_a_bare_machine_the_table_names_every_platform_each_way_and_a_command_for_each_gap(tmp_path: Path) -> None:
    """With an empty PATH: nothing crashes, and no row claims to be ready."""
    said = _slipway(tmp_path, "toolchain", "list", "--json")
    rows = json.loads(said.stdout)
    assert {row["platform"] for row in rows} == set(DOCUMENTED)
    assert not any(row["ready"] for row in rows)
    assert all(lack["command"] for row in rows for lack in row["missing"])
    assert sum(row["used"] for row in rows) == len(DOCUMENTED)
    text = _slipway(tmp_path, "toolchain", "list", "linux-arm64").stdout.splitlines()
    assert text[0].split() == ["linux-arm64", "*", "zigbuild", "missing"]
    assert text[2].strip() == RUSTUP


@pytest.mark.req("S0-27", "S0-71")
def test_info_ends_with_the_same_table_for_the_projects_platforms(tmp_path: Path) -> None:
    cargo = '[component.rust]\nkind = "cargo"\npath = "."\npackage = "rust"\nbinaries = ["rust"]\n\n[variant.complete]'
    hello.write(tmp_path, toml=hello.TOML.replace("[variant.complete]", cargo))
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "rust"\nversion = "1.0.0"\n')
    said = _slipway(tmp_path, "info")
    table = said.stdout.partition("What each platform is compiled with")[2].splitlines()[1:]
    assert table == _slipway(tmp_path, "toolchain", "list").stdout.splitlines()
    assert [line.split()[0] for line in table if line[0] != " "] == [
        "linux-amd64",
        "macos-arm64",
        "windows-amd64",
        "freebsd-amd64",
    ]


def _slipway(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "slipway", *words],
        cwd=folder,
        env={"PATH": str(folder / "nothing"), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
