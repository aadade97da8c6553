"""A docker engine of our own, for machines where none runs: shared by all slipway processes, gone with the last of them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from slipway import console, process
from slipway.errors import GateError, SlipwayError
from slipway.files import remove_tree, write_atomic

HOW_TO_GET_ONE: Final = (
    "start docker (systemctl start docker, or open Docker Desktop), or install podman or docker (apt-get install docker.io); "
    "SLIPWAY_ENGINE chooses one"
)
_DRIVERS: Final = ("overlay2", "vfs")
_PATIENCE: Final = 60.0
# The first argument is the folder of the running engine, the second the lock that every process using it shares. The guard
# gets the lock for itself when the last of them has ended, however it ended. dockerd leaves a mount of the host's network behind.
_GUARD: Final = """run=$1 lock=$2; shift 2
(dockerd "$@"; : >"$run/ended") </dev/null &
exec 9>>"$lock"
flock -x 9
[ -e "$run/keep" ] && exit
kill "$(cat "$run/pid")"
wait
umount "$run"/exec/netns/* 2>/dev/null
rm -rf "$run"
"""
# What keeps the engine alive until this process ends.
_held: Final[list[Any]] = []


def can_start() -> bool:
    """Whether this user may start an engine and has the programs for it."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return root and all(process.which(name) for name in ("dockerd", "docker", "flock"))


def address(run: Path) -> str:
    """What DOCKER_HOST has to be for an engine that runs in a folder."""
    return f"unix://{run}/sock"


def join(home: Path) -> Path:
    """Return the folder of the engine that keeps its images in `home`; it is started unless another process has done so."""
    import fcntl  # only where Unix is

    home.mkdir(parents=True, exist_ok=True)
    # An engine that is just being stopped holds the lock alone: we wait, then start anew.
    users = (home / "users.lock").open("a")
    fcntl.flock(users, fcntl.LOCK_SH)
    _held.append(users)
    with (home / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _running(home) or _start(home)


def wait_until(ready: Callable[[], bool], complaint: str) -> None:
    """Wait until something has come about; raises SlipwayError with the complaint when it takes too long."""
    end = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise SlipwayError(f"{complaint} within {_PATIENCE:.0f} seconds", hint="is the machine very busy? Run again")
        time.sleep(0.05)


def _answers(run: Path) -> bool:
    question = ("docker", "version", "--format", "{{.Server.Version}}")
    return process.capture(question, env={"DOCKER_HOST": address(run)}) is not None


def _running(home: Path) -> Path | None:
    noted = home / "running"
    run = Path(noted.read_text()) if noted.is_file() else None
    return run if run is not None and run.is_dir() and _answers(run) else None


def _start(home: Path) -> Path:
    for driver in _DRIVERS:
        run = Path(tempfile.mkdtemp(prefix="slipway-docker-"))
        console.log(f"no container engine answers: starting dockerd with {driver} in {run}, images in {home}")
        _start_with(driver, home, run)
        if not (run / "ended").exists():
            write_atomic(home / "running", str(run).encode())
            return run
        remove_tree(run)
    said = (home / "dockerd.log").read_text(errors="replace")[-1000:]
    raise GateError(f"no container engine answers, and dockerd cannot be started here:\n{said}", hint=HOW_TO_GET_ONE)


def _start_with(driver: str, home: Path, run: Path) -> None:
    places = (f"--data-root={home}/{driver}", f"--exec-root={run}/exec", f"--pidfile={run}/pid", "-H", address(run))
    words = (f"--storage-driver={driver}", *places, "--bridge=none", "--iptables=false")
    _held.append(process.start(["sh", "-c", _GUARD, "sh", run, home / "users.lock", *words], log=home / "dockerd.log"))
    wait_until(lambda: (run / "ended").exists() or _answers(run), "dockerd does not answer")
