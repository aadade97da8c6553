"""When doit takes a file as changed: content and mode bits, hashed only when the cheap signs differ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from doit.dependency import FileChangedChecker

from slipway.files import digest_file_cached


class StatChecker(FileChangedChecker):  # type: ignore[misc]
    """Like doit's own check by content, but an executable bit counts too, and no file is hashed that slipway just wrote."""

    CheckerError = OSError

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: Any) -> bool:
        """Whether a file differs from what was recorded."""
        stamp, size, mode, digest = state
        if file_stat.st_mode & 0o777 != mode or file_stat.st_size != size:
            return True
        return bool(file_stat.st_mtime_ns != stamp and digest_file_cached(file_path, file_stat) != digest)

    def get_state(self, dep: str, current_state: Any) -> Any:
        """What to record of a file; None when the record holds."""
        now = Path(dep).stat()
        if current_state and tuple(current_state[:3]) == (now.st_mtime_ns, now.st_size, now.st_mode & 0o777):
            return None
        return now.st_mtime_ns, now.st_size, now.st_mode & 0o777, digest_file_cached(dep, now)
