"""Compiling side by side: every cargo of a run takes its jobs from one store, so that together they fit the machine.

The store is a jobserver as GNU make has it (https://www.gnu.org/software/make/manual/html_node/Job-Slots.html): a
pipe with one byte per job. A Step takes a byte before it starts cargo, which is cargo's first job; cargo, rustc and a
`make` below them read a byte for each further one, and everybody writes back what it has read.
"""

from __future__ import annotations

import os
import re
import select
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from slipway.build import machine
from slipway.errors import SlipwayError

# What one rustc takes when it optimises a crate of the usual size.
MEMORY: Final = 1 << 30
_PATIENCE: Final = 0.1  # seconds until a waiting Step looks whether the run has been stopped
_AUTH: Final = re.compile(r"--jobserver-(?:auth|fds)=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a program that shares the jobs is started with: its variables, and the open files that it inherits."""

    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[int, ...] = ()


class Store(Protocol):
    """Where jobs are taken from."""

    def lease(self, *, apart: bool) -> Iterator[Lease]:
        """Wait for a job and hold it while the generator is open."""


class Stopping:
    """Whether the run has been stopped: then nobody who waits gets a job any more."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let nobody begin."""
        self._stopped.set()

    def check(self) -> None:
        """Raise SlipwayError in the thread of a Step that has not begun."""
        if self._stopped.is_set():
            raise SlipwayError("the run has been stopped", hint="the same command goes on from there")


class Jobserver:
    """A pipe with a byte for each job of the machine."""

    def __init__(self, total: int, stopping: Stopping) -> None:
        self._total, self._stopping = total, stopping
        self._lock, self._gathering = threading.Lock(), threading.Lock()
        self._holders = 0
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            # It needs a name only until it is opened: once for us, without blocking, and once for the children.
            fifo = Path(folder) / "jobs"
            os.mkfifo(fifo, 0o600)
            self._pipe = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
            self._files = os.open(fifo, os.O_RDONLY), os.open(fifo, os.O_WRONLY)

    def close(self) -> None:
        """Give up the pipe."""
        for file in (self._pipe, *self._files):
            os.close(file)

    def lease(self, *, apart: bool) -> Iterator[Lease]:
        """Take one job; for a program that works `apart` and cannot take more by itself, at least half of all."""
        held = self._first()
        try:
            if apart:
                with self._gathering:
                    held += self._more(self._total - held)
                yield Lease(environment={"CARGO_BUILD_JOBS": str(held)})
            else:
                ends = ",".join(map(str, self._files))
                # Programs older than the newer of the two names look for the other.
                flags = f"-j --jobserver-fds={ends} --jobserver-auth={ends}"
                yield Lease(environment={"CARGO_MAKEFLAGS": flags, "CARGO_BUILD_JOBS": str(self._total)}, files=self._files)
        finally:
            with self._lock:
                self._holders -= 1
                self._put(held)

    def _first(self) -> int:
        while True:
            self._stopping.check()
            with self._lock:
                if not self._holders:
                    # A rustc that was killed has given nothing back; now that nobody works, all jobs are free.
                    self._get(self._total)
                    self._put(self._total)
                if self._get(1):
                    self._holders += 1
                    return 1
            select.select([self._pipe], [], [], _PATIENCE)

    def _more(self, wanted: int) -> int:
        got = self._get(wanted)
        while 2 * (got + 1) < self._total and self._holders > 1:
            self._stopping.check()
            select.select([self._pipe], [], [], _PATIENCE)
            got += self._get(wanted - got)
        return got

    def _get(self, count: int) -> int:
        try:
            return len(os.read(self._pipe, count)) if count else 0
        except BlockingIOError:
            return 0

    def _put(self, count: int) -> None:
        os.write(self._pipe, b"+" * count)


class Turns:
    """One cargo at a time, where they cannot share: it keeps the machine busy by itself."""

    def __init__(self, lease: Lease, stopping: Stopping) -> None:
        self._lease, self._stopping = lease, stopping
        self._turn = threading.Lock()

    def lease(self, *, apart: bool) -> Iterator[Lease]:
        """Wait for the turn."""
        del apart
        while not self._turn.acquire(timeout=_PATIENCE):
            self._stopping.check()
        try:
            self._stopping.check()
            yield self._lease
        finally:
            self._turn.release()


def open_store(environment: Mapping[str, str], stopping: Stopping, said: int = 0) -> Store:
    """Choose where jobs come from.

    Below a `make -j` they are those of make: slipway has one of them, which one cargo at a time can use.
    """
    files = inherited(environment)
    if files is not None:
        return Turns(Lease(files=files), stopping)
    total = count(environment, said)
    if hasattr(os, "mkfifo"):
        with suppress(OSError):
            return Jobserver(total, stopping)
    return Turns(Lease(environment={"CARGO_BUILD_JOBS": str(total)}), stopping)


def count(environment: Mapping[str, str], said: int = 0) -> int:
    """How many jobs run at once: as CARGO_BUILD_JOBS or `jobs` of cargo's configuration say, else what the machine bears."""
    text = environment.get("CARGO_BUILD_JOBS", "")
    wanted = int(text) if re.fullmatch(r"-?\d+", text) else said
    if wanted:
        # As cargo reads it, a negative number leaves that many processors free.
        return wanted if wanted > 0 else max(1, machine.processors() + wanted)
    free = machine.memory()
    return machine.processors() if free is None else max(1, min(machine.processors(), free // MEMORY))


def inherited(environment: Mapping[str, str]) -> tuple[int, ...] | None:
    """The open files of the jobserver that slipway was started under (none for a named one); None when there is no such."""
    flags = next((environment[name] for name in ("CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS") if environment.get(name)), "")
    if not (found := _AUTH.findall(flags)):
        return None
    kind, _, path = found[-1].partition(":")
    if kind == "fifo":
        return () if Path(path).exists() else None
    files = tuple(int(number) for number in kind.split(",") if number.isdigit())
    # make closes them for a command that it does not take for another make.
    return files if len(files) == 2 and all(map(_is_pipe, files)) else None


def _is_pipe(file: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(file).st_mode)
    except OSError:
        return False


_opening: Final = threading.Lock()
_stopping: Final = Stopping()
_stores: Final[list[Store]] = []


@contextmanager
def job(*, apart: bool = False, said: int = 0) -> Iterator[Lease]:
    """Hold one of the run's jobs inside the block; `said` is how many cargo's configuration wants in all."""
    with _opening:
        if not _stores:
            _stores.append(open_store(os.environ, _stopping, said))
    yield from _stores[0].lease(apart=apart)


def stop() -> None:
    """The run is being stopped: whoever waits for a job gets none."""
    _stopping.stop()
