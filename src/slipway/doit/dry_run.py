"""What a run would do, told without doing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from doit.control import TaskControl

from slipway import console
from slipway.doit import session
from slipway.doit.tasks import steps_of


def show(task_list: list[Any], selected: list[str], dep_manager: Any, *, always: bool) -> int:
    """Print the tasks that would run, in order, with what each is for; returns the exit code."""
    control = TaskControl(task_list)
    control.process(list(selected))
    stale: dict[str, Any] = {}
    for task in _in_order(control.tasks, control.selected_tasks):
        gone = session.current.begins_anew and bool(task.targets)
        if task.actions and (always or gone or _is_stale(task, control.tasks, dep_manager, stale)):
            stale[task.name] = task
            console.out(f"would run  {task.name}  {task.doc or ''}".rstrip())
    dep_manager.close()
    if not stale:
        console.out("nothing to do")
    _preview(tuple(stale.values()))
    return 0


def _preview(tasks: tuple[Any, ...]) -> None:
    """What those Steps would do that can tell it, unless others would change before what they do it with."""
    steps = tuple(steps_of(tasks))
    if all(step.always for step in steps):
        for preview in filter(None, (getattr(step.run, "preview", None) for step in steps)):
            preview()


def _is_stale(task: Any, tasks: dict[str, Any], dep_manager: Any, stale: Collection[str]) -> bool:
    makers = {name for name in task.task_dep if name in stale and set(tasks[name].targets) & task.file_dep}
    return bool(makers) or dep_manager.get_status(task, tasks).status != "up-to-date"


def _in_order(tasks: dict[str, Any], selected: list[str]) -> Iterator[Any]:
    done: set[str] = set()

    def visit(name: str) -> Iterator[Any]:
        if name in done:
            return
        done.add(name)
        for needed in (*tasks[name].setup_tasks, *tasks[name].task_dep):
            yield from visit(needed)
        yield tasks[name]

    for name in selected:
        yield from visit(name)
