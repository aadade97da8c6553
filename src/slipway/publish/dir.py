"""A folder as a store: any web server can serve it, and everything in it appears whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from slipway.actions.store import Content, Found, Pointed, Sent
from slipway.environments import DirStore, Form
from slipway.errors import ChangedError, GateError, VerificationError
from slipway.files import CHUNK, digest_file, explained
from slipway.publish.records import PointerRecord, record_name

OWN: Final = ".slipway"
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@dataclass(frozen=True, slots=True)
class Folder:
    """A store in a folder of this machine."""

    rules: DirStore
    root: Path

    @property
    def name(self) -> str:
        """The store's name in slipway.toml."""
        return self.rules.name

    def check(self, size: int) -> None:
        """Raise GateError when the folder cannot be written or has no room."""
        there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise GateError(f"{self.name}: {there} cannot be written by this user", hint="check its owner and mode")
        if (free := shutil.disk_usage(there).free) < size:
            raise GateError(
                f"{self.name}: {size >> 20} MiB are to be published and {free >> 20} MiB are free at {there}",
                hint="make room there, or choose another folder: [store] path",
            )

    def served(self, name: str) -> str:
        """A folder serves every name as it is."""
        return name

    def listing(self, folder: str) -> Mapping[str, Found]:
        """The files of a folder; what stands for the bytes is the time and the number of the file."""
        place = self.root / folder
        if not place.is_dir():
            return {}
        with explained(place):
            files = [each for each in os.scandir(place) if each.is_file() and not each.name.startswith(".")]
            return {f"{folder}/{each.name}".lstrip("/"): _found(each.stat()) for each in files}

    def put(self, content: Content, source: Path, sent: Sent) -> Found:
        """Copy the file beside its place and link it there, which fails where something is already."""
        target = self.root / content.name
        with explained(target):
            self._make_folder(target.parent)
            _remove_parts(target)
            _remove_linked_parts(target.parent)
            part = _part(target)
            try:
                digest = _copy(source, part, sent)
                if digest != content.sha256:
                    raise VerificationError(f"{content.path} changed while it was published", hint="run slipway resume")
                _link(part, target)
            finally:
                part.unlink(missing_ok=True)
            _sync(target.parent)
            if target.is_symlink() or not target.is_file() or digest_file(target) != content.sha256:
                raise VerificationError(
                    f"{content.name} is in {self.name} with other bytes, and what is published never changes",
                    hint="publish what was built from the same commit, or give the release a new version",
                )
            return _found(target.stat())

    def digest(self, name: str) -> str:
        """Read the file: a folder knows no digests."""
        return self.reread(name)

    def reread(self, name: str) -> str:
        """Read the file, past everything that slipway remembers of it."""
        path = self.root / name
        if not path.is_file():
            return ""
        with explained(path), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def copy(self, name: str, target: Path) -> None:
        """Copy a file of the store."""
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / name, target)

    def url(self, name: str) -> str:
        """The address below the store's own; empty where slipway.toml says none."""
        return f"{self.rules.url.rstrip('/')}/{quote(name)}" if self.rules.url else ""

    def pointed(self, name: str, form: Form) -> Pointed | None:
        """Where a link leads, or of what a copy is one; fails closed on whatever slipway did not make."""
        path = self.root / name
        if form not in ("symlink", "copy"):
            raise GateError(
                f"{self.name} is a folder, and {name} cannot be a {form} there", hint='let it be a "symlink" or a "copy"'
            )
        if not os.path.lexists(path):
            return None
        if form == "symlink" and path.is_symlink():
            leads = os.path.relpath(path.parent / path.readlink(), self.root)
            target = f"{leads}/" if (self.root / leads).is_dir() else leads
            return self._record(name).by_target(target)
        if form == "copy" and path.is_file() and not path.is_symlink():
            return self._record(name).by_digest(self.reread(name))
        raise GateError(f"{path} is there and is no {form} of slipway's", hint="move it away, then run slipway resume")

    def point(self, name: str, form: Form, to: Pointed, seen: Pointed | None) -> Pointed:
        """Put the link or the copy beside its place and rename it, so that nobody sees it half."""
        with self._locked():
            self._require_seen(name, form, seen)
            digest = "" if to.target.endswith("/") else self.reread(to.target)
            # What the pointer may lead to is noted first: a run that is killed in between leaves one that can be read.
            self._note(name, self._record(name).with_entry(to, digest))
            path = self.root / name
            with explained(path):
                _remove_linked_parts((self.root / to.target).parent if digest else self.root / to.target)
                self._make_folder(path.parent)
                _replace(path, self._maker(form, path, to.target, digest))
        return to

    def unpoint(self, name: str, form: Form, seen: Pointed) -> None:
        """Remove the link or the copy."""
        with self._locked():
            self._require_seen(name, form, seen)
            with explained(self.root / name):
                (self.root / name).unlink()
                _sync((self.root / name).parent)

    def load(self, name: str) -> tuple[bytes, str] | None:
        """A small file of slipway's own, and its SHA-256."""
        path = self.root / OWN / name
        if not path.is_file():
            return None
        with explained(path):
            data = path.read_bytes()
        return data, hashlib.sha256(data).hexdigest()

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write it while nobody else does, if it is as it was seen."""
        with self._locked():
            found = self.load(name)
            if (found[1] if found else None) != seen:
                raise ChangedError(f"{name} in {self.name} was changed by somebody else", hint="run slipway status")
            self._write(name, data)
        return hashlib.sha256(data).hexdigest()

    def _make_folder(self, folder: Path) -> None:
        """Make a folder that web servers can read, whatever this user's umask is, as the files are."""
        new = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in new:
            each.chmod(0o755)

    def _maker(self, form: Form, path: Path, target: str, digest: str) -> Callable[[Path], object]:
        if form == "symlink":
            leads = os.path.relpath(self.root / target.rstrip("/"), path.parent)
            return lambda part: part.symlink_to(leads)

        def copy(part: Path) -> None:
            if _copy(self.root / target, part, lambda _: None) != digest:
                raise VerificationError(f"{target} in {self.name} changed while it was copied", hint="run slipway resume")

        return copy

    def _require_seen(self, name: str, form: Form, seen: Pointed | None) -> None:
        if (now := self.pointed(name, form)) != seen:
            leads = now.target if now else "nothing"
            raise ChangedError(f"{name} in {self.name} leads to {leads} meanwhile", hint="run slipway status")

    def _record(self, name: str) -> PointerRecord:
        found = self.load(record_name(name))
        return PointerRecord.read(f"{name} in {self.name}", found[0] if found else b"")

    def _note(self, name: str, record: PointerRecord) -> None:
        self._write(record_name(name), record.dump())

    def _write(self, name: str, data: bytes) -> None:
        path = self.root / OWN / name
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, lambda part: _write(part, data))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.root / OWN / "lock"
        with explained(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield


def _found(stat: os.stat_result) -> Found:
    # The time of the last change to the file cannot be set back, as that of its bytes can.
    return Found(size=stat.st_size, token=f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_size}")


def _copy(source: Path, target: Path, sent: Sent) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as given, target.open("xb") as taken:
        while chunk := given.read(CHUNK):
            digest.update(chunk)
            taken.write(chunk)
            sent(len(chunk))
        taken.flush()
        os.fsync(taken.fileno())
    target.chmod(0o644)
    return digest.hexdigest()


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _link(part: Path, target: Path) -> None:
    """Give the file its name if nothing has it; where it has, its bytes are compared by the caller."""
    try:
        os.link(part, target)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links; the lease keeps others away between the question and the rename.
        if not os.path.lexists(target):
            part.replace(target)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    _remove_parts(path)
    part = _part(path)
    try:
        make(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync(path.parent)


def _part(path: Path) -> Path:
    """Where a file grows before it has its name."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _remove_parts(path: Path) -> None:
    """Remove what a killed run left of this file, and of none whose name only begins like it; the lease keeps others away."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.part"):
        left.unlink(missing_ok=True)


def _remove_linked_parts(folder: Path) -> None:
    """Remove what a run left that was killed when a file had its name already; others of this run may be at work here."""
    for left in folder.glob(f".*.{'[0-9a-f]' * 8}.part"):
        with suppress(FileNotFoundError):
            if left.lstat().st_nlink > 1:
                left.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
