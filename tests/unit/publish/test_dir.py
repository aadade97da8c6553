"""The folder as a store: whole files or none, never other bytes under a name, and links that nobody sees half."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from release_kit import folder, public, tree, umask

from slipway.actions.store import Content, Pointed
from slipway.errors import ChangedError, GateError, SlipwayError, VerificationError
from slipway.publish.dir import Folder

V1, V2 = Pointed(target="v1/", version="1.0.0"), Pointed(target="v2/", version="2.0.0")
FILE1, FILE2 = Pointed(target="v1/a", version="1.0.0"), Pointed(target="v2/a", version="2.0.0")


def content(tmp_path: Path, name: str, data: bytes | None = None) -> tuple[Content, Path]:
    data = f"bytes of {name}".encode() if data is None else data
    source = tmp_path / "sources" / hashlib.sha256(name.encode() + data).hexdigest()
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return Content(name=name, path=source.name, size=len(data), sha256=digest, media_type="text/plain"), source


def put(store: Folder, tmp_path: Path, name: str, data: bytes | None = None) -> None:
    made, source = content(tmp_path, name, data)
    found = store.put(made, source, lambda _: None)
    assert found == store.listing(made.folder)[name]


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return folder(tmp_path / "site")


@pytest.fixture
def two(store: Folder, tmp_path: Path) -> Folder:
    """A store with two releases."""
    for name in ("v1/a", "v1/b", "v2/a", "v2/b"):
        put(store, tmp_path, name)
    return store


# Files.
def test_equal_bytes_are_left_as_they_are_and_others_refused(store: Folder, tmp_path: Path) -> None:
    put(store, tmp_path, "v1/a")
    before = tree(store.root / "v1" / "a")
    put(store, tmp_path, "v1/a")
    assert tree(store.root / "v1" / "a") == before
    with pytest.raises(VerificationError, match="v1/a is in site with other bytes, and what is published never changes"):
        put(store, tmp_path, "v1/a", b"other")
    assert tree(store.root / "v1" / "a") == before
    assert [path.name for path in (store.root / "v1").iterdir()] == ["a"]


def test_files_whose_names_begin_alike_do_not_disturb_each_other(store: Folder, tmp_path: Path) -> None:
    """A signature is uploaded beside what it signs: hello.tar.gz.minisig and hello.tar.gz."""
    signature, source = content(tmp_path, "v1/hello.tar.gz.minisig")
    begun: list[int] = []

    def meanwhile(count: int) -> None:
        begun.append(count)
        put(store, tmp_path, "v1/hello.tar.gz")

    store.put(signature, source, meanwhile)
    assert begun
    assert set(public(store.root)) == {"v1/hello.tar.gz", "v1/hello.tar.gz.minisig"}


def test_nobody_sees_half_a_file(store: Folder, tmp_path: Path) -> None:
    made, source = content(tmp_path, "v1/big", os.urandom(5 << 20))
    seen: list[set[str]] = []
    store.put(made, source, lambda _: seen.append({*public(store.root), *store.listing("v1")}))
    assert len(seen) == 5
    assert all(name.startswith("v1/.") for each in seen for name in each)
    assert list(public(store.root)) == ["v1/big"]


def test_a_source_that_changes_meanwhile_is_not_published(store: Folder, tmp_path: Path) -> None:
    made, source = content(tmp_path, "v1/a", b"a" * (2 << 20))

    def change(_: int) -> None:
        with source.open("r+b") as file:
            file.seek((2 << 20) - 1)
            file.write(b"!")

    with pytest.raises(VerificationError, match="changed while it was published"):
        store.put(made, source, change)
    assert tree(store.root / "v1").keys() == {str(store.root / "v1")}


def test_what_a_killed_run_left_is_removed_by_the_next(store: Folder, tmp_path: Path) -> None:
    (store.root / "v1").mkdir(parents=True)
    for name in (".a.01234567.part", ".b.01234567.part", ".a.note.part", ".a.minisig.01234567.part"):
        (store.root / "v1" / name).write_text("half")
    put(store, tmp_path, "v1/a")
    left = sorted(path.name for path in (store.root / "v1").iterdir())
    assert left == [".a.minisig.01234567.part", ".a.note.part", ".b.01234567.part", "a"]


_PUTTER = """
import hashlib, sys
from pathlib import Path
from slipway.actions.store import Content
from slipway.environments import DirStore
from slipway.errors import SlipwayError
from slipway.publish.dir import Folder
root, source, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
store, data = Folder(DirStore(name="site"), root), source.read_bytes()
digest = hashlib.sha256(data).hexdigest()
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    content = Content(name=f"v1/{number}", path="x", size=len(data), sha256=digest, media_type="")
    try:
        store.put(content, source, lambda _: None)
        print(number, "put", digest, flush=True)
    except SlipwayError as error:
        print(number, type(error).__name__, error.message, flush=True)
"""


def _race(root: Path, sources: list[Path], count: int) -> list[dict[int, tuple[str, str]]]:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _PUTTER, root, source, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for source in sources
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [child.communicate()[0] for child in children]
    lines = [[line.split(" ", 2) for line in text.splitlines()] for text in said]
    return [{int(number): (what, rest) for number, what, rest in each} for each in lines]


def test_of_two_processes_with_other_bytes_one_wins_each_name(tmp_path: Path) -> None:
    sources = [tmp_path / name for name in "ab"]
    for source in sources:
        source.write_bytes(source.name.encode() * 300_000)
    told = _race(tmp_path / "site", sources, 40)
    seen = public(tmp_path / "site")
    for number in range(40):
        put = [rest for each in told for what, rest in (each[number],) if what == "put"]
        refused = [each[number] for each in told if each[number][0] != "put"]
        assert put == [seen[f"v1/{number}"]]
        assert len(refused) == 1
        # A loser may also find that the winner has swept its half-written file away: nobody may be there without the lease.
        assert "with other bytes" in refused[0][1] or "cannot write" in refused[0][1]
    assert len(seen) == 40


# What is in the way.
def _link_away(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"bytes of v1/a")
    path.symlink_to(tmp_path / "secret")


IN_THE_WAY: dict[str, Callable[[Path, Path], object]] = {
    "a link to equal bytes": _link_away,
    "a link to nowhere": lambda path, _: path.symlink_to("nowhere"),
    "a link to itself": lambda path, _: path.symlink_to(path.name),
    "a folder": lambda path, _: path.mkdir(),
    "a pipe": lambda path, _: os.mkfifo(path),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_no_file_of_ours_is_refused_and_left(what: str, store: Folder, tmp_path: Path) -> None:
    (store.root / "v1").mkdir(parents=True)
    IN_THE_WAY[what](store.root / "v1" / "a", tmp_path)
    before = tree(store.root / "v1" / "a")
    with pytest.raises(VerificationError, match="v1/a is in site with other bytes"):
        put(store, tmp_path, "v1/a")
    assert tree(store.root / "v1" / "a") == before
    assert [path.name for path in (store.root / "v1").iterdir()] == ["a"]


def test_a_file_where_the_folder_should_be_is_told(store: Folder, tmp_path: Path) -> None:
    store.root.mkdir()
    (store.root / "v1").write_text("a file")
    with pytest.raises(SlipwayError, match=r"cannot write .*/v1/a: ") as stopped:
        put(store, tmp_path, "v1/a")
    assert "move it away" in str(stopped.value.hint)


def test_bytes_put_in_place_of_ours_are_noticed_though_size_and_time_are_the_same(store: Folder, tmp_path: Path) -> None:
    put(store, tmp_path, "v1/a")
    path = store.root / "v1" / "a"
    before, stat = store.listing("v1")["v1/a"], path.stat()
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert store.listing("v1")["v1/a"].token != before.token


def test_web_servers_can_read_what_is_published_whatever_the_umask_is(store: Folder, tmp_path: Path) -> None:
    back = umask(0o077)
    try:
        put(store, tmp_path, "releases/v1/a")
        store.point("channels/latest", "copy", Pointed(target="releases/v1/a", version="1.0.0"), None)
    finally:
        back()
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in store.root.rglob("*") if ".slipway" not in path.parts} == {
        "releases": "0o755",
        "v1": "0o755",
        "a": "0o644",
        "channels": "0o755",
        "latest": "0o644",
    }


# No room, no right.
_FULL = """
import resource, signal, sys
from pathlib import Path
from slipway.actions.store import Content, Pointed
from slipway.environments import DirStore
from slipway.errors import SlipwayError
from slipway.files import digest_file
from slipway.publish.dir import Folder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
source = Path(sys.argv[2])
store = Folder(DirStore(name="site"), Path(sys.argv[1]))
content = Content(name="v1/a", path="a", size=source.stat().st_size, sha256=digest_file(source), media_type="")
sent = []
verbs = {
    "put": lambda: store.put(content, source, sent.append),
    "point": lambda: store.point("a", "copy", Pointed(target="v1/a", version="1.0.0"), None),
    "save": lambda: store.save("lease.json", b"x" * 3_000_000, None),
}
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    verbs[sys.argv[3]]()
except SlipwayError as error:
    print(error.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(*sorted(path.name for path in store.root.rglob("*") if path.is_file()))
verbs[sys.argv[3]]()
"""


@pytest.mark.parametrize(("verb", "left"), [("put", ""), ("point", "a {record} lock"), ("save", "lock")])
def test_a_full_disk_leaves_nothing_half(verb: str, left: str, store: Folder, tmp_path: Path) -> None:
    made, source = content(tmp_path, "v1/a", os.urandom(3 << 20))
    if verb == "point":
        store.put(made, source, lambda _: None)
    words = [sys.executable, "-c", _FULL, str(store.root), str(source), verb]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said, found = (done.stdout + "\n").splitlines()[:2]
    assert said.startswith("cannot write ")
    assert said.endswith(": File too large")
    assert [name for name in found.split() if not name.endswith(".json")] == [name for name in left.split() if name[0] != "{"]
    assert not list(store.root.rglob("*.part"))


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A folder that this user may not write into; root becomes nobody for it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        inner = Path(place) / "site"
        inner.mkdir(mode=0o555)
        am_root = os.geteuid() == 0
        if am_root:
            os.setresuid(65534, 65534, 0)
        try:
            yield inner
        finally:
            if am_root:
                os.setresuid(0, 0, 0)
            inner.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is(forbidden: Path) -> None:
    for root in (forbidden, forbidden / "deep" / "down"):
        with pytest.raises(GateError, match=rf"^site: {forbidden} cannot be written by this user\n"):
            folder(root).check(1)


def test_too_little_room_is_refused_before_anything_is(store: Folder) -> None:
    with pytest.raises(GateError, match=r"^site: \d+ MiB are to be published and \d+ MiB are free at "):
        store.check(1 << 60)
    store.check(1)
    assert not store.root.exists(), "asking writes nothing"


def test_a_file_in_place_of_the_whole_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(GateError, match="cannot be written"):
        folder(tmp_path / "site").check(1)


# Pointers.
@pytest.mark.parametrize(("form", "one", "other"), [("symlink", V1, V2), ("symlink", FILE1, FILE2), ("copy", FILE1, FILE2)])
def test_a_pointer_is_made_moved_and_removed(form: Any, one: Pointed, other: Pointed, two: Folder) -> None:
    assert two.pointed("deep/latest", form) is None
    assert two.point("deep/latest", form, one, None) == one == two.pointed("deep/latest", form)
    assert two.point("deep/latest", form, other, one) == other == two.pointed("deep/latest", form)
    inside = two.root / "deep" / "latest"
    assert (inside / "a" if other.target.endswith("/") else inside).read_bytes() == b"bytes of v2/a"
    two.unpoint("deep/latest", form, other)
    assert two.pointed("deep/latest", form) is None
    assert not os.path.lexists(inside)


@pytest.mark.parametrize("form", ["symlink", "copy"])
def test_a_pointer_that_is_not_as_it_was_seen_is_not_moved(form: Any, two: Folder) -> None:
    two.point("latest", form, FILE1, None)
    for seen in (None, FILE2, Pointed(target="v1/a", version="9.0.0")):
        with pytest.raises(ChangedError, match="latest in site leads to v1/a meanwhile"):
            two.point("latest", form, FILE2, seen)
    with pytest.raises(ChangedError):
        two.unpoint("latest", form, FILE2)
    assert two.pointed("latest", form) == FILE1


FOREIGN: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a link of somebody else": ("symlink", lambda path: path.symlink_to("v2")),
    "a link out of the store": ("symlink", lambda path: path.symlink_to("/etc")),
    "a file instead of a link": ("symlink", lambda path: path.write_text("x")),
    "a folder instead of a link": ("symlink", lambda path: path.mkdir()),
    "a link instead of a copy": ("copy", lambda path: path.symlink_to("v1/a")),
    "a copy of something else": ("copy", lambda path: path.write_text("x")),
    "a folder instead of a copy": ("copy", lambda path: path.mkdir()),
}


@pytest.mark.req("S2-4")
@pytest.mark.parametrize("what", FOREIGN)
def test_a_pointer_that_slipway_did_not_make_is_not_touched(what: str, two: Folder) -> None:
    form: Any
    form, make = FOREIGN[what]
    make(two.root / "latest")
    before = public(two.root), tree(two.root / "latest")
    verbs: tuple[Callable[[], object], ...] = (
        lambda: two.pointed("latest", form),
        lambda: two.point("latest", form, FILE1, None),
        lambda: two.unpoint("latest", form, FILE1),
    )
    for verb in verbs:
        with pytest.raises(GateError):
            verb()
    assert (public(two.root), tree(two.root / "latest")) == before


@pytest.mark.parametrize("form", ["redirect", "ref", "latest"])
def test_a_folder_says_which_pointers_it_cannot_have(form: Any, two: Folder) -> None:
    before = public(two.root)
    with pytest.raises(GateError, match=f"site is a folder, and latest cannot be a {form} there"):
        two.point("latest", form, FILE1, None)
    assert public(two.root) == before


def test_a_damaged_note_about_a_pointer_stops(two: Folder) -> None:
    two.point("latest", "symlink", V1, None)
    record = next((two.root / ".slipway" / "pointers").iterdir())
    for damage in (b"{", b"[]", b'{"entries": [{"target": 1}]}', b"\xff"):
        record.write_bytes(damage)
        with pytest.raises(GateError, match="what slipway noted about latest in site cannot be read"):
            two.pointed("latest", "symlink")
    record.unlink()
    with pytest.raises(GateError, match="and slipway did not make it so"):
        two.pointed("latest", "symlink")


def test_a_pointer_to_a_folder_that_is_gone_is_still_known(two: Folder) -> None:
    two.point("latest", "symlink", V1, None)
    (two.root / "v1").rename(two.root / "away")
    assert two.pointed("latest", "symlink") == V1
    two.point("latest", "symlink", V2, V1)
    assert two.pointed("latest", "symlink") == V2


_KILLED = """
import os, sys
from pathlib import Path
from slipway.actions.store import Pointed
from slipway.environments import DirStore
from slipway.publish import dir as module
from slipway.publish.dir import Folder
store = Folder(DirStore(name="site"), Path(sys.argv[1]))
form, at = sys.argv[2], int(sys.argv[3])
target = "v2/" if form == "symlink" else "v2/a"
calls = iter(range(1, 1000))
def die_before(function):
    def call(*arguments, **more):
        if next(calls) == at:
            os._exit(9)
        return function(*arguments, **more)
    return call
Path.replace = die_before(Path.replace)
Path.symlink_to = die_before(Path.symlink_to)
module._copy = die_before(module._copy)
os.fsync = die_before(os.fsync)
store.point("latest", form, Pointed(target=target, version="2.0.0"), store.pointed("latest", form))
"""


@pytest.mark.parametrize(("form", "one", "other"), [("symlink", V1, V2), ("copy", FILE1, FILE2)])
def test_a_move_that_is_killed_anywhere_leaves_a_pointer_that_can_be_read_and_moved(
    form: Any, one: Pointed, other: Pointed, two: Folder
) -> None:
    states, at = [], 0
    while True:
        at += 1
        two.point("latest", form, one, two.pointed("latest", form))
        done = subprocess.run([sys.executable, "-c", _KILLED, two.root, form, str(at)], check=False)
        found = two.pointed("latest", form)
        assert found in (one, other)
        states.append(found)
        assert done.returncode in (0, 9)
        if done.returncode == 0:
            break
    assert states[0] == one
    assert states[-1] == other
    assert at > 4
    two.point("latest", form, one, other)
    assert not list(two.root.rglob("*.part")), "what the killed ones left is swept"


def test_whoever_reads_while_it_moves_always_finds_something(two: Folder) -> None:
    two.point("latest", "symlink", V1, None)
    two.point("a", "copy", FILE1, None)
    stop, seen = threading.Event(), []

    def poll() -> None:
        while not stop.is_set():
            seen.append((two.root / "latest" / "a").read_bytes())
            seen.append((two.root / "a").read_bytes())

    reader = threading.Thread(target=poll)
    reader.start()
    for _ in range(30):
        for one, other in ((V1, V2), (V2, V1)):
            two.point("latest", "symlink", other, one)
        for file, other_file in ((FILE1, FILE2), (FILE2, FILE1)):
            two.point("a", "copy", other_file, file)
    stop.set()
    reader.join()
    assert set(seen) == {b"bytes of v1/a", b"bytes of v2/a"}


# Small files of slipway's own.
def test_a_small_file_changes_only_from_what_was_seen(store: Folder) -> None:
    assert store.load("x/lease.json") is None
    token = store.save("x/lease.json", b"one", None)
    assert store.load("x/lease.json") == (b"one", token)
    for seen in (None, "0" * 64):
        with pytest.raises(ChangedError, match=r"x/lease\.json in site was changed by somebody else"):
            store.save("x/lease.json", b"two", seen)
    assert store.load("x/lease.json") == (b"one", token)
    store.save("x/lease.json", b"two", token)
    assert store.listing("") == {}


_COUNTER = """
import sys
from pathlib import Path
from slipway.environments import DirStore
from slipway.errors import ChangedError
from slipway.publish.dir import Folder
store = Folder(DirStore(name="site"), Path(sys.argv[1]))
left = 50
while left:
    found = store.load("count")
    data, token = found if found else (b"0", None)
    try:
        store.save("count", str(int(data) + 1).encode(), token)
        left -= 1
    except ChangedError:
        pass
"""


def test_no_change_of_a_small_file_is_lost_between_processes(tmp_path: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", _COUNTER, tmp_path / "site"]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    found = folder(tmp_path / "site").load("count")
    assert found is not None
    assert found[0] == b"150"
