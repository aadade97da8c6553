"""One run at a time in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.doit.lock import run_lock
from slipway.errors import GateError

_HOLDER = """
import sys
from pathlib import Path
from slipway.doit.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_and_told_who_works(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(GateError, match=f"process {holder.pid}"), run_lock(lock):
            pass
        holder.kill()
    with run_lock(lock):
        assert lock.exists()
