"""The life of a Debian package on a system that runs systemd: installed, changed, upgraded, downgraded, removed, purged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import packed
import pytest
from debs import restage

import sample
from slipway.containers import Container, Engine, systemd_image
from slipway.contents import Contents
from slipway.model import InstallRules, Service, TestRules
from slipway.packagers.deb import plan_debs
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules
from slipway.verify.distribution import plan_tests
from slipway.verify.snapshot import PACKAGE_MANAGER, Snapshot, compare
from slipway.verify.watch import Watch
from slipway.version import Version

pytestmark = pytest.mark.slow
OLD, NEW = "2.0.5", "2.1.0"
APT = "env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-confold -y --no-install-recommends"
CONFIG, STATE = "/etc/hello/hello.toml", "/var/lib/hello"
# Called with a file and a text, it adds the text to the file.
PROGRAM = b'#!/bin/sh\n[ "$#" -ne 2 ] || echo "$2" >>"$1"\n'
# systemd makes these for itself; they stay.
OF_SYSTEMD = ("/var/lib/systemd", "/var/lib/private", "/var/log", "/var/tmp", "/tmp", "/root")
SERVICES = (
    Service(name="hello-server", binary="hello-server", summary="Serves", user="hello"),
    Service(name="hello-spare", binary="hello-server", summary="Serves when asked", user="hello", enable=False),
)


def pack(root: Path, version: str, config: str, **changes: Any) -> Path:
    """The package of a version whose configuration file comes with this text."""
    values = {"services": SERVICES, "deb": DebRules(revision="1", suites=("bookworm",))} | changes
    project = sample.project(root / "project", **values)
    made = sample.release(root, project=project, version=Version(version))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],), variants=made.variants[:1])
    (cell,) = made.cells
    sample.stage(made, cell)
    restage(made, cell, "etc/hello/hello.toml", config.encode())
    restage(made, cell, "bin/hello", PROGRAM)
    (step,) = plan_debs(made)
    step.run()
    return step.outputs[0]


class System:
    """A Debian that runs systemd, with the packages of two versions in /work."""

    def __init__(self, box: Container) -> None:
        self.box, self.watch = box, Watch(box)

    def do(self, command: str, code: int = 0) -> str:
        done = self.box.exec(["sh", "-c", command], check=False)
        assert done.code == code, f"{command}: {done.code}\n{done.output}"
        return done.output.strip()

    def install(self, version: str, *words: str) -> None:
        self.do(f"{APT} {' '.join(words)} install /work/{version}.deb")
        assert self.do("dpkg-query -W -f '${db:Status-Status} ${Version}' hello") == f"installed {version}-1~deb12u1"

    def states(self) -> tuple[str, ...]:
        """Whether each service is enabled and runs."""
        words = (f"systemctl {verb} {each.name}; true" for each in SERVICES for verb in ("is-enabled", "is-active"))
        return tuple(self.do(f"{word} 2>/dev/null").split("\n")[-1] for word in words)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    root = tmp_path_factory.mktemp("life")
    return {OLD: pack(root / OLD, OLD, "old = true\n"), NEW: pack(root / NEW, NEW, "new = true\n")}


@pytest.fixture(scope="module")
def system(engine: Engine, base_image: str, packages: Mapping[str, Path]) -> Iterator[System]:
    with Container(engine, systemd_image(engine, base_image), init=True) as box:
        for version, path in packages.items():
            box.copy_in(path, f"/work/{version}.deb")
        yield System(box)


def left(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    return compare(before, after, (*PACKAGE_MANAGER, *OF_SYSTEMD))


RUNNING = ("enabled", "active", "disabled", "inactive")


@pytest.mark.req("S0-58", "S0-61")
def test_a_life(system: System) -> None:
    before = system.watch.look()
    system.install(OLD)
    assert system.states() == RUNNING
    assert system.do("ps -o user= -p $(systemctl show -P MainPID hello-server)") == "hello"
    assert system.do(f"stat -c '%U:%G %a' {STATE}") == "hello:hello 755"
    assert system.do("getent passwd hello").split(":")[4:] == ["hello services", STATE, "/usr/sbin/nologin"]

    system.do(f"echo mine >{CONFIG} && touch {STATE}/data")
    first = system.do("systemctl show -P MainPID hello-server")
    system.install(NEW)
    assert system.states() == RUNNING
    assert system.do("systemctl show -P MainPID hello-server") != first
    assert system.do(f"cat {CONFIG} {CONFIG}.dpkg-dist") == "mine\nnew = true"

    # apt goes back only when it is told to.
    system.do(f"{APT} install /work/{OLD}.deb", code=100)
    system.install(OLD, "--allow-downgrades")
    assert system.states() == RUNNING
    assert system.do(f"cat {CONFIG}") == "mine"

    system.do("systemctl disable --now hello-server")
    system.install(NEW)
    assert system.states() == ("disabled", "inactive", "disabled", "inactive")
    system.do("systemctl enable --now hello-server hello-spare")
    system.install(NEW, "--reinstall")
    assert system.states() == ("enabled", "active", "enabled", "active")

    system.do(f"{APT} remove hello")
    assert system.do(f"cat {CONFIG}") == "mine"
    system.do(f"test -e {STATE}/data && ! test -e /usr/bin/hello && ! pgrep -u hello")
    changed = left(before, system.watch.look())
    assert [line for line in changed if "/usr/" in line] == []
    system.install(NEW)
    assert system.states() == ("enabled", "active", "enabled", "active")
    assert system.do(f"cat {CONFIG}") == "mine"

    system.do(f"{APT} purge hello")
    assert left(before, system.watch.look()) == ()
    assert system.do("dpkg-query -W -f '${db:Status-Status}' hello 2>/dev/null || true") in {"", "not-installed"}
    system.do("systemctl --failed --no-legend --plain | grep hello", code=1)


WAITING = (
    Service(name="hello-caller", binary="hello-server", summary="Answers", user="hello", sockets=("/run/hello",), state=False),
    Service(
        name="hello-sweeper",
        binary="hello",
        summary="Sweeps",
        user="hello",
        arguments=("{logs}/swept", "clean"),
        schedule="daily",
        state=False,
        logs=True,
    ),
)
UNITS = ("hello-caller.socket", "hello-caller.service", "hello-sweeper.timer", "hello-sweeper.service")
CALL = "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(q(/run/hello)) or die'"


@pytest.mark.req("S0-54", "S0-58")
def test_what_waits_for_a_caller_or_its_time_and_what_is_configured_once(system: System, tmp_path: Path) -> None:
    install = InstallRules(configure=("hello", "{config}/made", "in {config}"))
    older, newer = "3.0.5", "3.1.0"
    for version in (older, newer):
        path = pack(tmp_path / version, version, "", services=WAITING, install=install)
        system.box.copy_in(path, f"/work/{version}.deb")

    def states() -> list[str]:
        """Of each unit, once it has come to rest."""
        rest = 'until state=$(systemctl is-active {}); [ "$state" != activating ]; do sleep 0.1; done; echo $state'
        return [system.do(rest.format(unit)) for unit in UNITS]

    before = system.watch.look()
    system.install(older)
    assert states() == ["active", "inactive", "active", "inactive"]
    assert system.do("systemctl is-enabled hello-caller.socket hello-sweeper.timer") == "enabled\nenabled"
    system.do(CALL)
    assert states() == ["active", "active", "active", "inactive"]
    system.do("systemctl start hello-sweeper")
    assert system.do("cat /var/log/hello/swept && stat -c %U /var/log/hello /var/log/hello/swept") == "clean\nhello\nhello"
    assert system.do("cat /etc/hello/made") == "in /etc/hello"

    first = system.do("systemctl show -P MainPID hello-caller")
    system.install(newer)
    assert states() == ["active", "active", "active", "inactive"]
    assert system.do("systemctl show -P MainPID hello-caller") != first
    system.do(f"{APT} remove hello")
    assert system.do("systemctl list-units --all --no-legend --plain 'hello*' | grep -v -e not-found -e masked || true") == ""
    system.install(newer)
    assert states() == ["active", "inactive", "active", "inactive"]
    assert system.do("cat /etc/hello/made") == "in /etc/hello"
    system.do(f"{APT} purge hello")
    assert left(before, system.watch.look()) == ()
    system.do("systemctl --failed --no-legend --plain | grep hello", code=1)


@pytest.mark.req("S4-25")
def test_a_distribution_is_tested_with_the_package_for_its_suite(engine: Engine, base_image: str, tmp_path: Path) -> None:
    rules = TestRules(bootstrap="bookworm", basic=("hello",))
    made = packed.release(tmp_path, tests=rules, deb=DebRules(suites=("bookworm", "trixie")), services=())
    cell = sample.cell(made, "linux-amd64-complete")
    packed.pack(made, cell)
    contents = Contents.load(made.contents(cell))
    config = next(file for file in contents.files if file.path.startswith("etc/"))
    places = ("share/man/man1/hello.1", "share/zsh/site-functions/_hello")
    for place in places:
        path = made.staged(cell) / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(".TH HELLO 1\n")
    more = tuple(replace(config, path=place) for place in places)
    made.contents(cell).write_bytes(replace(contents, files=(*contents.files, *more)).dump())
    packed.repack(made, cell)
    for step in plan_debs(replace(made, platforms=(cell.platform,), variants=(cell.variant,))):
        step.run()
    (step,) = (step for step in plan_tests(made) if step.key == cell.id)
    step.run()
    checks = {each["name"]: each["outcome"] for each in json.loads(step.outputs[0].read_bytes())["checks"]}
    deb = "hello_1.2.3-1~deb{}u1_amd64.deb"
    assert checks[f"{deb.format(12)}: files"] == checks[f"{deb.format(12)}: nothing remains"] == "passed"
    assert checks[deb.format(13)] == "skipped"
