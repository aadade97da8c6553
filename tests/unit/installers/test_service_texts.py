"""What install.sh carries of each service: the supervisors of its platforms, and the names of folders for a shell to fill in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.installers.service_texts import service_texts
from slipway.layout import InstallSpec
from slipway.model import Service


@pytest.fixture
def spec(tmp_path: Path) -> InstallSpec:
    release = sample.release(tmp_path)
    return InstallSpec.of(release, sample.cell(release, "linux-amd64-complete"))


def texts(spec: InstallSpec, *platforms: str, **changes: Any) -> dict[str, Any]:
    service = Service(**({"name": "hello-server", "binary": "hello-server", "summary": "Greets"} | changes))
    return dict(service_texts(spec, service, platforms, None))


@pytest.mark.parametrize(
    ("platforms", "supervisors"),
    [
        (("linux-amd64", "linux-arm64-musl"), ["systemd/system", "systemd/user", "openrc/system"]),
        (("macos-arm64",), ["launchd/system", "launchd/user"]),
        (("freebsd-amd64",), ["rcd/system"]),
    ],
)
def test_only_the_supervisors_of_the_platforms_are_carried(
    spec: InstallSpec, platforms: tuple[str, ...], supervisors: list[str]
) -> None:
    assert [f"{setup['supervisor']}/{setup['scope']}" for setup in texts(spec, *platforms)["setups"]] == supervisors


def test_a_name_that_freebsd_cannot_give_to_a_user_does_not_matter_elsewhere(spec: InstallSpec) -> None:
    long = replace(spec, name="a" * 40)
    assert [row["user"] for row in texts(long, "linux-amd64")["accounts"]] == ["", "a" * 31]


@pytest.mark.parametrize(
    ("changes", "names", "paths"),
    [
        ({}, ["hello-server.service"], ["$d_units/hello-server.service"]),
        (
            {"sockets": ("80",)},
            ["hello-server.socket", "hello-server.service"],
            ["$d_units/hello-server.service", "$d_units/hello-server.socket"],
        ),
        (
            {"schedule": "daily"},
            ["hello-server.timer", "hello-server.service"],
            ["$d_units/hello-server.service", "$d_units/hello-server.timer"],
        ),
    ],
)
def test_the_unit_that_starts_the_others_comes_first(
    spec: InstallSpec, changes: dict[str, Any], names: list[str], paths: list[str]
) -> None:
    setup = texts(spec, "linux-amd64", **changes)["setups"][0]
    assert (setup["names"], [file["path"] for file in setup["files"]]) == (names, paths)


def test_folders_are_left_to_the_shell_and_nothing_else_is(spec: InstallSpec) -> None:
    said = texts(spec, "linux-amd64", arguments=("{config}/a", "$HOME `id` \\"), environment={"A": "{state}"})
    for setup in said["setups"]:
        text = setup["files"][0]["text"]
        assert "${u_bin}/hello-server" in text
        assert "${u_config}/a" in text
        assert "\\`id\\`" in text
        assert not any("\ue000" <= letter <= "\uf8ff" for letter in text)
    assert said["command"].startswith('A="${d_state}" "${d_bin}/hello-server" "${d_config}/a" ')
