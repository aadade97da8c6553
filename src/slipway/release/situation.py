"""What the gates of a release look at, and what they answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from slipway.actions.retries import Retries
from slipway.actions.store import StateFiles
from slipway.environments import Environment
from slipway.forges import Queries
from slipway.git import Repository
from slipway.model import Project, Release
from slipway.release.wording import words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A release that is about to be published, and who can be asked about it.

    `digest` is the plan's; `approvals` is the folder of approvals among the small files of `state`. `notes` are the release
    notes, and `forge` is None where the environment has none. Without `wait`, CI is asked once and not waited for.
    """

    release: Release
    environment: Environment
    commit: str
    digest: str = ""
    notes: str = ""
    forge: Queries | None = None
    state: StateFiles | None = None
    approvals: str = "approvals"
    wait: bool = True
    retries: Retries = field(default_factory=Retries)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def project(self) -> Project:
        """The project."""
        return self.release.project

    @property
    def repository(self) -> Repository:
        """The project's repository."""
        return Repository(self.project.root)

    @property
    def remote(self) -> str:
        """The remote that is pushed to; empty where nothing is."""
        return self.project.release.remote if self.environment.tag == "push" else ""

    @property
    def words(self) -> dict[str, str]:
        """What stands in templates."""
        return words_of(self.project, self.release.version, self.environment.name)

    @property
    def tag(self) -> str:
        """The tag of the release."""
        return self.words["tag"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate found; `unknown` is when it could not find out, `absent` when there is nothing to ask about."""

    state: Literal["passed", "failed", "unknown", "absent"]
    text: str
    hint: str = ""


def passed(text: str) -> Answer:
    """It is as it has to be."""
    return Answer("passed", text)


def failed(text: str, hint: str = "") -> Answer:
    """It is not as it has to be."""
    return Answer("failed", text, hint)


def unknown(text: str, hint: str = "") -> Answer:
    """Nobody knows; that counts as failed."""
    return Answer("unknown", text, hint)


def absent(text: str) -> Answer:
    """There is nothing that could be asked about; that only counts as failed when slipway.toml made the gate count for more."""
    return Answer("absent", text)
