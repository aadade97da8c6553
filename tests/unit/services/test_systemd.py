from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden_files import assert_golden

import sample
from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec
from slipway.model import Service
from slipway.services.systemd import systemd_unit, unit_name

PACKAGED = Folders.packaged("hello", "hello")
HOME = Folders.under(
    "/home/me/.local",
    "hello",
    config="/home/me/.config/hello",
    state="/home/me/.state/hello",
    logs="/home/me/.state/hello/log",
    units="",
)


@pytest.fixture
def spec(tmp_path: Path) -> InstallSpec:
    release = sample.release(tmp_path)
    return InstallSpec.of(release, sample.cell(release, "linux-amd64-complete"))


def service(**changes: Any) -> Service:
    return Service(**({"name": "hello-server", "binary": "hello-server", "summary": "Greets"} | changes))


def line(unit: str, key: str) -> str:
    found = [text.partition("=")[2] for text in unit.splitlines() if text.startswith(f"{key}=")]
    assert len(found) == 1, unit
    return found[0]


@pytest.mark.req("S0-54", "S0-58")
@pytest.mark.parametrize(("name", "folders", "user"), [("system", PACKAGED, False), ("user", HOME, True)])
def test_units_as_they_are(spec: InstallSpec, name: str, folders: Folders, user: bool) -> None:
    assert_golden(f"service-{name}", systemd_unit(spec, spec.services[0], folders, user=user))


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("--plain=1", "--plain=1"),
        ("two words", '"two words"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("100%", "100%%"),
        ("$HOME", '"$$HOME"'),
        ("it's", '"it\'s"'),
        (";", '";"'),
        ("", '""'),
        ("{config}/a b", '"/etc/hello/a b"'),
        ("{state}/db", "%S/hello/db"),
    ],
)
def test_arguments_are_escaped_for_systemd(spec: InstallSpec, argument: str, written: str) -> None:
    unit = systemd_unit(spec, service(arguments=(argument,)), PACKAGED)
    assert line(unit, "ExecStart") == f"/usr/bin/hello-server {written}"


def test_environment_is_quoted_and_keeps_dollar_signs(spec: InstallSpec) -> None:
    unit = systemd_unit(spec, service(environment={"B": "x", "A": 'a "b" $c 5% {lib}'}), PACKAGED)
    assert [text for text in unit.splitlines() if text.startswith("Environment=")] == [
        'Environment="A=a \\"b\\" $c 5%% /usr/lib"',
        'Environment="B=x"',
    ]


def test_folders_with_special_letters_are_escaped(spec: InstallSpec) -> None:
    odd = Folders.under('/opt/a b%"', "hello", config="/c", state="/s", logs="/l", units="")
    assert line(systemd_unit(spec, service(), odd), "ExecStart") == '"/opt/a b%%\\"/bin/hello-server"'


def test_state_is_systemds_for_the_system_and_a_folder_for_a_user(spec: InstallSpec) -> None:
    wants = service(arguments=("{state}",))
    assert line(systemd_unit(spec, wants, PACKAGED), "StateDirectory") == "hello"
    assert "StateDirectory" not in (unit := systemd_unit(spec, wants, HOME, user=True))
    assert line(unit, "ExecStart").endswith(" /home/me/.state/hello")
    without = systemd_unit(spec, replace(wants, state=False), PACKAGED)
    assert "StateDirectory" not in without
    assert line(without, "ExecStart").endswith(" /var/lib/hello")


def test_a_service_without_a_user_gets_a_dynamic_one(spec: InstallSpec) -> None:
    assert line(systemd_unit(spec, service(), PACKAGED), "DynamicUser") == "yes"
    named = systemd_unit(spec, service(user="greeter"), PACKAGED)
    assert line(named, "User") == "greeter"
    assert "DynamicUser" not in named


def test_user_units_have_nothing_that_needs_privilege(spec: InstallSpec) -> None:
    unit = systemd_unit(spec, service(user="greeter"), HOME, user=True)
    assert line(unit, "WantedBy") == "default.target"
    for key in ("User=", "DynamicUser=", "Protect", "PrivateTmp=", "network-online"):
        assert key not in unit


def test_programs_in_a_home_can_be_read_by_their_service(spec: InstallSpec) -> None:
    assert line(systemd_unit(spec, service(), PACKAGED), "ProtectHome") == "yes"
    assert line(systemd_unit(spec, service(), HOME), "ProtectHome") == "read-only"


def test_order_and_name(spec: InstallSpec) -> None:
    unit = systemd_unit(spec, service(after=("postgresql", "nats.socket")), PACKAGED)
    assert line(unit, "After") == "network-online.target postgresql.service nats.socket"
    assert unit_name(service()) == "hello-server.service"


@pytest.mark.parametrize("changes", [{"arguments": ("a\nb",)}, {"summary": "a\nb"}, {"environment": {"A": "\n"}}])
def test_a_line_break_is_refused(spec: InstallSpec, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=re.escape("services.hello-server")):
        systemd_unit(spec, service(**changes), PACKAGED)


@pytest.mark.slow
@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
@pytest.mark.parametrize("account", ["", "root"])
def test_systemd_finds_no_fault(spec: InstallSpec, tmp_path: Path, user: bool, account: str) -> None:
    prefix = tmp_path / "a place, 100% & odd"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "hello-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folders = Folders.under(str(prefix), "hello", config="/etc/hello", state="/var/lib/hello", logs="/var/log/hello", units="")
    wanted = service(arguments=("--x={config}/a b", "$5", "100%", 'q"q'), environment={"A": "{state} 5% \\ $x"}, user=account)
    unit = tmp_path / "hello-server.service"
    unit.write_text(systemd_unit(spec, wanted, folders, user=user))
    scope = ["--user"] if user else []
    done = subprocess.run(
        ["systemd-analyze", *scope, "verify", "--man=no", "--recursive-errors=no", unit],
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
