"""OpenRC's scripts: their text, and how a shell reads them."""

from __future__ import annotations

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
from slipway.services.openrc import account_of, openrc_file, openrc_script

FOLDERS = replace(Folders.packaged("hello", "hello"), bin="/usr/local/bin")
KINDS: dict[str, dict[str, Any]] = {
    "daemon": {"arguments": ("--config", "{config}/hello.toml"), "environment": {"A": "it's $5"}, "after": ("postgresql",)},
    "strict": {"hardening": "strict", "privileged_ports": True, "user": "www", "logs": True},
    "schedule": {"schedule": "daily", "logs": True, "arguments": ("it's",), "environment": {"A": "b c"}},
    "root": {"schedule": "hourly", "user": "root", "state": False},
}


@pytest.fixture
def spec(tmp_path: Path) -> InstallSpec:
    release = sample.release(tmp_path)
    return InstallSpec.of(release, sample.cell(release, "linux-amd64-complete"))


def service(**changes: Any) -> Service:
    return Service(**({"name": "hello-server", "binary": "hello-server", "summary": "Greets"} | changes))


@pytest.mark.req("S0-54", "S0-58")
def test_scripts_of_every_kind_as_they_are(spec: InstallSpec) -> None:
    made = {kind: openrc_file(spec, service(**changes), FOLDERS) for kind, changes in KINDS.items()}
    assert_golden(
        "services-openrc", "\n".join(f"### {kind}: {file.path} {file.mode:o}\n{file.text}" for kind, file in made.items())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_shells_and_shellcheck_find_no_fault(spec: InstallSpec, tmp_path: Path, kind: str) -> None:
    script = tmp_path / "script"
    script.write_text(openrc_file(spec, service(**KINDS[kind]), FOLDERS).text.replace("#!/sbin/openrc-run", "#!/bin/sh"))
    # The values here look like mistakes: they are meant so.
    for command in (["sh", "-n"], ["busybox", "ash", "-n"], ["shellcheck", "--exclude=SC1003,SC2016"]):
        done = subprocess.run([*command, script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


ODD = ("two words", "it's", '"quoted"', "$HOME", "`id`", "a;b", "100%", "", "*", "back\\slash", "ü", "#x", "~")


def test_odd_arguments_and_environments_arrive_as_they_are(spec: InstallSpec, tmp_path: Path) -> None:
    text = openrc_script(spec, service(arguments=ODD, environment={"MARK": ODD[1] + ODD[3]}), FOLDERS)
    # As openrc-run does it: the settings are read, then the command line is evaluated.
    script = text.replace("\ndepend()", '\neval printf "\'%s\\\\n\'" $command_args; echo "$MARK"; exit\ndepend()')
    (tmp_path / "script").write_text(script)
    env = {"PATH": "/usr/bin:/bin", "RC_SVCNAME": "hello-server", "extra_args": "--more 'of it'"}
    done = subprocess.run(["sh", "script"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [*ODD, "--more", "of it", ODD[1] + ODD[3]], done.stderr


def test_what_has_a_schedule_is_run_by_cron_as_its_user(spec: InstallSpec) -> None:
    made = openrc_file(spec, service(schedule="weekly", state=False), FOLDERS, periodic="/etc/cron")
    assert (made.path, made.mode) == ("/etc/cron/weekly/hello-server", 0o755)
    assert "su -s /bin/sh hello -c 'exec /usr/local/bin/hello-server' 2>&1 | logger -t hello-server\n" in made.text


@pytest.mark.parametrize(
    ("name", "user", "account"),
    [("hello", "", "hello"), ("Hello World", "", "hello_world"), ("9", "", "service"), ("x", "www", "www")],
)
def test_every_service_has_a_user(spec: InstallSpec, name: str, user: str, account: str) -> None:
    assert account_of(replace(spec, name=name), service(user=user)) == account


@pytest.mark.parametrize(
    ("after", "order"),
    [((), "firewall"), (("postgresql.service", "my.socket", "time-sync.target"), "firewall postgresql ntp-client")],
)
def test_the_order_of_the_start(spec: InstallSpec, after: tuple[str, ...], order: str) -> None:
    assert f"\tafter {order}\n" in openrc_script(spec, service(after=after), FOLDERS)


@pytest.mark.parametrize("changes", [{"arguments": ("a\nb",)}, {"environment": {"A": "a\rb"}}, {"summary": "a\nb"}])
@pytest.mark.parametrize("schedule", ["", "daily"])
def test_line_breaks_are_refused(spec: InstallSpec, changes: dict[str, Any], schedule: str) -> None:
    with pytest.raises(ConfigError, match="line break"):
        openrc_file(spec, service(schedule=schedule, **changes), FOLDERS)
