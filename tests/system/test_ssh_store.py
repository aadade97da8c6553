"""A server as a store: a real one, on this machine, which lets the user of the tests in."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cut_relay import Relay, cut_relay
from installer_lab import SHELLS
from ssh_server import Ssh, ssh_server
from store_life import SCENARIOS, content, pointers_move, put, what_somebody_made_by_hand_is_no_pointer

from slipway import console, process
from slipway.actions.retries import Retries
from slipway.actions.store import Pointed, Pointing, StateFiles, Store
from slipway.environments import Form, SshStore
from slipway.errors import ChangedError, GateError, SlipwayError, TransientError, VerificationError
from slipway.publish import ssh_scripts
from slipway.publish.ssh import LARGE, Server

pytestmark = pytest.mark.slow

# What a small server has: without rsync, flock and all that GNU adds, told apart by a PATH of its own.
SMALL = (
    *("awk", "cat", "chmod", "cp", "cut", "df", "dirname", "ln", "ls", "mkdir", "mv", "readlink", "rm", "rmdir", "sh", "sleep"),
    *("printf", "sha256sum", "stat", "wc", "find"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    with ssh_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    """A server whose programs are BusyBox's."""
    tools = tmp_path_factory.mktemp("tools")
    for name in SMALL:
        (tools / name).symlink_to(shutil.which("busybox") or "busybox is not installed")
    with ssh_server(tmp_path_factory.mktemp("small"), path=str(tools)) as running:
        yield running


@pytest.mark.parametrize("shell", [name for name in SHELLS if name != "bash"])
def test_any_posix_shell_will_do(shell: str, tmp_path: Path, folder: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in SMALL:
        (tools / name).symlink_to(shutil.which(name) or name)
    program, *words = SHELLS[shell]
    (tools / "sh").unlink()
    # yash knows no file names but those of its locale.
    (tools / "sh").write_text(
        f'#!{shutil.which("dash")}\nexport LC_ALL=C.UTF-8\nexec {shutil.which(program)} {" ".join(words)} "$@"\n'
    )
    (tools / "sh").chmod(0o755)
    with ssh_server(tmp_path / "server", path=str(tools)) as server:
        for number, scenario in enumerate(("files are published", "bytes never change", "state changes only from what was seen")):
            SCENARIOS[scenario](Server(rules_of(server, tmp_path / f"public {number}")), folder)
        store = Server(rules_of(server, tmp_path / "public"))
        pointers_move(store, folder, "symlink", "latest", {"v1.0.0/": "1.0.0", "v1.1.0/": "1.1.0"})
        put(store, folder, "v1.0.0/large", os.urandom(6_000_000))


def rules_of(server: Ssh, path: Path) -> SshStore:
    path.mkdir()
    return SshStore(
        name="site",
        host="127.0.0.1",
        path=str(path),
        user=server.user,
        port=server.port,
        identity=str(server.key),
        known_hosts=str(server.known_hosts),
    )


@pytest.fixture
def rules(server: Ssh, tmp_path: Path) -> SshStore:
    return rules_of(server, tmp_path / "public html")


@pytest.fixture(params=["a server", "a small server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    name = "small_server" if request.param == "a small server" else "server"
    return Server(rules_of(request.getfixturevalue(name), tmp_path / "public html"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files of a release lie here."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_server_is_a_store(scenario: str, store: Server, folder: Path) -> None:
    SCENARIOS[scenario](store, folder)


def test_a_server_keeps_pointers_and_state(rules: SshStore) -> None:
    server: object = Server(rules)
    for kind in (Store, Pointing, StateFiles):
        assert isinstance(server, kind)


FORMS: dict[str, tuple[Form, str, dict[str, str]]] = {
    "symlink to a folder": ("symlink", "latest", {"v1.0.0/": "1.0.0", "v1.1.0/": "1.1.0"}),
    "symlink to a folder, further down": ("symlink", "channels/my stable", {"v1.0.0/": "1.0.0", "v1.1.0/": "1.1.0"}),
    "symlink to a file": ("symlink", "install.sh", {"v1.0.0/install.sh": "1.0.0", "v1.1.0/a b.sh": "1.1.0"}),
    "copy of a file": ("copy", "install.sh", {"v1.0.0/install.sh": "1.0.0", "v1.1.0/a b.sh": "1.1.0"}),
}


@pytest.mark.parametrize(("form", "name", "targets"), FORMS.values(), ids=FORMS)
def test_pointers_move(form: Form, name: str, targets: dict[str, str], store: Server, folder: Path) -> None:
    pointers_move(store, folder, form, name, targets)
    assert not list(Path(store.rules.path).rglob("*.part"))


@pytest.mark.parametrize("form", ["symlink", "copy"])
@pytest.mark.parametrize("what", ["link", "file", "folder"])
def test_what_somebody_made_by_hand_is_no_pointer(form: Form, what: str, rules: SshStore) -> None:
    path = Path(rules.path) / "latest"
    made = {"link": lambda: path.symlink_to("v0"), "file": lambda: path.write_text("x"), "folder": path.mkdir}
    what_somebody_made_by_hand_is_no_pointer(Server(rules), form, made[what])


def test_a_link_that_somebody_turned_is_not_moved(rules: SshStore) -> None:
    store, root = Server(rules), Path(rules.path)
    for version in ("v1.0.0", "v0.9.0"):
        (root / version).mkdir()
    seen = store.point("latest", "symlink", Pointed(target="v1.0.0/", version="1.0.0"), None)
    (root / "latest").unlink()
    (root / "latest").symlink_to("v0.9.0")
    with pytest.raises(GateError, match="leads to v0"):
        store.point("latest", "symlink", Pointed(target="v1.1.0/", version="1.1.0"), seen)
    assert (root / "latest").readlink() == Path("v0.9.0")


@pytest.mark.req("S3-8")
def test_nobody_sees_what_is_not_complete(rules: SshStore, folder: Path, tmp_path: Path) -> None:
    store = Server(replace(rules, private=str(tmp_path / "private")))
    made = content(folder, "v1.0.0/a", b"data" * 1_500_000)
    seen: list[bool] = []
    store.put(made, folder / made.path, lambda _: seen.append((Path(rules.path) / made.name).exists()))
    assert seen and not any(seen)
    public = Path(rules.path) / made.name
    assert (public.stat().st_mode & 0o777, public.stat().st_nlink) == (0o644, 1)
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "private").iterdir()) == []


@pytest.mark.req("S3-22")
@pytest.mark.parametrize("rsync", [True, False], ids=["with rsync", "without rsync"])
@pytest.mark.parametrize("there", [0, 5_000_000, 6_000_000])
def test_a_large_file_goes_on_where_it_broke_off(
    rsync: bool, there: int, rules: SshStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rsync:
        monkeypatch.setattr(process, "which", lambda _: None)
    store, data = Server(rules), os.urandom(6_000_000)
    made = content(folder, "v1.0.0/large", data)
    private = Path(rules.path) / ".slipway" / "private"
    if there:
        private.mkdir(parents=True)
        (private / made.sha256).write_bytes(data[:there])
    counted: list[int] = []
    found = store.put(made, folder / made.path, counted.append)
    assert (Path(rules.path) / made.name).read_bytes() == data
    assert store.listing("v1.0.0")[made.name].token == found.token
    assert sum(counted) == len(data)
    assert list(private.iterdir()) == []


@pytest.mark.req("S3-22")
@pytest.mark.parametrize("rsync", [True, False], ids=["with rsync", "without rsync"])
@pytest.mark.parametrize("size", [2_000_000, 40_000_000])
def test_a_connection_that_breaks_costs_only_what_is_missing(
    rsync: bool, size: int, server: Ssh, rules: SshStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rsync:
        monkeypatch.setattr(process, "which", lambda _: None)
    made = content(folder, "v1.0.0/large", os.urandom(size))
    with cut_relay(server.port) as relay:
        store = Server(through(relay, server, rules))
        store.check(size)
        relay.cut_after = size * 3 // 4
        with pytest.raises(TransientError):
            store.put(made, folder / made.path, lambda _: None)
        assert store.listing("v1.0.0") == {}
        relay.passed = 0
        store.put(made, folder / made.path, lambda _: None)
        again = relay.passed
    assert (Path(rules.path) / made.name).read_bytes() == (folder / made.path).read_bytes()
    assert again < size // 2 if size > LARGE else again > size


@pytest.mark.req("S3-22")
def test_another_run_goes_on_where_one_was_killed(server: Ssh, rules: SshStore, folder: Path) -> None:
    made = content(folder, "v1.0.0/large", os.urandom(40_000_000))
    slow = replace(rules, bandwidth="20m")
    (folder / "upload.py").write_text(
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "from slipway.publish.ssh import Server\n"
        "rules, made, source = pickle.load(open(sys.argv[1], 'rb'))\n"
        "Server(rules).put(made, source, lambda _: None)\n"
    )
    (folder / "what").write_bytes(pickle.dumps((slow, made, folder / made.path)))
    part = Path(rules.path) / ".slipway" / "private" / made.sha256
    with subprocess.Popen([sys.executable, folder / "upload.py", folder / "what"]) as child:
        until = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size > 10_000_000):
            assert time.monotonic() < until and child.poll() is None
            time.sleep(0.01)
        connections = subprocess.run(["pgrep", "-P", str(child.pid)], check=True, capture_output=True, text=True).stdout.split()
        child.kill()
        assert connections
    for _ in range(500):
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in connections):
            break
        time.sleep(0.01)
    else:
        pytest.fail(f"a killed run left its connection behind: {connections}")
    assert Server(rules).listing("v1.0.0") == {}
    counted: list[int] = []
    with cut_relay(server.port) as relay:
        store = Server(through(relay, server, rules))
        store.put(made, folder / made.path, counted.append)
    assert (Path(rules.path) / made.name).read_bytes() == (folder / made.path).read_bytes()
    assert sum(counted) == made.size
    assert relay.passed < 32_000_000


def through(relay: Relay, server: Ssh, rules: SshStore) -> SshStore:
    """The same store, reached through a relay."""
    known = server.known_hosts.with_name("known_relay")
    known.write_text(server.known_hosts.read_text().replace(str(server.port), str(relay.port)))
    return replace(rules, port=relay.port, known_hosts=str(known))


def test_every_call_works_again_after_the_connection_broke(server: Ssh, rules: SshStore, folder: Path) -> None:
    """Ten times, in the middle of everything."""
    with cut_relay(server.port) as relay:
        store = Server(through(relay, server, rules))
        retries = Retries(count=5, delay=0.01)
        token = retries.run("lease", lambda: store.save("lease.json", b"mine", None))
        for number in range(10):
            relay.cut_after = 3000 * number
            made = content(folder, f"v1.0.0/{number}", os.urandom(100_000))
            retries.run("put", partial(store.put, made, folder / made.path, lambda _: None))
            assert retries.run("read", partial(store.reread, made.name)) == made.sha256
            relay.cut()
            token = retries.run("lease", partial(store.save, "lease.json", f"mine {number}".encode(), token))
        assert len(retries.run("list", partial(store.listing, "v1.0.0"))) == 10


def test_a_part_that_was_spoiled_is_sent_anew(rules: SshStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "which", lambda _: None)
    store, data = Server(rules), os.urandom(6_000_000)
    made = content(folder, "v1.0.0/large", data)
    private = Path(rules.path) / ".slipway" / "private"
    private.mkdir(parents=True)
    (private / made.sha256).write_bytes(bytes(1_000_000))
    with pytest.raises(TransientError, match="damaged on the way"):
        store.put(made, folder / made.path, lambda _: None)
    assert store.listing("v1.0.0") == {}
    store.put(made, folder / made.path, lambda _: None)
    assert store.reread(made.name) == made.sha256


@pytest.mark.parametrize("what", ["folder", "link to nothing", "link to a file"])
def test_whatever_has_the_name_stays(what: str, rules: SshStore, folder: Path) -> None:
    place = Path(rules.path) / "v1.0.0"
    place.mkdir()
    (place / "other").write_text("other")
    made: dict[str, Callable[[], object]] = {
        "folder": (place / "a").mkdir,
        "link to nothing": lambda: (place / "a").symlink_to("nothing"),
        "link to a file": lambda: (place / "a").symlink_to("other"),
    }
    made[what]()
    before = sorted(path.name for path in place.rglob("*"))
    with pytest.raises(VerificationError, match="other bytes"):
        put(Server(rules), folder, "v1.0.0/a", b"mine")
    assert sorted(path.name for path in place.rglob("*")) == before
    assert (place / "other").read_text() == "other"


def test_all_is_done_through_one_login(server: Ssh, rules: SshStore, folder: Path) -> None:
    before = server.logins
    store = Server(rules)
    store.check(1)
    SCENARIOS["one of many gets the lease"](store, folder)
    for number in range(5):
        put(store, folder, f"v1.0.0/{number}", b"1")
    store.listing("v1.0.0")
    assert server.logins == before + 1


def test_looking_writes_nothing(rules: SshStore) -> None:
    store = Server(rules)
    store.check(10)
    assert store.listing("v1.0.0") == {}
    assert (store.digest("v1.0.0/a"), store.load("lease.json"), store.pointed("latest", "symlink")) == ("", None, None)
    assert list(Path(rules.path).rglob("*")) == []


def test_the_log_says_what_was_done_and_not_how(rules: SshStore, folder: Path, tmp_path: Path) -> None:
    with console.logging_to(tmp_path / "log"):
        put(Server(rules), folder, "v1.0.0/a b", b"1")
    connected, stored = (tmp_path / "log").read_text().splitlines()
    assert "+ ssh -M " in connected
    assert f"+ ssh {rules.user}@127.0.0.1: at once" in stored
    assert "'./v1.0.0/a b'" in stored


REFUSED = {
    "a server that is not known": ({"known_hosts": os.devnull}, "Host key verification failed", "ssh-keyscan"),
    "a key that the server does not know": ({"identity": "{other}"}, "Permission denied", "never asks for a password"),
    "a key that is not there": ({"identity": "/no/such/key"}, "/no/such/key", "identity"),
}


@pytest.mark.req("S3-12")
@pytest.mark.parametrize(("change", "said", "hint"), REFUSED.values(), ids=REFUSED)
def test_who_is_not_let_in_is_told_at_once(
    change: dict[str, str], said: str, hint: str, rules: SshStore, server: Ssh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    change = {name: value.format(other=server.key.with_name("host_key")) for name, value in change.items()}
    with pytest.raises(GateError, match="cannot be used") as caught:
        Server(replace(rules, **change)).check(0)  # type: ignore[arg-type]
    assert said in str(caught.value) and hint in str(caught.value)


def test_a_server_whose_key_is_another_is_not_used(rules: SshStore, server: Ssh, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.port} {server.key.with_suffix('.pub').read_text()}")
    with pytest.raises(GateError, match="Host key verification failed"):
        Server(replace(rules, known_hosts=str(known))).check(0)


def test_a_server_that_is_not_there_may_come_back(rules: SshStore) -> None:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        with pytest.raises(TransientError, match="cannot be reached"):
            Server(replace(rules, port=there.getsockname()[1])).listing("v1")


def test_a_folder_that_cannot_be_used_is_refused(rules: SshStore, tmp_path: Path) -> None:
    for change, size, said in (
        ({"path": str(tmp_path / "none")}, 0, "there is no folder"),
        ({"private": "/proc/slipway"}, 0, "cannot be made|another file system"),
        ({"private": "/dev/shm/slipway"}, 0, "another file system"),
        ({}, 1 << 60, "KiB are free"),
    ):
        with pytest.raises(GateError, match=said):
            Server(replace(rules, **change)).check(size)  # type: ignore[arg-type]


def test_a_write_that_fails_is_an_error_and_leaves_nothing(rules: SshStore, folder: Path) -> None:
    Path(rules.path, "v1.0.0").write_text("a file where a folder should be")
    with pytest.raises(SlipwayError, match=r"mkdir|Not a directory|File exists"):
        put(Server(rules), folder, "v1.0.0/a", b"1")


def test_a_lease_is_ours_although_the_answer_was_lost(rules: SshStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Server(rules)
    real = store.session.judge

    def lose(done: process.Result, allowed: object) -> None:
        monkeypatch.setattr(store.session, "judge", real)
        raise TransientError("the answer was lost")

    store.load("warm")
    monkeypatch.setattr(store.session, "judge", lose)
    token = store.save("lease.json", b"mine", None)
    assert store.load("lease.json") == (b"mine", token)
    with pytest.raises(ChangedError):
        store.save("lease.json", b"yours", None)


@pytest.mark.parametrize("rsync", [True, False], ids=["with rsync", "without rsync"])
def test_a_limit_of_the_bandwidth_is_kept(rsync: bool, rules: SshStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not rsync:
        monkeypatch.setattr(process, "which", lambda _: None)
    store = Server(replace(rules, bandwidth="10m"))
    store.check(0)
    began = time.monotonic()
    put(store, folder, "v1.0.0/large", os.urandom(6 << 20))
    assert time.monotonic() - began > 0.4


def test_the_scripts_are_posix() -> None:
    """As strict readers of shell see them."""
    for name, script in vars(ssh_scripts).items():
        if not isinstance(script, ssh_scripts.Script):
            continue
        done = process.run(
            ["shellcheck", "-s", "sh", "-S", "warning", "-e", "SC2034,SC2154", "-"], stdin=script.text, check=False
        )
        assert done.code == 0, f"{name}: {done.output}"
