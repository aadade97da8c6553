"""What one invocation of doit shares between its loader, its commands and its reporter."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import console
from slipway.doit.lock import run_lock
from slipway.errors import SlipwayError
from slipway.files import explained, remove_parts
from slipway.variables import read_variables

if TYPE_CHECKING:
    from slipway.request import Request


@dataclass
class Session:
    """The state of one invocation; `request` is there once a project has been read, `memory` is doit's database.

    `targets` are the words of a run, and `rehearsed` is whether it only tells what it would do, and `begins_anew` whether
    all that was made before is removed first.
    """

    exclusive: bool = False
    targets: tuple[str, ...] = ()
    rehearsed: bool = False
    begins_anew: bool = False
    memory: Path = Path(".slipway/doit.db")
    request: Request | None = None
    parallel: bool = False
    fail_fast: bool = False
    refused: bool = False
    failures: list[tuple[str, SlipwayError]] = field(default_factory=list)
    ending: ExitStack = field(default_factory=ExitStack)


current = Session()


def begin(root: Path, given: Mapping[str, str], also: Iterable[str]) -> dict[str, Any]:
    """Read the variables and, for a command that changes files, keep other runs out of the folder."""
    variables = read_variables(given, os.environ, also=also)
    console.set_verbose(bool(variables.get("VERBOSE")))
    current.parallel = bool(variables.get("PARALLEL"))
    current.fail_fast = bool(variables.get("FAIL_FAST"))
    for state in {root / ".slipway", current.memory.absolute().parent}:
        with explained(state):
            _make_state(state)
    if not current.exclusive and hasattr(signal, "SIGPIPE"):
        # A command that only prints ends with its reader, as in `doit list | head -1`.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if current.exclusive:
        current.ending.enter_context(run_lock(root / ".slipway" / "lock"))
        with explained(root / "build.log"):
            current.ending.enter_context(console.logging_to(root / "build.log"))
    return variables


def _make_state(folder: Path) -> None:
    """Make the folder for what is remembered, one that git leaves alone by itself: a version from git would be dirty."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (ignore := folder / ".gitignore").exists():
        ignore.write_text("*\n")


def opened(request: Request) -> None:
    """Remember the request, for the commands and for `{PROJECT}_DEBUG`, and clear away what a killed run left."""
    current.request = request
    if current.exclusive:
        paths = request.release.paths
        remove_parts(paths.packages, paths.installers, paths.shelf)


def debug() -> bool:
    """Whether tracebacks are wanted: SLIPWAY_DEBUG=true, or {PROJECT}_DEBUG=true."""
    names = ["SLIPWAY_DEBUG"]
    if current.request is not None:
        names.append(current.request.release.project.name.upper().replace("-", "_") + "_DEBUG")
    return any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in names)


@contextmanager
def reported() -> Iterator[None]:
    """End the program with the message and the exit code of a SlipwayError, where doit would print a traceback."""
    try:
        yield
    except SlipwayError as error:
        if debug():
            raise
        console.say(f"{console.style('error', 'red')}: {error}")
        raise SystemExit(error.exit_code) from error
