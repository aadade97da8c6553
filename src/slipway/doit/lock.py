"""One run at a time in a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import GateError
from slipway.files import explained

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock file inside the block; raises GateError when another run holds it.

    The system lets go of the lock when the process ends, however it ends.
    """
    with explained(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _try_lock(handle)
        except OSError as error:
            raise _busy(path) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}".encode())
        yield
    finally:
        os.close(handle)


def _busy(path: Path) -> GateError:
    who = path.read_text(errors="replace").strip()
    return GateError(
        f"another run ({who or 'just begun'}) is working in {path.parent.parent}",
        hint="wait until it has ended, or end it; list, info and status work meanwhile",
    )
