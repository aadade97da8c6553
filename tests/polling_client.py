"""A client that looks at what is published again and again, and complains of whatever no user may ever see."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL = 0.01
Look = Callable[[], Iterator[str]]


@dataclass
class Client:
    """Looks every 10 ms as long as the block runs."""

    look: Look
    looks: int = 0
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def polling(self) -> Iterator[Client]:
        """Look beside the block, and once more at its end."""
        stop = threading.Event()
        thread = threading.Thread(target=self._poll, args=(stop,))
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()
            self._once()

    def _poll(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begun = time.monotonic()
            self._once()
            stop.wait(max(0.0, INTERVAL - (time.monotonic() - begun)))

    def _once(self) -> None:
        self.looks += 1
        try:
            self.complaints += [each for each in self.look() if each not in self.complaints]
        except Exception as error:  # noqa: BLE001 - whatever a client meets is a complaint
            self.complaints.append(f"{type(error).__name__}: {error}")


@dataclass
class FolderLook:
    """What has to be so in a folder that is served, at any time.

    `releases` says for each tag the files that it declares, with their digests; `copies` are the pointers that are copies, with
    the file of a release that each is one of, `links` those that are links to the folder of a release, and `marks` are files
    that may come to a release later.
    """

    root: Path
    releases: Mapping[str, Mapping[str, str]]
    copies: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    marks: tuple[str, ...] = ("WITHDRAWN.txt",)
    _seen: set[str] = field(default_factory=set)
    _digests: dict[tuple[int, int, int], str] = field(default_factory=dict)

    def __call__(self) -> Iterator[str]:
        """What is wrong now."""
        led = {*self._copied(), *self._linked()}
        yield from (each for each in led if each.startswith("!"))
        for tag in sorted(each for each in led if not each.startswith("!")):
            yield from self._whole(tag)
        yield from self._strangers()

    def _copied(self) -> Iterator[str]:
        for name, file in self.copies.items():
            digest = self._digest(self.root / name)
            if not digest:
                yield from self._vanished(name)
                continue
            self._seen.add(name)
            tags = [tag for tag, files in self.releases.items() if files.get(file) == digest]
            yield from tags or [f"! {name} is no copy of any {file}"]

    def _linked(self) -> Iterator[str]:
        for name in self.links:
            try:
                tag = (self.root / name).readlink().as_posix()
            except FileNotFoundError:
                yield from self._vanished(name)
                continue
            self._seen.add(name)
            yield tag if tag in self.releases else f"! {name} leads to {tag}, which nobody declared"

    def _vanished(self, name: str) -> Iterator[str]:
        if name in self._seen:
            yield f"! {name} was there and is gone"

    def _whole(self, tag: str) -> Iterator[str]:
        for name, wanted in self.releases[tag].items():
            if (digest := self._digest(self.root / tag / name)) != wanted:
                yield f"{tag} is led to, and its {name} is {digest or 'absent'}"

    def _strangers(self) -> Iterator[str]:
        """What is seen of a release, led to or not, is whole and declared."""
        for tag, files in self.releases.items():
            if (self.root / tag).is_dir():
                seen = (path for path in (self.root / tag).iterdir() if not path.name.startswith("."))
                for path in seen:
                    if path.name not in self.marks and self._digest(path) != files.get(path.name):
                        yield f"{tag}/{path.name} is not what was declared"

    def _digest(self, path: Path) -> str:
        try:
            stat = path.stat()
            key = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if key not in self._digests:
                self._digests[key] = hashlib.sha256(path.read_bytes()).hexdigest()
            return self._digests[key]
        except FileNotFoundError:
            return ""


@dataclass
class ForgeLook:
    """What has to be so at a forge: every release that the public sees has all files that it declares, and the latest is one."""

    published: Callable[[], Mapping[str, Mapping[str, bytes]]]
    latest: Callable[[], str | None]
    releases: Mapping[str, Mapping[str, str]]

    def __call__(self) -> Iterator[str]:
        """What is wrong now."""
        latest, published = self.latest(), self.published()
        if latest is not None and latest not in published:
            yield f"{latest} is the latest and nobody can see it"
        for tag, files in published.items():
            found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
            if found != self.releases.get(tag):
                wrong = sorted(dict(set(found.items()) ^ set(self.releases.get(tag, {}).items())))
                yield f"{tag} is public and not as declared: {wrong}"
