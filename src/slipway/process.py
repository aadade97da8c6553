"""The one door to other programs: echoed, logged as they speak, explained when they fail."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from slipway import console
from slipway.errors import SlipwayError
from slipway.redaction import redact

TAIL: Final = 30
GRACE: Final = 5.0
_limit: ContextVar[float | None] = ContextVar("limit", default=None)
_children: set[subprocess.Popen[str]] = set()
Argv = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended, and what it said.

    `output` is standard output and errors together; after `question`, it is the errors alone and `answer` the rest.
    """

    code: int
    output: str
    answer: str = ""


def run(
    argv: Argv,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    stdin: str | Iterable[bytes] | None = None,
    files: tuple[int, ...] = (),
) -> Result:
    """Run a program without a shell and without standard input, unless `stdin` gives some text or pieces of data.

    `env` is laid over this process's environment, and the program inherits the open `files`. What it says goes to the
    build log line by line. Raises SlipwayError with the end of the output when it fails and `check` is true, when it is
    not there, or when it is stopped by the limit of `within`; and whatever the making of a piece raised.
    """
    words, shown = _echo(argv)
    broken: list[BaseException] = []
    with _child(words, cwd, env, stdin is not None, files=files) as child, _limited(child) as late:
        _aside(_feed, child.stdin, stdin or "", broken)
        said = _Listener(child.stdout, _logged)
        child.wait()
        output = said.text(shown)
    if broken:
        raise broken[0]
    _require_in_time(late, shown, output)
    if check and child.returncode != 0:
        raise SlipwayError(failure(shown, child.returncode, output), hint=_where())
    return Result(child.returncode, output)


def question(  # noqa: PLR0913 - what a program can be given
    argv: Argv,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Iterable[bytes] | None = None,
    files: tuple[int, ...] = (),
    heard: Callable[[str], str] = str,
    shown: str = "",
) -> Result:
    """Run a program whose standard output is data: that is kept whole, its errors go to the build log line by line.

    It reads the pieces of `stdin` and inherits the open `files`; `heard` makes what is kept of each line of its standard
    output, and `shown` is what the log says in place of the words. A failure is left to the caller to judge; a program that
    is not there, or is stopped by the limit of `within`, raises SlipwayError, and so does whatever the making of a piece did.
    """
    words, shown = _echo(argv, shown)
    broken: list[BaseException] = []
    with _child(words, cwd, env, talk=stdin is not None, apart=True, files=files) as child, _limited(child) as late:
        _aside(_feed, child.stdin, stdin or (), broken)
        answer, errors = _Listener(child.stdout, heard), _Listener(child.stderr, _logged)
        child.wait()
        result = Result(child.returncode, errors.text(shown), answer.text(shown))
        _require_in_time(late, shown, result.output)
    if broken:
        raise broken[0]
    return result


def capture(argv: Argv, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """Return what a quick question to a program answers on standard output, or None when it fails or is not there."""
    try:
        done = subprocess.run(
            [os.fspath(word) for word in argv],
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def stop_all() -> None:
    """Ask every program that still runs to end, as a Ctrl-C in a terminal would."""
    children = tuple(_children)
    _stop_below([child.pid for child in children])
    for child in children:
        child.terminate()


class Background:
    """A program that works beside this process, out of reach of the terminal's signals.

    Its standard input stays open as long as this process lives: a program that reads it ends with us, however we end.
    """

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def end(self, patience: float = 10) -> None:
        """Close its standard input and wait; what then still runs is killed."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def start(argv: Sequence[str | os.PathLike[str]], *, log: Path, env: Mapping[str, str] | None = None) -> Background:
    """Start a program and return at once; what it says goes to the file `log`."""
    words = [os.fspath(word) for word in argv]
    console.log(f"+ {redact(shlex.join(words))} &")
    with log.open("ab") as out:
        child = subprocess.Popen(
            words,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Background(child)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let each program inside the block take so long at most; one that takes longer is stopped and raises SlipwayError."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


def which(name: str) -> Path | None:
    """Find a program on PATH."""
    found = shutil.which(name)
    return None if found is None else Path(found)


def failure(shown: str, code: int, output: str) -> str:
    """Say how a program ended, with the last lines of what it said."""
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return f"{shown} {how}\n{_tail(output)}".rstrip()


def _require_in_time(late: threading.Event, shown: str, output: str) -> None:
    if late.is_set():
        message = f"{shown} still ran after {_limit.get():g} seconds and was stopped\n{_tail(output)}".rstrip()
        raise SlipwayError(message, hint=_where())


def _tail(output: str) -> str:
    return "".join(f"    {line}\n" for line in output.splitlines()[-TAIL:])


def _where() -> str:
    return f"the whole output is in {console.log_name()}"


def _echo(argv: Argv, instead: str = "") -> tuple[list[str], str]:
    words = [os.fspath(word) for word in argv]
    shown = redact(instead or shlex.join(words))
    console.log(f"+ {shown}")
    console.verbose(f"+ {shown}")
    return words, shown


@contextmanager
def _child(
    words: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    talk: bool,
    apart: bool = False,
    files: tuple[int, ...] = (),
) -> Iterator[subprocess.Popen[str]]:
    child = _spawn(words, cwd, env, talk, apart, files)
    _children.add(child)
    try:
        yield child
    except BaseException:
        _end(child)
        raise
    finally:
        child.wait()
        _children.discard(child)


@contextmanager
def _limited(child: subprocess.Popen[str]) -> Iterator[threading.Event]:
    late, limit = threading.Event(), _limit.get()

    def stop() -> None:
        late.set()
        _end(child)

    timer = threading.Timer(limit, stop) if limit is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield late
    finally:
        if timer is not None:
            timer.cancel()


def _end(child: subprocess.Popen[str]) -> None:
    _stop_below([child.pid])
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()


def _stop_below(pids: list[int]) -> None:
    """Ask what these programs started to end too: cargo below cargo-zigbuild, rustc below cargo.

    They stay in our group, so that a Ctrl-C reaches them and one of them may ask for a password.
    """
    listed = capture(["ps", "-A", "-o", "pid=", "-o", "ppid="]) or ""
    parents = {int(words[0]): int(words[1]) for line in listed.splitlines() if len(words := line.split()) == 2}
    below = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    for pid in below - set(pids):
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)


def _spawn(
    words: list[str], cwd: Path | None, env: Mapping[str, str] | None, talk: bool, apart: bool, files: tuple[int, ...]
) -> subprocess.Popen[str]:
    if cwd is not None and not cwd.is_dir():
        raise SlipwayError(f"cannot run {words[0]} in {cwd}: there is no such folder", hint="check the path in slipway.toml")
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if apart else subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            pass_fds=files,
        )
    except OSError as error:
        raise _explain(words[0], error) from error


def _explain(program: str, error: OSError) -> SlipwayError:
    if isinstance(error, FileNotFoundError):
        return SlipwayError(f"{program} is not installed", hint="doit info lists what is missing and how to get it")
    if isinstance(error, PermissionError):
        hint = "check the mode of the file and of the folders above it"
        return SlipwayError(f"{program} may not be executed by this user", hint=hint)
    return SlipwayError(f"{program} cannot be started: {error.strerror}", hint="is it a program for this system?")


class _Listener:
    """Keeps what a program says, line by line, beside the thread that waits for it to end."""

    def __init__(self, pipe: IO[str] | None, each: Callable[[str], str]) -> None:
        self._lines: list[str] = []
        self._thread = _aside(self._listen, pipe, each)

    def _listen(self, pipe: IO[str], each: Callable[[str], str]) -> None:
        with pipe:
            self._lines.extend(map(each, pipe))

    def text(self, shown: str) -> str:
        """Return all that was said, after the program has ended.

        Something it left running may hold its output open for ever, so there is an end to waiting for more.
        """
        self._thread.join(GRACE)
        if self._thread.is_alive():
            console.warn(f"{shown} has ended, but what it started still runs and holds its output open; not waiting for that")
        return "".join(self._lines)


def _aside(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=copy_context().run, args=(work, *arguments), daemon=True)
    thread.start()
    return thread


def _feed(pipe: IO[str] | None, data: str | Iterable[bytes], broken: list[BaseException]) -> None:
    # A program may end before it has read all; its exit code says whether that was wrong.
    if pipe is None:
        return
    with suppress(BrokenPipeError), pipe:
        try:
            for piece in [data.encode("utf-8", "replace")] if isinstance(data, str) else data:
                pipe.buffer.write(piece)  # type: ignore[attr-defined] # the binary file below one of text
        except BrokenPipeError:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            broken.append(error)


def _logged(line: str) -> str:
    clean = redact(line)
    console.log(clean.rstrip("\n"))
    return clean
