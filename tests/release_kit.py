"""A small release to publish into folders, and what looks at the folders from outside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.actions.action import Action
from slipway.actions.journal import Journal
from slipway.actions.perform import Outcome, Performance
from slipway.actions.plan import Plan
from slipway.actions.retries import Retries
from slipway.actions.site import Site
from slipway.actions.store import Content
from slipway.environments import DirStore
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.dir import Folder
from slipway.publish.pointers import MovePointer

KINDS: dict[str, type[Any]] = {each.KIND: each for each in (Upload, ReadBack, MovePointer)}
FILES = ("hello.tar.gz", "hello.tar.gz.minisig", "install.sh")


def folder(root: Path, name: str = "site") -> Folder:
    """A store in a folder."""
    return Folder(DirStore(name=name, path=str(root)), root)


def no_wait(**more: Any) -> Retries:
    """Retries that do not wait."""
    return Retries(**{"delay": 0.0, "sleep": lambda _: None, **more})


@dataclass(kw_only=True)
class Kit:
    """One machine that publishes: its outputs, its journals, and the stores that it reaches."""

    home: Path
    stores: Mapping[str, Any]
    version: str = "2.1.0"
    files: tuple[str, ...] = FILES
    optional: tuple[str, ...] = ()
    pointers: tuple[tuple[str, str, str], ...] = (("latest", "symlink", ""), ("install.sh", "copy", "install.sh"))
    more: tuple[Action, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The folder of the release."""
        return f"v{self.version}"

    @property
    def outputs(self) -> Path:
        """Where the files to publish lie."""
        return self.home / "outputs"

    def contents(self) -> tuple[Content, ...]:
        """Make the files, the same on every machine, and say how they are published."""
        return tuple(self._content(name) for name in self.files)

    def _content(self, name: str) -> Content:
        path = self.outputs / "packages" / self.tag / name
        data = f"{name} of {self.version}\n".encode() * 50
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return Content(
            name=f"{self.tag}/{name}",
            path=path.relative_to(self.outputs).as_posix(),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            media_type="application/octet-stream",
        )

    def plan(self) -> Plan:
        """Put all files into all stores, read them back, move the pointers of the first store."""
        found: list[Action] = list(self.more)
        contents = self.contents()
        for store in self.stores:
            found += [Upload(store=store, content=each) for each in contents]
            found += [ReadBack(store=store, content=each) for each in contents]
            found += [self.move(name, form, to, store=store) for name, form, to in self.pointers]
        return Plan.of(
            found,
            verb="publish",
            product="hello",
            version=self.version,
            environment="local",
            optional=self.optional,
        )

    def move(self, name: str, form: Any, to: str, *, store: str = "site", **more: Any) -> MovePointer:
        """A pointer to a file of the release, or to its folder."""
        return MovePointer(
            store=store, name=name, form=form, to=f"{self.tag}/{to}", version=self.version, scheme="semver", **more
        )

    def site(self, journal: Journal | None = None) -> Site:
        """The stores, opened, with what the journal says was done."""
        done = journal.done() if journal else {}
        return Site(environment="local", root=self.home, outputs=self.outputs, stores=self.stores, done=done)

    def journal(self, copy: bytes = b"") -> Journal:
        """The journal of the version on this machine."""
        return Journal.open(self.home / "state" / self.version, copy)

    def performance(self, plan: Plan | None = None, **more: Any) -> Performance:
        """One run of a plan."""
        plan, journal = plan or self.plan(), more.pop("journal", None) or self.journal()
        return Performance(plan=plan, site=self.site(journal), journal=journal, **{"retries": no_wait(), **self.options, **more})

    def publish(self, plan: Plan | None = None, **more: Any) -> Outcome:
        """Run a plan."""
        return self.performance(plan, **more).run()

    def elsewhere(self, home: Path, **more: Any) -> Kit:
        """The same release on another machine."""
        return replace(self, home=home, **more)


def kit(tmp_path: Path, *stores: str, **more: Any) -> Kit:
    """A machine below `tmp_path` and folders as stores."""
    names = stores or ("site",)
    return Kit(home=tmp_path / "machine", stores={name: folder(tmp_path / name, name) for name in names}, **more)


def tree(*roots: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below some folders with all that a write would change; times of reading are left out."""
    found: dict[str, tuple[Any, ...]] = {}
    for root in roots:
        for path in sorted((root, *root.rglob("*"))) if root.exists() else ():
            stat = path.lstat()
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            leads = str(path.readlink()) if path.is_symlink() else ""
            found[str(path)] = (stat.st_mode, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, leads, data)
    return found


def public(root: Path) -> dict[str, str]:
    """What users see in a folder: files with their digests, links with where they lead; nothing whose name begins with a dot."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(".slipway"):
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Wrapped:
    """A store that hands everything on to another, with something before or after each call.

    `before` and `after` get the name of the method and its arguments; what they raise is what the caller sees.
    """

    def __init__(
        self,
        store: Any,
        before: Callable[..., object] = lambda *_: None,
        after: Callable[..., object] = lambda *_: None,
    ) -> None:
        self.wrapped, self.before, self.after = store, before, after
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.name = store.name
        for verb in ("check", "served", "listing", "put", "digest", "reread", "copy", "url"):
            setattr(self, verb, self._passing(verb))
        for verb in ("pointed", "point", "unpoint", "load", "save"):
            if hasattr(store, verb):
                setattr(self, verb, self._passing(verb))

    def _passing(self, verb: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls.append((verb, arguments))
            self.before(verb, *arguments)
            answer = getattr(self.wrapped, verb)(*arguments)
            self.after(verb, *arguments)
            return answer

        return call

    def made(self, *verbs: str) -> list[tuple[Any, ...]]:
        """The arguments of all calls of some methods."""
        return [arguments for verb, arguments in self.calls if verb in verbs]


def keys(records: Iterable[Any], event: str) -> list[str]:
    """The Actions of the records of one event, in order."""
    return [record.action for record in records if record.event == event]


def umask(value: int) -> Callable[[], int]:
    """Set the umask; call what comes back to set it back."""
    before = os.umask(value)
    return lambda: os.umask(before)
