"""The small project as a git checkout with a bare remote, for tests of releases by the commands that users type."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import git_remote
from git_remote import git

import hello

TOML = hello.TOML.replace('"linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"', '"linux-amd64"').replace(
    'packages = ["deb", "rpm", "freebsd", "pkg"]', "packages = []"
)
_IGNORED = "/dist/\n/packages/\n/published/\n/.slipway/\n/build.log\n/site*/\n__pycache__/\n.slipway.db*\n"


def write(folder: Path, *, toml: str = TOML, message: str = "feat: greet") -> Path:
    """Write the project with one commit, which is pushed to `remote.git` beside it; returns its folder."""
    hello.write(folder, toml=toml)
    (folder / ".gitignore").write_text(_IGNORED)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git_remote.identify(folder)
    git_remote.commit(folder, "VERSION.txt", "0\n", message)
    git(folder, "remote", "add", "origin", git_remote.remote(folder.parent / "remote.git"))
    git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    return folder


def copy(folder: Path, target: Path) -> Path:
    """A copy of the project with a remote of its own, as it is now."""
    target.mkdir(parents=True)
    subprocess.run(["cp", "-a", folder, folder.parent / "remote.git", target], check=True)
    git(target / folder.name, "remote", "set-url", "origin", target / "remote.git")
    return target / folder.name


def commit(folder: Path, message: str, **files: str) -> str:
    """Commit some files, or nothing, and push that; returns the commit."""
    for name, text in files.items():
        (folder / name.replace("__", "/").replace("_", ".")).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    git(folder, "push", "--quiet", "origin", "HEAD")
    return git(folder, "rev-parse", "HEAD")


def tag(folder: Path, name: str) -> None:
    """Tag the commit and push the tag."""
    git(folder, "tag", "--annotate", "--message", name, name)
    git(folder, "push", "--quiet", "origin", name)


def make(folder: Path, version: str) -> None:
    """Make packages/ of a version."""
    done = hello.run(folder, "doit", "all", f"VERSION={version}")
    assert done.returncode == 0, done.stderr


def slipway(folder: Path, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run slipway in it."""
    return hello.run(folder, "slipway", *map(str, words), **environment)


def leads(folder: Path, store: str = "published", name: str = "latest") -> str:
    """Where a link of a store leads; empty where there is none."""
    path = folder / store / name
    return str(path.readlink()) if path.is_symlink() else ""


def typed(folder: Path, words: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run slipway at a terminal, and type each answer when its question stands there."""
    main, side = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([hello.BIN / "slipway", *words], cwd=folder, stdin=side, stdout=side, stderr=side, env=env) as run:
        os.close(side)
        said, seen, left = "", 0, list(answers)
        try:
            while part := os.read(main, 65536):
                said += part.decode()
                if left and left[0][0] in said[seen:]:
                    seen = len(said)
                    os.write(main, f"{left.pop(0)[1]}\n".encode())
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(main)
    assert left == [], said
    return run.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", said)


# What other tests are about is not asked here.
_OFF = ("tests", "test-dist", "validate-package", "audit", "issues", "milestone", "ci", "notes", "disk", "on-branch", "clean")


def environment(name: str, *lines: str, stores: str = '"main"', wanted: Sequence[str] = ()) -> str:
    """An environment with a place of its own, `site-NAME`, where only the gates that are `wanted` are asked."""
    said = "\n".join(lines)
    gates = ", ".join(f'{gate} = "{"error" if gate in wanted else "off"}"' for gate in _OFF)
    return (
        f"\n[environment.{name}]\nstores = [{stores}]\ngates = {{ {gates} }}\n{said}\n"
        f'[environment.{name}.store.main]\npath = "site-{name}"\n'
    )


ENVIRONMENTS = (
    '\n[store.main]\nkind = "dir"\npath = "site"\n\n[store.spare]\nkind = "dir"\npath = "site-spare"\n'
    + environment("code", 'tag = "push"', 'confirm = "none"')
    + environment("asked", 'tag = "none"', 'confirm = "yes"')
    + environment("phrased", 'tag = "none"', 'confirm = "phrase"')
    + environment("staging", 'tag = "none"', 'confirm = "none"')
    + environment(
        "production",
        'tag = "none"',
        'confirm = "none"',
        'backups = ["spare"]',
        'rehearsal = "staging"',
        stores='"main", "spare"',
        wanted=("clean",),
    )
    + environment("proven", 'tag = "none"', 'confirm = "none"', wanted=("tests", "validate-package", "clean"))
)
RELEASING = TOML.replace('basic = ["hello"]', 'basic = ["hello"]\nunit = ["test -f README.md"]') + ENVIRONMENTS
APPROVED = environment("approved", 'tag = "none"', 'confirm = "none"', "approvals = 2", 'approvers = "approvers"')
