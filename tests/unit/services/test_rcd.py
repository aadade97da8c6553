"""rc.d scripts: their text, and what they do under a stand-in for FreeBSD's rc.subr."""

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
from slipway.services.rcd import account_of, cron_table, rcd_file, rcd_script, script_name

FOLDERS = Folders.freebsd("hello", "hello")
CONFIG = f"{FOLDERS.config}/hello.toml"
# What of rc.subr(8) the scripts use: settings of rc.conf, required files, the command before the start, and evaluation.
RC_SUBR = """
load_rc_config() { if [ -r "$ROOT/etc/rc.conf" ]; then . "$ROOT/etc/rc.conf"; fi; }
run_rc_command() {
	eval "enabled=\\$$rcvar"
	[ "$1" = onestart ] || [ "$enabled" = YES ] || { echo "$name is not enabled"; return 0; }
	for file in ${required_files:-}; do [ -r "$ROOT$file" ] || { echo "$file is not readable"; return 1; }; done
	[ -z "${start_precmd:-}" ] || $start_precmd || return 1
	eval "$command $command_args"
}
"""


@pytest.fixture
def spec(tmp_path: Path) -> InstallSpec:
    release = sample.release(tmp_path)
    return InstallSpec.of(release, sample.cell(release, "freebsd-amd64-complete"))


def service(**changes: Any) -> Service:
    return Service(**({"name": "hello-server", "binary": "hello-server", "summary": "Greets"} | changes))


class Machine:
    """A folder in which an rc.d script runs as under FreeBSD; what daemon(8) and install(1) were called with is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("etc", "bin", "usr/local/etc/hello", "var/db"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "etc/rc.subr").write_text(RC_SUBR)
        (root / CONFIG[1:]).touch()
        for name in ("daemon", "install"):
            (root / "bin" / name).write_text(f'#!/bin/sh\nfor word in {name} "$@"; do printf "%s\\n" "$word"; done\n')
            (root / "bin" / name).chmod(0o755)
        (root / "bin/id").write_text('#!/bin/sh\necho "group-of-$2"\n')
        (root / "bin/id").chmod(0o755)

    def run(self, script: str, verb: str = "start", conf: str = "", shell: str = "sh") -> list[str]:
        (self.root / "etc/rc.conf").write_text(conf)
        text = script.replace("/etc/rc.subr", f"{self.root}/etc/rc.subr").replace("command=/usr/sbin/", "command=")
        path = self.root / "script"
        path.write_text(text.replace("'/var/db/hello'", f"'{self.root}/var/db/hello'"))
        env = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "ROOT": str(self.root)}
        done = subprocess.run([shell, path, verb], env=env, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@pytest.mark.req("S0-54", "S0-58")
def test_the_script_as_it_is(spec: InstallSpec) -> None:
    assert_golden("service-rcd", rcd_script(spec, spec.services[0], FOLDERS, required=[CONFIG]))


def test_it_starts_only_when_it_is_enabled(spec: InstallSpec, machine: Machine) -> None:
    script = rcd_script(spec, service(state=False), FOLDERS)
    assert machine.run(script) == ["hello_server is not enabled"]
    assert machine.run(script, "onestart")[0] == "daemon"
    assert machine.run(script, conf="hello_server_enable=YES")[0] == "daemon"


def test_the_supervisor_runs_the_program_as_its_user(spec: InstallSpec, machine: Machine) -> None:
    script = rcd_script(spec, service(state=False, arguments=("--config", "{config}/hello.toml")), FOLDERS)
    words = machine.run(script, "onestart")
    supervisor, program = words[: words.index("--")], words[words.index("--") + 1 :]
    assert supervisor == [
        *("daemon", "-f", "-r", "-R", "5", "-S", "-T", "hello_server", "-t", "hello_server"),
        *("-P", "/var/run/hello_server.pid", "-u", "hello"),
    ]
    assert program == ["/usr/local/bin/hello-server", "--config", CONFIG]


def test_rc_conf_changes_the_user_and_adds_arguments(spec: InstallSpec, machine: Machine) -> None:
    conf = "hello_server_enable=YES\nhello_server_runas=www\nhello_server_args=\"--more 'two words'\"\n"
    words = machine.run(rcd_script(spec, service(state=False, arguments=("one",)), FOLDERS), conf=conf)
    assert words[words.index("-u") + 1] == "www"
    assert words[words.index("--") + 1 :] == ["/usr/local/bin/hello-server", "one", "--more", "two words"]


ODD = ("two words", "it's", '"quoted"', "$HOME", "`id`", "a;b", "100%", "", "*", "back\\slash", "ü", "#x", "~")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_odd_arguments_and_environments_arrive_as_they_are(spec: InstallSpec, machine: Machine, shell: str) -> None:
    odd = service(state=False, arguments=ODD, environment={"A": "it's $HOME", "B": "{state}"}, summary='It\'s "it" $HOME')
    words = machine.run(rcd_script(spec, odd, FOLDERS), "onestart", shell=shell)
    assert words[words.index("--") + 1 :] == [
        *("/usr/bin/env", "A=it's $HOME", "B=/var/db/hello", "/usr/local/bin/hello-server"),
        *ODD,
    ]


def test_the_folder_of_state_is_made_for_the_user_once(spec: InstallSpec, machine: Machine) -> None:
    script = rcd_script(spec, service(), FOLDERS)
    state = f"{machine.root}/var/db/hello"
    assert machine.run(script, "onestart")[:9] == ["install", "-d", "-o", "hello", "-g", "group-of-hello", "-m", "0750", state]
    Path(state).mkdir()
    assert machine.run(script, "onestart")[0] == "daemon"


def test_configuration_of_the_package_that_an_argument_names_has_to_be_there(spec: InstallSpec, machine: Machine) -> None:
    asked = service(state=False, arguments=("{config}/hello.toml", "{config}/other.toml"))
    script = rcd_script(spec, asked, FOLDERS, required=[CONFIG])
    assert machine.run(script, "onestart")[0] == "daemon"
    (machine.root / CONFIG[1:]).unlink()
    assert machine.run(script, "onestart") == [f"{CONFIG} is not readable"]


@pytest.mark.parametrize(
    ("after", "order"),
    [
        ((), "LOGIN NETWORKING"),
        (("postgresql", "network-online.target"), "LOGIN NETWORKING postgresql"),
        (("multi-user.target", "hello.socket", "remote-fs.target"), "LOGIN NETWORKING mountcritremote"),
        (("my-database.service", "time-sync.target", "my-database"), "LOGIN NETWORKING my_database ntpd"),
    ],
)
def test_the_order_of_the_start(spec: InstallSpec, after: tuple[str, ...], order: str) -> None:
    lines = rcd_script(spec, service(after=after), FOLDERS).splitlines()
    assert lines[0] == "#!/bin/sh"
    assert f"# REQUIRE: {order}" in lines
    assert {"# PROVIDE: hello_server", "# KEYWORD: shutdown"} < set(lines)


@pytest.mark.parametrize(("name", "script"), [("hello-server", "hello_server"), ("hello", "hello"), ("7zip-d", "_7zip_d")])
def test_names_are_what_a_shell_can_have_in_a_variable(spec: InstallSpec, machine: Machine, name: str, script: str) -> None:
    assert script_name(service(name=name)) == script
    assert machine.run(rcd_script(spec, service(name=name, state=False), FOLDERS)) == [f"{script} is not enabled"]


@pytest.mark.parametrize(
    ("name", "user", "account"),
    [
        ("hello", "", "hello"),
        ("Hello World", "", "hello_world"),
        ("7zip", "", "zip"),
        ("hello", "root", "root"),
        ("x", "_x", "_x"),
    ],
)
def test_every_service_has_a_user(spec: InstallSpec, name: str, user: str, account: str) -> None:
    assert account_of(replace(spec, name=name), service(user=user)) == account


@pytest.mark.parametrize("user", ["two words", "a:b", "x" * 33, "Ünal", "-x", "$x"])
def test_a_user_that_freebsd_cannot_have_is_refused(spec: InstallSpec, user: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a user") as caught:
        rcd_script(spec, service(user=user), FOLDERS)
    assert caught.value.hint


@pytest.mark.parametrize(
    "changes", [{"arguments": ("a\nb",)}, {"environment": {"A": "a\rb"}}, {"summary": "a\nb"}, {"arguments": ("\n",)}]
)
def test_line_breaks_are_refused(spec: InstallSpec, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="line break"):
        rcd_script(spec, service(**changes), FOLDERS)


def test_the_folder_of_logs_is_made_too(spec: InstallSpec, machine: Machine) -> None:
    words = machine.run(rcd_script(spec, service(state=False, logs=True), FOLDERS), "onestart")
    assert words[:9] == ["install", "-d", "-o", "hello", "-g", "group-of-hello", "-m", "0750", "/var/log/hello"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"schedule": "hourly"}, "@hourly hello /usr/local/bin/hello-server"),
        ({"schedule": "monthly", "user": "root"}, "@monthly root /usr/local/bin/hello-server"),
        ({"schedule": "daily", "enable": False}, "#@daily hello /usr/local/bin/hello-server"),
        (
            {"schedule": "weekly", "arguments": ("+%d", "a b"), "environment": {"A": "{state}"}},
            "@weekly hello /usr/bin/env A=/var/db/hello /usr/local/bin/hello-server +\\%d 'a b'",
        ),
    ],
)
def test_what_has_a_schedule_is_run_by_cron(spec: InstallSpec, changes: dict[str, Any], line: str) -> None:
    made = rcd_file(spec, service(**changes), FOLDERS)
    assert (made.path, made.mode) == ("/usr/local/etc/cron.d/hello-server", 0o644)
    assert made.text == cron_table(spec, service(**changes), FOLDERS)
    assert made.text.splitlines()[-1] == f"{line} 2>&1 | /usr/bin/logger -t hello-server"


def test_what_has_none_has_a_script(spec: InstallSpec) -> None:
    made = rcd_file(spec, service(), FOLDERS, required=[CONFIG])
    assert (made.path, made.mode) == ("/usr/local/etc/rc.d/hello_server", 0o555)
    assert made.text == rcd_script(spec, service(), FOLDERS, required=[CONFIG])
