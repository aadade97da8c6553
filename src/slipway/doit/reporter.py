"""What a run says: one line per Step, the running ones on a terminal, the failures, a sum."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from doit.cmd_base import tasks_and_deps_iter
from doit.exceptions import UnmetDependency
from doit.reporter import ConsoleReporter

from slipway import console
from slipway.doit import session

_WORTH_TELLING: Final = 1.0  # seconds
_NAMED: Final = 6  # Steps that were left out


@dataclass
class _Tally:
    begun: float = field(default_factory=time.monotonic)
    made: int = 0
    fresh: int = 0
    left_out: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
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
        """Tell the compiling Steps what the run is about, and ask what the others cannot do without."""
        from slipway.doit.tasks import announce_platforms, require_all

        found = tuple(tasks_and_deps_iter(tasks, selected_tasks))
        announce_platforms(found)
        require_all(found, tasks)

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
            self._tally.left_out += [task.name] if task.actions else []
            return
        if not fail.report:
            return
        self.failures.append({"task": task, "exception": fail})
        self._line("FAIL", "red", task.name, self._seconds(task.name))
        text = _explain(task.name, fail)
        message, _, hint = text.partition("\n  hint: ")
        if (first := self._tally.told.setdefault(message, task.name)) != task.name:
            console.say(f"as {first}")
            return
        # Several failures may have one way out.
        text = text if self._tally.told.setdefault(hint, task.name) == task.name else message
        # A Step's output is in the build log; that of a project's own task nobody has shown yet.
        if task.verbosity == 1 and (said := "".join(action.out or "" for action in task.actions)):
            console.say(said.rstrip("\n"))
        console.say(text)

    def complete_run(self) -> None:
        """Say what came of it."""
        if self._progress:
            self._progress.end()
        for message in self.runtime_errors:
            console.say(f"{console.style('error', 'red')}: {message}")
        for line in self._failed():
            console.say(line)
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

    def _failed(self) -> Iterator[str]:
        """Every failure in one line, and what was not made because of them; a single one has just been told."""
        names = [failure["task"].name for failure in self.failures]
        if len(names) > 1:
            width = max(map(len, names))
            yield f"{len(names)} steps failed:"
            yield from (
                f"  {name:{width}}  {_explain(name, failure['exception']).splitlines()[0]}"
                for name, failure in zip(names, self.failures, strict=True)
            )
        if left := self._tally.left_out:
            # What concerns all platforms, such as the checksums, is missed first.
            broken = {_platform(name) for name in names}
            shown = sorted(left, key=lambda name: (any(platform in name for platform in broken), name))[:_NAMED]
            more = f" and {len(left) - len(shown)} more" if len(left) > len(shown) else ""
            yield f"left out: {', '.join(shown)}{more}"

    def _sum(self) -> str:
        tally = self._tally
        took = f"{time.monotonic() - tally.begun:.1f} s"
        if self.failures or self.runtime_errors:
            if len(self.failures) == 1 and not tally.left_out and not tally.made:
                # Which one has just been told, and there was no other.
                return f"{console.style('failed', 'red')} after {took}; the log is {console.log_name()}"
            what = _count(len(self.failures)) if len(self.failures) > 1 else "".join(f["task"].name for f in self.failures)
            rest = f", {_count(len(tally.left_out))} left out that need what failed" if tally.left_out else ""
            rest += f", {_count(tally.made)} done" if tally.made else ""
            return f"{console.style('failed', 'red')}: {what or 'the run'} after {took}{rest}; the log is {console.log_name()}"
        if tally.started:
            return f"{console.style('stopped', 'yellow')} at {', '.join(tally.started)} after {took}; {_count(tally.made)} done"
        if not tally.made:
            return f"nothing to do: {_count(tally.fresh)} up to date"
        return f"{console.style('done', 'green')}: {_count(tally.made)}, {tally.fresh} up to date, {took}"


def _platform(name: str) -> str:
    """`linux-amd64` of `compile-platform:linux-amd64.programs` or `dist-generate:linux-amd64-complete`."""
    return "-".join(re.split(r"[-.]", name.partition(":")[2])[:2])


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
