"""The targets that run several stages, and the one loaded project."""

from __future__ import annotations

from slipway.doit import ProjectTasks
from tasks import Tasks

PROJECT = ProjectTasks("examples/provisioning/slipway.toml", outputs=".")


def task_all() -> Tasks:
    return PROJECT.target("all")


def task_linux() -> Tasks:
    return PROJECT.target("linux")


def task_macos() -> Tasks:
    return PROJECT.target("macos")


def task_windows() -> Tasks:
    return PROJECT.target("windows")


def task_freebsd() -> Tasks:
    return PROJECT.target("freebsd")


def task_ci_build() -> Tasks:
    return PROJECT.target("ci-build")


def task_ci_test() -> Tasks:
    return PROJECT.target("ci-test")


def task_status() -> Tasks:
    return PROJECT.target("status")


def task_clean_dist() -> Tasks:
    return PROJECT.target("clean-dist")
