"""Plans that are run on real folders: order, refusals, retries, what stays owed, and what is not touched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from release_kit import FILES, Kit, Wrapped, folder, keys, kit, no_wait, public, tree

from slipway import console
from slipway.actions import journal as events
from slipway.actions.action import PHASE_NAMES, PHASES, Action, Probe, Receipt, State
from slipway.actions.journal import Journal
from slipway.actions.perform import WORKERS, survey
from slipway.actions.plan import Plan
from slipway.actions.site import Site
from slipway.errors import GateError, NetworkError, SlipwayError, TransientError, VerificationError
from slipway.plain import ASIDE
from slipway.redaction import hidden

MANY = ("install.sh", *(f"hello-{number:02}.tar.gz" for number in range(19)))
FEW = MANY[:6]
TO_STAGE, TO_READ_BACK = PHASE_NAMES[:2], PHASE_NAMES[:3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An Action of any phase that notes what is done to it."""

    KIND: ClassVar[str] = "say"
    phase: str
    name: str
    target: str = "air"
    size: int = 0
    does: Callable[[], object] = field(default=lambda: None, metadata=ASIDE)
    finds: Callable[[], Probe] = field(default=lambda: Probe(state=State.ABSENT), metadata=ASIDE)

    @property
    def key(self) -> str:
        return f"{self.phase}/{self.target}/{self.name}"

    def describe(self) -> str:
        return f"say {self.name}"

    def probe(self, site: Site) -> Probe:
        return self.finds()

    def apply(self, site: Site) -> Receipt:
        self.does()
        return Receipt(after={"said": self.name})

    def revert(self, site: Site, receipt: Receipt) -> str:
        return ""


def saying(home: Path, *actions: Action, optional: tuple[str, ...] = (), **more: Any) -> Kit:
    """A machine with nothing to publish but these Actions."""
    return kit(home, files=(), pointers=(), more=actions, optional=optional, **more)


def fail(error: BaseException) -> Callable[..., Any]:
    def raising(*_: object) -> Any:
        raise error

    return raising


# The usual run.
def test_a_release_is_published_phase_by_phase(tmp_path: Path) -> None:
    made = kit(tmp_path, "site", "mirror")
    outcome = made.publish()
    seen = public(tmp_path / "site")
    assert seen == public(tmp_path / "mirror")
    assert seen["latest"] == "-> v2.1.0"
    assert seen["install.sh"] == seen["v2.1.0/install.sh"]
    assert set(seen) == {"latest", "install.sh", *(f"v2.1.0/{name}" for name in FILES)}
    assert (outcome.same, outcome.owed) == ([], {})
    records = made.journal().records
    assert [records[0].event, records[-1].event] == [events.STARTED, events.ENDED]
    phases = [key.partition("/")[0] for key in keys(records, events.BEGIN)]
    names = [phase.name for phase in PHASES]
    assert phases == sorted(phases, key=names.index)
    assert sorted(keys(records, events.DONE)) == sorted(each.key for each in made.plan().actions)


def test_every_action_stands_between_two_records(tmp_path: Path) -> None:
    made = kit(tmp_path, files=MANY)
    made.publish()
    state: dict[str, str] = {}
    for record in made.journal().records:
        if record.event in (events.BEGIN, events.DONE):
            assert state.get(record.action) == {events.BEGIN: None, events.DONE: events.BEGIN}[record.event]
            state[record.action] = record.event
    assert set(state.values()) == {events.DONE}
    assert len({record.plan for record in made.journal().records}) == 1


def test_a_phase_begins_when_all_of_the_one_before_is_done(tmp_path: Path) -> None:
    order: list[str] = []
    actions = [
        Say(phase=phase.name, name=f"{phase.name}-{number}", does=partial(order.append, phase.name))
        for phase in PHASES
        for number in range(3)
    ]
    saying(tmp_path, *reversed(actions)).publish()
    assert order == [phase.name for phase in PHASES for _ in range(3)]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: str(phase.name))
def test_only_what_is_in_a_parallel_phase_is_done_side_by_side(phase: Any, tmp_path: Path) -> None:
    together = threading.Barrier(3, timeout=1 if phase.parallel else 0.05)
    broken: list[bool] = []

    def meet() -> None:
        try:
            together.wait()
        except threading.BrokenBarrierError:
            broken.append(True)

    saying(tmp_path, *(Say(phase=phase.name, name=str(number), does=meet) for number in range(3))).publish()
    assert bool(broken) is not phase.parallel


def test_bytes_are_counted_once(tmp_path: Path) -> None:
    made = kit(tmp_path, files=MANY)
    performance = made.performance()
    performance.run()
    meter = performance.site.meter
    assert meter.total == meter.done == sum(each.size for each in made.contents())


# Nothing to do.
@pytest.mark.req("S0-41")
def test_a_second_run_writes_nothing_at_all(tmp_path: Path) -> None:
    made = kit(tmp_path, "site", "mirror", files=FEW)
    made.publish()
    before = tree(tmp_path)
    outcome = made.publish()
    assert tree(tmp_path) == before
    assert (outcome.done, len(outcome.same)) == ([], len(made.plan().actions))


def test_without_its_journal_a_second_run_looks_at_everything_and_writes_no_file_twice(tmp_path: Path) -> None:
    made = kit(tmp_path)
    made.publish()
    before = tree(tmp_path / "site")
    (tmp_path / "machine" / "state" / "2.1.0" / "journal.jsonl").unlink()
    outcome = made.publish()
    assert tree(tmp_path / "site") == before
    assert {key.partition("/")[0] for key in outcome.done} == {"read-back"}
    assert made.publish().done == []


def test_a_listing_is_asked_for_once_in_each_phase(tmp_path: Path) -> None:
    store = Wrapped(folder(tmp_path / "site"))
    made = Kit(home=tmp_path / "machine", stores={"site": store}, files=MANY, pointers=())
    made.publish()
    assert len(store.made("listing")) == 3  # the survey, the uploads, the reading back
    store.calls.clear()
    made.publish()
    assert [verb for verb, _ in store.calls] == ["listing"]


# Refusals.
def test_one_refusal_stops_everything_before_the_first_write(tmp_path: Path) -> None:
    made = kit(tmp_path, "site", "mirror")
    for store, name in (("site", "install.sh"), ("mirror", "hello.tar.gz")):
        path = tmp_path / store / "v2.1.0" / name
        path.parent.mkdir(parents=True)
        path.write_text("somebody else's\n")
    made.contents()
    before = tree(tmp_path)
    with pytest.raises(GateError) as refused:
        made.publish()
    assert tree(tmp_path) == before
    assert refused.value.message.splitlines() == [
        "v2.1.0/install.sh is in site with other bytes, and what is published never changes",
        "v2.1.0/hello.tar.gz is in mirror with other bytes, and what is published never changes",
    ]


def test_a_store_that_does_not_answer_stops_everything_before_the_first_write(tmp_path: Path) -> None:
    dead = Wrapped(folder(tmp_path / "dead", "dead"), before=fail(TransientError("no route to host")))
    made = Kit(home=tmp_path / "machine", stores={"site": folder(tmp_path / "site"), "dead": dead})
    made.contents()
    before = tree(tmp_path)
    with pytest.raises(NetworkError, match=r"no route to host \(tried 4 times\)"):
        made.publish()
    assert tree(tmp_path) == before


def test_a_file_that_is_not_the_planned_one_is_not_published(tmp_path: Path) -> None:
    made = kit(tmp_path)
    plan = made.plan()
    (made.outputs / "packages" / "v2.1.0" / "install.sh").write_text("changed since\n")
    with pytest.raises(VerificationError, match=r"install\.sh is not the file that was planned"):
        made.publish(plan)
    assert "v2.1.0/install.sh" not in public(tmp_path / "site")
    assert "latest" not in public(tmp_path / "site")


def test_whoever_changes_the_store_in_between_is_noticed_before_the_write(tmp_path: Path) -> None:
    answers = iter([Probe(state=State.ABSENT), Probe(state=State.DIFFERENT, refusal="it is there now", hint="look")])
    done: list[str] = []
    made = saying(tmp_path, Say(phase="point", name="a", finds=lambda: next(answers), does=lambda: done.append("a")))
    with pytest.raises(GateError, match="it is there now"):
        made.publish()
    assert (done, keys(made.journal().records, events.BEGIN)) == ([], [])


# Trying again.
class Stumbling:
    """Raises an error at some of the calls of a method, counted from 1."""

    def __init__(self, verb: str, error: Exception, *calls: int) -> None:
        self.verb, self.error, self.calls, self.count = verb, error, calls, 0
        self.lock = threading.Lock()

    def __call__(self, verb: str, *_: object) -> None:
        with self.lock:
            self.count += verb == self.verb
            hit = verb == self.verb and self.count in self.calls
        if hit:
            raise self.error


@pytest.mark.parametrize("verb", ["listing", "put", "reread", "pointed", "point"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_stumbles_is_tried_again_wherever_that_is(verb: str, when: str, tmp_path: Path) -> None:
    made = kit(tmp_path / "good")
    made.publish()
    stumbling = Stumbling(verb, TransientError("reset"), 1, 3, 4)
    store = Wrapped(folder(tmp_path / "bad" / "site"), **{when: stumbling})
    bad = Kit(home=tmp_path / "bad" / "machine", stores={"site": store})
    performance = bad.performance()
    performance.run()
    assert stumbling.count >= 2
    assert public(tmp_path / "bad" / "site") == public(tmp_path / "good" / "site")
    assert performance.site.meter.done == performance.site.meter.total
    assert bad.publish().done == []


def test_what_is_final_is_not_tried_again(tmp_path: Path) -> None:
    store = Wrapped(folder(tmp_path / "site"), before=Stumbling("put", GateError("denied"), 1))
    made = Kit(home=tmp_path / "machine", stores={"site": store}, files=("hello.tar.gz",))
    with pytest.raises(GateError, match="denied"):
        made.publish()
    assert len(store.made("put")) == 1
    assert [record.event for record in made.journal().records] == [events.STARTED, events.BEGIN, events.FAILED]
    assert made.journal().records[-1].text == "denied"


def test_the_wait_that_the_other_side_asks_for_is_kept(tmp_path: Path) -> None:
    pauses: list[float] = []
    store = Wrapped(folder(tmp_path / "site"), before=Stumbling("put", TransientError("busy", wait=42), 1))
    made = Kit(home=tmp_path / "machine", stores={"site": store})
    made.publish(retries=no_wait(sleep=pauses.append))
    assert len(pauses) == 1
    assert 42 <= pauses[0] <= 42.5


def test_a_pointer_moved_without_an_answer_is_still_known_as_it_was_before(tmp_path: Path) -> None:
    """Else a rollback would leave it where it is."""
    kit(tmp_path, version="2.0.0").publish()
    lost = Wrapped(folder(tmp_path / "site"), after=Stumbling("point", TransientError("no answer"), 1, 3))
    made = Kit(home=tmp_path / "machine", stores={"site": lost})
    made.publish()
    done = made.journal().done()
    assert {key: receipt.before["target"] for key, receipt in done.items() if key.startswith("point/")} == {
        "point/site/latest": "v2.0.0/",
        "point/site/install.sh": "v2.0.0/install.sh",
    }


# The lease.
class Lease:
    """Lets so many writes pass, then is lost."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise GateError("the lease was lost")


@pytest.mark.parametrize("optional", [(), ("site",)])
def test_nothing_is_written_once_the_lease_is_lost(optional: tuple[str, ...], tmp_path: Path) -> None:
    lease = Lease(0)
    for writes in range(25):
        home = tmp_path / str(writes)
        store = Wrapped(folder(home / "site"))
        copies: list[int] = []
        lease = Lease(writes)

        def note(verb: str, *_: object, lease: Lease = lease) -> None:
            assert verb not in ("put", "point") or lease.left >= 0

        def copy(lease: Lease = lease, copies: list[int] = copies) -> None:
            assert lease.left >= 0
            copies.append(1)

        store.before = note
        made = Kit(home=home / "machine", stores={"site": store}, files=("a",), pointers=(("latest", "symlink", ""),))
        made = replace(made, optional=optional)
        try:
            made.publish(require=lease, copy=copy)
        except GateError as error:
            assert error.message == "the lease was lost"
        else:
            assert public(home / "site")["latest"] == "-> v2.1.0"
    assert lease.left > 0


def test_the_lease_is_asked_for_again_after_waiting(tmp_path: Path) -> None:
    lease = Lease(1000)

    def sleep(_: float) -> None:
        lease.left = 0

    store = Wrapped(folder(tmp_path / "site"), before=Stumbling("put", TransientError("busy"), 1))
    made = Kit(home=tmp_path / "machine", stores={"site": store}, files=("a",))
    with pytest.raises(GateError, match="the lease was lost"):
        made.publish(require=lease, retries=no_wait(sleep=sleep))
    assert len(store.made("put")) == 1
    assert public(tmp_path / "site") == {}


# What may fail.
def optional_kit(tmp_path: Path, **faults: Any) -> tuple[Kit, Wrapped]:
    mirror = Wrapped(folder(tmp_path / "mirror", "mirror"), **faults)
    stores = {"mirror": mirror, "site": folder(tmp_path / "site")}
    return Kit(home=tmp_path / "machine", stores=stores, optional=("mirror",), files=FEW), mirror


@pytest.mark.parametrize("verb", ["listing", "put", "reread", "pointed", "point"])
@pytest.mark.parametrize("error", [TransientError("away"), VerificationError("damaged")], ids=str)
def test_an_optional_store_that_fails_stays_owed_until_it_is_mended(verb: str, error: SlipwayError, tmp_path: Path) -> None:
    made, mirror = optional_kit(tmp_path, before=lambda name, *_: fail(error)() if name == verb else None)
    outcome = made.publish()
    assert public(tmp_path / "site")["latest"] == "-> v2.1.0"
    assert "latest" not in public(tmp_path / "mirror")
    assert "mirror/point/mirror/latest" in outcome.owed
    assert all(key.startswith("mirror/") for key in outcome.owed)
    journal = made.journal()
    assert journal.owed()["point/mirror/latest"]
    assert journal.unfinished == made.plan().digest

    mirror.before = lambda *_: None
    before = tree(tmp_path / "site")
    again = made.publish()
    assert tree(tmp_path / "site") == before
    assert (again.owed, made.journal().owed(), made.journal().unfinished) == ({}, {}, "")
    assert public(tmp_path / "mirror") == public(tmp_path / "site")


def test_what_is_owed_and_was_mended_by_hand_is_owed_no_longer(tmp_path: Path) -> None:
    made, mirror = optional_kit(tmp_path, before=lambda name, *_: fail(SlipwayError("full"))() if name == "put" else None)
    made.publish()
    mirror.before = lambda *_: None
    replace(made, stores={"mirror": mirror}, home=tmp_path / "other").publish()
    assert made.publish().owed == {}
    assert (made.journal().owed(), made.journal().unfinished) == ({}, "")


def test_what_an_optional_store_refuses_does_not_stop_the_others(tmp_path: Path) -> None:
    made, _ = optional_kit(tmp_path)
    (tmp_path / "mirror" / "v2.1.0").mkdir(parents=True)
    (tmp_path / "mirror" / "v2.1.0" / MANY[3]).write_text("somebody else's\n")
    outcome = made.publish()
    assert public(tmp_path / "site")["latest"] == "-> v2.1.0"
    assert set(outcome.owed) == {f"mirror/{each.key}" for each in made.plan().actions if each.target == "mirror"}
    assert list(public(tmp_path / "mirror")) == [f"v2.1.0/{MANY[3]}"]


def test_a_refusal_that_stops_notes_nothing_of_what_may_fail(tmp_path: Path) -> None:
    made, _ = optional_kit(tmp_path)
    for store in ("site", "mirror"):
        (tmp_path / store / "v2.1.0").mkdir(parents=True)
        (tmp_path / store / "v2.1.0" / MANY[0]).write_text("somebody else's\n")
    with pytest.raises(GateError):
        made.publish()
    assert made.journal().records == []


def test_a_message_that_cannot_be_sent_never_fails_a_release(tmp_path: Path) -> None:
    refusing = Say(phase="announce", name="closed", target="chat", finds=lambda: Probe(state=State.ABSENT, refusal="closed"))
    failing = Say(phase="announce", name="mail", target="mail", does=fail(SlipwayError("550 no")))
    asleep = Say(phase="announce", name="hook", target="hook", finds=fail(TransientError("away")))
    well = Say(phase="announce", name="well", target="site")
    made = kit(tmp_path, more=(refusing, failing, asleep, well))
    outcome = made.publish()
    assert public(tmp_path / "site")["latest"] == "-> v2.1.0"
    assert set(outcome.owed) == {"chat/announce/chat/closed", "mail/announce/mail/mail", "hook/announce/hook/hook"}
    assert "announce/site/well" in outcome.done


def test_a_message_that_is_refused_does_not_keep_its_store_from_the_release(tmp_path: Path) -> None:
    refusing = Say(phase="announce", name="no", target="site", finds=lambda: Probe(state=State.ABSENT, refusal="no"))
    made = kit(tmp_path, more=(refusing,))
    assert list(made.publish().owed) == ["site/announce/site/no"]
    assert public(tmp_path / "site")["latest"] == "-> v2.1.0"


def test_the_first_failure_stops_what_has_not_begun(tmp_path: Path) -> None:
    done: list[str] = []

    def work(name: str) -> None:
        if name == "000":
            raise SlipwayError("broken")
        threading.Event().wait(0.05)
        done.append(f"stage/air/{name}")

    actions = [Say(phase="stage", name=f"{n:03}", does=partial(work, f"{n:03}")) for n in range(200)]
    with pytest.raises(SlipwayError, match="broken"):
        saying(tmp_path, *actions, Say(phase="point", name="latest")).publish()
    assert len(done) <= 4 * WORKERS
    assert set(keys(Journal.open(tmp_path / "machine" / "state" / "2.1.0").records, events.DONE)) == set(done)


def test_ctrl_c_begins_nothing_more_and_can_be_resumed(tmp_path: Path) -> None:
    done: list[str] = []
    first = [True]

    def work(name: str) -> None:
        if first:
            first.clear()
            raise KeyboardInterrupt
        threading.Event().wait(0.05)
        done.append(name)

    actions = [Say(phase="stage", name=f"{n:03}", does=partial(work, str(n))) for n in range(200)]
    with pytest.raises(KeyboardInterrupt):
        saying(tmp_path, *actions).publish()
    assert len(done) <= 4 * WORKERS
    assert len(saying(tmp_path, *actions[:20]).publish().done) == 20


# Step by step.
def test_steps_are_asked_one_after_the_other_and_no_stops(tmp_path: Path) -> None:
    asked: list[Action] = []

    def ask(action: Action) -> bool:
        asked.append(action)
        return len(asked) < 3

    made = kit(tmp_path)
    with pytest.raises(GateError, match=r"stopped before: put v2\.1\.0/install\.sh into site") as stopped:
        made.publish(ask=ask)
    assert stopped.value.hint == "slipway resume goes on from here"
    plan = made.plan()
    assert asked == list(plan.actions[:3])
    assert made.journal().unfinished == plan.digest

    def go_on(action: Action) -> bool:
        asked.append(action)
        return True

    asked.clear()
    made.publish(ask=go_on)
    assert asked == list(plan.actions[2:])


def test_a_run_may_end_with_a_phase_and_another_goes_on(tmp_path: Path) -> None:
    made = kit(tmp_path)
    made.publish(phases=TO_READ_BACK)
    assert set(public(tmp_path / "site")) == {f"v2.1.0/{name}" for name in FILES}
    assert made.journal().unfinished == made.plan().digest
    made.publish()
    assert (public(tmp_path / "site")["latest"], made.journal().unfinished) == ("-> v2.1.0", "")


# Broken off and gone on with.
def test_it_goes_on_after_breaking_off_at_any_call(tmp_path: Path) -> None:
    good = kit(tmp_path / "good")
    good.publish()
    total = 0
    for number in range(1, 1000):
        home = tmp_path / str(number)
        store = Wrapped(folder(home / "site"))
        count = iter(range(1, 10_000))

        def stop(verb: str, *_: object, number: int = number, count: Any = count) -> None:
            if verb != "check" and next(count) == number:
                raise VerificationError("stopped here")

        store.after = stop
        made = Kit(home=home / "machine", stores={"site": store})
        try:
            made.publish()
        except VerificationError:
            total += 1
        else:
            break
        store.after = lambda *_: None
        made.publish()
        assert public(home / "site") == public(tmp_path / "good" / "site"), number
        assert made.journal().unfinished == ""
        assert made.journal().done().keys() == good.journal().done().keys()
    assert total > 12


def test_what_was_done_without_a_record_is_noted_with_how_it_was_before(tmp_path: Path) -> None:
    kit(tmp_path, version="2.0.0").publish()
    made = kit(tmp_path)
    plan, journal = made.plan(), made.journal()
    made.publish(plan, phases=TO_READ_BACK)
    move = plan.phase("point")[0]
    before = move.probe(made.site()).now
    journal = made.journal()
    journal.write(events.BEGIN, plan.digest, action=move.key, receipt=Receipt(before=before))
    move.apply(made.site())  # killed here
    made.publish(plan)
    assert made.journal().done()[move.key].before["target"] == "v2.0.0/"
    assert made.journal().done()[move.key].after == {"target": "v2.1.0/", "version": "2.1.0"}


# Secrets.
def test_what_is_hidden_here_is_hidden_in_every_thread(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    optional = tuple("abcdefgh")
    broken = fail(SlipwayError("401 for s3cr3t-token"))
    actions = [
        *(Say(phase="stage", name="x", target=target, does=broken) for target in optional[::2]),
        *(Say(phase="flip", name="x", target=target, finds=broken) for target in optional[1::2]),
    ]
    busy = Say(phase="stage", name="busy", target="i", does=fail(TransientError("429 for s3cr3t-token")))
    with hidden("s3cr3t-token"), console.logging_to(tmp_path / "log"):
        saying(tmp_path, *actions, busy, optional=(*optional, "i")).publish()
    journal = (tmp_path / "machine" / "state" / "2.1.0" / "journal.jsonl").read_text()
    printed = "".join(capfd.readouterr())
    for text in (journal, printed, (tmp_path / "log").read_text()):
        assert "401 for ***" in text
        assert "429 for ***" in text
        assert "s3cr3t" not in text


def test_a_survey_says_what_each_found(tmp_path: Path) -> None:
    made = kit(tmp_path)
    made.publish(phases=TO_STAGE)
    probes = survey(made.plan().actions, made.site(made.journal()), no_wait())
    assert {key.partition("/")[0]: probe.state for key, probe in probes.items()} == {
        "stage": State.SAME,
        "read-back": State.ABSENT,
        "point": State.ABSENT,
    }


def test_the_copy_of_the_journal_is_brought_before_the_first_write_and_after_the_last(tmp_path: Path) -> None:
    made = kit(tmp_path, files=MANY)
    journal = made.journal()
    copies: list[list[str]] = []
    made.publish(journal=journal, copy=lambda: copies.append([record.event for record in journal.records]))
    assert copies[0] == [events.STARTED]
    assert copies[-1] == [record.event for record in journal.records]
    assert copies[-1][-1] == events.ENDED
    assert 4 <= len(copies) <= 6


def test_a_journal_that_cannot_be_copied_stops_a_release_and_is_no_failure_of_an_action(tmp_path: Path) -> None:
    made = kit(tmp_path)
    plan: Plan = made.plan()
    with pytest.raises(NetworkError, match=r"copy the journal: away \(tried 4 times\)"):
        made.publish(plan, copy=fail(TransientError("away")))
    assert keys(made.journal().records, events.FAILED) == []
    assert public(tmp_path / "site") == {}
