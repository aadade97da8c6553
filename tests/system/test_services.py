"""The sample platform's services under a real systemd: set up by install.sh and by the deb, upgraded, killed and removed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra

import hello
from slipway.containers import Container, Engine, systemd_image
from slipway.verify.snapshot import PACKAGE_MANAGER, Snapshot, compare
from slipway.verify.watch import Watch

pytestmark = pytest.mark.slow
SAMPLE = Path(__file__).parents[2] / "examples" / "provisioning"
OLD, NEW = "2.1.0", "2.1.1"
ORCHESTRATOR, CONTROL_CENTER = SERVICES = ("provisioning-orchestrator", "provisioning-control-center")
ASK = "provisioning --orchestrator http://127.0.0.1:9080"
CONFIG = "/etc/provisioning/orchestrator.toml"
# The services do not care how well they were compiled.
QUICK = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_INCREMENTAL": "true",
}
# systemd makes these where they are missing, for itself; they stay.
OF_SYSTEMD = ("/var/lib/private", "/var/lib/systemd", "/var/log/journal", "/var/tmp", "/tmp")


@dataclass(frozen=True)
class Way:
    """The commands of one way to install, upgrade and remove."""

    install: str
    remove: str
    purge: str
    units: str
    variant: str
    purge_both: tuple[str, ...]
    kept: tuple[str, ...] = ()  # what Debian keeps of a removed package until it is purged

    def of(self, version: str) -> str:
        return self.install.format(version=version)


SCRIPT = "sh /work/packages/installers/install-provisioning-{version}.sh"
UNINSTALL = "sh /work/packages/installers/uninstall-provisioning.sh"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-confold install -y --no-install-recommends"
WAYS = {
    "install.sh": Way(
        install=SCRIPT,
        remove="sh /usr/local/share/provisioning/uninstall.sh",
        purge=f"{SCRIPT.format(version=NEW)} --force && {UNINSTALL} --purge",
        units="/etc/systemd/system",
        variant=f"{SCRIPT.format(version=NEW)} --variant minimal",
        purge_both=(f"{UNINSTALL} --purge",),
    ),
    "deb": Way(
        install=f"{APT} /work/packages/binaries/provisioning_{{version}}_amd64.deb",
        remove="apt-get remove -y provisioning",
        purge="apt-get purge -y provisioning",
        units="/usr/lib/systemd/system",
        variant=f"{APT} /work/packages/binaries/provisioning-minimal_{NEW}_amd64.deb",
        purge_both=("apt-get purge -y provisioning", "apt-get purge -y provisioning-minimal"),
        kept=(
            *(f"/etc/provisioning/{name}.toml" for name in ("provisioning", "control-center")),
            *(f"/etc/systemd/system/{folder}{name}.service" for name in SERVICES for folder in ("", "multi-user.target.wants/")),
        ),
    ),
}


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of two versions of the sample platform, made through the front door."""
    folder = tmp_path_factory.mktemp("services") / "provisioning"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("target"))
    for version in (OLD, NEW):
        words = ("all", "PLATFORMS=linux-amd64", "VARIANTS=complete,minimal", f"VERSION={version}")
        done = hello.run(folder, "slipway", *words, **QUICK)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "packages"


class System:
    """A Debian that runs systemd and has the packages lying ready."""

    def __init__(self, box: Container) -> None:
        self.box = box
        self.host: Any = testinfra.get_host(f"{box.engine.program}://{box.name}")
        self.watch = Watch(box)

    def do(self, command: str, code: int = 0) -> str:
        done = self.box.exec(command)
        assert done.code == code, f"{command}: {done.code}\n{done.output}\n{self.box.exec('journalctl -n 40 --no-pager').output}"
        return done.output

    def pid(self, service: str) -> int:
        return int(self.do(f"systemctl show -P MainPID {service}"))

    def units(self) -> str:
        return self.do("systemctl list-unit-files --no-legend --no-pager")

    def states(self) -> dict[str, tuple[bool, bool]]:
        """Which services there are, and whether each is enabled and runs."""
        services = {name: self.host.service(name) for name in SERVICES}
        return {name: (service.is_enabled, service.is_running) for name, service in services.items() if service.exists}

    def answers(self, said: str, within: float = 20) -> None:
        """Wait until the orchestrator says this when it is asked for its status."""
        until(lambda: said in self.box.exec(f"{ASK} status").output, f"the orchestrator does not say {said}", within)

    def get(self, port: int, path: str) -> str:
        """Fetch a page with nothing but bash, which every Debian has."""
        request = rf"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        line = f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{request}' >&3 && cat <&3"
        return self.do(f'bash -c "{line}"')


def until(ready: Callable[[], bool], complaint: str, within: float) -> None:
    end = time.monotonic() + within
    while not ready():
        assert time.monotonic() < end, complaint
        time.sleep(0.2)


@pytest.fixture
def system(engine: Engine, base_image: str, packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    for name, value in engine.env.items():  # testinfra asks the engine's program, which reads the environment
        monkeypatch.setenv(name, value)
    with Container(engine, systemd_image(engine, base_image), init=True) as box:
        box.copy_in(packages, "/work/packages")
        yield System(box)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


BOTH = dict.fromkeys(SERVICES, (True, True))


@pytest.mark.req("S0-54", "S0-58")
def test_services_run_when_installed_and_are_gone_when_removed(system: System, way: Way) -> None:
    files, units = system.watch.look(), system.units()
    system.do(way.of(OLD))
    assert system.states() == BOTH
    system.answers(f"provisioning-orchestrator {OLD}: ok")
    assert '"status":"ok"' in system.get(9080, "/health")
    until(lambda: '"reachable":true' in system.get(9081, "/api/status"), "the control center sees no orchestrator", 20)
    system.do(f"{ASK} server create web-1 && echo '# mine' >>{CONFIG}")
    pids = [system.pid(service) for service in SERVICES]

    system.do(way.remove)
    assert system.states() == (dict.fromkeys(SERVICES, (False, False)) if way.kept else {})
    assert [pid for pid in pids if system.host.file(f"/proc/{pid}").exists] == []
    assert kept(files, system.watch.look()) == {CONFIG, "/etc/provisioning", "/var/lib/provisioning", *way.kept}
    assert system.do(f"tail -n 1 {CONFIG}") == "# mine\n"
    system.do("grep -rq web-1 /var/lib/provisioning/")

    system.do(way.of(OLD))
    assert system.states() == BOTH
    system.answers("ok")
    assert "web-1" in system.do(f"{ASK} server list")
    assert system.do(f"tail -n 1 {CONFIG}") == "# mine\n"

    system.do(way.purge)
    assert compare(files, system.watch.look(), (*PACKAGE_MANAGER, *OF_SYSTEMD)) == ()
    system.do("test ! -e /var/lib/private/provisioning")
    assert (system.states(), system.units()) == ({}, units)
    assert system.do("systemctl --failed --no-legend; systemctl list-units --all --no-legend 'provisioning*'") == ""


def kept(before: Snapshot, after: Snapshot) -> set[str]:
    """What was not there before; there must be no other change."""
    lines = compare(before, after, (*PACKAGE_MANAGER, *OF_SYSTEMD))
    found = {re.fullmatch(r"left behind: (\S+) \(.*\)", line) for line in lines}
    assert None not in found, lines
    return {match[1] for match in found if match}


@pytest.mark.req("S0-54")
def test_the_orchestrator_has_a_user_and_a_folder_of_its_own_and_no_other(system: System, way: Way) -> None:
    system.do(way.of(OLD))
    system.answers("ok")
    status = {}
    for service in SERVICES:
        text = system.host.file(f"/proc/{system.pid(service)}/status").content_string
        status[service] = dict(re.findall(r"^(\w+):\s+(.*)$", text, re.MULTILINE))
        assert status[service]["NoNewPrivs"] == "1"
        assert status[service]["CapEff"] == "0" * 16
        assert 61184 <= int(status[service]["Uid"].split()[0]) <= 65519  # the range of systemd's dynamic users
    assert len({said["Uid"] for said in status.values()}) == 2
    system.do(f"{ASK} server create web-1")
    state = system.host.file("/var/lib/private/provisioning")
    assert (state.is_directory, state.uid) == (True, int(status[ORCHESTRATOR]["Uid"].split()[0]))
    assert system.host.file("/var/lib/private").mode == 0o700
    assert system.host.file("/var/lib/provisioning").linked_to == "/var/lib/private/provisioning"
    assert system.do("grep -rl web-1 /var/lib/private/provisioning").startswith("/var/lib/private/provisioning/")


@pytest.mark.req("S0-54")
def test_a_killed_service_comes_back_with_its_data_and_a_stopped_one_does_not(system: System) -> None:
    system.do(WAYS["install.sh"].of(OLD))
    system.answers("ok")
    system.do(f"{ASK} server create web-1")
    before = {service: system.pid(service) for service in SERVICES}
    for pid in before.values():
        system.do(f"kill -9 {pid}")
    for service in SERVICES:
        until(lambda name=service: system.pid(name) not in {0, before[name]}, f"{service} was not started again", 20)  # type: ignore[misc]
    system.answers("ok")
    assert "web-1" in system.do(f"{ASK} server list")
    for service in SERVICES:
        system.do(f"systemctl stop {service}")
        assert system.do(f"systemctl show -P Result {service}") == "success\n", "a stop is no failure"
    time.sleep(6)  # longer than the pause before a start after a failure
    assert system.states() == dict.fromkeys(SERVICES, (True, False))


@pytest.mark.req("S0-58")
def test_an_upgrade_restarts_what_runs_and_leaves_alone_what_does_not(system: System, way: Way) -> None:
    system.do(way.of(OLD))
    system.answers(OLD)
    system.do(f"{ASK} server create web-1 && echo '# mine' >>{CONFIG}")
    system.do(f"systemctl disable --now {CONTROL_CENTER}")
    before = system.pid(ORCHESTRATOR)
    system.do(way.of(NEW))
    system.answers(f"provisioning-orchestrator {NEW}: ok")
    assert system.pid(ORCHESTRATOR) != before
    assert "web-1" in system.do(f"{ASK} server list")
    assert system.do(f"tail -n 1 {CONFIG}") == "# mine\n"
    assert system.states() == {ORCHESTRATOR: (True, True), CONTROL_CENTER: (False, False)}
    system.do("systemctl is-failed provisioning-\\*", code=1)


@pytest.mark.req("S0-4", "S0-58")
def test_a_variant_without_a_service_stops_it(system: System, way: Way) -> None:
    files = system.watch.look()
    system.do(way.of(NEW))
    system.answers("ok")
    assert system.states() == BOTH
    gone = system.pid(CONTROL_CENTER)
    system.do(way.variant)
    system.answers("ok")
    assert system.host.service(ORCHESTRATOR).is_running
    assert system.host.service(ORCHESTRATOR).is_enabled
    assert not system.host.service(CONTROL_CENTER).is_running
    assert not system.host.file(f"/proc/{gone}").exists
    assert not system.host.file(f"{way.units}/{CONTROL_CENTER}.service").exists
    system.do(way.of(NEW) + (" --variant complete" if not way.kept else ""))
    system.answers("ok")
    assert system.states() == BOTH
    system.do(way.variant)
    for purge in way.purge_both:
        assert system.host.service(ORCHESTRATOR).is_running
        system.do(purge)
    assert compare(files, system.watch.look(), (*PACKAGE_MANAGER, *OF_SYSTEMD)) == ()


def test_debs_of_two_variants_take_turns_without_apt(system: System) -> None:
    minimal, complete = "provisioning-minimal", "provisioning"
    for name, version in ((minimal, OLD), (complete, OLD), (minimal, NEW), (complete, NEW)):
        system.do(f"dpkg --auto-deconfigure -i /work/packages/binaries/{name}_{version}_amd64.deb")
        system.answers(f"{ORCHESTRATOR} {version}: ok")
        shown = system.host.service(CONTROL_CENTER)
        assert (shown.is_running, shown.is_enabled) == (name == complete,) * 2
    system.do(f"systemctl stop {ORCHESTRATOR} && dpkg -B -i /work/packages/binaries/{minimal}_{NEW}_amd64.deb")
    assert not system.host.service(ORCHESTRATOR).is_running, "what was stopped stays stopped"


@pytest.mark.parametrize(("option", "enabled"), [("--no-start", True), ("--no-services", False)])
def test_services_are_only_set_up_as_far_as_wanted(system: System, option: str, enabled: bool) -> None:
    files = system.watch.look()
    said = system.do(f"{WAYS['install.sh'].of(OLD)} {option}")
    assert system.states() == (dict.fromkeys(SERVICES, (True, False)) if enabled else {})
    if enabled:
        system.do(f"systemctl start {ORCHESTRATOR}")
    else:
        by_hand = next(line for line in said.splitlines() if f"/{ORCHESTRATOR}" in line)
        system.do(f"mkdir -p /var/lib/provisioning && ({by_hand.strip()} >/dev/null 2>&1 & echo $! >/work/pid)")
    system.answers("ok")
    system.do("[ ! -e /work/pid ] || kill $(cat /work/pid)")
    system.do(f"{UNINSTALL} --purge")
    assert compare(files, system.watch.look(), (*PACKAGE_MANAGER, *OF_SYSTEMD)) == ()


def test_settings_of_the_administrator_reach_the_service(system: System, way: Way) -> None:
    system.do(way.of(OLD))
    system.answers("ok")
    system.do(f"echo RUST_LOG=debug >/etc/default/provisioning && sed -i s/:9080/:80/ {CONFIG}")
    drop_in = f"/etc/systemd/system/{ORCHESTRATOR}.service.d"
    system.do(f"mkdir -p {drop_in} && printf '[Service]\\nAmbientCapabilities=CAP_NET_BIND_SERVICE\\n' >{drop_in}/port.conf")
    system.do(f"systemctl daemon-reload && systemctl restart {ORCHESTRATOR}")
    until(lambda: system.box.exec(f"{ASK.replace('9080', '80')} status").code == 0, "it does not listen on port 80", 20)
    assert "RUST_LOG=debug" in system.do(f"tr '\\0' '\\n' </proc/{system.pid(ORCHESTRATOR)}/environ").splitlines()


def test_systemd_finds_no_fault_with_the_units_and_little_exposure(system: System, way: Way) -> None:
    system.do(way.of(OLD))
    for service in SERVICES:
        unit = f"{way.units}/{service}.service"
        assert system.host.file(unit).mode == 0o644
        assert system.do(f"systemd-analyze verify --man=no {unit} 2>&1") == ""
        said = system.do(f"systemd-analyze security --offline=true --no-pager {unit}")
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+) (\w+)", said)
        assert found, said
        assert float(found[1]) <= 5.0, said
        assert found[2] == "OK"
        assert re.search(r"Failed to|Unknown|not supported|ignor", system.do(f"journalctl -b --no-pager -u {service}")) is None
