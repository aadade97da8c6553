"""What may be used of a machine, as the kernel and its control groups say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway.build import machine

MIB = 1 << 20
FREE = {"proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n"}
TWO = {**FREE, "proc/self/cgroup": "0::/user.slice/build\n"}
ONE = {**FREE, "proc/self/cgroup": "4:memory:/docker/1a2b\n2:cpu,cpuacct:/docker/1a2b\n0::/\n"}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FREE, 8192),
        ({**TWO, "sys/fs/cgroup/user.slice/build/memory.max": "max\n"}, 8192),
        (
            {
                **TWO,
                "sys/fs/cgroup/user.slice/build/memory.max": f"{4096 * MIB}\n",
                "sys/fs/cgroup/user.slice/build/memory.current": f"{1500 * MIB}\n",
                "sys/fs/cgroup/user.slice/build/memory.stat": f"anon 1\ninactive_file {500 * MIB}\n",
            },
            3096,
        ),
        # A group further out counts as well.
        (
            {**TWO, "sys/fs/cgroup/user.slice/memory.max": f"{2048 * MIB}\n", "sys/fs/cgroup/user.slice/memory.current": "0\n"},
            2048,
        ),
        # In a container of the older kind only the inner folder is mounted.
        (
            {
                **ONE,
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{1024 * MIB}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{100 * MIB}\n",
            },
            924,
        ),
        # The older kind says "no limit" by a number.
        (
            {
                **ONE,
                "sys/fs/cgroup/memory/docker/1a2b/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/docker/1a2b/memory.usage_in_bytes": "5\n",
            },
            8192,
        ),
    ],
)
def test_memory(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert machine.memory(write(tmp_path, files)) == expected * MIB


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({**TWO, "sys/fs/cgroup/user.slice/build/cpu.max": "max 100000\n"}, 8),
        ({**TWO, "sys/fs/cgroup/user.slice/build/cpu.max": "250000 100000\n"}, 3),
        ({**TWO, "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (
            {
                **ONE,
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        ({**ONE, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "1\n"}, 8),
    ],
)
def test_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    assert machine.processors(write(tmp_path, files)) == expected


def test_this_machine() -> None:
    assert 1 <= machine.processors() <= (os.cpu_count() or 1)
    assert (machine.memory() or 0) > MIB
