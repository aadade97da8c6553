"""How much of this machine a build may use: processors and memory, as the kernel and its control groups allow."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")


def processors(root: Path = _ROOT) -> int:
    """How many processors this process may keep busy."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        count = os.cpu_count() or 1
    return max(1, min(count, *(math.ceil(share) for share in (count, *_shares(root)))))


def memory(root: Path = _ROOT) -> int | None:
    """How many bytes of memory can be used without taking them from others; None where nobody tells."""
    found = [*_free(root), *_left(root)]
    if found:
        return max(0, min(found))
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _shares(root: Path) -> Iterator[float]:
    # https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files, and cpu.cfs_* of version 1.
    for folder in _groups(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        quota, period = quota or _text(folder / "cpu.cfs_quota_us"), period or _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)


def _free(root: Path) -> Iterator[int]:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _left(root: Path) -> Iterator[int]:
    for folder in _groups(root, "memory"):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            with suppress(ValueError):  # there is no such file, or it says "max"
                # What was read from files and not used for a while is given up when memory is short.
                held = int(_text(folder / used)) - _field(folder / "memory.stat", cache)
                yield int(_text(folder / limit)) - held


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control groups, up to the outermost: each may set a limit."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number != "0" and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controllers or "")
        # In a container the path may be the host's, while only the container's own group is mounted.
        inner = base / path.strip("/")
        for folder in (inner, *inner.parents):
            yield folder
            if folder == base:
                break


def _field(file: Path, name: str) -> int:
    words = dict(line.split() for line in _text(file).splitlines() if line.count(" ") == 1)
    return int(words.get(name, 0))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
