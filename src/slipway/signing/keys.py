"""Where secret keys and their passphrases come from: the environment, a private file, never a command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from slipway.errors import GateError

_OTHERS: Final = 0o077


def from_environment(name: str) -> str:
    """The secret in a variable of the environment, or in the file that the variable with _FILE after its name names.

    Empty when there is neither. Raises GateError when the file cannot be read or others may read it.
    """
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    return read_private(Path(path).expanduser()).strip("\r\n") if path else ""


def read_private(path: Path) -> str:
    """Read a file with a secret; raises GateError when it is not there or others may read it."""
    require_private(path)
    return path.read_text("utf-8", "replace")


def require_private(path: Path) -> None:
    """Raise GateError unless a file with a secret is there, can be read, and nobody else may read it."""
    try:
        mode = path.stat().st_mode
        path.open("rb").close()
    except OSError as error:
        raise GateError(f"the key file {path} cannot be read: {error.strerror}", hint="check the path and its owner") from error
    if os.name == "posix" and mode & _OTHERS:
        raise GateError(f"others may read the key file {path}: its mode is {mode & 0o777:04o}", hint=f"chmod 600 {path}")


@contextmanager
def poured(secret: str) -> Iterator[int]:
    """An open file from which a program that inherits it reads a short secret."""
    source, sink = os.pipe()
    try:
        with os.fdopen(sink, "wb") as file:
            file.write(secret.encode())
        yield source
    finally:
        os.close(source)


@contextmanager
def in_file(secret: str) -> Iterator[Path]:
    """A private file that holds a secret as long as the block runs, for programs that read nothing else."""
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        path = Path(folder) / "key"
        path.touch(0o600)
        path.write_text(secret)
        yield path
