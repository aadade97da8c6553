"""The journal: what a publication began, did and still owes, written before and after each Action.

It lies outside the source tree, so that nobody can put "done already" into a change, is only ever appended to, and every record
says to which plan it belongs. A copy goes to the environment's store: from it another machine can resume or roll back.
Whoever only reads changes nothing: half a line that a killed run left is cut off by the next who writes.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any, Final

from slipway.actions.action import Receipt
from slipway.actions.plan import Kinds, Plan, load_plan
from slipway.errors import VerificationError
from slipway.files import explained, write_atomic
from slipway.plain import from_plain, to_plain
from slipway.redaction import redact

SCHEMA: Final = 1
NAME: Final = "journal.jsonl"
_TICK: Final = timedelta(microseconds=1)
BEGIN, DONE, FAILED, OWED, REVERTED = "begin", "done", "failed", "owed", "reverted"
STARTED, ENDED, BYPASSED, NOTED = "started", "ended", "bypassed", "noted"


def state_dir() -> Path:
    """Where journals lie on this machine (XDG Base Directory Specification)."""
    home = os.environ.get("SLIPWAY_STATE_HOME") or os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "slipway" / "releases"


def whoami() -> str:
    """Who writes: `user@machine`."""
    name = "somebody"
    with suppress(OSError, KeyError):
        name = getuser()
    return f"{name}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the journal: what happened to which Action, when, by whom and under which plan."""

    event: str
    plan: str
    at: str
    by: str
    id: str
    action: str = ""
    text: str = ""
    receipt: Receipt | None = None
    schema: int = SCHEMA

    def line(self) -> bytes:
        """The record as a line of JSON."""
        data = {key: value for key, value in to_plain(self).items() if value not in ("", None)}
        return json.dumps(data, sort_keys=True, ensure_ascii=False).encode() + b"\n"


@dataclass(slots=True)
class Journal:
    """The records of one version of a product in one environment; `folder` also holds the plans."""

    folder: Path
    records: list[Record] = field(default_factory=list)
    _unwritten: list[Record] = field(default_factory=list)
    _count: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def path(self) -> Path:
        """The file of the records."""
        return self.folder / NAME

    @classmethod
    def open(cls, folder: Path, copy: bytes = b"") -> Journal:
        """Read what is there, and what is only in the copy of the environment's store; writes nothing."""
        journal = cls(folder)
        here = journal.path.read_bytes() if journal.path.is_file() else b""
        found = {record.id: record for record in _read(here, str(journal.path))}
        copied = {record.id: record for record in _read(copy, "the journal in the store")}
        journal._unwritten = [record for name, record in copied.items() if name not in found]
        journal.records = sorted((copied | found).values(), key=lambda each: (each.at, each.id))
        return journal

    def write(self, event: str, plan: str, *, action: str = "", text: str = "", receipt: Receipt | None = None) -> Record:
        """Append a record; when this returns, it outlives a power failure."""
        with self._lock:
            self._count += 1
            at, who = self._next_time(), whoami()
            record = Record(
                event=event,
                plan=plan,
                at=at,
                by=who,
                id=f"{at}/{who}/{os.getpid()}/{self._count}",
                action=action,
                text=redact(text),
                receipt=receipt,
            )
            self._append(record)
        return record

    def keep(self, plan: Plan) -> None:
        """Keep a plan beside the records."""
        path, data = self.plan_path(plan.digest), plan.dump()
        if path.is_file() and path.read_bytes() == data:
            return
        with explained(path):
            self._make_folder()
            write_atomic(path, data, mode=0o600)
            _sync(path)
            _sync(self.folder)

    def plan_path(self, digest: str) -> Path:
        """Where the plan of a digest lies."""
        return self.folder / f"plan-{digest}.json"

    def plan(self, digest: str, kinds: Kinds) -> Plan:
        """The plan of a digest; raises VerificationError when it is not here whole."""
        path = self.plan_path(digest)
        if not path.is_file():
            raise VerificationError(f"the plan {digest[:12]} is not in {self.folder}", hint="plan again: slipway plan")
        return load_plan(path.read_bytes(), kinds, where=str(path))

    def done(self) -> dict[str, Receipt]:
        """The receipts of all that is done and was not undone since, by the Action's key, whatever the plan was."""
        found: dict[str, Receipt] = {}
        for record in self.records:
            if record.event == DONE and record.receipt is not None:
                found[record.action] = record.receipt
            elif record.event == REVERTED:
                found.pop(record.action, None)
        return found

    def begun(self) -> dict[str, Receipt]:
        """What was begun, and nobody knows whether it was done: how it was before, by the Action's key."""
        found: dict[str, Receipt] = {}
        for record in self.records:
            if record.event == BEGIN and record.receipt is not None:
                found.setdefault(record.action, record.receipt)
            elif record.event in (DONE, REVERTED):
                found.pop(record.action, None)
        return found

    def owed(self) -> dict[str, str]:
        """What stays to be done for optional targets, with the reason why it failed."""
        found: dict[str, str] = {}
        for record in self.records:
            if record.event == OWED:
                found[record.action] = record.text
            elif record.event in (DONE, REVERTED):
                found.pop(record.action, None)
        return found

    @property
    def last(self) -> Record | None:
        """The last record that says that a publication began or ended."""
        return next((each for each in reversed(self.records) if each.event in (STARTED, ENDED)), None)

    @property
    def unfinished(self) -> str:
        """The digest of the plan that was begun and has not ended; empty when there is none."""
        last = self.last
        return last.plan if last is not None and last.event == STARTED else ""

    def dump(self) -> bytes:
        """All records, for the copy in the store."""
        return b"".join(record.line() for record in self.records)

    def _next_time(self) -> str:
        """Now, but later than every record there is: clocks differ and go back, and the order of the records must not."""
        now = datetime.now(UTC)
        if self.records:
            now = max(now, datetime.fromisoformat(self.records[-1].at) + _TICK)
        return now.isoformat(timespec="microseconds")

    def _append(self, record: Record) -> None:
        """Append to the file, after what was only in the copy until now."""
        with explained(self.path):
            self._make_folder()
            new = not self.path.exists()
            _append_lines(self.path, b"".join(each.line() for each in (*self._unwritten, record)))
            if new:
                _sync(self.folder)
        self._unwritten.clear()
        self.records.append(record)

    def _make_folder(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)


def _append_lines(path: Path, data: bytes) -> None:
    """Append all of it or nothing, behind the last whole line: half a line said nothing yet."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _lock_alone(handle)
        end = os.fstat(handle).st_size
        if end and _read_at(handle, end - 1, 1) != b"\n":
            end = _read_at(handle, 0, end).rfind(b"\n") + 1
            os.ftruncate(handle, end)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)


def _read_at(handle: int, place: int, size: int) -> bytes:
    os.lseek(handle, place, os.SEEK_SET)
    return os.read(handle, size)


def _lock_alone(handle: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)


def _sync(path: Path) -> None:
    """Let a file, or what a folder says of its files, outlive a power failure."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(data: bytes, where: str) -> Iterator[Record]:
    lines: Iterable[bytes] = data.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        yield _record(line, f"{where}:{number}")


def _record(line: bytes, where: str) -> Record:
    hint = "move the file away: what is published is then found by looking at the stores"
    try:
        data: dict[str, Any] = json.loads(line)
        record = from_plain(Record, data)
        if datetime.fromisoformat(record.at).tzinfo is None or not all(isinstance(each, str) for each in _words(record)):
            raise ValueError("a part of it is of the wrong kind")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VerificationError(f"{where} is no record of a journal: {error}", hint=hint) from error
    if record.schema != SCHEMA:
        raise VerificationError(f"{where} is of schema {record.schema}, and this slipway reads {SCHEMA}", hint=hint)
    return record


def _words(record: Record) -> tuple[object, ...]:
    receipt = record.receipt or Receipt()
    known = (*receipt.before.items(), *receipt.after.items())
    return (record.event, record.plan, record.by, record.id, record.action, record.text, receipt.digest, *sum(known, ()))
