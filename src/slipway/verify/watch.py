"""Look at a container's file system again and again, reading only what changed since the last look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from slipway.containers import Container
from slipway.errors import VerificationError
from slipway.verify.snapshot import Entry, Snapshot, read_snapshot

# The time of the last change to an inode cannot be set by programs: with the inode's number and size it tells every change.
_FIELDS: Final = ("%y", "%m", "%U:%G", "%C@ %i %s", "%l", "%p")
_FIND: Final = ("find", "/", "-xdev", "-printf", "".join(f"{field}\\0" for field in _FIELDS))
_KINDS: Final = {"d": "folder", "f": "file", "l": "link"}
_ARGUMENTS: Final = 500


class Watch:
    """The looks at one container. An image without GNU find is exported whole each time, which takes a second."""

    def __init__(self, box: Container) -> None:
        self._box = box
        self._signs: Mapping[str, str] = {}
        self._last: Snapshot = {}

    def look(self) -> Snapshot:
        """Return the file system as it is now."""
        found = self._box.question(_FIND)
        if found.code:
            return self._export()
        known = self._last or self._export()
        listed = dict(_listed(found.answer))
        signs = {path: sign for path, (sign, _) in listed.items()}
        entries = {path: entry for path, (_, entry) in listed.items()}
        files = [path for path, entry in entries.items() if entry.kind == "file"]
        changed = [path for path in files if path not in known or (self._last and signs[path] != self._signs[path])]
        digests = {path: known[path].digest for path in files if path in known} | dict(self._digests(changed))
        self._last = entries | {path: replace(entries[path], digest=digests[path]) for path in files}
        self._signs = signs
        return self._last

    def _export(self) -> Snapshot:
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            tar = Path(folder) / "root.tar"
            self._box.export(tar)
            return read_snapshot(tar)

    def _digests(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        for start in range(0, len(paths), _ARGUMENTS):
            some = paths[start : start + _ARGUMENTS]
            done = self._box.question(["sha256sum", "-z", "--", *some])
            if done.code:
                raise VerificationError(f"the container's files cannot be read: {done.output.strip()}", hint="run again")
            yield from zip(some, (line[:64] for line in done.answer.split("\0")), strict=False)


def _listed(answer: str) -> Iterator[tuple[str, tuple[str, Entry]]]:
    values: Iterable[str] = answer.split("\0")
    for kind, mode, owner, sign, target, path in zip(*[iter(values)] * len(_FIELDS), strict=False):
        yield path, (sign, Entry(_KINDS.get(kind, "device"), int(mode, 8), owner, target))
