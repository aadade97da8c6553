"""The command line and the forges: publish, be killed, go on, publish the next one, roll back, watched by the public."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from forge_gitea import gitea
from forge_github import github
from forge_gitlab import gitlab
from forge_server import Forge
from release_sample import Machine, Sample

pytestmark = pytest.mark.slow
OPENERS: dict[str, Callable[[], AbstractContextManager[Forge]]] = {"github": github, "gitlab": gitlab, "gitea": gitea}
TOML = """\
[store.site]
kind = "dir"
path = "{path}"

[store.code]
kind = "{kind}"
api = "{api}"
repository = "acme/greeter"
credential = {{ env = "FORGE_TOKEN" }}

[environment.trial]
stores = ["site", "code"]
state = "site"
confirm = "none"
tag = "none"
install = false
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Releases that are ready to be published."""
    return Sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(params=list(OPENERS))
def fake(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each of the forges."""
    with OPENERS[request.param]() as found:
        found.kind = request.param  # type: ignore[attr-defined]
        yield found


@pytest.fixture
def machine(fake: Any, sample: Sample, tmp_path: Path) -> Machine:
    """A machine that publishes to the forge and to a folder."""
    return Machine(tmp_path / "machine", sample, TOML.format(path=tmp_path / "site", kind=fake.kind, api=fake.api))


def variables(machine: Machine, fake: Any) -> Mapping[str, str]:
    """What a run is told."""
    return {**os.environ, **machine.env, "FORGE_TOKEN": fake.token, "NO_PROXY": "*"}


def slipway(machine: Machine, fake: Any, version: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout of a version."""
    return subprocess.run(
        [sys.executable, "-m", "slipway", *words, "--environment", "trial"],
        cwd=machine.checkout(version),
        env=variables(machine, fake),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def publish(machine: Machine, fake: Any, version: str, *words: str) -> str:
    """Publish a version; returns what was said."""
    done = slipway(machine, fake, version, "publish", "--version", version, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def killed_at(machine: Machine, fake: Any, version: str, calls: int) -> bool:
    """Publish, and kill the run when it has made so many calls; false when it ended before."""
    words = [sys.executable, "-m", "slipway", "publish", "--version", version, "--environment", "trial", "--take-lease"]
    with subprocess.Popen(
        words,
        cwd=machine.checkout(version),
        env=variables(machine, fake),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        while run.poll() is None:
            if len(fake.calls) >= calls:
                run.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
    return run.returncode == -signal.SIGKILL


@contextmanager
def watched(fake: Any, expected: dict[str, set[str]]) -> Iterator[list[str]]:
    """Look every millisecond whether a release that the public sees has all its files."""
    wrong: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.001):
            shown = fake.published()
            wrong.extend(f"half of {tag}" for tag in shown if set(shown[tag]) != expected[tag])
            if (latest := fake.latest_tag()) is not None and latest not in shown:
                wrong.append(f"the latest is {latest}, which is not there")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


def test_a_dry_run_writes_nothing(machine: Machine, fake: Any) -> None:
    said = publish(machine, fake, "1.0.0", "--dry-run")
    assert "v1.0.0" in said
    assert fake.writes() == []


@pytest.mark.req("S0-41", "S0-44")
def test_two_releases_and_the_way_back(machine: Machine, fake: Any, tmp_path: Path) -> None:
    said = [publish(machine, fake, "1.0.0")]
    first = fake.published()["v1.0.0"]
    assert {"install.sh", "SHA256SUMS", "manifest.json"} <= set(first)
    calls = len(fake.writes())
    said.append(publish(machine, fake, "1.0.0"))
    assert "nothing to do" in said[-1]
    assert len(fake.writes()) == calls
    fake.at_random(0.05, 7)
    with watched(fake, {"v1.0.0": set(first), "v1.1.0": named(first)}) as wrong:
        said.append(publish(machine, fake, "1.1.0", "--retry-count", "8", "--backoff-delay", "0"))
    fake.at_random(0, 0)
    assert wrong == []
    assert fake.latest_tag() == "v1.1.0"
    back = slipway(machine, fake, "1.1.0", "rollback-release", "--from-version", "1.1.0", "--to-version", "1.0.0", "--emergency")
    assert back.returncode == 0, back.stdout + back.stderr
    assert fake.latest_tag() == "v1.0.0"
    assert fake.published()["v1.0.0"] == first
    said.append(back.stdout + back.stderr)
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(fake.token.encode() in each for each in (*kept, *(text.encode() for text in said)))


def named(first: dict[str, bytes]) -> set[str]:
    """The names of the next release, from those of the first."""
    return {name.replace("1.0.0", "1.1.0") for name in first}


def test_a_run_that_is_killed_anywhere_is_ended_by_the_next(machine: Machine, fake: Any) -> None:
    publish(machine, fake, "1.0.0")
    first = fake.published()["v1.0.0"]
    kills = 0
    with watched(fake, {"v1.0.0": set(first), "v1.1.0": named(first)}) as wrong:
        for calls in range(2, 60, 6):
            fake.calls.clear()
            if not killed_at(machine, fake, "1.1.0", calls):
                break
            kills += 1
        publish(machine, fake, "1.1.0", "--take-lease")
    assert kills >= 3
    assert wrong == []
    assert set(fake.published()["v1.1.0"]) == named(first)
    assert fake.latest_tag() == "v1.1.0"
    assert len([each for each in getattr(fake, "releases", ()) if getattr(each, "tag", each) == "v1.1.0"]) == 1
