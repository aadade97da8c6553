"""Real repositories for tests of releases: a project with a commit, a bare remote, and clones as other machines have them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import sample
from slipway.actions.site import Site
from slipway.model import Project
from slipway.rules import ReleaseRules

WHEN = "2026-01-01T00:00:00Z"


def git(folder: Path, *words: str | Path, env: dict[str, str] | None = None) -> str:
    """Run git, which must not fail; returns what it says."""
    dated = {"GIT_AUTHOR_DATE": WHEN, "GIT_COMMITTER_DATE": WHEN}
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **dated, **(env or {})}
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout.strip()


def identify(folder: Path) -> None:
    """Say who commits."""
    git(folder, "config", "user.name", "Mara Maker")
    git(folder, "config", "user.email", "mara@hello.example")


def commit(folder: Path, name: str, text: str = "", message: str = "") -> str:
    """Write a file and commit it; returns the commit."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text or name)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message or f"change {name}")
    return git(folder, "rev-parse", "HEAD")


def project(root: Path, url: str | Path = "", **rules: Any) -> Project:
    """The sample project as a repository with one commit on main, pushed to a remote if there is one."""
    made = sample.project(root)
    git(root, "init", "--quiet", "--initial-branch=main")
    identify(root)
    (root / ".gitignore").write_text("dist/\npackages/\n.slipway/\nbuild.log\n")
    commit(root, "version.json", '{"official": false}\n')
    if url:
        git(root, "remote", "add", "origin", str(url))
        git(root, "push", "--quiet", "--set-upstream", "origin", "main")
    return replace(made, release=ReleaseRules(**rules))


def remote(folder: Path) -> Path:
    """A bare repository, as servers have them."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    return folder


def clone(url: str | Path, folder: Path) -> Path:
    """Another machine's checkout."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(folder.parent, "clone", "--quiet", str(url), folder)
    identify(folder)
    return folder


def refs(folder: Path) -> dict[str, str]:
    """Every ref of a repository, with its object."""
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in lines)


def site(root: Path) -> Site:
    """A site without stores: for Actions on the repository alone."""
    return Site(environment="production", root=root, outputs=root, stores={})
