"""Pack archives and packages."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_create_archives() -> Tasks:
    return PROJECT.target("create-archives")


def task_package_binaries() -> Tasks:
    return PROJECT.target("package-binaries")


def task_package_all() -> Tasks:
    return PROJECT.target("package-all")


def task_sign() -> Tasks:
    return PROJECT.target("sign")
