"""Small files of slipway's own on the git remote, for environments without a store that could keep them.

Each is a blob under a ref of its own, refs/slipway/ENVIRONMENT/NAME, which git's server changes only from what was seen.
Nobody gets these refs by an ordinary clone or fetch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from slipway.errors import TransientError
from slipway.git import Repository
from slipway.git.objects import read_blob, replace_remote_ref, write_blob

_TRIES: Final = 5
_KEPT: Final = re.compile(r"[A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class GitState:
    """The files of one environment on a remote."""

    repository: Repository
    remote: str
    environment: str

    def load(self, name: str) -> tuple[bytes, str] | None:
        """The bytes of a file, and the object that holds them."""
        ref = self.ref(name)
        for _ in range(_TRIES):
            if (found := self.repository.ls_remote(self.remote, ref).get(ref)) is None:
                return None
            if not self.repository.object_of(f"{found}^{{blob}}"):
                self.repository.fetch(self.remote, ref)
            # Somebody may have written in between: then what was fetched is newer than what was asked for.
            if self.repository.object_of(f"{found}^{{blob}}"):
                return read_blob(self.repository, found), found
        raise TransientError(f"{name} on {self.remote} changes faster than it can be read", hint="run slipway status")

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write a file, if it is as it was seen; raises ChangedError when it is not."""
        made = write_blob(self.repository, data)
        replace_remote_ref(self.repository, self.remote, self.ref(name), made, seen or "")
        return made

    def ref(self, name: str) -> str:
        """The ref of a file; what git does not allow in one is written as %XX."""
        return f"refs/slipway/{_spelled(self.environment)}/{'/'.join(map(_spelled, name.split('/')))}"


def _spelled(part: str) -> str:
    """A dot is fine but for the places where git minds it: at either end, before another, before `lock`."""
    return "".join(
        char if _KEPT.match(char) or (char == "." and _is_plain_dot(part, at)) else _escaped(char) for at, char in enumerate(part)
    )


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _is_plain_dot(part: str, at: int) -> bool:
    return 0 < at < len(part) - 1 and part[at + 1] != "." and part[at:] != ".lock"
