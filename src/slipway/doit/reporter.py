"""What a run says: one line per Step, the running ones on a terminal, the failures, a sum."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from doit.cmd_base import tasks_and_deps_iter
from doit.exceptions import UnmetDependency
from doit.reporter import ConsoleReporter

from slipway import console
from slipway.doit import session

_WORTH_TELLING: Final = 1.0  # seconds


@dataclass
class _Tally:
    begun: float = field(default_factory=time.monotonic)
    made: int = 0
    fresh: int = 0
    left_out: int = 0
    started: dict[str, float] = field(default_factory=dict)


class SlipwayReporter(ConsoleReporter):  # type: ignore[misc]
    """Plain lines in CI; on a terminal the cells that are being worked on stay in sight."""

    desc = "one line per step, progress on a terminal"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._tally = _Tally()
        self._lock = threading.Lock()
        self._progress: Any = None

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Tell the compiling Steps what the run is about."""
        from slipway.doit.tasks import announce_platforms

        announce_platforms(tasks_and_deps_iter(tasks, selected_tasks))

    def execute_task(self, task: Any) -> None:
        """A Step begins; called from worker threads."""
        if not task.actions:
            return
        with self._lock:
            self._tally.started[task.name] = time.monotonic()
            self._show_progress()
        if self._progress:
            self._progress.begin(task.name)
        else:
            console.say(f"{_verb('run', 'blue')}  {task.name}")

    def add_success(self, task: Any) -> None:
        """A Step is done."""
        if not task.actions:
            return
        self._tally.made += 1
        seconds = self._seconds(task.name)
        if self._progress or seconds >= _WORTH_TELLING:
            self._line("done", "green", task.name, seconds)

    def skip_uptodate(self, task: Any) -> None:
        """Nothing to do for a Step."""
        self._tally.fresh += bool(task.actions)

    def add_failure(self, task: Any, fail: Any) -> None:
        """A Step failed: say how, at once."""
        if isinstance(fail, UnmetDependency):
            self._tally.left_out += bool(task.actions)
            return
        if not fail.report:
            return
        self.failures.append({"task": task, "exception": fail})
        self._line("FAIL", "red", task.name, self._seconds(task.name))
        # A Step's output is in the build log; that of a project's own task nobody has shown yet.
        if task.verbosity == 1 and (said := "".join(action.out or "" for action in task.actions)):
            console.say(said.rstrip("\n"))
        console.say(_explain(task.name, fail))

    def complete_run(self) -> None:
        """Say what came of it."""
        if self._progress:
            self._progress.end()
        for message in self.runtime_errors:
            console.say(f"{console.style('error', 'red')}: {message}")
        console.say(self._sum())

    def _show_progress(self) -> None:
        """Start the display where there is a terminal, with the first Step that works: its library is slow to import."""
        if self._progress is None and sys.stderr.isatty() and not console.is_verbose():
            from slipway.doit.progress import Progress

            self._progress = Progress()

    def _line(self, verb: str, colour: str, name: str, seconds: float) -> None:
        if self._progress:
            self._progress.finish(name)
        console.say(f"{_verb(verb, colour)}  {name}  {seconds:.1f} s")

    def _seconds(self, name: str) -> float:
        now = time.monotonic()
        with self._lock:
            return now - self._tally.started.pop(name, now)

    def _sum(self) -> str:
        tally = self._tally
        took = f"{time.monotonic() - tally.begun:.1f} s"
        if self.failures or self.runtime_errors:
            names = ", ".join(failure["task"].name for failure in self.failures)
            rest = f", {_count(tally.left_out)} left out that need what failed" if tally.left_out else ""
            return f"{console.style('failed', 'red')}: {names or 'the run'} after {took}{rest}; the log is {console.log_name()}"
        if tally.started:
            return f"{console.style('stopped', 'yellow')} at {', '.join(tally.started)} after {took}; {_count(tally.made)} done"
        if not tally.made:
            return f"nothing to do: {_count(tally.fresh)} up to date"
        return f"{console.style('done', 'green')}: {_count(tally.made)}, {tally.fresh} up to date, {took}"


def _count(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"


def _verb(verb: str, colour: str) -> str:
    return console.style(f"{verb:>4}", colour)


def _explain(name: str, fail: Any) -> str:
    for failed, error in session.current.failures:
        if failed == name:
            return str(error)
    if session.debug():
        return str(fail.get_msg())
    if not fail.traceback:
        return str(fail.message)
    return f"{fail.message}\n  {fail.traceback[-1].strip()}\n  hint: a traceback is shown with SLIPWAY_DEBUG=true"
