"""The lease: one release at a time, whoever dies, sleeps, or does not hear the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from release_kit import Wrapped, folder, no_wait

from slipway.actions import lease as module
from slipway.actions.journal import whoami
from slipway.actions.lease import SECONDS, SECONDS_BETWEEN_LOOKS, Holder, Lease, acquire, held, load_lease, machine
from slipway.errors import ChangedError, GateError, NetworkError, SlipwayError, TransientError, VerificationError

NAME = "hello/local/lease.json"


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return folder(tmp_path / "site")


def get(store: Any, clock: Clock, version: str = "2.1.0", *, take: bool = False) -> Holder:
    return acquire(store, NAME, version, clock=clock, take=take, retries=no_wait())


def there(store: Any) -> Lease:
    found = store.load(NAME)
    assert found is not None
    return load_lease(found[0])


def write(store: Any, data: bytes) -> None:
    found = store.load(NAME)
    store.save(NAME, data, found[1] if found else None)


def foreign(clock: Clock, **more: Any) -> bytes:
    """A lease of somebody on another machine."""
    values: dict[str, Any] = {"owner": "ada@elsewhere", "id": "x", "pid": 7, "version": "9.9.9"}
    return Lease(**(values | {"expires": clock() + 60, "epoch": 4} | more)).dump()


# One at a time.
_CONTENDER = """
import sys
from pathlib import Path
from slipway.actions.lease import held
from slipway.environments import DirStore
from slipway.errors import GateError
from slipway.publish.dir import Folder
store = Folder(DirStore(name="site"), Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    with held(store, sys.argv[2], sys.argv[3]):
        print("held", flush=True)
        sys.stdin.readline()
except GateError as error:
    print("refused", error.message, flush=True)
"""


def contender(root: Path, version: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _CONTENDER, str(root), NAME, version]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert line(child) == "ready"
    return child


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def tell(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def test_of_several_processes_one_gets_it_and_the_others_are_told_who(tmp_path: Path) -> None:
    children = [contender(tmp_path / "site", f"2.{number}.0") for number in range(5)]
    for child in children:
        tell(child)
    said = {child.pid: line(child) for child in children}
    winners = [pid for pid, text in said.items() if text == "held"]
    assert len(winners) == 1
    version = there(folder(tmp_path / "site")).version
    for pid, text in said.items():
        if pid not in winners:
            assert text.startswith(
                f"refused {whoami()} is publishing {version} (process {winners[0]}) and holds the lease until "
            )
    for child in children:
        child.communicate("end\n")
    assert there(folder(tmp_path / "site")).released
    with held(folder(tmp_path / "site"), NAME, "3.0.0") as holder:
        assert holder.lease.epoch == 2


def test_the_lease_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    child = contender(tmp_path / "site", "2.1.0")
    tell(child)
    assert line(child) == "held"
    with pytest.raises(GateError, match=f"process {child.pid}"), held(folder(tmp_path / "site"), NAME, "2.1.0"):
        pass
    child.kill()
    child.communicate()
    with held(folder(tmp_path / "site"), NAME, "2.1.0") as holder:
        assert (holder.lease.epoch, holder.lease.pid) == (2, os.getpid())


def test_a_dead_process_elsewhere_is_not_taken_for_dead(store: Any, clock: Clock) -> None:
    """Its number says nothing about processes of another machine, of which a container is one, whatever its name is."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    for owner, place in (("ada@elsewhere", machine()), (whoami(), "another boot or container")):
        write(store, foreign(clock, owner=owner, machine=place, pid=gone.pid))
        with pytest.raises(GateError, match="is publishing"):
            get(store, clock)
    write(store, foreign(clock, owner=whoami(), machine=machine(), pid=gone.pid))
    assert get(store, clock).lease.epoch == 5


@pytest.mark.parametrize("pid", [1, 2**70])
def test_a_process_that_cannot_be_asked_holds(pid: int, store: Any, clock: Clock) -> None:
    write(store, foreign(clock, owner=whoami(), machine=machine(), pid=pid))
    with pytest.raises(GateError, match="is publishing"):
        get(store, clock)


def test_two_products_or_environments_do_not_wait_for_each_other(store: Any) -> None:
    with held(store, "hello/local/lease.json", "1.0.0"), held(store, "hello/staging/lease.json", "1.0.0"):
        assert store.load("hello/staging/lease.json") is not None


# Its end.
def test_it_can_be_taken_when_it_has_ended_and_not_before(store: Any, clock: Clock) -> None:
    write(store, foreign(clock, expires=clock() + 60))
    with pytest.raises(GateError) as refused:
        get(store, clock)
    assert refused.value.message.startswith("ada@elsewhere is publishing 9.9.9 (process 7) and holds the lease until ")
    assert refused.value.message.endswith(" UTC")
    assert "--take-lease" in str(refused.value.hint)
    clock.now += 59.9
    with pytest.raises(GateError):
        get(store, clock)
    clock.now += 0.1
    assert get(store, clock).lease.epoch == 5


def test_a_renewal_moves_the_end(store: Any, clock: Clock) -> None:
    holder = get(store, clock)
    for _ in range(5):
        clock.now += SECONDS - 1
        holder.renew()
        holder.require()
        assert there(store).expires == clock() + SECONDS
    with pytest.raises(GateError):
        get(store, clock)


def test_it_is_renewed_beside_the_work(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(module, "SECONDS", 0.4)
    with held(store, NAME, "2.1.0", retries=no_wait()) as holder:
        begun = there(store).expires
        until = time.monotonic() + 5
        while there(store).expires < begun + 0.6 and time.monotonic() < until:
            time.sleep(0.02)
        assert there(store).expires >= begun + 0.6
        holder.require()
    assert there(store).released


def test_a_machine_that_slept_goes_on_if_nobody_took_it(store: Any, clock: Clock) -> None:
    holder = get(store, clock)
    clock.now += 8 * 3600
    holder.require()
    assert there(store).expires == clock() + SECONDS


def test_a_machine_that_slept_stops_if_somebody_took_it(store: Any, clock: Clock) -> None:
    holder = get(store, clock)
    clock.now += 8 * 3600
    other = get(store, clock, "2.2.0")
    with pytest.raises(GateError, match=r"the lease was lost while publishing: .* has taken it for 2\.2\.0"):
        holder.require()
    other.require()
    holder.release()
    other.require()
    assert there(store) == other.lease


def test_whoever_loses_it_on_purpose_stops_soon(store: Any, clock: Clock) -> None:
    holder = get(store, clock)
    other = get(store, clock, "2.2.0", take=True)
    assert other.lease.epoch == holder.lease.epoch + 1
    clock.now += SECONDS_BETWEEN_LOOKS + 1
    with pytest.raises(GateError, match="lost while publishing"):
        holder.require()
    clock.now += 1
    with pytest.raises(GateError, match="lost while publishing"):
        holder.require()
    other.require()


def test_somebody_who_removes_it_stops_the_work(store: Any, clock: Clock) -> None:
    holder = get(store, clock)
    (store.root / ".slipway" / NAME).unlink()
    clock.now += SECONDS_BETWEEN_LOOKS + 1
    with pytest.raises(GateError, match="somebody has removed it"):
        holder.require()


# What nobody understands.
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"owner": "x"}', b"\xff", b'{"newer": 1}'])
def test_one_that_cannot_be_read_holds_until_somebody_decides(data: bytes, store: Any, clock: Clock) -> None:
    write(store, data)
    with pytest.raises(VerificationError, match="the lease in the store cannot be read") as refused:
        get(store, clock)
    assert "--take-lease" in str(refused.value.hint)
    assert get(store, clock, take=True).lease.epoch == 1


def test_one_with_words_for_numbers_cannot_be_read(store: Any, clock: Clock) -> None:
    lease = asdict(load_lease(foreign(clock)))
    for name in ("expires", "pid", "epoch"):
        write(store, json.dumps(lease | {name: "soon"}).encode())
        with pytest.raises(VerificationError):
            get(store, clock)


# A store that does not answer.
class Lost:
    """Raises after the next `times` calls of a method were done: the answer does not arrive."""

    def __init__(self, verb: str, times: int = 1, error: type[SlipwayError] = TransientError) -> None:
        self.verb, self.times, self.error = verb, times, error

    def __call__(self, verb: str, *arguments: Any) -> None:
        if verb == self.verb and self.times > 0:
            self.times -= 1
            raise self.error("no answer")


def test_it_is_got_though_the_answer_was_lost(store: Any, clock: Clock) -> None:
    holder = get(Wrapped(store, after=Lost("save")), clock)
    assert holder.lease == there(store)
    holder.renew()
    holder.require()


def test_a_store_that_never_answers_is_told(store: Any, clock: Clock) -> None:
    with pytest.raises(NetworkError, match=r"get the lease: no answer \(tried 4 times\)"):
        get(Wrapped(store, before=Lost("load", 99)), clock)


def test_a_renewal_of_which_the_answer_was_lost_is_still_ours(store: Any, clock: Clock) -> None:
    faulty = Wrapped(store)
    holder = get(faulty, clock)
    faulty.after = Lost("save")
    clock.now += 100
    holder.renew()
    assert there(store).expires == clock() + SECONDS
    clock.now += 100
    holder.renew()
    holder.require()
    assert there(store) == holder.lease
    assert holder.lease.expires == clock() + SECONDS


def test_a_store_that_is_away_for_a_while_does_not_stop_the_work_before_the_end(store: Any, clock: Clock) -> None:
    faulty = Wrapped(store)
    holder = get(faulty, clock)
    faulty.before = lambda verb, *_: (_ for _ in ()).throw(TransientError("away"))
    clock.now += SECONDS - 1
    holder.renew()
    holder.require()
    clock.now += 1
    with pytest.raises(GateError, match="it could not be renewed in time"):
        holder.require()
    faulty.before = lambda *_: None
    holder.require()


@pytest.mark.parametrize("times", [1, 3])
def test_it_is_let_go_though_the_store_stumbles(times: int, store: Any, clock: Clock) -> None:
    faulty = Wrapped(store)
    holder = get(faulty, clock)
    faulty.before = Lost("save", times)
    holder.release()
    assert there(store).released


def test_two_who_write_at_once_are_told_apart(store: Any, clock: Clock) -> None:
    class Meanwhile:
        def __call__(self, verb: str, *_: Any) -> None:
            if verb == "save":
                write(store, foreign(clock))

    with pytest.raises(GateError, match=r"ada@elsewhere is publishing 9\.9\.9"):
        get(Wrapped(store, before=Meanwhile()), clock)


def test_a_lost_lease_is_a_refusal_not_a_change(store: Any, clock: Clock) -> None:
    with pytest.raises(GateError) as lost:
        write(store, foreign(clock))
        get(store, clock)
    assert not isinstance(lost.value, ChangedError)
    assert lost.value.exit_code == 3


# Whatever happens in whatever order, two never both have it.
class TwoMachines(RuleBasedStateMachine):
    """Two who want it, a clock, and stores that lose questions and answers."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.store = folder(Path(self.place.name))
        self.clock = Clock()
        self.holders: dict[str, Holder] = {}
        self.roads: dict[str, Any] = {name: Wrapped(self.store) for name in "AB"}

    def teardown(self) -> None:
        self.place.cleanup()

    @rule(name=st.sampled_from("AB"))
    def get(self, name: str) -> None:
        if name not in self.holders:
            with suppress(GateError, NetworkError):
                self.holders[name] = acquire(self.roads[name], NAME, name, clock=self.clock, retries=no_wait())

    @rule(name=st.sampled_from("AB"))
    def renew(self, name: str) -> None:
        if name in self.holders:
            self.holders[name].renew()

    @rule(name=st.sampled_from("AB"))
    def release(self, name: str) -> None:
        if name in self.holders:
            self.holders.pop(name).release()

    @rule(seconds=st.sampled_from([1.0, SECONDS_BETWEEN_LOOKS + 1.0, SECONDS - 1.0, SECONDS + 1.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(name=st.sampled_from("AB"), when=st.sampled_from(["before", "after"]), verb=st.sampled_from(["load", "save"]))
    def stumble(self, name: str, when: str, verb: str) -> None:
        setattr(self.roads[name], when, Lost(verb, 2))

    @precondition(lambda self: len(self.holders) == 2)
    @invariant()
    def one_at_most_may_write(self) -> None:
        may = []
        for name, holder in self.holders.items():
            try:
                holder.require()
            except GateError:
                continue
            may.append(name)
        assert len(may) <= 1, may


TwoMachines.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestTwoMachines = TwoMachines.TestCase
