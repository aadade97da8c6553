"""What every store of published files must do, whatever it is; each scenario is told to a store that is empty."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from slipway.actions.store import Content, Pointed, Pointing, StateFiles, Store
from slipway.environments import Form
from slipway.errors import ChangedError, SlipwayError, VerificationError

# Names that shells, URLs and signatures stumble over.
NAMES = (
    "v1.0.0/hello-1.0.0~rc.1+build.5-linux-amd64.tar.gz",
    "v1.0.0/two words & more.txt",
    'v1.0.0/it\'s $HOME `id` "quoted" ;rm -rf *.txt',
    "v1.0.0/ünï-ço∂é.txt",
    "v1.0.0/-rf",
    "v1.0.0/manual/100%25.html",
)


class Whole(Store, Pointing, StateFiles, Protocol):
    """A store that can do everything but hold releases of a forge."""


def content(folder: Path, name: str, data: bytes, media_type: str = "application/octet-stream", encoding: str = "") -> Content:
    """A file of a release, which lies in the folder."""
    path = hashlib.sha256(name.encode()).hexdigest()[:12]
    (folder / path).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return Content(name=name, path=path, size=len(data), sha256=digest, media_type=media_type, encoding=encoding)


def put(store: Store, folder: Path, name: str, data: bytes) -> Content:
    """Publish a file."""
    made = content(folder, name, data)
    counted: list[int] = []
    found = store.put(made, folder / made.path, counted.append)
    assert (found.size, bool(found.token)) == (len(data), True)
    assert sum(counted) in (len(data), 0)
    return made


def files_are_published(store: Whole, folder: Path) -> None:
    """Every name comes back as it was, listed once, with its bytes."""
    made = [put(store, folder, name, f"this is {name}\n".encode() * 100) for name in NAMES]
    there = {**store.listing("v1.0.0"), **store.listing("v1.0.0/manual")}
    assert set(there) == set(NAMES)
    assert set(store.listing("v1.0.0")) == {name for name in NAMES if name.count("/") == 1}
    for each in made:
        assert there[each.name].size == each.size
        assert store.digest(each.name) == store.reread(each.name) == each.sha256
        store.copy(each.name, folder / "back")
        assert hashlib.sha256((folder / "back").read_bytes()).hexdigest() == each.sha256
    assert store.listing("v9") == {}
    assert (store.digest("v9/no"), store.reread("v9/no")) == ("", "")
    store.check(1000)


def bytes_never_change(store: Whole, folder: Path) -> None:
    """The same bytes again are no change; others are an error, and those that are there stay."""
    first = put(store, folder, "v1.0.0/a.txt", b"one")
    before = store.listing("v1.0.0")
    put(store, folder, "v1.0.0/a.txt", b"one")
    assert store.listing("v1.0.0") == before
    for other in (b"two", b"longer than one", b""):
        with pytest.raises(VerificationError, match="other bytes"):
            put(store, folder, "v1.0.0/a.txt", other)
    assert store.reread("v1.0.0/a.txt") == first.sha256


def empty_files_are_files(store: Whole, folder: Path) -> None:
    """A file without bytes is one."""
    made = put(store, folder, "v1.0.0/empty", b"")
    assert store.reread("v1.0.0/empty") == made.sha256
    assert store.listing("v1.0.0")["v1.0.0/empty"].size == 0


def one_of_two_writers_wins(store: Whole, folder: Path) -> None:
    """Of those who put different bytes under one name at once, one succeeds, and the others are told."""
    made: list[Content] = []
    sources: list[Path] = []
    for number in range(6):
        (folder / str(number)).mkdir()
        made.append(content(folder / str(number), "v1.0.0/same", f"writer {number}".encode() * 1000))
        sources.append(folder / str(number) / made[-1].path)

    def write(number: int) -> str:
        try:
            store.put(made[number], sources[number], lambda _: None)
        except VerificationError:
            return ""
        return made[number].sha256

    with ThreadPoolExecutor(len(made)) as pool:
        won = [digest for digest in pool.map(write, range(len(made))) if digest]
    assert won == [store.reread("v1.0.0/same")]


def state_changes_only_from_what_was_seen(store: Whole, folder: Path) -> None:
    """A small file is written where there was none, or over what was seen; nothing else."""
    assert store.load("leases/a b.json") is None
    token = store.save("leases/a b.json", b"one", None)
    assert store.load("leases/a b.json") == (b"one", token)
    with pytest.raises(ChangedError):
        store.save("leases/a b.json", b"mine", None)
    newer = store.save("leases/a b.json", b"two", token)
    assert newer != token
    with pytest.raises(ChangedError):
        store.save("leases/a b.json", b"mine", token)
    assert store.load("leases/a b.json") == (b"two", newer)
    assert all(not name.startswith((".slipway", "leases")) for name in store.listing(""))


def one_of_many_gets_the_lease(store: Whole, folder: Path) -> None:
    """Of those who write a small file at once from the same sight, one wins, new or changed."""
    for seen in (None, store.save("second", b"before", None)):
        name = "second" if seen else "first"

        def take(number: int, name: str = name, seen: str | None = seen) -> bool:
            try:
                store.save(name, f"owner {number}".encode(), seen)
            except ChangedError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            won = [number for number, got in enumerate(pool.map(take, range(6))) if got]
        found = store.load(name)
        assert found is not None
        assert [f"owner {number}".encode() for number in won] == [found[0]]


def pointers_move(store: Whole, folder: Path, form: Form, name: str, targets: Mapping[str, str]) -> None:
    """A pointer is made, moved and removed, only from what was seen."""
    (old, old_version), (new, new_version) = targets.items()
    for target, version in targets.items():
        put(store, folder, f"{target}index.html" if target.endswith("/") else target, f"this is {version}".encode())
    assert store.pointed(name, form) is None
    first = store.point(name, form, Pointed(target=old, version=old_version), None)
    assert (first.target, first.version) == (old, old_version)
    assert store.pointed(name, form) == first
    with pytest.raises(ChangedError):
        store.point(name, form, Pointed(target=new, version=new_version), None)
    second = store.point(name, form, Pointed(target=new, version=new_version), first)
    seen = store.pointed(name, form)
    assert seen == second and (seen.target, seen.version) == (new, new_version)
    for late in (lambda: store.unpoint(name, form, first), lambda: store.point(name, form, first, first)):
        with pytest.raises(ChangedError):
            late()
    store.unpoint(name, form, second)
    assert store.pointed(name, form) is None
    assert (store.reread(f"{old}index.html" if old.endswith("/") else old)) != ""


def what_somebody_made_by_hand_is_no_pointer(store: Whole, form: Form, make: Callable[[], object]) -> None:
    """Nothing is moved whose beginning is not known."""
    make()
    with pytest.raises(SlipwayError) as caught:
        store.pointed("latest", form)
    assert caught.value.exit_code == 3
    with pytest.raises(SlipwayError):
        store.point("latest", form, Pointed(target="v1.0.0/", version="1.0.0"), None)


SCENARIOS: Mapping[str, Callable[[Whole, Path], None]] = {
    each.__name__.replace("_", " "): each
    for each in (
        files_are_published,
        bytes_never_change,
        empty_files_are_files,
        one_of_two_writers_wins,
        state_changes_only_from_what_was_seen,
        one_of_many_gets_the_lease,
    )
}
