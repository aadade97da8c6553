"""Servers that run beside the tests: on a free port of this machine, ready when the block begins, gone when it ends."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
TRIES = 5
PATIENCE = 30.0
# The server ends with whoever holds the other end of its guard's standard input, however that ends.
_GUARDED = (
    '"$@" </dev/null & pid=$!; while kill -0 "$pid" 2>/dev/null && read -r _; do :; done; kill "$pid" 2>/dev/null; wait "$pid"'
)


@contextmanager
def beside(command: Callable[[int], Sequence[str | Path]], log: Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run the server that `command` starts on a port; gives the port on which it answers.

    Another process may take a port between the asking and the using, so there are a few tries.
    """
    for _ in range(TRIES):
        port = free_port()
        with log.open("ab") as out:
            words = ["sh", "-c", _GUARDED, "sh", *map(str, command(port))]
            child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=out, env=env, start_new_session=True)
        try:
            if _answers(child, port):
                yield port
                return
        finally:
            _end(child)
    raise AssertionError(f"the server did not start:\n{log.read_text(errors='replace')}")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as there:
        there.bind((HOST, 0))
        port: int = there.getsockname()[1]
        return port


def _answers(child: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if _is_over(child):
            return False
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _is_over(child: subprocess.Popen[bytes]) -> bool:
    """Whether the server has ended; its guard only notices when it is spoken to."""
    try:
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        return True
    return child.poll() is not None


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
