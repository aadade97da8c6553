"""The whole way of a release on a fresh clone: deploy, install from the web, deploy the next one, roll back, install again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hello
from slipway.containers import Container, Engine

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]


def commit(folder: Path) -> None:
    """One commit of everything in a folder."""
    git = ["git", "-C", str(folder), "-c", "user.name=Tester", "-c", "user.email=tester@hello.example"]
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "-m", "feat: everything"),
    ):
        subprocess.run([*git, *words], check=True)


def clone(folder: Path, port: int) -> Path:
    """This checkout as a fresh clone of its work tree would be, published at a port of its own."""
    listed = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name, follow_symlinks=False)
    with (folder / "examples/provisioning/slipway.toml").open("a") as file:
        file.write(f'\n[environment.local.store.site]\nurl = "http://127.0.0.1:{port}"\n')
    commit(folder)
    return folder


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(folder: Path, port: int) -> Iterator[None]:
    """What `python -m http.server` in the published folder gives out, as the manual says it."""
    words = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while server.poll() is None and not answers(port):
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def with_curl(engine: Engine, base_image: str) -> str:
    """The id of a plain Debian with curl and nothing else besides."""
    tag = f"localhost/slipway-test-curl:{base_image.removeprefix('sha256:')[:16]}"
    if engine.image_id(tag) is None:
        with Container(engine, base_image, network="host") as box:
            box.exec("apt-get update -qq && apt-get install -y -qq --no-install-recommends curl ca-certificates", check=True)
            engine.run("commit", box.name, tag)
    return engine.image_id(tag) or tag


def installed(engine: Engine, image: str, port: int) -> str:
    """What the installed program says of itself, on a machine that is new each time, after the line that users type."""
    with Container(engine, image, network="host") as box:
        done = box.exec(f"curl -fsSL http://127.0.0.1:{port}/install.sh | sh && PATH=/usr/local/bin:$PATH provisioning --version")
    assert done.code == 0, done.output
    return done.output.strip().splitlines()[-1]


def doit(folder: Path, *words: str) -> str:
    done = hello.run(folder, "doit", *words, XDG_STATE_HOME=str(folder.parent / "state"), PYTHONPATH=str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.req("S0-28", "S0-44", "S0-62", "S0-63", "S4-27")
def test_two_releases_and_the_way_back(engine: Engine, with_curl: str, tmp_path: Path, port: int) -> None:
    folder = clone(tmp_path / "clone", port)
    said = doit(folder, "cd-deploy", "VERSION=2.1.0", "PLATFORMS=linux-amd64")
    assert "provisioning 2.1.0 is published in local" in said
    assert f"curl -fsSL http://127.0.0.1:{port}/install.sh | sh" in said
    assert "left out, since slipway does not do it yet: update-registry, notify-release" in said
    assert "warning" not in said
    with served(folder / "published", port):
        assert installed(engine, with_curl, port) == "provisioning 2.1.0"
        doit(folder, "cd-deploy", "VERSION=2.2.0", "PLATFORMS=linux-amd64")
        assert installed(engine, with_curl, port) == "provisioning 2.2.0"
        back = doit(folder, "rollback-release", "--from-version", "2.2.0", "--to-version", "2.1.0")
        assert "Use 2.1.0." in back
        assert installed(engine, with_curl, port) == "provisioning 2.1.0"
        status = doit(folder, "status")
    assert (folder / "published/latest").readlink() == Path("v2.1.0")
    assert (folder / "published/v2.2.0/manifest.json").is_file()
    assert (folder / "published/v2.2.0/WITHDRAWN.txt").is_file()
    assert "2.1.0 published" in status
    assert "2.2.0 withdrawn" in status


SMALL = hello.TOML.replace('"linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"', '"linux-amd64"').replace(
    'packages = ["deb", "rpm", "freebsd", "pkg"]', "packages = []"
)


@pytest.mark.req("S0-2", "S0-28")
@pytest.mark.parametrize("words", [(), ("PARALLEL=true",)], ids=["in turn", "parallel"])
def test_what_fails_its_tests_is_not_published(engine: Engine, base_image: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    toml = SMALL.replace('basic = ["hello"]', 'basic = ["hello && false"]\nbootstrap = "bookworm"')
    folder = hello.write(tmp_path / "hello", toml=toml)
    done = hello.run(folder, "doit", "cd-deploy", "VARIANTS=minimal", *words)
    assert done.returncode == 4
    assert "FAIL  test-dist:linux-amd64-minimal" in done.stderr
    assert "left out: cd-deploy:left-out.say, cd-deploy:release.publish" in done.stderr
    assert list((folder / "packages").glob("*.tar.gz"))
    assert not (folder / "published").exists()
