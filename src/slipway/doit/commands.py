"""doit's commands where the documented targets need more than doit gives: run, clean and info."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from doit.cmd_clean import Clean as DoitClean
from doit.cmd_info import Info as DoitInfo
from doit.cmd_run import Run as DoitRun
from doit.cmdparse import CmdParseError
from doit.dependency import DatabaseException
from doit.exceptions import InvalidCommand, InvalidTask

from slipway import console, process
from slipway.actions import progress
from slipway.build import jobs
from slipway.doit import session
from slipway.errors import SlipwayError, UsageError, did_you_mean

_DRY_RUN = {
    "name": "dry_run",
    "long": "dry-run",
    "type": bool,
    "default": False,
    "help": "print what would run, in order, and run nothing",
}
_CONTINUE = {
    "name": "continue",
    "short": "c",
    "long": "continue",
    "inverse": "no-continue",
    "type": bool,
    "default": True,
    "help": "after a failure make everything that does not need what failed; FAIL_FAST=true does the same as --no-continue",
}
_INTERRUPTED = 130
# How many seconds a publication in another thread has to put its things in order.
_PATIENCE = 10.0
_OTHER_WORDS = ("clean", "forget", "help", "info", "list")


class Run(DoitRun):  # type: ignore[misc]
    """Run tasks: one run per folder, a build log, the documented exit codes, state kept when interrupted."""

    cmd_options: ClassVar[tuple[Any, ...]] = (
        *(_CONTINUE if option["name"] == "continue" else option for option in DoitRun.cmd_options),
        _DRY_RUN,
    )

    def parse_execute(self, in_args: list[str]) -> int:
        """Run, and end with the documented exit codes."""
        session.current.exclusive = True
        # doit writes its state when the run ends; SIGTERM must end it the way Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with session.current.ending, session.reported(), _memory_explained(), words_explained(self):
            try:
                return _exit_code(super().parse_execute(_options_first(in_args)))
            except KeyboardInterrupt:
                jobs.stop()
                process.stop_all()
                progress.stop(_PATIENCE)
                console.say("interrupted: what was finished is kept; the same command goes on from there")
                return _INTERRUPTED

    def execute(self, params: Any, args: list[str]) -> int:
        """Remember what is asked for, which decides what happens before the tasks are made."""
        session.current.targets, session.current.rehearsed = tuple(args), bool(params["dry_run"])
        return int(super().execute(params, args) or 0)

    def _execute(  # noqa: PLR0913, PLR0917 - doit passes its options by these names
        self,
        outfile: Any,
        verbosity: int | None = None,
        always: bool = False,
        continue_: bool = False,
        reporter: str = "console",
        num_process: int = 0,
        par_type: str = "process",
        single: bool = False,
        auto_delayed_regex: bool = False,
        force_verbosity: bool = False,
        failure_verbosity: int = 0,
        pdb: bool = False,
        dry_run: bool = False,
    ) -> int:
        if dry_run:
            from slipway.doit.dry_run import show

            return show(self.task_list, self.sel_tasks, self.dep_manager, always=always)
        if session.current.parallel and not num_process:
            num_process = session.current.request.release.jobs if session.current.request else 2
        go_on = _GoOn(wanted=continue_ and not session.current.fail_fast)
        options = (outfile, verbosity, always, go_on, reporter, num_process, par_type, single)
        return int(super()._execute(*options, auto_delayed_regex, force_verbosity, failure_verbosity, pdb))


@dataclass(frozen=True, slots=True)
class _GoOn:
    """Whether a run goes on after a failure; doit looks at each failure, and nothing goes on once the machine is refused."""

    wanted: bool

    def __bool__(self) -> bool:
        return self.wanted and not session.current.refused


class Clean(DoitClean):  # type: ignore[misc]
    """Remove build outputs; with task names, what those tasks made."""

    def parse_execute(self, in_args: list[str]) -> int:
        """Load the tasks and clean."""
        session.current.exclusive = True
        with session.current.ending, session.reported(), _memory_explained(), words_explained(self):
            return int(super().parse_execute(in_args) or 0)

    def _execute(self, dryrun: bool, cleandep: bool, cleanall: bool, cleanforget: bool, pos_args: Any = None) -> int:
        if pos_args or cleanall or session.current.request is None:
            return int(super()._execute(dryrun, cleandep, cleanall, cleanforget, pos_args) or 0)
        from slipway.dist.clean import clean_everything

        self.dep_manager.close()
        with session.reported():
            clean_everything(session.current.request.release.paths, dry_run=dryrun)
        return 0


class Info(DoitInfo):  # type: ignore[misc]
    """Show which tools are there; with a task's name, why it would run."""

    doc_usage = "[TASK]"

    def parse_execute(self, in_args: list[str]) -> int:
        """Look, or explain."""
        with session.reported(), _memory_explained(), words_explained(self):
            return int(super().parse_execute(in_args) or 0)

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int:
        if unknown := set(pos_args) - {task.name for task in self.task_list}:
            raise InvalidCommand(not_found=min(unknown))
        if pos_args or session.current.request is None:
            return int(super()._execute(pos_args, hide_status) or 0)
        from slipway.build.toolchain import report_lines as toolchain_lines
        from slipway.tools import report_lines

        self.dep_manager.close()
        release = session.current.request.release
        for line in (*report_lines(release), *toolchain_lines(release)):
            console.out(line)
        return 0


@contextmanager
def _memory_explained() -> Iterator[None]:
    """Turn the faults of doit's database into an error that says what to do."""
    try:
        yield
    except (DatabaseException, sqlite3.Error) as error:
        place, reason = session.current.memory.absolute(), error.__context__ or error
        raise SlipwayError(
            f"what is up to date cannot be kept in {place}: {reason}",
            hint="if the disk is full, free some space; if the file is damaged, remove it: everything is then made again",
        ) from error


@contextmanager
def words_explained(command: Any) -> Iterator[None]:
    """Turn doit's refusal of a word on the command line into an error of usage."""
    try:
        yield
    except (CmdParseError, InvalidCommand, InvalidTask) as error:
        program = command.bin_name
        if isinstance(error, CmdParseError):
            # What follows in doit's message is its own parser, as Python sees it.
            said = str(error).partition(" (parsing options:")[0]
            said = said.removeprefix("Error parsing Command: ").removeprefix("Error parsing Task: ").strip()
            example = f"{program} {command.name} OPTION TARGET"
            raise UsageError(
                said, hint=f"options stand before targets ({example}); {program} help {command.name} shows them"
            ) from error
        listing = f"{program} list shows the targets"
        if (word := getattr(error, "not_found", None)) is None:
            raise UsageError(str(error).strip(), hint=listing) from error
        known = {*_OTHER_WORDS, *(task.name for task in command.task_list)} - {word}
        raise UsageError(f"there is no target {word!r}", hint=did_you_mean(word, sorted(known)) + listing) from error


def _options_first(words: list[str]) -> list[str]:
    """Let `--dry-run` stand behind targets too; tasks of the project's own may have such an option themselves."""
    option = f"--{_DRY_RUN['long']}"
    if option not in words:
        return words
    from slipway.flow import NAMES

    others = [word for word in words if word != option]
    return [option, *others] if {word for word in others if not word.startswith("-")} <= set(NAMES) else words


def _exit_code(code: int | None) -> int:
    """The code of the first SlipwayError; doit's own codes (1 failed, 2 fault) both mean failed otherwise."""
    if session.current.failures:
        return session.current.failures[0][1].exit_code
    return 1 if code else 0
