"""The jobs that all cargos of a run share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from slipway.build import jobs, machine
from slipway.build.jobs import Jobserver, Lease, Stopping, Turns
from slipway.errors import SlipwayError

GIB = 1 << 30


@pytest.fixture
def server() -> Iterator[Jobserver]:
    made = Jobserver(4, Stopping())
    yield made
    made.close()


def holding(store: jobs.Store, *, apart: bool = False) -> AbstractContextManager[Lease]:
    return contextmanager(store.lease)(apart=apart)


def free(lease: Lease) -> int:
    """How many jobs a child could take now; it gives them back."""
    code = (
        "import os, select, sys\nread, write = map(int, sys.argv[1].split(','))\ngot = b''\n"
        "while select.select([read], [], [], 0.2)[0]: got += os.read(read, 1)\nos.write(write, got); print(len(got))"
    )
    said = lease.environment["CARGO_MAKEFLAGS"].rpartition("=")[2]
    done = subprocess.run(
        [sys.executable, "-c", code, said], pass_fds=lease.files, capture_output=True, text=True, check=True, timeout=30
    )
    return int(done.stdout)


@pytest.mark.parametrize(
    ("environment", "said", "processors", "memory", "expected"),
    [
        ({}, 0, 8, 64 * GIB, 8),
        ({}, 0, 8, 3 * GIB + 1, 3),
        ({}, 0, 8, 10, 1),
        ({}, 0, 8, None, 8),
        ({"CARGO_BUILD_JOBS": "2"}, 0, 8, 64 * GIB, 2),
        ({"CARGO_BUILD_JOBS": "12"}, 0, 8, GIB, 12),
        ({"CARGO_BUILD_JOBS": "-2"}, 0, 8, GIB, 6),
        ({"CARGO_BUILD_JOBS": "-9"}, 0, 8, GIB, 1),
        ({"CARGO_BUILD_JOBS": "default"}, 0, 8, 64 * GIB, 8),
        ({"CARGO_BUILD_JOBS": ""}, 3, 8, 64 * GIB, 3),
        ({"CARGO_BUILD_JOBS": "2"}, 3, 8, 64 * GIB, 2),
    ],
)
def test_how_many_jobs_the_machine_bears(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: int, processors: int, memory: int | None, expected: int
) -> None:
    monkeypatch.setattr(machine, "processors", lambda: processors)
    monkeypatch.setattr(machine, "memory", lambda: memory)
    assert jobs.count(environment, said) == expected


def test_a_step_holds_the_first_job_of_its_cargo(server: Jobserver) -> None:
    with holding(server) as first:
        assert free(first) == 3
        with holding(server) as second:
            assert free(second) == 2
        assert free(first) == 3
    with holding(server) as again:
        assert free(again) == 3
        assert again.environment["CARGO_BUILD_JOBS"] == "4"


def test_who_finds_no_job_waits_for_one() -> None:
    server = Jobserver(1, Stopping())
    seen: list[str] = []
    with holding(server):
        waiting = threading.Thread(target=lambda: _note(server, seen), daemon=True)
        waiting.start()
        time.sleep(0.4)
        assert not seen
    waiting.join(10)
    assert seen == ["held"]
    server.close()


def _note(store: jobs.Store, seen: list[str]) -> None:
    try:
        with holding(store):
            seen.append("held")
    except SlipwayError as error:
        seen.append(error.message)


def test_jobs_that_a_killed_compiler_kept_come_back(server: Jobserver) -> None:
    with holding(server) as lease:
        code = "import os, sys; os.read(int(sys.argv[1]), 3)"
        subprocess.run([sys.executable, "-c", code, str(lease.files[0])], pass_fds=lease.files, check=True)
        assert free(lease) == 0
    with holding(server) as lease:
        assert free(lease) == 3


@pytest.mark.parametrize(("total", "held"), [(1, "1"), (4, "4"), (5, "5")])
def test_a_container_gets_its_jobs_at_once(total: int, held: str) -> None:
    server = Jobserver(total, Stopping())
    with holding(server, apart=True) as lease:
        assert lease.environment == {"CARGO_BUILD_JOBS": held}
        assert lease.files == ()
    with holding(server) as lease:
        assert free(lease) == total - 1
    server.close()


def test_a_container_waits_for_half_of_the_jobs(server: Jobserver) -> None:
    with holding(server), holding(server, apart=True) as lease:
        assert lease.environment == {"CARGO_BUILD_JOBS": "3"}


@pytest.mark.parametrize("kind", ["jobserver", "turns"])
def test_a_stopped_run_begins_nothing(kind: str) -> None:
    stopping = Stopping()
    seen: list[str] = []
    store: jobs.Store = Jobserver(1, stopping) if kind == "jobserver" else Turns(Lease(), stopping)
    with holding(store):
        waiting = threading.Thread(target=lambda: _note(store, seen), daemon=True)
        waiting.start()
        time.sleep(0.2)
        stopping.stop()
        waiting.join(10)
    assert seen == ["the run has been stopped"]


@pytest.mark.parametrize(
    ("variable", "value", "kind"),
    [
        ("MAKEFLAGS", "-j4 --jobserver-auth=fifo:{fifo}", "make's"),
        ("MAKEFLAGS", "-j4 --jobserver-auth={read},{write}", "make's"),
        ("CARGO_MAKEFLAGS", "-j --jobserver-fds={read},{write}", "make's"),
        # make closes its pipe for commands that it does not take for another make.
        ("MAKEFLAGS", "-j4 --jobserver-auth=-2,-2", "ours"),
        ("MAKEFLAGS", "-j4 --jobserver-auth=997,998", "ours"),
        ("MAKEFLAGS", "-j4 --jobserver-auth=fifo:{fifo}-gone", "ours"),
        ("MAKEFLAGS", "k", "ours"),
    ],
)
def test_a_make_around_the_run_shares_its_jobs(tmp_path: Path, variable: str, value: str, kind: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read, write = os.pipe()
    text = value.format(fifo=fifo, read=read, write=write)
    store = jobs.open_store({variable: text}, Stopping())
    with holding(store) as lease:
        assert ("CARGO_MAKEFLAGS" in lease.environment) == (kind == "ours")
        if kind == "make's":
            assert lease.environment == {}
            assert lease.files == ((read, write) if "{read}" in value else ())
    os.close(read)
    os.close(write)


def test_make_takes_its_jobs_from_us(server: Jobserver, tmp_path: Path) -> None:
    """A build script may run make, which has to understand where its jobs come from."""
    (tmp_path / "Makefile").write_text("all: a b c d e f\na b c d e f:\n\t@echo + >>log; sleep 0.2; echo - >>log\n")
    with holding(server) as lease:
        environment = {**os.environ, "MAKEFLAGS": lease.environment["CARGO_MAKEFLAGS"]}
        done = subprocess.run(
            ["make"], cwd=tmp_path, env=environment, pass_fds=lease.files, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert "jobserver" not in done.stderr
    assert _most((tmp_path / "log").read_text()) == 4


def _most(log: str) -> int:
    running = most = 0
    for sign in log.split():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    return most
