from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden_files import assert_golden

import sample
from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec
from slipway.model import Service
from slipway.services.systemd import started_unit, systemd_unit, unit_files, unit_name, unit_names

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


CALLED = {"name": "hello-call", "sockets": ("8080", "127.0.0.1:80", "/run/hello 100%.sock", "{state}/sock")}
CLEANING = {"name": "hello-clean", "schedule": "weekly", "logs": True, "user": "hello"}
KINDS: dict[str, dict[str, Any]] = {
    "basic": {},
    "off": {"hardening": "off"},
    "strict": {"hardening": "strict", "logs": True, "notify": True, "writes": ("/srv/hello", "{state}/a b")},
    "strict-port": {"hardening": "strict", "user": "hello", "privileged_ports": True},
    "strict-root": {"hardening": "strict", "user": "root"},
    "socket": CALLED,
    "timer": CLEANING,
}


@pytest.mark.req("S0-54", "S0-58")
@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
def test_units_of_every_kind_as_they_are(spec: InstallSpec, user: bool) -> None:
    folders = HOME if user else PACKAGED
    texts = [
        f"### {kind}: {name}\n{text}"
        for kind, changes in KINDS.items()
        for name, text in unit_files(spec, service(**changes), folders, user=user).items()
    ]
    assert_golden(f"services-{'user' if user else 'system'}", "\n".join(texts))


@pytest.mark.parametrize(
    ("changes", "names", "started"),
    [
        ({}, ("hello-server.service",), "hello-server.service"),
        (CALLED, ("hello-call.service", "hello-call.socket"), "hello-call.socket"),
        (CLEANING, ("hello-clean.service", "hello-clean.timer"), "hello-clean.timer"),
    ],
)
def test_what_starts_a_service_is_its_timer_or_its_socket(
    spec: InstallSpec, changes: dict[str, Any], names: tuple[str, ...], started: str
) -> None:
    wanted = service(**changes)
    files = unit_files(spec, wanted, PACKAGED)
    assert (tuple(files), unit_names(wanted), started_unit(wanted)) == (names, names, started)
    assert "WantedBy=" in files[started]
    assert started == names[0] or line(files[names[0]], "Also") == started


def test_a_program_called_through_a_socket_starts_after_it(spec: InstallSpec) -> None:
    files = unit_files(spec, service(**CALLED), PACKAGED)
    assert line(files["hello-call.service"], "Requires") == "hello-call.socket"
    assert line(files["hello-call.service"], "After").split()[1] == "hello-call.socket"
    listens = [text for text in files["hello-call.socket"].splitlines() if text.startswith("Listen")]
    assert listens == [f"ListenStream={text}" for text in ("8080", "127.0.0.1:80", "/run/hello 100%%.sock", "%S/hello/sock")]
    mine = unit_files(spec, service(**CALLED), HOME, user=True)["hello-call.socket"]
    assert "ListenStream=%t/hello 100%%.sock\n" in mine
    assert "ListenStream=/home/me/.state/hello/sock\n" in mine


@pytest.mark.parametrize(
    ("changes", "ambient", "bounding"),
    [
        ({}, "", "CAP_NET_BIND_SERVICE"),
        ({"privileged_ports": True}, "CAP_NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE"),
        ({"privileged_ports": True, "hardening": "strict"}, "CAP_NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE"),
        ({"privileged_ports": True, "hardening": "off"}, "CAP_NET_BIND_SERVICE", None),
        ({"hardening": "strict"}, "", ""),
        ({"privileged_ports": True, "user": "root"}, "", None),
    ],
)
def test_capabilities(spec: InstallSpec, changes: dict[str, Any], ambient: str, bounding: str | None) -> None:
    lines = systemd_unit(spec, service(**changes), PACKAGED).splitlines()
    assert [text for text in lines if text.startswith("Ambient")] == ([f"AmbientCapabilities={ambient}"] if ambient else [])
    bound = [text for text in lines if text.startswith("CapabilityBounding")]
    assert bound == ([] if bounding is None else [f"CapabilityBoundingSet={bounding}"])


@pytest.mark.parametrize("path", ["srv/hello", "./x", "{binary}/x"])
def test_places_to_write_are_absolute(spec: InstallSpec, path: str) -> None:
    with pytest.raises(ConfigError, match="no absolute path"):
        systemd_unit(spec, service(writes=(path,)), PACKAGED)


def test_a_place_to_write_in_a_home_can_be_reached(spec: InstallSpec) -> None:
    unit = systemd_unit(spec, service(writes=("/home/shared", "/srv/a b")), PACKAGED)
    assert line(unit, "ProtectHome") == "read-only"
    assert [text for text in unit.splitlines() if text.startswith("ReadWrite")] == [
        "ReadWritePaths=-/home/shared",
        'ReadWritePaths="-/srv/a b"',
    ]


def verify(folder: Path, files: Mapping[str, str], *scope: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", *scope, "verify", "--man=no", "--recursive-errors=no", *(folder / name for name in files)],
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def odd(tmp_path: Path) -> Folders:
    """Folders that hold the program, with names that take care to write."""
    prefix = tmp_path / "a place, 100% & odd"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "hello-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Folders.under(str(prefix), "hello", config="/etc/hello", state="/var/lib/hello", logs="/var/log/hello", units="")


@pytest.mark.slow
@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
@pytest.mark.parametrize("kind", KINDS)
def test_systemd_finds_no_fault(spec: InstallSpec, tmp_path: Path, odd: Folders, user: bool, kind: str) -> None:
    spelled = {"arguments": ("--x={config}/a b", "$5", "100%", 'q"q'), "environment": {"A": "{state} 5% \\ $x"}}
    verify(tmp_path, unit_files(spec, service(**spelled, **KINDS[kind]), odd, user=user), *(["--user"] if user else []))


# What systemd 252 makes of each level, from 0 (shut in) to 10 (open): the sum of what a program could still do.
EXPOSURE: dict[str, tuple[float, dict[str, Any]]] = {
    "basic": (3.7, {}),
    "basic, an account": (4.2, {"user": "hello"}),
    "basic, root": (7.9, {"user": "root"}),
    "strict": (1.5, {"hardening": "strict"}),
    "strict, an account": (1.5, {"hardening": "strict", "user": "hello"}),
    "strict, a low port": (1.6, {"hardening": "strict", "user": "hello", "privileged_ports": True}),
    "strict, root": (3.2, {"hardening": "strict", "user": "root"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("level", EXPOSURE)
def test_how_far_each_level_shuts_a_service_in(spec: InstallSpec, tmp_path: Path, odd: Folders, level: str) -> None:
    most, changes = EXPOSURE[level]
    unit = tmp_path / "hello-server.service"
    unit.write_text(systemd_unit(spec, service(**changes), odd))
    limit = f"--threshold={round(most * 10)}"
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", limit, str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) == most
    assert done.returncode == 0, "the threshold of systemd-analyze itself holds"
