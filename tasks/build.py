"""Compile, collect and check."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_compile_platform() -> Tasks:
    return PROJECT.target("compile-platform")


def task_build_platform() -> Tasks:
    return PROJECT.target("build-platform")


def task_build_cross() -> Tasks:
    return PROJECT.target("build-cross")


def task_bundle_core() -> Tasks:
    return PROJECT.target("bundle-core")


def task_validate_config() -> Tasks:
    return PROJECT.target("validate-config")


def task_validate_kcl() -> Tasks:
    return PROJECT.target("validate-kcl")


def task_validate_all() -> Tasks:
    return PROJECT.target("validate-all")


def task_unit_tests() -> Tasks:
    return PROJECT.target("unit-tests")
