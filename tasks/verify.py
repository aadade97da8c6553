"""Prove that what was made installs, runs and goes away again."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_test_dist() -> Tasks:
    return PROJECT.target("test-dist")


def task_validate_package() -> Tasks:
    return PROJECT.target("validate-package")
