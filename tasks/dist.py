"""Lay out the distributions."""

from __future__ import annotations

from tasks import Tasks
from tasks.project import PROJECT


def task_dist_generate() -> Tasks:
    return PROJECT.target("dist-generate")


def task_generate_distribution() -> Tasks:
    return PROJECT.target("generate-distribution")
