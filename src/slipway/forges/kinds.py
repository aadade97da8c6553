"""The kinds of forges by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slipway.forges import Forge
from slipway.forges.gitea import Gitea
from slipway.forges.github import GitHub
from slipway.forges.gitlab import GitLab

_KINDS: Final[Mapping[str, type[GitHub | GitLab | Gitea]]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}


def open_forge(kind: str, *, api: str, repository: str, token: str) -> Forge:
    """The client of a forge; nothing is asked of it yet."""
    return _KINDS[kind](api, repository, token)
