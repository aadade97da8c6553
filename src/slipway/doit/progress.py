"""The running Steps at the foot of a terminal."""

from __future__ import annotations

import sys
import threading
from typing import Any

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from slipway import console


class Progress:
    """A spinner and the time spent for each Step that is being worked on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Any] = {}
        self._bars = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )
        self._bars.start()
        console.let_show_passing(self.note)

    def begin(self, name: str) -> None:
        """Show a Step."""
        with self._lock:
            self._rows[name] = self._bars.add_task(name)

    def note(self, name: str, text: str) -> None:
        """Say how far a Step is."""
        with self._lock:
            if (row := self._rows.get(name)) is not None:
                self._bars.update(row, description=f"{name}  {text.strip()}".strip())

    def finish(self, name: str) -> None:
        """Take a Step away."""
        with self._lock:
            if (row := self._rows.pop(name, None)) is not None:
                self._bars.remove_task(row)

    def end(self) -> None:
        """Leave the terminal as it was."""
        console.let_show_passing(None)
        self._bars.stop()
