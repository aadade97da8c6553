"""The documented line, on images with next to nothing.

docker run --rm -v "$(pwd):/work" IMAGE /work/packages/installers/install.sh
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import testinfra
from installer_lab import Kit, machine, make

from slipway.containers import Engine
from slipway.platforms import PLATFORMS

pytestmark = pytest.mark.slow
INSTALL = "/work/packages/installers/install.sh"
UNINSTALL = "/work/packages/installers/uninstall-hello.sh"
# What the smallest systems have of busybox: no fetcher, no sudo, no python, no service manager.
APPLETS = (
    "[ awk basename cat chmod chown cmp cp cut date df dirname env expr find grep gunzip gzip head id kill ln ls mkdir mktemp mv "
    "od ps readlink rm rmdir sed sh sha256sum sleep sort stat sync tail tar test touch tr true uname uniq wc"
)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A release for Linux as it lies beside slipway.toml: packages/ with the archives, packages/installers with the scripts."""
    # A system of nothing but busybox has no glibc, for which linux-amd64 is built.
    names = (machine(), f"{machine()}-musl")
    return make(tmp_path_factory.mktemp("docker"), platforms=tuple(PLATFORMS[name] for name in names))


@pytest.fixture(scope="module")
def busybox_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image of nothing but a static busybox and links to it."""
    packed = tmp_path_factory.mktemp("busybox") / "image.tar"
    with tarfile.open(packed, "w") as tar:
        for name in ("bin", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        tar.add("/bin/busybox", "bin/busybox")
        for name in APPLETS.split():
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    tag = f"slipway-test-busybox:{secrets.token_hex(4)}"
    engine.run("import", packed, tag)
    yield tag
    engine.run("rmi", "--force", tag, check=False)


@pytest.fixture(params=["debian", "busybox"])
def image(request: pytest.FixtureRequest) -> str:
    """A bare Debian, and a system of nothing but busybox."""
    name: str = request.getfixturevalue({"debian": "base_image", "busybox": "busybox_image"}[request.param])
    return name


def docker(engine: Engine, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*engine.command, *map(str, words)],
        env={**os.environ, **engine.env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextmanager
def running(engine: Engine, kit: Kit, image: str, script: str) -> Iterator[str]:
    """A container that has run a script and then stays."""
    name = f"slipway-test-{secrets.token_hex(4)}"
    mount = f"{kit.release.paths.root}:/work"
    done = docker(engine, "run", "--name", name, "--network", "none", "-v", mount, image, "sh", "-c", script)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield name
    finally:
        docker(engine, "rm", "--force", name)


@pytest.mark.req("S0-11")
def test_the_documented_line_installs_on_a_bare_image(engine: Engine, kit: Kit, image: str) -> None:
    mount = f"{kit.release.paths.root}:/work"
    done = docker(engine, "run", "--rm", "-v", mount, image, INSTALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello 1.2.3" in done.stdout
    assert not list(kit.release.paths.packages.rglob(".*")), "something was written beside the packages"


@pytest.mark.req("S0-11", "S0-24", "S0-58")
def test_what_is_installed_on_a_bare_image_goes_away_without_a_trace(engine: Engine, kit: Kit, image: str) -> None:
    # /usr/local and the like are made and removed again; an image of busybox has none of them before.
    use = "PATH=/usr/local/bin:$PATH && hello you && test -f /usr/local/share/hello/install-receipt"
    script = f"{INSTALL} && ({use}) && {INSTALL} && {UNINSTALL} --purge"
    with running(engine, kit, image, script) as name:
        changed = docker(engine, "diff", name).stdout.splitlines()
    assert [line for line in changed if line.startswith(("A", "D")) and not line.endswith("/work")] == []


@pytest.mark.req("S0-11", "S0-60")
def test_a_bare_debian_has_what_was_installed(engine: Engine, kit: Kit, base_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in engine.env.items():
        monkeypatch.setenv(name, value)
    box = f"slipway-test-{secrets.token_hex(4)}"
    mount = f"{kit.release.paths.root}:/work:ro"
    started = docker(engine, "run", "-d", "--name", box, "--network", "none", "-v", mount, base_image, "sleep", "600")
    assert started.returncode == 0, started.stderr
    try:
        host: Any = testinfra.get_host(f"{engine.program}://{box}")
        for absent in ("curl", "wget", "sudo", "python3", "systemctl"):
            assert not host.exists(absent), f"the image has {absent}: it proves nothing"
        done = host.run(INSTALL)
        assert done.rc == 0, done.stdout + done.stderr
        program = host.file("/usr/local/bin/hello")
        assert (program.is_file, program.mode, program.user, program.group) == (True, 0o755, "root", "root")
        assert host.file("/etc/hello/hello.toml").contains('name = "world"')
        assert host.check_output("hello") == "hello world 1.2.3"
        assert host.run(f"{UNINSTALL} --purge").rc == 0
        for gone in ("/usr/local/bin/hello", "/etc/hello", "/usr/local/share/hello", "/var/lib/hello"):
            assert not host.file(gone).exists, gone
    finally:
        docker(engine, "rm", "--force", box)
