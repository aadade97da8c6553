"""What a run would do, told without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doit.control import TaskControl

from slipway import console


def show(task_list: list[Any], selected: list[str], dep_manager: Any, *, always: bool) -> int:
    """Print the tasks that would run, in order, with what each is for; returns the exit code."""
    control = TaskControl(task_list)
    control.process(list(selected))
    stale: set[str] = set()
    for task in _in_order(control.tasks, control.selected_tasks):
        if task.actions and (always or _is_stale(task, control.tasks, dep_manager, stale)):
            stale.add(task.name)
            console.out(f"would run  {task.name}  {task.doc or ''}".rstrip())
    dep_manager.close()
    if not stale:
        console.out("nothing to do")
    return 0


def _is_stale(task: Any, tasks: dict[str, Any], dep_manager: Any, stale: set[str]) -> bool:
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
