"""The run of continuous integration that slipway itself is part of: it must not wait for its own end."""

from __future__ import annotations

import os


def is_own_page(page: str) -> bool:
    """Whether the page of a check is one of the present run: on GitHub by the run's id, on Gitea and Forgejo by its number."""
    repository = os.environ.get("GITHUB_REPOSITORY", "").lower()
    numbers = [os.environ.get(name, "") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_NUMBER")]
    runs = [f"/{repository}/actions/runs/{number}/" for number in numbers if repository and number]
    return any(run in f"{page.lower()}/" for run in runs)


def is_own_job(job: object, pipeline: object) -> bool:
    """Whether a job of GitLab, or its pipeline where GitLab says it, is the present one."""
    own = (os.environ.get("CI_JOB_ID", ""), os.environ.get("CI_PIPELINE_ID", ""))
    return any(bool(mine) and str(one) == mine for one, mine in zip((job, pipeline), own, strict=True))
