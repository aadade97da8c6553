"""Forges on this machine, each with a client of it, and files to publish."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forge_gitea import Gitea, gitea
from forge_github import GitHub, github
from forge_gitlab import GitLab, gitlab

from slipway.forges import Upload, Wanted

COMMIT = "c0ffee" * 6 + "c0ff"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    """A GitHub."""
    with github() as fake:
        yield fake


@pytest.fixture
def lab() -> Iterator[GitLab]:
    """A GitLab."""
    with gitlab() as fake:
        yield fake


@pytest.fixture
def tea() -> Iterator[Gitea]:
    """A Gitea."""
    with gitea() as fake:
        yield fake


@pytest.fixture
def wanted() -> Wanted:
    """A release to make."""
    return Wanted(tag="v2.1.0", commit=COMMIT, title="Greeter 2.1.0", notes="What is new: *all*.")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Upload]:
    """Makes a file to publish."""

    def make(name: str = "greeter.tar.gz", data: bytes = b"what the greeter is" * 500) -> Upload:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}-file"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        return Upload(name=name, path=path, size=len(data), sha256=digest, media_type="application/gzip")

    return make
