"""What a piece of work costs: its processes' CPU seconds, the time that passes, the bytes that come out."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """One measurement."""

    cpu: float
    wall: float
    size: int


def measured(work: Callable[[], Sequence[Path]]) -> Cost:
    """Do some work, which returns the files it made, in a process of its own, and measure that with all its children."""
    start, before = time.perf_counter(), _children()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, writer)
    os.close(writer)
    with os.fdopen(reader) as answer:
        size = int(answer.read() or -1)
    _, status = os.waitpid(child, 0)
    if status != 0 or size < 0:
        raise SystemExit("a measured work failed")
    return Cost(_children() - before, time.perf_counter() - start, size)


def _work(work: Callable[[], Sequence[Path]], writer: int) -> None:
    code = 1
    try:
        os.write(writer, str(sum(path.stat().st_size for path in work())).encode())
        code = 0
    finally:
        os._exit(code)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
