"""slipway as a front door to doit, for a folder that has a slipway.toml and no dodo.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from doit.cmd_base import NamespaceTaskLoader
from doit.doit_cmd import DoitMain

from slipway import console
from slipway.doit import session
from slipway.doit.project import CONFIG, standard_tasks
from slipway.errors import UsageError


class ProjectLoader(NamespaceTaskLoader):  # type: ignore[misc]
    """Makes the documented targets of one slipway.toml, once doit has read the variables."""

    def __init__(self, file: Path, outputs: Path | None) -> None:
        super().__init__()
        self._file, self._outputs = file, outputs

    def setup(self, opt_values: Any) -> None:
        """Make the task creators."""
        del opt_values
        # What is remembered belongs to the outputs, from wherever slipway is called.
        session.current.memory = (self._outputs or self._file.parent).absolute() / CONFIG["dep_file"]
        config = {**CONFIG, "dep_file": str(session.current.memory)}
        self.namespace = {"DOIT_CONFIG": config, **standard_tasks(self._file, outputs=self._outputs)}


class Main(DoitMain):  # type: ignore[misc]
    """doit's own command line, under slipway's name."""

    BIN_NAME = "slipway"


class Where(Protocol):
    """Which project, and where its outputs go."""

    @property
    def file(self) -> Path | None:
        """The project file that was named."""

    @property
    def outputs(self) -> Path | None:
        """The folder that was named."""


def run(arguments: Sequence[str], where: Where) -> int:
    """Run doit on a project file, or on the dodo.py of this folder when no other place was named; returns the exit code."""
    if where.file is None and where.outputs is None and Path("dodo.py").exists():
        return _code(Main(), arguments)
    found = where.file or Path("slipway.toml")
    if not found.exists():
        raise UsageError(f"there is no {found} here", hint="slipway init writes one; slipway --project FILE reads another")
    return _code(Main(ProjectLoader(found, where.outputs)), arguments)


def _code(main: Any, arguments: Sequence[str]) -> int:
    try:
        return int(main.run([word for word in arguments if word]) or 0)
    except KeyboardInterrupt:
        console.say("interrupted")
        return 130
    finally:
        session.current.ending.close()
