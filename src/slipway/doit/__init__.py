"""What a project's dodo.py imports: the documented targets as doit tasks."""

from __future__ import annotations

from slipway.doit.project import CONFIG, ProjectTasks, standard_tasks

__all__ = ["CONFIG", "ProjectTasks", "standard_tasks"]
