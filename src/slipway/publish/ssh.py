"""A folder on a server that is reached by SSH, as a store: files are complete before anybody sees them, and never overwritten."""

from __future__ import annotations

import hashlib
import os
import posixpath
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from slipway import process
from slipway.actions.store import Content, Found, Pointed, Sent
from slipway.environments import Form, SshStore
from slipway.errors import ChangedError, GateError, SlipwayError, TransientError, VerificationError
from slipway.files import explained
from slipway.process import Result
from slipway.publish import ssh_scripts as scripts
from slipway.publish.records import PointerRecord, record_name
from slipway.publish.ssh_session import Session

OWN: Final = ".slipway"
PIECE: Final = 1 << 18
# From here on what was sent is kept when the connection breaks.
LARGE: Final = 4 << 20
_CODES: Final = (scripts.TAKEN, scripts.DAMAGED, scripts.BUSY, scripts.CHANGED)


@dataclass(slots=True)
class Server:
    """A store on a server."""

    rules: SshStore
    session: Session = field(init=False)
    _digests: dict[str, str] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.session = Session(self.rules)

    @property
    def name(self) -> str:
        """The store's name in slipway.toml."""
        return self.rules.name

    def check(self, size: int) -> None:
        """Raise GateError when the server does not let us in, the folder cannot be written, or there is no room."""
        try:
            self._run(scripts.CHECK, str(size >> 10), self._private)
        except (GateError, TransientError):
            raise
        except SlipwayError as error:
            raise GateError(error.message, hint="mend it on the server, then run again; nothing has been written") from error

    def served(self, name: str) -> str:
        """A server serves every name as it is."""
        return name

    def listing(self, folder: str) -> Mapping[str, Found]:
        """The files right in a folder, by one command; what stands for the bytes is the file's number, time and size."""
        rows = self._run(scripts.LISTING, f"./{folder}").answer.split("\0")
        return {f"{folder}/{name}".lstrip("/"): found for name, found in map(_listed, filter(None, rows))}

    def put(self, content: Content, source: Path, sent: Sent) -> Found:
        """Send a file to the private folder, read it back there, and link it to its name if nothing has it."""
        with self.session.room():
            done = self._put(content, source, sent)
        if done.code == scripts.TAKEN:
            raise VerificationError(
                f"{content.name} is in {self.name} with other bytes, and what is published never changes",
                hint="publish what was built from the same commit, or give the release a new version",
            )
        return Found(size=content.size, sha256=content.sha256, token=done.answer.strip())

    def _put(self, content: Content, source: Path, sent: Sent) -> Result:
        target = (f"./{content.folder}", f"./{content.name}")
        part = f"{self._private}/{content.sha256}"
        if content.size >= LARGE:
            self._send(part, source, sent)
            return self._run(scripts.FINISH, part, content.sha256, *target)
        # Two that send the same bytes at once do not share a file.
        part += f".{os.getpid()}-{threading.get_ident()}"
        pieces = self._pieces(source, 0, sent)
        return self._run(scripts.AT_ONCE, part, self._private, content.sha256, *target, stdin=pieces)

    def digest(self, name: str) -> str:
        """Read by the server, with all other files of the folder at once: whoever asks for one asks for the others too.

        No answer is given twice.
        """
        with self._reading:
            if name not in self._digests:
                with self.session.room():
                    rows = self._run(scripts.DIGESTS, f"./{posixpath.dirname(name)}").answer.split("\0")
                folder = posixpath.dirname(name)
                self._digests |= {f"{folder}/{row[68:]}".lstrip("/"): row[:64] for row in rows if row}
            return self._digests.pop(name, "")

    def reread(self, name: str) -> str:
        """The digest of the file as the server reads it."""
        with self.session.room():
            return self._run(scripts.DIGEST, f"./{name}").answer.strip()

    def copy(self, name: str, target: Path) -> None:
        """Download a file."""
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out, self.session.room():
                self.session.fetch(scripts.READ, self._root, f"./{name}", into=out.fileno())

    def url(self, name: str) -> str:
        """The address below the store's own; empty where slipway.toml says none."""
        return f"{self.rules.url.rstrip('/')}/{quote(name)}" if self.rules.url else ""

    def pointed(self, name: str, form: Form) -> Pointed | None:
        """Where a link leads, or of what a file is a copy; fails closed on whatever slipway did not make."""
        return self._read_pointer(name, form)[0]

    def point(self, name: str, form: Form, to: Pointed, seen: Pointed | None) -> Pointed:
        """Make the link or the copy beside its place and move it there, if that is as it was seen."""
        looks = self._require_seen(name, form, seen)
        digest = "" if to.target.endswith("/") else self.reread(to.target)
        # What the pointer may lead to is noted first: a run that is killed in between leaves one that can be read.
        self._note(name, to, digest)
        folder = posixpath.dirname(name)
        leads = posixpath.relpath(to.target.rstrip("/"), folder or ".") if form == "symlink" else f"./{to.target}"
        self._run(scripts.POINT, f"./{name}", f"./{folder}", looks, form, leads)
        return Pointed(target=to.target, version=to.version)

    def unpoint(self, name: str, form: Form, seen: Pointed) -> None:
        """Remove the link or the copy."""
        looks = self._require_seen(name, form, seen)
        self._run(scripts.UNPOINT, f"./{name}", looks)

    def load(self, name: str) -> tuple[bytes, str] | None:
        """A small file of slipway's own, and its SHA-256."""
        answer = self._run(scripts.LOAD, f"./{OWN}/{name}").answer
        if not answer:
            return None
        data = answer[1:].encode()
        return data, hashlib.sha256(data).hexdigest()

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write it while nobody else does, if it is as it was seen; an answer that was lost is looked for."""
        path, digest = f"./{OWN}/{name}", hashlib.sha256(data).hexdigest()
        try:
            self._run(scripts.SAVE, path, posixpath.dirname(path), seen or "none", digest, stdin=[data])
        except (TransientError, ChangedError):
            found = self.load(name)
            if found is None or found[1] != digest:
                raise
        return digest

    @property
    def _root(self) -> str:
        """The store's folder; ssh begins in the user's home."""
        return self.rules.path.removeprefix("~/") or "."

    @property
    def _private(self) -> str:
        """Where files lie until they are complete; only its owner may look into it."""
        private = self.rules.private.removeprefix("~/")
        return private if private.startswith("/") else f"./{private or f'{OWN}/private'}"

    def _run(self, script: scripts.Script, *arguments: str, stdin: Iterable[bytes] | None = None) -> Result:
        done = self.session.run(script, self._root, *arguments, stdin=stdin, allowed=_CODES)
        if done.code == scripts.CHANGED:
            raise ChangedError(f"{arguments[0]} in {self.name} was changed by somebody else", hint="run slipway status")
        if done.code == scripts.BUSY:
            raise TransientError(f"{self.name}: somebody else is writing there", wait=5)
        if done.code == scripts.DAMAGED:
            raise TransientError(f"{self.name}: {arguments[0]} was damaged on the way", wait=0)
        return done

    def _send(self, part: str, source: Path, sent: Sent) -> None:
        """Bring what is missing of a large file; with rsync where both sides have it."""
        answer = self._run(scripts.BEGIN_PART, part, self._private).answer.split(maxsplit=1)
        there, with_rsync = int(answer[0]), len(answer) > 1 and process.which("rsync") is not None
        size = source.stat().st_size
        meter = _RsyncMeter(sent)
        if with_rsync and self.session.rsync(source, posixpath.join(self._root, part), meter.heard):
            sent(size - meter.done)
            return
        if there > size:
            raise VerificationError(f"{part} in {self.name} is longer than the file: remove it there", hint="then run again")
        sent(there)
        if there < size:
            self._run(scripts.ADD, part, stdin=self._pieces(source, there, sent))

    def _pieces(self, source: Path, start: int, sent: Sent) -> Iterator[bytes]:
        rate, began, count = bytes_per_second(self.rules.bandwidth), time.monotonic(), 0
        with source.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece
                sent(len(piece))
                count += len(piece)
                if rate:
                    time.sleep(max(0.0, count / rate - (time.monotonic() - began)))

    def _read_pointer(self, name: str, form: Form) -> tuple[Pointed | None, str]:
        """Where it leads, and how it looks on the server."""
        if form not in ("symlink", "copy"):
            raise GateError(f"{self.name} is a server and knows no {form}", hint="use `symlink` or `copy`")
        looks = self._run(scripts.LOOK, f"./{name}").answer
        kind, _, rest = looks.partition(" ")
        if kind == "absent":
            return None, looks
        if kind == "link" and form == "symlink":
            what, _, link = rest.partition(" ")
            leads = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
            return self._record(name).by_target(f"{leads}/" if what == "folder" else leads), looks
        if kind == "file" and form == "copy":
            return self._record(name).by_digest(rest), looks
        raise GateError(
            f"{name} in {self.name} is there and is no {form} of slipway's", hint="move it away, then run slipway resume"
        )

    def _require_seen(self, name: str, form: Form, seen: Pointed | None) -> str:
        now, looks = self._read_pointer(name, form)
        if now != seen:
            leads = now.target if now else "nothing"
            raise ChangedError(f"{name} in {self.name} leads to {leads} meanwhile", hint="run slipway status")
        return looks

    def _record(self, name: str) -> PointerRecord:
        found = self.load(record_name(name))
        return PointerRecord.read(f"{name} in {self.name}", found[0] if found else b"")

    def _note(self, name: str, to: Pointed, digest: str) -> None:
        found = self.load(record_name(name))
        record = PointerRecord.read(f"{name} in {self.name}", found[0] if found else b"").with_entry(to, digest)
        self.save(record_name(name), record.dump(), found[1] if found else None)


def bytes_per_second(text: str) -> float:
    """A rate as rsync reads it: `500` KiB, `1.5m` MiB; 0 where there is no limit."""
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    number, unit = (text[:-1], text[-1].lower()) if text and text[-1].isalpha() else (text, "k")
    try:
        return float(number) * units[unit] if text else 0.0
    except (ValueError, KeyError):
        raise GateError(f"bandwidth = {text!r} is no rate", hint='say it like rsync: "500k", "1.5m"') from None


def _listed(row: str) -> tuple[str, Found]:
    size, token, name = row.split(" ", 2)
    return name, Found(size=int(size), token=token)


@dataclass(slots=True)
class _RsyncMeter:
    """Counts what rsync says that it has sent in all."""

    sent: Sent
    done: int = 0

    def heard(self, line: str) -> str:
        first = line.split(maxsplit=1)[:1]
        if first and first[0].isdigit():
            self.sent(int(first[0]) - self.done)
            self.done = int(first[0])
        return line
