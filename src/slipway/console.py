"""The one door to the terminal and to the build log. Nothing else in slipway prints."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from slipway.errors import SlipwayError
from slipway.redaction import redact

COLOURS: Final = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "white": "37",
    "bold": "1",
    "dim": "2",
}


@dataclass
class _State:
    """What the process shares: one lock for all output, one log file, one wish for detail."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    log: TextIO | None = None
    log_path: Path | None = None
    verbose: bool = False
    passing: bool = False
    shown_by: Callable[[str, str], None] | None = None


_state = _State()
_task: ContextVar[str] = ContextVar("task", default="slipway")


def set_verbose(wanted: bool) -> None:
    """Show commands on the terminal, or stop to."""
    _state.verbose = wanted


def is_verbose() -> bool:
    """Whether commands are shown on the terminal."""
    return _state.verbose


def out(text: str = "") -> None:
    """Print a line of the answer on standard output."""
    _print(text, sys.stdout)


def say(text: str) -> None:
    """Print a line about the work on standard error."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """Print; when nobody reads any more, as after `| head -1`, be silent from then on and let the work go on."""
    with _state.lock:
        try:
            _wipe()
            print(redact(text), file=stream, flush=True)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def is_terminal() -> bool:
    """Whether standard error is a terminal on which a line can be written anew."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def passing(text: str) -> None:
    """Show on a terminal, until anything else is printed, how far the work is; elsewhere nothing."""
    if _state.shown_by is not None:
        _state.shown_by(_task.get(), text)
    elif is_terminal():
        with _state.lock, suppress(OSError):
            _wipe()
            print(text, end="", file=sys.stderr, flush=True)
            _state.passing = True


def let_show_passing(show: Callable[[str, str], None] | None) -> None:
    """Let a display that owns the terminal show how far a task is, given the task and the text; None ends that."""
    _state.shown_by = show


def _wipe() -> None:
    if _state.passing:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
        _state.passing = False


def is_interactive() -> bool:
    """Whether somebody sits at a terminal and can answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """Ask on standard error and return the line that is typed; empty when the terminal is closed."""
    with _state.lock:
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()


def verbose(text: str) -> None:
    """Print a line about the work when VERBOSE=true asked for it."""
    if _state.verbose:
        say(text)


def warn(text: str) -> None:
    """Print a warning and log it."""
    log(f"warning: {text}")
    say(f"{style('warning', 'yellow')}: {text}")


def style(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Colour a word where the terminal shows colours and nobody forbids it (no-color.org)."""
    stream = stream or sys.stderr
    shown = (stream.isatty() and os.environ.get("TERM") != "dumb") or "CLICOLOR_FORCE" in os.environ
    wanted = shown and not os.environ.get("NO_COLOR")
    return f"\033[{COLOURS[colour]}m{text}\033[0m" if wanted else text


def log(text: str) -> None:
    """Append a line to the build log, with the task it belongs to."""
    with _state.lock:
        if _state.log is not None:
            # A full disk must not keep the run from saying so.
            with suppress(OSError):
                _state.log.write(f"[{_task.get()}] {redact(text)}\n")
                _state.log.flush()


def log_name() -> str:
    """How messages call the build log."""
    return str(_state.log_path or "the build log")


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Append to a build log inside the block; it can be followed with `tail -f`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise SlipwayError(
            f"cannot write the build log {path}: {error.strerror}", hint="check the folder and the disk"
        ) from error
    _state.log, _state.log_path = file, path
    try:
        yield
    finally:
        _state.log = None
        with suppress(OSError):
            file.close()


@contextmanager
def task(name: str) -> Iterator[None]:
    """Mark the lines logged inside the block with a task's name."""
    token = _task.set(name)
    try:
        yield
    finally:
        _task.reset(token)
