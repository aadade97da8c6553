"""The tasks of one project, made when doit asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doit import doit_cmd

from slipway.doit import session
from slipway.doit.checker import StatChecker

if TYPE_CHECKING:
    from slipway.flow import Flow

CONFIG: Final[dict[str, Any]] = {
    "backend": "sqlite3",
    "dep_file": ".slipway/doit.db",
    "reporter": "slipway",
    "check_file_uptodate": StatChecker,
    "par_type": "thread",
    "verbosity": 1,
    "cleanforget": True,
    "default_tasks": ["all"],
    "minversion": "0.37.0",
}
Creator = Callable[[], Iterator[Any]]


def standard_tasks(
    file: str | Path = "slipway.toml", *, outputs: str | Path | None = None, also: Iterable[str] = ()
) -> dict[str, Creator]:
    """Return every documented target as a task creator, for `globals().update(…)` in a dodo.py.

    `outputs` is the folder of dist/ and packages/ (default: beside slipway.toml); `also` names variables of your own.
    """
    return ProjectTasks(file, outputs=outputs, also=also).creators()


class ProjectTasks:
    """The documented targets of one slipway.toml; relative paths count from the dodo.py."""

    def __init__(self, file: str | Path = "slipway.toml", *, outputs: str | Path | None = None, also: Iterable[str] = ()) -> None:
        self._file = Path(file).absolute()
        self._outputs = self._file.parent if outputs is None else Path(outputs).absolute()
        with session.reported():
            self._variables = session.begin(self._outputs, doit_cmd._CMDLINE_VARS or {}, also)

    def creators(self) -> dict[str, Creator]:
        """A task creator for each target and each of its other names."""
        from slipway.flow import NAMES

        return {f"task_{name.replace('-', '_')}": self._creator(name) for name in NAMES}

    def target(self, name: str) -> Iterator[Any]:
        """The doit tasks of one target, with the Steps of the stage of the same name."""
        from slipway.doit.tasks import target_tasks

        with session.reported():
            yield from target_tasks(self._flow, name)

    @cached_property
    def _flow(self) -> Flow:
        from slipway.doit.afresh import clean_first
        from slipway.flow import Flow
        from slipway.request import open_request

        request = open_request(self._file, self._variables, outputs=self._outputs)
        session.opened(request)
        # Steps are planned by what lies there.
        clean_first(request)
        return Flow(request)

    def _creator(self, name: str) -> Creator:
        def create() -> Iterator[Any]:
            return self.target(name)

        return create
