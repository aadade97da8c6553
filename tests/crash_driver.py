"""Runs slipway's command line in children that are killed, or that stumble, at a moment that is said before.

The driver is a process of its own with everything imported and no threads, so a child is a fork of it and begins at once.
It reads orders from its standard input and answers on its standard output, a line of JSON each.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

# Methods of stores: what only reads, and what writes.
READS: Final = ("listing", "digest", "reread", "copy", "pointed", "load", "release", "latest")
WRITES: Final = ("put", "point", "unpoint", "save", "open", "publish", "mark_latest", "withdraw")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run of `slipway WORDS` in a folder.

    `kill` is the record of the journal at which the run is killed, counted from 1: `before` it is written, in the middle of
    it (`half`), or `after`. `rate` is how often a call of a store fails by chance, half of them after the work was done. Once
    `pause_after` records are written, the run makes the file `pause` and waits until it is gone. `host` is the name of the
    machine that it believes to run on; `look_often` lets it look at its lease before each write.
    """

    words: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    kill: int = 0
    when: str = "before"
    rate: float = 0.0
    seed: int = 0
    pause: str = ""
    pause_after: int = 0
    host: str = ""
    look_often: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a run ended: its exit code (negative: the signal), what it said, and which calls of stores it made."""

    code: int
    output: str
    calls: tuple[str, ...]

    def made(self, *verbs: str) -> list[str]:
        """The calls of some methods, each with its first argument."""
        return [call for call in self.calls if call.split(" ", 2)[1] in verbs]

    @property
    def writes(self) -> list[str]:
        """The calls that could change something."""
        return self.made(*WRITES)


class Driver:
    """A running driver."""

    def __init__(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.lock = threading.Lock()

    def run(self, *words: str, cwd: Path, **more: Any) -> Answer:
        """Run slipway and wait for its end."""
        order = Order(words=words, cwd=str(cwd), **more)
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        with self.lock:
            self.child.stdin.write(json.dumps(asdict(order)) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        assert line, "the driver has ended"
        found = json.loads(line)
        return Answer(code=found["code"], output=found["output"], calls=tuple(found["calls"]))

    def close(self) -> None:
        """End it."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.close()
        self.child.wait(20)
        self.child.stdout.close()


# The child.
def _serve() -> None:
    import boto3  # noqa: F401
    import httpx  # noqa: F401

    import slipway

    for found in pkgutil.walk_packages(slipway.__path__, "slipway."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    with tempfile.TemporaryDirectory(prefix="slipway-crash-") as place:
        for line in sys.stdin:
            print(json.dumps(_obey(json.loads(line), Path(place))), flush=True)


def _obey(said: dict[str, Any], place: Path) -> dict[str, Any]:
    """Let a child do what an order says; returns how it ended."""
    order, output, calls = Order(**{**said, "words": tuple(said["words"])}), place / "output", place / "calls"
    calls.write_text("")
    if (child := os.fork()) == 0:
        _run(order, output, calls)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "output": output.read_text(errors="replace"), "calls": calls.read_text().splitlines()}


def _run(order: Order, output: Path, calls: Path) -> None:
    """Run the command in this child, which ends here."""
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # Whoever started the tests in the background has let them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(order.env)
    os.chdir(order.cwd)
    _believe(order.host)
    _look(often=order.look_often)
    _watch_journal(order)
    _watch_stores(order, calls)
    from slipway.cli import main

    code = 70
    try:
        main(list(order.words))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, the test is to read it
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _believe(host: str) -> None:
    """Run on a machine of another name, where the numbers of processes say nothing about those here."""
    from slipway.actions import journal, lease

    if host:
        for each in (journal, lease):
            vars(each)["whoami"] = lambda: f"somebody@{host}"
        lease.machine = lambda: f"boot of {host}"


def _look(*, often: bool) -> None:
    from slipway.actions import lease

    if often:
        lease.SECONDS_BETWEEN_LOOKS = -1  # type: ignore[misc]


def _watch_journal(order: Order) -> None:
    """Die, or wait, at a record."""
    from slipway.actions import journal

    write, count, lock = journal._append_lines, [0], threading.Lock()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def append(path: Path, data: bytes) -> None:
        with lock:
            count[0] += 1
            here = count[0] == order.kill
            if here and order.when == "before":
                die()
            if here and order.when == "half":
                with path.open("ab") as file:
                    file.write(data[: len(data) // 2])
                die()
            write(path, data)
            if here:
                die()
            if order.pause and count[0] == order.pause_after:
                _wait(Path(order.pause))

    journal._append_lines = append


def _wait(mark: Path) -> None:
    """Say that it is here, and wait until the mark is taken away."""
    import time

    mark.touch()
    while mark.exists():
        time.sleep(0.01)


def _watch_stores(order: Order, calls: Path) -> None:
    """Note every call of a store, and let some of them fail."""
    from slipway.publish.dir import Folder
    from slipway.publish.forge import Releases
    from slipway.publish.s3 import Bucket
    from slipway.publish.ssh import Server

    notes = calls.open("a", buffering=1)
    chance = _Chance(order.rate, order.seed)
    for kind in (Folder, Releases, Bucket, Server):
        for verb in (*READS, *WRITES):
            if verb in vars(kind):
                setattr(kind, verb, _watched(verb, vars(kind)[verb], notes.write, chance))


def _watched(verb: str, method: Callable[..., Any], note: Callable[[str], object], chance: _Chance) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **more: Any) -> Any:
        first = getattr(arguments[0], "name", getattr(arguments[0], "tag", arguments[0])) if arguments else ""
        note(f"{self.name} {verb} {first}\n")
        chance.stumble("the question was lost")
        answer = method(self, *arguments, **more)
        chance.stumble("the answer was lost")
        return answer

    return call


class _Chance:
    """Fails now and then; now and then for good."""

    def __init__(self, rate: float, seed: int) -> None:
        self.rate, self.random, self.lock = rate / 2, random.Random(seed), threading.Lock()

    def stumble(self, what: str) -> None:
        from slipway.errors import SlipwayError, TransientError

        if not self.rate:
            return
        with self.lock:
            hit, fatal = self.random.random() < self.rate, self.random.random() < 0.2
        if hit:
            raise SlipwayError(f"broken on purpose: {what}") if fatal else TransientError(f"stumbled on purpose: {what}")


if __name__ == "__main__":
    _serve()
