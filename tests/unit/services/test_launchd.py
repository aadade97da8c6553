"""Property lists for launchd, read by Python's own reader of them."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden_files import assert_golden

import sample
from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec
from slipway.model import Service
from slipway.services.launchd import Home, daemon_user, identifier_of, launchd_plist, plist_name, starts_at_once

SYSTEM = Home(identifier="example.hello", folders=Folders.macos("hello"), logs="/usr/local/var/log/hello")
LIBRARY = "/Users/me/Library"
USER = Home(
    identifier="example.hello",
    folders=Folders.under(
        "/Users/me/.local", "hello", config=f"{LIBRARY}/hello", state=f"{LIBRARY}/state", logs="/logs", units=""
    ),
    logs=f"{LIBRARY}/Logs/hello",
    agent=True,
)


@pytest.fixture
def spec(tmp_path: Path) -> InstallSpec:
    release = sample.release(tmp_path)
    return InstallSpec.of(release, sample.cell(release, "macos-arm64-complete"))


def service(**changes: Any) -> Service:
    return Service(**({"name": "hello-server", "binary": "hello-server", "summary": "Greets"} | changes))


def plist(spec: InstallSpec, home: Home = SYSTEM, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = plistlib.loads(launchd_plist(spec, service(**changes), home).encode())
    return found


@pytest.mark.req("S0-54", "S0-58")
@pytest.mark.parametrize(("name", "home"), [("daemon", SYSTEM), ("agent", USER)])
def test_property_lists_as_they_are(spec: InstallSpec, name: str, home: Home) -> None:
    assert_golden(f"launchd-{name}", launchd_plist(spec, spec.services[0], home))


def test_a_service_starts_with_the_system_and_again_after_a_failure(spec: InstallSpec) -> None:
    found = plist(spec)
    assert f"{found['Label']}.plist" == plist_name(service(), "example.hello") == "example.hello.hello-server.plist"
    assert found["ProgramArguments"] == ["/usr/local/bin/hello-server"]
    assert (found["RunAtLoad"], found["KeepAlive"], found["ThrottleInterval"]) == (True, {"SuccessfulExit": False}, 10)
    assert found["StandardOutPath"] == found["StandardErrorPath"] == "/usr/local/var/log/hello/hello-server.log"
    assert found["WorkingDirectory"] == "/usr/local/var/lib/hello"
    assert "Disabled" not in found
    assert plist(spec, enable=False)["Disabled"] is True
    assert "WorkingDirectory" not in plist(spec, state=False)


@pytest.mark.parametrize(
    ("name", "user", "wanted"),
    [
        ("hello", "", "_hello"),
        ("hello", "www", "www"),
        ("my-tool.x+y", "", "_my_tool_x_y"),
        ("hello", "root", None),
        ("9" * 50, "", "_" + "9" * 30),
    ],
)
def test_a_daemon_runs_as_a_user_of_its_own(spec: InstallSpec, name: str, user: str, wanted: str | None) -> None:
    named = replace(spec, name=name)
    found = plist(named, user=user)
    assert found.get("UserName") == found.get("GroupName") == wanted
    assert daemon_user(named, service(user=user)) == wanted or user == "root"


def test_an_agent_runs_as_whoever_is_logged_in(spec: InstallSpec) -> None:
    found = plist(spec, USER, user="www")
    assert "UserName" not in found
    assert found["ProgramArguments"] == ["/Users/me/.local/bin/hello-server"]
    assert found["StandardOutPath"].startswith(f"{LIBRARY}/Logs/hello/")


@pytest.mark.parametrize("text", ["two words", "<&>\"'", "$HOME", "100%", "{config}", "\u00e9\u6c34", "", "--a=]]>"])
def test_words_arrive_as_they_were_written(spec: InstallSpec, text: str) -> None:
    found = plist(spec, arguments=(text,), environment={"A&B": text})
    wanted = text.replace("{config}", "/usr/local/etc/hello")
    assert found["ProgramArguments"][1:] == [wanted]
    assert found["EnvironmentVariables"] == {"A&B": wanted}


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "\x1b[1m"])
def test_control_characters_are_refused(spec: InstallSpec, text: str) -> None:
    for changes in ({"arguments": (text,)}, {"environment": {"A": text}}):
        with pytest.raises(ConfigError, match=r"services\.hello-server: a line break"):
            plist(spec, **changes)


def test_a_project_s_own_template_wins(spec: InstallSpec, tmp_path: Path) -> None:
    own = tmp_path / "own/installers/launchd/service.plist.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<{{ label }}>")
    assert launchd_plist(spec, service(), SYSTEM, tmp_path / "own") == "<example.hello.hello-server>"


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        ("hourly", {"Minute": 15}),
        ("daily", {"Hour": 3, "Minute": 15}),
        ("weekly", {"Weekday": 6, "Hour": 3, "Minute": 15}),
        ("monthly", {"Day": 1, "Hour": 5, "Minute": 30}),
    ],
)
def test_what_has_a_schedule_waits_for_its_time(spec: InstallSpec, schedule: str, times: dict[str, int]) -> None:
    found = plist(spec, schedule=schedule)
    assert found["StartCalendarInterval"] == times
    assert {"RunAtLoad", "KeepAlive"} & found.keys() == set()
    assert not starts_at_once(service(schedule=schedule))


def test_what_has_sockets_waits_for_a_caller(spec: InstallSpec) -> None:
    found = plist(spec, sockets=("8080", "127.0.0.1:80", "[::1]:81", "/var/run/hello.sock", "{state}/a & b"))
    assert found["Sockets"]["Listeners"] == [
        {"SockServiceName": "8080"},
        {"SockNodeName": "127.0.0.1", "SockServiceName": "80"},
        {"SockNodeName": "::1", "SockServiceName": "81"},
        {"SockPathName": "/var/run/hello.sock"},
        {"SockPathName": "/usr/local/var/lib/hello/a & b"},
    ]
    assert {"RunAtLoad", "KeepAlive"} & found.keys() == set()
    assert starts_at_once(service())


def test_only_strict_hides_new_files_from_others(spec: InstallSpec) -> None:
    assert plist(spec, hardening="strict")["Umask"] == 0o077
    assert "Umask" not in plist(spec)


@pytest.mark.parametrize(
    ("name", "homepage", "identifier"),
    [
        ("hello", "https://www.hello.example/x", "example.hello.hello"),
        ("my tool_2", "", "local.my-tool-2"),
    ],
)
def test_labels_begin_with_the_homepage_turned_round(name: str, homepage: str, identifier: str) -> None:
    assert identifier_of(name, homepage) == identifier
