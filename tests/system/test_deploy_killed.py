"""A deployment that is killed, by whatever signal and wherever it was, and typed again: it ends as if nothing had been."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import hello
from slipway.containers import Engine

pytestmark = pytest.mark.slow
TOML = hello.TOML.replace('"linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"', '"linux-amd64"').replace(
    'packages = ["deb", "rpm", "freebsd", "pkg"]', "packages = []"
)
IGNORED = "/dist/\n/packages/\n/published/\n/build.log\n/.slipway/\n__pycache__/\n"
# What a publication of this project writes into its journal when nothing comes between.
RECORDS = 74


@dataclass(frozen=True)
class Desk:
    """One copy of the project, with journals of its own."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder.parent / "state"

    @property
    def site(self) -> Path:
        return self.folder / "published"

    def records(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self.state.rglob("journal.jsonl"))

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        return hello.run(self.folder, words[0], *words[1:], XDG_STATE_HOME=str(self.state))

    def type_and_kill(self, words: tuple[str, ...], number: int, when: Callable[[], bool]) -> tuple[int, str]:
        """Send a signal to a command, and to all that it has started, as soon as something is so."""
        environment = {**os.environ, "PATH": f"{hello.BIN}:{os.environ['PATH']}", "XDG_STATE_HOME": str(self.state)}
        with subprocess.Popen(
            [hello.BIN / words[0], *words[1:]],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as child:
            while child.poll() is None and not when():
                time.sleep(0.0005)
            assert child.poll() is None, "it ended before it could be killed"
            os.killpg(child.pid, number)
            said, _ = child.communicate(timeout=60)
        return child.returncode, said

    def public(self) -> dict[str, bytes]:
        """What everybody sees: all files but slipway's own, through links too."""
        files = (path for path in self.site.rglob("*") if path.is_file() and ".slipway" not in path.parts)
        found = {str(path.relative_to(self.site)): path.read_bytes() for path in files}
        latest = self.site / "latest"
        return found | {f"latest/{path.name}": path.read_bytes() for path in latest.iterdir()} if latest.exists() else found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, committed, with nothing made."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = f'[environment.local.store.site]\nurl = "http://127.0.0.1:{port}"\n'
    folder = hello.write(tmp_path_factory.mktemp("killed") / "hello", toml=f'{TOML}bootstrap = "bookworm"\n\n{site}')
    (folder / ".gitignore").write_text(IGNORED)
    git = ["git", "-C", str(folder), "-c", "user.name=Tester", "-c", "user.email=tester@hello.example"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "feat: greet"]):
        subprocess.run([*git, *words], check=True)
    return folder


@pytest.fixture(scope="module")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with everything made."""
    folder = tmp_path_factory.mktemp("built") / "hello"
    subprocess.run(["cp", "-a", project, folder], check=True)
    done = hello.run(folder, "doit", "all")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def expected(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the public sees when nothing came between."""
    desk = desk_of(built, tmp_path_factory.mktemp("whole"))
    done = desk.type("doit", "release")
    assert done.returncode == 0, done.stderr
    assert desk.records() == RECORDS
    return desk.public()


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:
    return desk_of(built, tmp_path)


def desk_of(project: Path, folder: Path) -> Desk:
    subprocess.run(["cp", "-a", project, folder / "hello"], check=True)
    return Desk(folder / "hello")


# The signal, at which record of the journal it is sent, the command, and its exit code.
KILLS = [
    (signal.SIGKILL, 1, ("doit", "release"), -9),
    (signal.SIGKILL, 12, ("doit", "release"), -9),
    (signal.SIGKILL, 30, ("doit", "release"), -9),
    (signal.SIGKILL, 50, ("slipway", "publish"), -9),
    (signal.SIGKILL, 63, ("doit", "release"), -9),
    (signal.SIGTERM, 25, ("doit", "release"), 130),
    (signal.SIGTERM, 45, ("slipway", "publish"), 130),
    (signal.SIGINT, 10, ("slipway", "publish"), 130),
    (signal.SIGINT, 50, ("doit", "release"), 130),
    (signal.SIGINT, 10, ("doit", "release", "PARALLEL=true"), 130),
]


@pytest.mark.req("S0-28", "S0-41")
@pytest.mark.parametrize(("number", "record", "words", "code"), KILLS)
def test_what_is_killed_and_typed_again_ends_well(
    desk: Desk, expected: dict[str, bytes], number: int, record: int, words: tuple[str, ...], code: int
) -> None:
    ended, said = desk.type_and_kill(words, number, lambda: desk.records() >= record)
    assert ended == code, said
    reached = desk.records()
    assert record <= reached < RECORDS
    assert "Traceback" not in said
    assert "1.2.3 began and did not end: slipway resume --version 1.2.3" in desk.type("slipway", "status").stdout
    again = desk.type(*words)
    assert again.returncode == 0, again.stderr
    assert "hello 1.2.3 is published in local" in again.stderr
    # Some workers are always amid an action, so what was begun last may be done again.
    done = re.search(r"(\d+) were done already", again.stderr)
    assert (int(done[1]) if done else 0) >= (reached - 16) // 2 - 1
    assert desk.public() == expected
    assert not list(desk.site.rglob("*.part"))
    assert "nothing to do" in desk.type(*words).stderr


@pytest.mark.parametrize("words", [("doit", "release", "PARALLEL=true"), ("doit", "release"), ("slipway", "publish")])
def test_nothing_more_is_begun_after_an_interruption(desk: Desk, words: tuple[str, ...]) -> None:
    ended, said = desk.type_and_kill(words, signal.SIGINT, lambda: desk.records() >= 10)
    assert ended == 130
    assert "the same command goes on from there" in said
    assert "read-back" not in said
    assert not os.path.lexists(desk.site / "latest")
    lease = next((desk.site / ".slipway").rglob("lease.json"))
    assert json.loads(lease.read_bytes())["released"] is True


def test_a_run_that_did_all_and_could_not_say_so_is_told_to_have_ended(desk: Desk) -> None:
    assert desk.type("slipway", "publish").returncode == 0
    for path in (*desk.state.rglob("journal.jsonl"), *desk.site.rglob("journal.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        assert b'"ended"' in lines[-1]
        path.write_bytes(b"".join(lines[:-1]))
    assert "did not end" in desk.type("slipway", "status").stdout
    again = desk.type("slipway", "publish")
    assert (again.returncode, "everything was done already" in again.stderr) == (0, True), again.stderr
    assert "did not end" not in desk.type("slipway", "status").stdout
    assert "nothing to do" in desk.type("slipway", "publish").stderr


@pytest.mark.req("S0-44", "S0-62")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130)])
def test_a_way_back_that_is_killed_goes_on(desk: Desk, number: int, code: int) -> None:
    for words in (["slipway", "publish"], ["doit", "all", "VERSION=1.3.0"], ["slipway", "publish", "--version", "1.3.0"]):
        assert desk.type(*words).returncode == 0
    before, back = desk.records(), ("slipway", "rollback-release", "--from-version", "1.3.0", "--to-version", "1.2.3")
    ended, said = desk.type_and_kill(back, number, lambda: desk.records() >= before + 12)
    assert ended == code, said
    status = desk.type("slipway", "status").stdout
    assert "the way back from 1.3.0 to 1.2.3 began and did not end:" in status
    assert "slipway rollback-release --from-version 1.3.0 --to-version 1.2.3" in status
    again = desk.type(*back)
    assert again.returncode == 0, again.stderr
    assert "hello is rolled back from 1.3.0 to 1.2.3 in local" in again.stderr
    assert (desk.site / "latest").readlink() == Path("v1.2.3")
    status = desk.type("slipway", "status").stdout
    assert "did not end" not in status
    assert "1.3.0 withdrawn" in status


DEPLOY = ("doit", "cd-deploy", "VARIANTS=minimal")


def test_a_deployment_that_is_killed_while_it_builds_begins_anew(project: Path, engine: Engine, tmp_path: Path) -> None:
    desk = desk_of(project, tmp_path)
    ended, _ = desk.type_and_kill(DEPLOY, signal.SIGKILL, lambda: any((desk.folder / "dist").glob("*.contents.json")))
    assert ended == -9
    again = desk.type(*DEPLOY)
    assert again.returncode == 0, again.stderr
    assert "remove what was made before in dist/" in again.stderr
    assert "hello 1.2.3 is published in local" in again.stderr
    assert "left out, since slipway does not do it yet: update-registry, notify-release" in again.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130)])
def test_a_deployment_that_is_killed_while_it_publishes_goes_on(
    project: Path, engine: Engine, tmp_path: Path, number: int, code: int
) -> None:
    desk = desk_of(project, tmp_path)
    ended, said = desk.type_and_kill(DEPLOY, number, lambda: desk.records() >= 20)
    assert ended == code, said
    made = {path: path.stat().st_ino for path in (desk.folder / "packages").glob("*.tar.gz")}
    again = desk.type(*DEPLOY)
    assert again.returncode == 0, again.stderr
    assert "the publication of 1.2.3 did not end: what is made is kept, and the publication goes on" in again.stderr
    assert "remove" not in again.stderr
    assert "were done already" in again.stderr
    if number == signal.SIGTERM:
        assert "test-dist:" not in again.stderr
        assert {path: path.stat().st_ino for path in made} == made
    # The next one is a deployment like all others.
    shutil.rmtree(desk.folder / "dist")
    assert "remove what was made before" in desk.type("doit", "cd-deploy", "--dry-run").stderr.replace("would ", "")
