"""The targets that publish."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_release() -> Tasks:
    return PROJECT.target("release")


def task_create_release() -> Tasks:
    return PROJECT.target("create-release")


def task_release_draft() -> Tasks:
    return PROJECT.target("release-draft")


def task_upload_artifacts() -> Tasks:
    return PROJECT.target("upload-artifacts")


def task_ci_release() -> Tasks:
    return PROJECT.target("ci-release")


def task_cd_deploy() -> Tasks:
    return PROJECT.target("cd-deploy")
