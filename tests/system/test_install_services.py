"""Services of every kind, set up by install.sh under a real systemd and a real OpenRC, and taken away again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from installer_lab import Kit, make, run, shim
from stand_ins import DARWIN, FREEBSD

from slipway.containers import Container, Engine, systemd_image
from slipway.model import PlatformSettings, Service
from slipway.platforms import PLATFORMS
from slipway.verify.snapshot import PACKAGE_MANAGER, compare
from slipway.verify.watch import Watch

pytestmark = pytest.mark.slow
# A daemon, a program that answers callers, and one that ends: each tells in a file what it is.
# Every Debian has this much of Perl.
PROGRAM = r"""#!/usr/bin/perl
# {version}
use strict; use Socket;
my ($what, $state) = @ARGV;
sub note {{ open(my $file, ">>", "$state/$_[0]") or die "$state: $!\n"; print $file "$_[1]\n"; close $file; }}
sub bound {{
    socket(my $socket, PF_INET, SOCK_STREAM, 0);
    bind($socket, sockaddr_in($_[0], INADDR_ANY)) or die "port $_[0]: $!\n";
    listen($socket, 5);
    return $socket;
}}
if ($ENV{{NOTIFY_SOCKET}}) {{
    socket(my $told, PF_UNIX, SOCK_DGRAM, 0); send($told, "READY=1", 0, sockaddr_un($ENV{{NOTIFY_SOCKET}})) or die $!;
}}
if ($what eq "serve") {{ note("served", "$ENV{{HELLO_MARK}} as $<"); $SIG{{TERM}} = sub {{ exit 0 }}; sleep 1 while 1; }}
if ($what eq "answer") {{
    my $listener;
    if (($ENV{{LISTEN_PID}} // 0) == $$) {{ open($listener, "+<&=3") or die $!; }}
    else {{ $listener = bound(8080); }}
    $SIG{{TERM}} = sub {{ exit 0 }};
    while (accept(my $caller, $listener)) {{ syswrite($caller, "answered as $<\n"); close $caller; }}
}}
if ($what eq "bind") {{
    my $low = bound(81); note("bound", $<); $SIG{{TERM}} = sub {{ exit 0 }}; sleep 1 while 1;
}}
if ($what eq "clean") {{ note("cleaned", "as $<"); exit 0; }}
if ($what eq "fall") {{ print STDERR "there is nothing to serve\n"; exit 1; }}
"""
MARK = 'it\'s "100%" of $5'
SERVER = Service(
    name="hello-server",
    binary="hello-server",
    summary="Serves",
    arguments=("serve", "{state}"),
    environment={"HELLO_MARK": MARK},
    user="hello",
    logs=True,
    notify=True,
)
CALL = Service(
    name="hello-call",
    binary="hello-server",
    summary="Answers",
    arguments=("answer", "{state}"),
    user="hello",
    sockets=("8080",),
    hardening="strict",
)
CLEAN = Service(
    name="hello-clean", binary="hello-server", summary="Cleans", arguments=("clean", "{state}"), user="hello", schedule="daily"
)
PORT = Service(
    name="hello-port",
    binary="hello-server",
    summary="Listens below 1024",
    arguments=("bind", "{state}"),
    user="hello",
    privileged_ports=True,
    enable=False,
)
FALLING = Service(name="hello-fall", binary="hello-server", summary="Falls", arguments=("fall",), user="hello")
ALL = (SERVER, CALL, CLEAN, PORT)
INSTALL, REMOVE = "sh /work/{}/installers/install.sh", "sh /usr/local/share/hello/uninstall.sh"
# What useradd leaves beside the lists of accounts, and what systemd makes for itself.
OTHERS = (
    *("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"),
    *("/var/lib/systemd", "/var/lib/private", "/var/log", "/var/tmp", "/tmp", "/var/cache"),
)


def kit_of(folder: Path, version: str, services: tuple[Service, ...], program: str = "") -> Kit:
    text = program or PROGRAM.format(version=version)
    return make(folder, version, {"bin/hello-server": (0o755, text)}, services=services)


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    """The releases: `new` has another program, `other` differs in a document alone, `plain` calls without a socket."""
    folder = tmp_path_factory.mktemp("services")
    old = PROGRAM.format(version="1.2.3")
    return {
        "old": kit_of(folder / "old", "1.2.3", ALL),
        "other": make(
            folder / "other", "1.2.4", {"bin/hello-server": (0o755, old), "README.md": (0o644, "# Other\n")}, services=ALL
        ),
        "new": kit_of(folder / "new", "1.3.0", ALL),
        "plain": kit_of(folder / "plain", "1.4.0", (SERVER, CLEAN)),
        "falling": kit_of(folder / "falling", "1.5.0", (FALLING,)),
    }


class System:
    """A Debian with a supervisor, in which the releases lie ready."""

    def __init__(self, box: Container, kits: dict[str, Kit]) -> None:
        self.box = box
        self.watch = Watch(box)
        for name, kit in kits.items():
            box.copy_in(kit.release.paths.packages, f"/work/{name}")

    def do(self, command: str, code: int = 0) -> str:
        done = self.box.exec(["timeout", "60", "sh", "-c", command])
        assert done.code == code, f"{command}: {done.code}\n{done.output}"
        return done.output

    def install(self, which: str, *options: str, code: int = 0) -> str:
        return self.do(" ".join((INSTALL.format(which), *options)), code)

    def changes(self, before: Any) -> tuple[str, ...]:
        return tuple(compare(before, self.watch.look(), (*PACKAGE_MANAGER, *OTHERS)))


def until(ready: Callable[[], bool], complaint: str, within: float = 20) -> None:
    end = time.monotonic() + within
    while not ready():
        assert time.monotonic() < end, complaint
        time.sleep(0.2)


@pytest.fixture
def systemd(engine: Engine, base_image: str, kits: dict[str, Kit]) -> Iterator[System]:
    with Container(engine, systemd_image(engine, base_image), init=True) as box:
        yield System(box, kits)


CALLING = r"""timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080 && head -n 1 <&3'"""


# CAP_NET_BIND_SERVICE, and nothing else.
BIND = "CapAmb:\t0000000000000400\n"


def pid(system: System, service: str) -> int:
    return int(system.do(f"systemctl show -P MainPID {service}"))


@pytest.mark.req("S0-54", "S0-58")
def test_every_kind_of_service_runs_under_systemd_and_is_gone_with_its_account(systemd: System) -> None:
    before, units = systemd.watch.look(), systemd.do("systemctl list-unit-files --no-legend --no-pager")
    said = systemd.install("old")
    assert "making the account hello" in said
    user = systemd.do("id -u hello").strip()
    assert pid(systemd, "hello-server")
    assert systemd.do(f"stat -c %u /proc/{pid(systemd, 'hello-server')}").strip() == user
    assert systemd.do("cat /var/lib/hello/served") == f"{MARK} as {user}\n"
    assert systemd.do("stat -c '%U %G' /var/lib/hello /var/log/hello") == "hello hello\nhello hello\n"

    assert systemd.do("systemctl show -P Type hello-server") == "notify\n"

    # The socket is enabled instead of its service, which starts when somebody calls.
    assert systemd.do("systemctl is-active hello-call.service", code=3) == "inactive\n"
    assert systemd.do("systemctl is-active hello-call.socket") == "active\n"
    assert systemd.do(CALLING) == f"answered as {user}\n"
    assert systemd.do("systemctl is-active hello-call.service") == "active\n"
    assert systemd.do("systemctl is-enabled hello-call.socket hello-clean.timer") == "enabled\nenabled\n"

    # The timer waits; its service runs once, and ends.
    assert "hello-clean.timer" in systemd.do("systemctl list-timers --no-pager --no-legend")
    assert systemd.do("systemctl show -P Persistent hello-clean.timer") == "yes\n"
    systemd.do("systemctl start hello-clean.service")
    assert systemd.do("cat /var/lib/hello/cleaned") == f"as {user}\n"

    # What is not enabled waits for the administrator; it may listen on a port below 1024 without being root.
    assert systemd.do("systemctl is-enabled hello-port", code=1) == "disabled\n"
    systemd.do("systemctl start hello-port")
    until(lambda: systemd.box.exec("cat /var/lib/hello/bound").output == f"{user}\n", "it does not listen")
    assert systemd.do(f"grep -h CapAmb /proc/{pid(systemd, 'hello-port')}/status") == BIND
    systemd.do("systemctl stop hello-port")

    killed = pid(systemd, "hello-server")
    systemd.do(f"kill -9 {killed}")
    until(lambda: pid(systemd, "hello-server") not in {0, killed}, "it was not started again")

    systemd.do(REMOVE)
    assert systemd.do("systemctl list-unit-files --no-legend --no-pager") == units
    assert systemd.do("systemctl list-units --all --no-legend 'hello*'") == ""
    systemd.do("ls /var/lib/systemd/timers/stamp-hello-clean.timer", code=2)
    assert systemd.do("id -u hello").strip() == user, "a plain removal keeps the account, as it keeps its files"
    systemd.install("old")
    systemd.do(f"{REMOVE} --purge")
    systemd.do("id hello", code=1)
    assert systemd.changes(before) == ()


@pytest.mark.req("S0-58")
def test_only_what_changed_is_restarted(systemd: System) -> None:
    systemd.install("old")
    systemd.do(CALLING)
    first, call = pid(systemd, "hello-server"), pid(systemd, "hello-call")
    systemd.install("other")
    assert (pid(systemd, "hello-server"), pid(systemd, "hello-call")) == (first, call), "a document is no reason to restart"
    systemd.install("new")
    assert pid(systemd, "hello-server") not in {0, first}
    assert pid(systemd, "hello-call") not in {0, call}
    assert systemd.do(CALLING).startswith("answered as ")
    systemd.do("systemctl stop hello-server")
    systemd.install("plain")
    assert pid(systemd, "hello-server") == 0, "what was stopped stays stopped"
    assert systemd.do("systemctl is-active hello-call.socket", code=3) == "inactive\n"
    systemd.do("ls /etc/systemd/system/sockets.target.wants/hello-call.socket", code=2)
    systemd.install("old", "--downgrade")
    assert systemd.do(CALLING).startswith("answered as ")


def test_a_service_that_falls_over_is_shown_with_its_last_words(systemd: System) -> None:
    said = systemd.install("falling", code=1)
    assert "there is nothing to serve" in said
    assert "hello is installed, but not all services started: hello-fall" in said
    assert "journalctl -u hello-fall" in said
    systemd.do("hello")


def test_an_account_that_was_there_stays(systemd: System) -> None:
    systemd.do("useradd --system hello")
    systemd.install("old", "--no-start")
    assert pid(systemd, "hello-server") == 0
    systemd.do(f"{REMOVE} --purge")
    systemd.do("id hello")


# What logind would do, which has no place in a container: a session of a user. A shell that comes through su does not know of it.
SESSION = r"""
useradd -m me && mkdir -p /etc/systemd/system/user@.service.d && cd /etc/systemd/system
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' >user@.service.d/runtime.conf
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\n' >user-runtime-dir@.service
printf 'ExecStart=install -d -m 700 -o me /run/user/%%i\n' >>user-runtime-dir@.service
systemctl daemon-reload"""


@pytest.mark.req("S0-54", "S0-58")
def test_a_user_has_services_of_their_own_when_there_is_a_session(systemd: System) -> None:
    systemd.do(SESSION)
    before = systemd.watch.look()
    install, remove = f"su me -c '{INSTALL.format('old')}'", "su me -c 'sh /home/me/.local/share/hello/uninstall.sh --purge'"
    assert "systemd does not answer for this user, who has no session" in systemd.do(install)
    systemd.do(remove)
    systemd.do("systemctl start user@$(id -u me).service")
    assert "no services" not in systemd.do(install)
    user = systemd.do("id -u me").strip()
    assert systemd.do(CALLING) == f"answered as {user}\n"
    until(lambda: systemd.box.exec("cat /home/me/.local/state/hello/served").output == f"{MARK} as {user}\n", "it does not serve")
    wanted = "/home/me/.config/systemd/user/{}.target.wants/hello-{}"
    for target, unit in (("default", "server.service"), ("sockets", "call.socket"), ("timers", "clean.timer")):
        systemd.do(f"test -L {wanted.format(target, unit)}")
    systemd.do(remove)
    systemd.do("pgrep -u me perl", code=1)
    systemd.do("systemctl stop user@$(id -u me).service user-runtime-dir@$(id -u me).service")
    assert systemd.changes(before) == ()


def test_a_user_is_told_how_services_outlive_a_session(kits: dict[str, Kit], tmp_path: Path) -> None:
    path = shim(tmp_path / "shim", "systemctl", "exit 0")
    shim(tmp_path / "shim", "loginctl", 'case $* in "show-user "*" -p Linger") echo Linger=no ;; *) exit 64 ;; esac')
    home = tmp_path / "home"
    home.mkdir()
    assert "loginctl enable-linger" in run(kits["old"].install, "--user", home=home, path=path).out


@pytest.fixture(scope="session")
def openrc_image(engine: Engine, base_image: str) -> str:
    """The id of an image with Debian's OpenRC, made once."""
    tag = f"localhost/slipway-openrc-init:{base_image.removeprefix('sha256:')[:16]}"
    if found := engine.image_id(tag):
        return found
    install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends openrc procps && rm -rf /var/lib/apt/lists/*"
    with Container(engine, base_image, network="host") as box:
        box.exec(install, env={"DEBIAN_FRONTEND": "noninteractive"}, check=True)
        # What a supervisor leaves behind when it ends has to be seen off by the first process.
        first = """["sh", "-c", "exec 3<&0; \\"$@\\" <&3 & wait", "init"]"""
        engine.run("commit", "--change", f"ENTRYPOINT {first}", box.name, tag)
    return engine.image_id(tag) or tag


@pytest.fixture
def openrc(engine: Engine, openrc_image: str, kits: dict[str, Kit]) -> Iterator[System]:
    with Container(engine, openrc_image) as box:
        # As OpenRC leaves it when it has started a system.
        box.exec("mkdir -p /run/openrc && touch /run/openrc/softlevel && rc-update -q del procps sysinit", check=True)
        yield System(box, kits)


def supervised(system: System, service: str) -> int:
    """The process of a service: the child of its supervisor."""
    found = system.do("ps -eo pid=,args=")
    rows = [re.fullmatch(rf"\s*(\d+) /usr/bin/perl .*/{service}\b.*", line) for line in found.splitlines()]
    return next((int(row[1]) for row in rows if row), 0)


@pytest.mark.req("S0-54", "S0-58")
def test_every_kind_of_service_runs_under_openrc_and_is_gone_with_its_account(openrc: System) -> None:
    before = openrc.watch.look()
    assert "making the account hello" in openrc.install("old")
    user = openrc.do("id -u hello").strip()
    serving = supervised(openrc, "hello-server serve")
    assert openrc.do(f"stat -c %u /proc/{serving}").strip() == user
    assert openrc.do("cat /var/lib/hello/served") == f"{MARK} as {user}\n"
    assert openrc.do("stat -c '%U %G %a' /var/lib/hello /var/log/hello") == "hello hello 750\nhello hello 750\n"
    assert openrc.do("rc-service hello-server status") == " * status: started\n"
    assert "hello-server" in openrc.do("rc-update show default")
    assert "hello-port" not in openrc.do("rc-update show default")
    until(lambda: openrc.box.exec(CALLING).output == f"answered as {user}\n", "nobody answers")

    openrc.do(f"kill -9 {serving}")
    until(lambda: supervised(openrc, "hello-server serve") not in {0, serving}, "it was not started again")

    openrc.do("rc-service hello-port start")
    until(lambda: supervised(openrc, "hello-server bind") != 0, "it does not listen")
    assert openrc.do("cat /var/lib/hello/bound") == f"{user}\n", "a container lets everybody listen there"

    # cron runs what lies there.
    assert openrc.do("run-parts --test /etc/cron.daily | grep hello") == "/etc/cron.daily/hello-clean\n"
    openrc.do("/etc/cron.daily/hello-clean")
    assert openrc.do("cat /var/lib/hello/cleaned") == f"as {user}\n"

    running = supervised(openrc, "hello-server serve")
    openrc.install("other")
    assert supervised(openrc, "hello-server serve") == running, "a document is no reason to restart"
    openrc.install("new")
    assert supervised(openrc, "hello-server serve") not in {0, running}

    openrc.do(REMOVE)
    assert supervised(openrc, "hello-server") == 0
    openrc.do("id hello")
    openrc.install("new")
    openrc.do(f"{REMOVE} --purge")
    openrc.do("id hello", code=1)
    assert openrc.changes(before) == ()


def test_an_image_that_openrc_does_not_run_is_only_prepared(openrc: System) -> None:
    openrc.do("rm /run/openrc/softlevel")
    openrc.install("old")
    assert supervised(openrc, "hello-server") == 0
    assert "hello-server" in openrc.do("rc-update show default")


def test_without_a_supervisor_it_is_said_how_to_run_the_services(engine: Engine, base_image: str, kits: dict[str, Kit]) -> None:
    with Container(engine, base_image) as box:
        system = System(box, kits)
        said = system.install("old")
        assert "no services were set up: systemd is not" in said
        line = next(line for line in said.splitlines() if "/hello-server" in line and " clean " in line)
        system.do(f"mkdir /var/lib/hello && {line.strip()} && test -s /var/lib/hello/cleaned")
        system.do("id hello", code=1)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    """Releases for macOS and FreeBSD; their programs are never run."""
    folder = tmp_path_factory.mktemp("foreign")
    platforms = (PLATFORMS["macos-arm64"], PLATFORMS["freebsd-amd64"])
    settings = {platform.id: PlatformSettings(archives=("tar.gz",)) for platform in platforms}
    return {
        name: make(
            folder / name,
            version,
            {"bin/hello-server": (0o755, f"#!/bin/sh\n# {version}\n")},
            services=ALL,
            platforms=platforms,
            settings=settings,
        )
        for name, version in (("old", "1.2.3"), ("new", "1.3.0"))
    }


@pytest.fixture
def elsewhere(engine: Engine, base_image: str, foreign: dict[str, Kit]) -> Iterator[Callable[[dict[str, str]], System]]:
    """A Debian that pretends to be something else."""
    with Container(engine, base_image) as box:

        def pretend(programs: dict[str, str]) -> System:
            system = System(box, foreign)
            for name, body in programs.items():
                line = f"mkdir -p /shim/loaded && : >/shim/calls && : >/shim/disabled && cat >/usr/local/sbin/{name}"
                box.exec(line, stdin=f"#!/bin/sh\n{body}\n", check=True)
                system.do(f"chmod 755 /usr/local/sbin/{name}")
            return system

        yield pretend


def calls(system: System) -> list[str]:
    """What the supervisor was told since the last time."""
    return system.do("cat /shim/calls; : >/shim/calls").splitlines()


LABEL = "example.hello.hello.hello"


@pytest.mark.req("S0-54", "S0-58")
def test_launchd_is_told_what_its_manual_says(elsewhere: Callable[[dict[str, str]], System]) -> None:
    mac = elsewhere(DARWIN)
    before = mac.watch.look()
    mac.do(f"echo '\"{LABEL}-server\" => disabled' >/shim/disabled")
    mac.install("old")
    told = calls(mac)
    assert f"launchctl enable system/{LABEL}-server" in told
    assert f"launchctl bootstrap system /Library/LaunchDaemons/{LABEL}-server.plist" in told
    assert not any(f"bootstrap system /Library/LaunchDaemons/{LABEL}-port.plist" in line for line in told), "it is not enabled"
    assert mac.do("ls /shim/loaded") == f"{LABEL}-call\n{LABEL}-clean\n{LABEL}-server\n"
    assert mac.do(f"stat -c '%a %U' /Library/LaunchDaemons/{LABEL}-server.plist") == "644 root\n"
    assert "dscl . -create /Users/hello UniqueID 449" in told
    assert mac.do("stat -c %u /var/lib/hello /var/log/hello") == "449\n449\n"
    mac.install("new")
    assert f"launchctl bootout system/{LABEL}-server" in calls(mac)
    assert mac.do("ls /shim/loaded") == f"{LABEL}-call\n{LABEL}-clean\n{LABEL}-server\n", "launchd was asked again"
    mac.do(f"{REMOVE} --purge")
    mac.do("rm -rf /shim/busy && : >/shim/calls && : >/shim/disabled")
    assert mac.do("ls /shim/loaded") == ""
    assert mac.changes(before) == ()


def test_an_agent_of_a_user_without_a_desktop(elsewhere: Callable[[dict[str, str]], System]) -> None:
    mac = elsewhere(DARWIN | {"launchctl": DARWIN["launchctl"].replace("print:gui/* |", "print:gui/*) exit 113 ;;\n")})
    before = mac.watch.look()
    mac.install("old", "--user", "--no-modify-path")
    assert f"launchctl bootstrap user/0 /root/Library/LaunchAgents/{LABEL}-server.plist" in calls(mac)
    plist = mac.do(f"cat /root/Library/LaunchAgents/{LABEL}-server.plist")
    assert "UserName" not in plist
    assert "<string>/root/.local/state/hello/log/hello-server.log</string>" in plist
    mac.do("sh /root/.local/share/hello/uninstall.sh --purge && rm -rf /shim/busy && : >/shim/calls")
    assert mac.changes(before) == ()


@pytest.mark.req("S0-54", "S0-58")
def test_rc_d_is_told_what_its_manual_says(elsewhere: Callable[[dict[str, str]], System]) -> None:
    free = elsewhere(FREEBSD)
    free.do(": >/shim/rc.conf")
    before = free.watch.look()
    free.install("old")
    told = calls(free)
    assert [line for line in told if line.startswith("sysrc")] == ["sysrc hello_server_enable=YES", "sysrc hello_call_enable=YES"]
    assert "service hello_server onestart" in told
    assert free.do("stat -c %a /usr/local/etc/rc.d/hello_server /usr/local/etc/cron.d/hello-clean") == "555\n644\n"
    table = free.do("cat /usr/local/etc/cron.d/hello-clean").splitlines()[-1]
    assert table.startswith("@daily hello '/usr/local/bin/hello-server' clean '/var/lib/hello' 2>&1 |")
    free.install("new")
    assert "service hello_server onerestart" in calls(free)
    free.do(f"{REMOVE} --purge")
    assert free.do("cat /shim/rc.conf; ls /shim/loaded") == ""
    free.do(": >/shim/calls")
    assert free.changes(before) == ()
