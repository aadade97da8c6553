"""install-NAME-container.sh with real engines: docker and compose here, podman and systemd in a container."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from installer_lab import SHELLS, Ran, only, picture, run, shim

import sample
from slipway.containers import Container, Engine, systemd_image
from slipway.files import digest_file
from slipway.installers.container import plan_container_installers
from slipway.rules import ContainerRules
from slipway.version import Version

# Of two sessions at once, each has its own.
NAME = f"hellobox-{os.getpid()}"
BUSYBOX = "/usr/bin/busybox"
SPECIAL = "a $HOME \"b\" 'c' %n \\d"
# Within the container that podman runs in, it may do less than it would.
CONTAINERS = """\
[containers]
keyring = false
default_ulimits = ["nofile=20000:20000"]
[engine]
no_pivot_root = true
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
# Newer systemd wants to be told that it may run with the older kind of control groups, where the host has them.
LEGACY = 'ENV SYSTEMD_PROC_CMDLINE="systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"'

pytestmark = pytest.mark.slow


class Lab:
    """An engine, a home, and scripts and images for versions of one project."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine, self.root = engine, root
        self.path = "/usr/local/bin:/usr/bin:/bin"
        self.home = root / "a home"
        self.home.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.rules = ContainerRules(
            image=f"{NAME}:{{version}}",
            # As the first process, busybox alone would not hear the signal to stop.
            command=("/bin/busybox", "sh", "-c", f"trap exit TERM; /bin/busybox httpd -f -p {self.port} -h /www & wait"),
            environment={"SAID": SPECIAL},
            volumes={"state": "/var/lib/hello"},
            network="host",
            health_path="/ok",
            health_port=self.port,
            health_timeout=4,
        )

    def script(self, version: str = "1.2.3", **changes: Any) -> Path:
        """The installer of a version."""
        root = self.root / f"{version}-{len(list(self.root.iterdir()))}"
        said = sample.project(root / "project", name=NAME, container=replace(self.rules, **changes))
        release = replace(sample.release(root, project=said), version=Version(version))
        (step,) = plan_container_installers(release)
        step.run()
        return step.outputs[0]

    def image(self, version: str = "1.2.3", page: str = "ok") -> str:
        """An image that answers with its version under the name of a page."""
        tar = self.root / "image.tar"
        write_image(tar, page, version)
        reference = f"{NAME}:{version}"
        self.engine.run("import", tar, reference)
        return reference

    def saved(self, version: str, page: str = "ok", *, listed: bool = True) -> Path:
        """A folder with the image of a version in a file, and with its checksum; the engine forgets the image."""
        folder = self.root / f"images-{version}"
        folder.mkdir(exist_ok=True)
        arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        path = folder / f"{NAME}-{version}-linux-{arch}-image.tar"
        self.engine.run("save", "-o", path, self.image(version, page))
        self.engine.run("rmi", f"{NAME}:{version}")
        if listed:
            (folder / "SHA256SUMS").write_text(f"{digest_file(path)}  {path.name}\n")
        return folder

    def run(self, script: Path, *words: str | Path, shell: tuple[str, ...] = ("sh",), path: str = "") -> Ran:
        return run(script, "--user", *words, home=self.home, shell=shell, path=path or self.path, env=self.engine.env)

    def state(self, name: str = NAME) -> str:
        return self.engine.ask("container", "inspect", "--format", "{{.State.Status}}", name) or "missing"

    def id(self) -> str | None:
        return self.engine.ask("container", "inspect", "--format", "{{.Id}}", NAME)

    def volumes(self) -> list[str]:
        return [name for name in (self.engine.ask("volume", "ls", "--format", "{{.Name}}") or "").split() if NAME in name]

    def page(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ok", timeout=5) as answer:
            return str(answer.read(), "utf-8").strip()

    def clean(self) -> None:
        for name in (NAME, f"{NAME}-before"):
            self.engine.run("rm", "-f", name, check=False)
        for name in self.volumes():
            self.engine.run("volume", "rm", name, check=False)
        for tag in (self.engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}") or "").split():
            if NAME in tag:
                self.engine.run("rmi", "-f", tag, check=False)


def write_image(tar: Path, page: str, text: str) -> None:
    """The file system of an image: busybox, and one page."""
    with tarfile.open(tar, "w") as out:
        out.add(BUSYBOX, "bin/busybox")
        # For the check of a port, which looks at the kernel's own list.
        link = tarfile.TarInfo("bin/cat")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        out.addfile(link)
        entry = tarfile.TarInfo(f"www/{page}")
        entry.size = len(text)
        out.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture
def lab(engine: Engine, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(engine, tmp_path)
    made.clean()
    yield made
    made.clean()


def good(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err


RULES = {
    "full": ContainerRules(
        image="registry.example/hello:{version}",
        digest=f"sha256:{'0' * 64}",
        command=("hello-server", "it's $5"),
        environment={"SAID": SPECIAL},
        ports=("8080", "127.0.0.1:53/udp"),
        volumes={"state": "/var/lib/hello"},
        health_path="/health",
    ),
    "bare": ContainerRules(image="hello"),
    "port": ContainerRules(image="hello:1", ports=("80:8080",), health_port=8080),
    "command": ContainerRules(image="hello", health=("hello", "--version"), network="none"),
}


@pytest.mark.parametrize("rules", RULES)
def test_every_rendering_is_clean(rules: str, tmp_path: Path) -> None:
    said = sample.project(tmp_path / "project", container=RULES[rules])
    (step,) = plan_container_installers(sample.release(tmp_path, project=said))
    step.run()
    subprocess.run(["shellcheck", "--shell=sh", step.outputs[0]], check=True)


@pytest.mark.req("S0-57")
@pytest.mark.parametrize("way", ["engine", "compose"])
def test_set_up_and_removed_again(lab: Lab, way: str) -> None:
    script, images = lab.script(), lab.saved("1.2.3")
    before = picture(lab.home)
    planned = good(lab.run(script, "--way", way, "--from", images, "--dry-run")).out
    assert (picture(lab.home), lab.state(), lab.volumes()) == (before, "missing", [])
    assert f"http://127.0.0.1:{lab.port}/ok" in planned
    good(lab.run(script, "--way", way, "--from", images))
    assert (lab.state(), lab.page()) == ("running", "1.2.3")
    said = lab.engine.run("exec", NAME, "/bin/busybox", "env").output
    assert f"SAID={SPECIAL}\n" in said
    first = lab.id()
    assert "runs already" in good(lab.run(script, "--from", images)).out
    assert lab.id() == first
    good(lab.run(script, "--uninstall"))
    assert (lab.state(), lab.volumes()) == ("missing", [f"{NAME}-state"])
    assert picture(lab.home) == before
    good(lab.run(script, "--way", way, "--from", images))
    good(lab.run(script, "--uninstall", "--purge"))
    assert (lab.volumes(), lab.engine.image_id(f"{NAME}:1.2.3")) == ([], None)


@pytest.mark.req("S0-57")
@pytest.mark.parametrize("way", ["engine", "compose"])
def test_a_version_that_does_not_work_is_taken_back(lab: Lab, way: str) -> None:
    good(lab.run(lab.script(), "--way", way, "--from", lab.saved("1.2.3")))
    ran = lab.run(lab.script("1.3.0"), "--from", lab.saved("1.3.0", page="other"))
    refused(ran, 1, f"{NAME} 1.3.0 does not work; version 1.2.3 runs again")
    assert (lab.state(), lab.state(f"{NAME}-before"), lab.page()) == ("running", "missing", "1.2.3")
    good(lab.run(lab.script("1.4.0"), "--from", lab.saved("1.4.0")))
    assert (lab.page(), lab.engine.image_id(f"{NAME}:1.2.3")) == ("1.4.0", None)
    refused(lab.run(lab.script("1.3.5"), "--from", lab.saved("1.3.5")), 3, "1.3.5 is older", "--downgrade")
    good(lab.run(lab.script("1.3.5"), "--from", lab.saved("1.3.5"), "--downgrade"))
    assert lab.page() == "1.3.5"


@pytest.mark.parametrize("way", ["engine", "compose"])
def test_a_first_version_that_does_not_work_leaves_nothing(lab: Lab, way: str) -> None:
    before = picture(lab.home)
    refused(lab.run(lab.script(), "--way", way, "--from", lab.saved("1.2.3", page="other")), 1, "does not work")
    assert (lab.state(), lab.volumes(), picture(lab.home)) == ("missing", [], before)


def test_an_image_rebuilt_under_the_same_name_is_taken_back_too(lab: Lab) -> None:
    lab.image()
    good(lab.run(lab.script(), "--way", "engine"))
    old = lab.engine.image_id(f"{NAME}:1.2.3")
    lab.image(page="other")
    refused(lab.run(lab.script()), 1, "does not work")
    assert (lab.page(), lab.engine.image_id(f"{NAME}:1.2.3")) == ("1.2.3", old)


CHECKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "command": ({"health": ("/bin/busybox", "test", "-f", "/www/ok")}, {"health": ("/bin/busybox", "false")}),
    "port": ({}, {"health_port": 1}),
    "running": ({"health_port": 0}, {"health_port": 0, "command": ("/bin/busybox", "false")}),
}


@pytest.mark.parametrize("check", CHECKS)
def test_every_way_to_ask_whether_it_works(lab: Lab, check: str) -> None:
    right, wrong = CHECKS[check]
    lab.image()
    good(lab.run(lab.script(**{"health_path": "", **right}), "--way", "engine"))
    good(lab.run(lab.script(), "--uninstall"))
    lab.image()
    refused(lab.run(lab.script(**{"health_path": "", **wrong}), "--way", "engine"), 1, "does not work")


def test_an_image_file_is_loaded_only_when_its_digest_is_known_and_right(lab: Lab) -> None:
    folder, script = lab.saved("1.2.3"), lab.script()
    sums = folder / "SHA256SUMS"
    right = sums.read_text()
    sums.write_text(right.replace(right[:64], hashlib.sha256(b"other").hexdigest()))
    refused(lab.run(script, "--from", folder), 4, "not of this release")
    sums.unlink()
    refused(lab.run(script, "--from", folder), 4, "nothing says what the sha256")
    assert (lab.state(), lab.engine.image_id(f"{NAME}:1.2.3")) == ("missing", None)
    good(lab.run(script, "--way", "engine", "--from", folder, "--insecure-skip-checksum"))


def test_what_is_somebody_elses_stays(lab: Lab) -> None:
    script, reference = lab.script(), lab.image()
    lab.engine.run("create", "--name", NAME, reference, "/bin/busybox", "true")
    refused(lab.run(script, "--way", "engine"), 3, "not from this installer", "--force")
    lab.clean()
    lab.image()
    good(lab.run(script, "--way", "compose"))
    file = lab.home / f".config/{NAME}/compose.yaml"
    file.write_text(file.read_text() + "# mine\n")
    refused(lab.run(lab.script("1.3.0"), "--image", reference), 3, "you changed", "compose.override.yaml")
    assert "kept" in good(lab.run(script, "--uninstall")).out
    assert file.read_text().endswith("# mine\n")


@pytest.mark.parametrize(("step", "then"), [("run", "again"), ("rename", "again"), ("stop", "again"), ("run", "uninstall")])
def test_a_run_that_is_killed_is_mended_by_the_next_one(lab: Lab, step: str, then: str) -> None:
    lab.image()
    before = picture(lab.home)
    good(lab.run(lab.script(), "--way", "engine"))
    lab.image("1.3.0")
    newer, lock = lab.script("1.3.0"), lab.home / f".local/share/{NAME}/.container-lock"
    program = lab.engine.program
    body = f'[ "$1" != {step} ] || {{ kill -9 "$(cat "{lock}/pid")"; exit 1; }}\nPATH=$real exec {program} "$@"'
    path = shim(lab.root / "shims", program, body.replace("$real", lab.path))
    assert lab.run(newer, path=path).code == -9
    assert lock.is_dir()
    if then == "again":
        assert "interrupted" in good(lab.run(newer)).out
        assert (lab.state(), lab.state(f"{NAME}-before"), lab.page(), lock.exists()) == ("running", "missing", "1.3.0", False)
    good(lab.run(newer, "--uninstall"))
    assert (lab.state(), lab.state(f"{NAME}-before"), picture(lab.home)) == ("missing", "missing", before)


def test_an_image_that_nobody_has_is_a_matter_of_the_network(lab: Lab) -> None:
    before = picture(lab.home)
    refused(lab.run(lab.script(image="127.0.0.1:1/no/such:{version}"), "--way", "engine"), 42, "could not be pulled")
    assert picture(lab.home) == before


def test_json_is_one_document(lab: Lab) -> None:
    lab.image()
    said = json.loads(good(lab.run(lab.script(), "--way", "engine", "--json")).out)
    assert (said["result"], said["way"], said["image"]) == ("done", "engine", f"{NAME}:1.2.3")
    said = json.loads(lab.run(lab.script("1.0.0"), "--json").out)
    assert (said["result"], said["code"]) == ("failed", 3)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_sets_it_up(lab: Lab, shell: str) -> None:
    lab.image()
    script, before = lab.script(), picture(lab.home)
    good(lab.run(script, "--way", "compose", shell=SHELLS[shell]))
    assert lab.page() == "1.2.3"
    good(lab.run(script, "--uninstall", "--purge", shell=SHELLS[shell]))
    assert (picture(lab.home), lab.state()) == (before, "missing")


def test_without_an_engine_it_says_what_to_install(lab: Lab) -> None:
    tools = ("cat", "uname", "id", "mkdir", "rm", "sh", "sha256sum", "head", "dirname")
    path = only(lab.root / "few", *tools)
    refused(run(lab.script(), "--user", home=lab.home, path=path, shell=("/bin/sh",)), 3, "neither docker nor podman")


@pytest.fixture(scope="module")
def podman_image(engine: Engine) -> str:
    """An image in which systemd runs as the first process and podman, new enough for quadlets, is installed."""
    base = engine.ensure_image("debian:trixie-slim", bootstrap="trixie")
    tag = f"localhost/slipway-podman:{base.removeprefix('sha256:')[:16]}"
    if engine.image_id(tag) is None:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends podman crun curl procps"
        with Container(engine, systemd_image(engine, base), network="host") as box:
            box.exec(f"{install} && rm -rf /var/lib/apt/lists/*", env=quiet, check=True)
            changes = ('CMD ["/lib/systemd/systemd"]', "ENV container=docker", LEGACY)
            engine.run("commit", *(word for change in changes for word in ("--change", change)), box.name, tag)
    return tag


@pytest.mark.req("S0-57")
def test_podman_and_systemd_run_a_quadlet(lab: Lab, podman_image: str) -> None:
    rules = {"image": f"localhost/{NAME}:{{version}}"}
    first, second, broken = (lab.script(version, **rules) for version in ("1.2.3", "1.3.0", "1.4.0"))
    with Container(lab.engine, podman_image, network="host", init=True) as box:

        def say(line: str) -> str:
            done = box.exec(line)
            assert done.code == 0, done.output
            return done.output

        for name, text in {"containers.conf": CONTAINERS, "storage.conf": STORAGE}.items():
            box.exec(["sh", "-c", f"mkdir -p /etc/containers && cat >/etc/containers/{name}"], stdin=text, check=True)
        for version, page in (("1.2.3", "ok"), ("1.3.0", "ok"), ("1.4.0", "other")):
            write_image(lab.root / "image.tar", page, version)
            box.copy_in(lab.root / "image.tar", "/root/image.tar")
            say(f"podman --log-level=error import /root/image.tar localhost/{NAME}:{version}")
        for name, script in (("first", first), ("second", second), ("broken", broken)):
            box.copy_in(script, f"/root/{name}.sh")

        assert "(quadlet)" in say("sh /root/first.sh --dry-run")
        assert "(quadlet)" in say("sh /root/first.sh")
        assert say(f"systemctl is-active {NAME}.service").strip() == "active"
        assert f"SAID={SPECIAL}\n" in say(f"podman --log-level=error exec {NAME} /bin/busybox env")
        assert say(f"curl -fsS http://127.0.0.1:{lab.port}/ok") == "1.2.3"
        say("sh /root/second.sh")
        assert say(f"curl -fsS http://127.0.0.1:{lab.port}/ok") == "1.3.0"
        failed = box.exec("sh /root/broken.sh")
        assert (failed.code, "version 1.3.0 runs again" in failed.output) == (1, True), failed.output
        assert say(f"curl -fsS --retry 5 --retry-connrefused http://127.0.0.1:{lab.port}/ok") == "1.3.0"
        say("sh /root/second.sh --uninstall --purge")
        assert say("podman --log-level=error ps -aq && podman --log-level=error volume ls -q") == ""
        assert say(f"find / -xdev -name '*{NAME}*' -not -path '/proc/*'").strip() == ""
