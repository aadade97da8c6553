"""Make the installers, and install with them."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_create_installers() -> Tasks:
    return PROJECT.target("create-installers")


def task_install() -> Tasks:
    return PROJECT.target("install")


def task_uninstall() -> Tasks:
    return PROJECT.target("uninstall")
