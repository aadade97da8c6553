"""Where a distribution is tried: a container with its packages in it, and the ways to install them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from slipway import process
from slipway.containers import Container
from slipway.contents import Contents
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.layout import Folders
from slipway.verify.report import Report
from slipway.verify.subject import Subject
from slipway.verify.watch import Watch

PACKAGES: Final = "/work/packages"
TESTS: Final = "/work/tests"
USER: Final = "slipway-tester"
HOME: Final = f"/home/{USER}"
LIMIT: Final = 600.0  # seconds that a command of a test, an installer or a package manager may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A container with the packages of a distribution in it, and the report on them."""

    box: Container
    subject: Subject
    report: Report
    contents: Contents
    watch: Watch

    def must(self, command: str | Sequence[str], *, user: str = "", env: Mapping[str, str] | None = None, cwd: str = "") -> str:
        """Run a command in the container; raises VerificationError with the end of its output when it fails or hangs."""
        try:
            with process.within(LIMIT):
                done = self.box.exec(command, user=user, env=env, cwd=cwd)
        except SlipwayError as error:
            # The engine's client was stopped, not what it had started in the container.
            self.box.quiet()
            raise VerificationError(error.message, hint="a command of a test may take ten minutes") from error
        if done.code:
            shown = command if isinstance(command, str) else " ".join(command)
            raise VerificationError(process.failure(shown, done.code, done.output))
        return done.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to install: the commands of it, and where things then are."""

    name: str
    install: Sequence[str]
    remove: Sequence[str]
    folders: Folders
    levels: tuple[str, ...] = ()
    user: str = ""
    repeats: bool = True
    ignored: tuple[str, ...] = ()
    unpacked: tuple[str, ...] = ()
    home: Callable[[str], str] = str

    @property
    def env(self) -> Mapping[str, str]:
        """What a person who installs this way has in the environment."""
        return {"HOME": HOME, "USER": USER, "PATH": f"{self.folders.bin}:/usr/bin:/bin"} if self.user else {}


@contextmanager
def looked_into(box: Container, user: str) -> Iterator[Any]:
    """Look into a container with testinfra."""
    try:
        import testinfra
    except ImportError as error:
        raise GateError(
            "pytest-testinfra is not installed; it looks into containers", hint="pip install pytest-testinfra"
        ) from error
    # Its backends ask the engine's program, which reads the environment.
    missing = [name for name in box.engine.env if name not in os.environ]
    os.environ.update(box.engine.env)
    try:
        yield testinfra.get_host(f"{box.engine.program}://{f'{user}@' if user else ''}{box.name}")
    finally:
        for name in missing:
            del os.environ[name]
