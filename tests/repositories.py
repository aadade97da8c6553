"""Real repositories of git for tests: commits at fixed times, tags, and servers on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from beside import free_port

START = 1_700_000_000  # 2023-11-14
PERSON = ("Ada", "ada@example.org")


class Ground:
    """A repository with a work tree; each commit is an hour after the one before."""

    def __init__(self, root: Path, *, branch: str = "main") -> None:
        self.root, self.hour = root, 0
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", f"--initial-branch={branch}")

    def git(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Run git here and return what it prints; it must succeed."""
        done = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false", *words],
            cwd=self.root,
            env={**os.environ, **(env or {})},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"git {words}: {done.stderr}"
        return done.stdout.strip()

    def commit(
        self, message: str, files: Mapping[str, str] | None = None, *, who: Sequence[str] = PERSON, words: Sequence[str] = ()
    ) -> str:
        """Commit some files, or nothing, by somebody; returns the commit."""
        for name, text in (files or {}).items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        if files:
            self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message, *words, env=self._who(who))
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, *, light: bool = False, ref: str = "HEAD") -> None:
        """Tag a commit, annotated unless `light`."""
        self.git("tag", *(() if light else ("-a", "-m", name)), name, ref, env=self._who(PERSON))

    def merge(self, branch: str, message: str) -> str:
        """Merge a branch with a commit of its own; returns that."""
        self.git("merge", "-q", "--no-ff", "-m", message, branch, env=self._who(PERSON))
        return self.git("rev-parse", "HEAD")

    def _who(self, who: Sequence[str]) -> dict[str, str]:
        self.hour += 1
        date = f"{START + 3600 * self.hour} +0000"
        facts = {"NAME": who[0], "EMAIL": who[1], "DATE": date}
        return {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in facts.items()}


def bare(root: Path) -> Path:
    """An empty repository without a work tree, as servers have them."""
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", root], check=True)
    return root


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Serve the repositories in a folder over git's own protocol; gives the URL of the folder."""
    port = free_port()
    words = ["daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}", "--export-all"]
    child = subprocess.Popen(["git", *words, "--enable=receive-pack", str(folder)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, child)
        yield f"git://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(10)


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("git daemon does not answer")
