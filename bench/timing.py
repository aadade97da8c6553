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
    """One measurement: seconds, bytes that came out, and the most memory in KiB that a process started by the work took."""

    cpu: float
    wall: float
    size: int
    memory: int = 0


def measured(work: Callable[[], Sequence[Path]]) -> Cost:
    """Do some work, which returns the files it made, in a process of its own, and measure that with all its children."""
    start, before = time.perf_counter(), _children()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, writer)
    os.close(writer)
    with os.fdopen(reader) as answer:
        found = answer.read().split()
    _, status = os.waitpid(child, 0)
    if status != 0 or len(found) != 2:
        raise SystemExit("a measured work failed")
    return Cost(_children() - before, time.perf_counter() - start, int(found[0]), int(found[1]))


def _work(work: Callable[[], Sequence[Path]], writer: int) -> None:
    code = 1
    try:
        size = sum(path.stat().st_size for path in work())
        os.write(writer, f"{size} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}".encode())
        code = 0
    finally:
        os._exit(code)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
