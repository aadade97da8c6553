"""The one door to other programs: echoed, logged as they speak, explained when they fail."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.errors import SlipwayError

TAIL: Final = 30
_secrets: ContextVar[tuple[str, ...]] = ContextVar("secrets", default=())


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended, and everything it said (standard output and errors together)."""

    code: int
    output: str


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    stdin: str | None = None,
) -> Result:
    """Run a program without a shell and without standard input, unless `stdin` gives some text.

    `env` is laid over this process's environment. What the program says goes to the build log line by line.
    Raises SlipwayError with the end of the output when it fails and `check` is true, or when it is not there.
    """
    words = [os.fspath(word) for word in argv]
    shown = redact(shlex.join(words))
    console.log(f"+ {shown}")
    console.verbose(f"+ {shown}")
    with _spawn(words, cwd, env, stdin is not None) as child:
        if stdin is not None and child.stdin is not None:
            child.stdin.write(stdin)
            child.stdin.close()
        lines = list(_follow(child))
    if check and child.returncode != 0:
        raise SlipwayError(_failure(shown, child.returncode, lines), hint=f"the whole output is in {console.log_name()}")
    return Result(child.returncode, "".join(lines))


def capture(
    argv: Sequence[str | os.PathLike[str]], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str | None:
    """Return what a quick question to a program answers on standard output, or None when it fails or is not there."""
    words = [os.fspath(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def hidden(*secrets: str) -> Iterator[None]:
    """Keep these words out of every log line and message inside the block."""
    token = _secrets.set((*_secrets.get(), *(word for word in secrets if word)))
    try:
        yield
    finally:
        _secrets.reset(token)


def redact(text: str) -> str:
    """Replace every word that is to stay hidden."""
    for word in _secrets.get():
        text = text.replace(word, "***")
    return text


def which(name: str) -> Path | None:
    """Find a program on PATH."""
    found = shutil.which(name)
    return None if found is None else Path(found)


def _spawn(words: list[str], cwd: Path | None, env: Mapping[str, str] | None, talk: bool) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        raise SlipwayError(
            f"{words[0]} is not installed, or {cwd or 'the current folder'} does not exist",
            hint="doit info lists what is missing and how to get it",
        ) from error
    except PermissionError as error:
        raise SlipwayError(
            f"{words[0]} may not be executed by this user", hint="check the mode of the file and of the folders above it"
        ) from error


def _follow(child: subprocess.Popen[str]) -> Iterable[str]:
    assert child.stdout is not None
    for line in child.stdout:
        clean = redact(line)
        console.log(clean.rstrip("\n"))
        yield clean


def _failure(shown: str, code: int, lines: Sequence[str]) -> str:
    tail = "".join(f"    {line.rstrip()}\n" for line in deque(lines, TAIL))
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return f"{shown} {how}\n{tail}".rstrip()
