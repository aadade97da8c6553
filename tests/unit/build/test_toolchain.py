"""How each platform is compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sample
from slipway import toolchains
from slipway.build.toolchain import choose
from slipway.errors import ConfigError
from slipway.model import PlatformSettings, Release
from slipway.platforms import PLATFORMS

LINUX, MUSL, MAC, WINDOWS, FREEBSD = "linux-amd64", "linux-amd64-musl", "macos-arm64", "windows-amd64", "freebsd-amd64"


Pretend = Callable[..., None]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pretend:
    """Pretend to be a machine: `on(id, *programs)`."""

    def pretend(host: str, *programs: str) -> None:
        monkeypatch.setattr(toolchains, "host_platform", lambda: PLATFORMS[host])
        for name in programs:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return pretend


def made(root: Path, *, cross: bool | None = None, **settings: PlatformSettings) -> Release:
    said = {name.replace("_", "-"): value for name, value in settings.items()}
    return sample.release(root, project=sample.project(root / "project", settings=said), cross=cross)


@pytest.mark.parametrize(
    ("host", "platform", "way"),
    [
        (LINUX, LINUX, "cargo"),
        (LINUX, "linux-arm64", "zigbuild"),
        (LINUX, MUSL, "zigbuild"),
        (LINUX, MAC, "zigbuild"),
        (LINUX, WINDOWS, "mingw"),
        (LINUX, FREEBSD, "zigbuild"),
        (MAC, "macos-amd64", "cargo"),
        (MAC, MAC, "cargo"),
        (MAC, WINDOWS, "mingw"),
        (WINDOWS, WINDOWS, "cargo"),
        (WINDOWS, LINUX, "zigbuild"),
    ],
)
@pytest.mark.req("S0-53")
def test_without_a_wish_the_way_follows_from_the_two_systems(
    tmp_path: Path, on: Pretend, host: str, platform: str, way: str
) -> None:
    on(host)
    assert choose(made(tmp_path), PLATFORMS[platform]).name == way


@pytest.mark.parametrize(
    ("cross", "installed", "image", "tool", "platform", "way"),
    [
        (True, False, "", "auto", LINUX, "cross"),
        (True, False, "", "zigbuild", "linux-arm64", "cross"),
        (True, True, "", "auto", MAC, "zigbuild"),
        (None, True, "", "auto", "linux-arm64", "zigbuild"),
        (None, True, "local/arm", "auto", "linux-arm64", "cross"),
        (None, False, "local/arm", "auto", "linux-arm64", "zigbuild"),
        (None, True, "local/own", "auto", LINUX, "cargo"),
        (None, True, "", "auto", WINDOWS, "mingw"),
        (None, True, "local/win", "auto", WINDOWS, "cross"),
        (None, True, "", "auto", MAC, "zigbuild"),
        (None, True, "local/mac", "auto", MAC, "cross"),
        (None, True, "local/arm", "zigbuild", "linux-arm64", "zigbuild"),
        (None, False, "", "cross", "linux-arm64", "cross"),
        (False, True, "local/arm", "auto", "linux-arm64", "zigbuild"),
        (False, True, "", "cross", "linux-arm64", "zigbuild"),
        (False, True, "", "cargo", WINDOWS, "mingw"),
        (None, False, "", "cargo", "linux-arm64", "cargo"),
    ],
)
@pytest.mark.req("S0-16", "S0-32")
def test_when_cross_is_used(
    tmp_path: Path, on: Pretend, cross: bool | None, installed: bool, image: str, tool: str, platform: str, way: str
) -> None:
    on(LINUX, *(["cross"] if installed else []))
    project = sample.project(tmp_path / "p", settings={platform: PlatformSettings(tool=tool, cross_image=image)})
    assert choose(sample.release(tmp_path, project=project, cross=cross), PLATFORMS[platform]).name == way


def test_an_image_of_the_projects_own_makes_cross_possible_for_macos(tmp_path: Path, on: Pretend) -> None:
    on(LINUX)
    way = choose(made(tmp_path, cross=True, macos_arm64=PlatformSettings(cross_image="local/mac")), PLATFORMS[MAC])
    assert (way.name, way.image) == ("cross", "local/mac")


def test_a_glibc_floor_means_zig_even_for_this_machine(tmp_path: Path, on: Pretend) -> None:
    on(LINUX, "cross")
    release = made(tmp_path, linux_amd64=PlatformSettings(glibc="2.28"), linux_amd64_musl=PlatformSettings(glibc="2.28"))
    assert choose(release, PLATFORMS[LINUX]).target == "x86_64-unknown-linux-gnu.2.28"
    assert choose(release, PLATFORMS[MUSL]).target == "x86_64-unknown-linux-musl"


def test_the_flags_that_a_target_needs(tmp_path: Path, on: Pretend) -> None:
    on(LINUX)
    release = made(tmp_path, macos_arm64=PlatformSettings(macos="12.0"))
    ways = {name: choose(release, row) for name, row in PLATFORMS.items()}
    assert ways[MUSL].rustflags == ("-Clink-self-contained=no", "-Clink-arg=-pie")
    assert ways[WINDOWS].rustflags == ("-Clink-arg=-Wl,--no-insert-timestamp",)
    assert ways[MAC].environment == {"MACOSX_DEPLOYMENT_TARGET": "12.0"}
    assert ways["macos-amd64"].environment == {"MACOSX_DEPLOYMENT_TARGET": "11.0"}
    assert ways[FREEBSD].rustflags == ()


def test_an_unknown_tool_names_the_key_and_the_nearest(tmp_path: Path, on: Pretend) -> None:
    on(LINUX)
    with pytest.raises(ConfigError, match=r"platform\.linux-amd64\.tool: unknown tool 'zigbuilt'\n.*did you mean zigbuild"):
        choose(made(tmp_path, linux_amd64=PlatformSettings(tool="zigbuilt")), PLATFORMS[LINUX])


def test_zig_is_refused_for_windows(tmp_path: Path, on: Pretend) -> None:
    on(LINUX)
    with pytest.raises(ConfigError, match=r"platform\.windows-amd64\.tool: zig cannot link"):
        choose(made(tmp_path, windows_amd64=PlatformSettings(tool="zigbuild")), PLATFORMS[WINDOWS])


def test_a_machine_that_slipway_does_not_release_for_can_still_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert choose(made(tmp_path, cross=False), PLATFORMS[LINUX]).name == "zigbuild"
