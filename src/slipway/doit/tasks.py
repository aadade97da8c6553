"""From Steps to doit tasks: the only place that knows how doit wants its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doit.exceptions import TaskFailed
from doit.globals import Globals
from doit.task import Task
from doit.tools import config_changed

from slipway import console
from slipway.build.compile import Compile
from slipway.build.preflight import announce
from slipway.doit import session
from slipway.errors import GateError, SlipwayError, UsageError
from slipway.files import told_as_error
from slipway.flow import TARGETS, Flow, Target
from slipway.steps import Step, require_needs

_TARGET_OF: Final = {name: target for target in TARGETS for name in (target.name, *target.aliases)}


def target_tasks(flow: Flow, name: str) -> Iterator[Task]:
    """The group task of a target, its own Steps, and the Steps of the stage of its name."""
    target = _TARGET_OF[name]
    if name != target.name:
        yield Task(name, None, doc=f"Same as {target.name}", task_dep=[target.name])
        return
    steps = flow.of(target) or (_nothing_to_do(target),)
    yield Task(name, None, doc=target.doc, task_dep=[step.name for step in steps], has_subtask=True)
    own = {step.name: step for step in (*flow.steps.get(name, ()), *(step for step in steps if step.stage == name))}
    for step in own.values():
        yield step_task(step, name)


def step_task(step: Step, group: str) -> Task:
    """The doit task of one Step."""
    return Task(
        step.name,
        [(RunStep(step),)],
        file_dep=[str(path) for path in step.inputs],
        targets=[str(path) for path in step.outputs],
        task_dep=list(step.after),
        uptodate=[SameSettings(step), not step.always, *((AllThere(step.shared),) if step.shared else ())],
        clean=True,
        doc=step.doc,
        subtask_of=group,
        io={"capture": False},
        verbosity=1,
    )


class SameSettings(config_changed):  # type: ignore[misc]
    """Whether a Step's settings are those of the last run; they are only written out when a run asks."""

    def __init__(self, step: Step) -> None:
        super().__init__({})
        self._step = step

    def __repr__(self) -> str:
        return "its settings are those of the last run"  # what doit info lists as not true

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        """Compare with what was saved."""
        self.config = dict(self._step.settings)
        return bool(super().__call__(task, values))


@dataclass(frozen=True, slots=True)
class AllThere:
    """Whether the files that several Steps write are there, asked when the Step's turn comes: a run may begin by cleaning."""

    paths: tuple[Path, ...]

    def __call__(self) -> bool:
        """Look."""
        return all(path.exists() for path in self.paths)

    def __repr__(self) -> str:
        return "the files that it shares with others are there"


def announce_platforms(tasks: Iterable[Task]) -> None:
    """Tell the Steps that compile about each other, so that the first finds all that is missing for any of them."""
    announce(step.run.call.platform.id for step in steps_of(tasks) if isinstance(step.run, Compile))


def require_all(selected: Iterable[Task], tasks: Mapping[str, Task]) -> None:
    """Raise GateError, before anything runs, for what is missing to those Steps that are not up to date as things are now."""
    steps = ((task, step) for task in selected for step in steps_of((task,)) if step.needs)
    require_needs(step for task, step in steps if Globals.dep_manager.get_status(task, tasks).status != "up-to-date")


def steps_of(tasks: Iterable[Task]) -> Iterator[Step]:
    """The Steps behind some tasks; tasks of the project's own have none."""
    actions = (getattr(action, "py_callable", None) for task in tasks for action in task.actions)
    return (action.step for action in actions if isinstance(action, RunStep))


@dataclass(frozen=True, slots=True)
class RunStep:
    """The action of a task: runs the Step and remembers how it failed."""

    step: Step

    def __call__(self, task: Task) -> TaskFailed | None:
        """Run; a SlipwayError becomes a failure that doit can report, anything else is a fault of slipway."""
        with console.task(self.step.name):
            console.log(f"begin: {self.step.doc}")
            try:
                with told_as_error():
                    self.step.run()
            except SlipwayError as error:
                if session.debug():
                    raise
                session.current.failures.append((self.step.name, error))
                # Nothing can be compiled, for no platform: the run need not go on with the rest.
                session.current.refused |= isinstance(error, GateError) and isinstance(self.step.run, Compile)
                console.log(f"failed: {error}")
                return TaskFailed(str(error), report=True)
            task.file_dep.update(str(path) for path in self.step.late if path.is_file())
            console.log("done")
        return None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Stands where a target has nothing to work on."""

    message: str
    hint: str

    def __call__(self) -> None:
        """Say so, as an error of usage."""
        raise UsageError(self.message, hint=self.hint)


def _nothing_to_do(target: Target) -> Step:
    return Step(
        stage=target.name,
        key="nothing",
        doc=f"{target.name} has nothing to work on",
        run=Refuse(f"{target.name}: the project releases no such platform", "add one to [project] platforms in slipway.toml"),
        always=True,
    )
