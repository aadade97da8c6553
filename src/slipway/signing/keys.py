"""How programs get secret keys and their passphrases: by a pipe or a private file, never on a command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.credentials import from_environment, read_private, require_private

__all__ = ["from_environment", "in_file", "poured", "read_private", "require_private"]


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
