"""The journal: what it says survives, whoever is killed, whatever is full, and whichever machine goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_kit import KINDS, kit, tree, umask

from slipway.actions import journal as events
from slipway.actions.action import Receipt
from slipway.actions.journal import Journal, Record, state_dir
from slipway.errors import SlipwayError, VerificationError
from slipway.redaction import hidden, hide

PLAN = "f" * 64
RECEIPT = Receipt(before={"target": "v1/"}, after={"target": "v2/", "version": "2 — ü\n"}, digest="d")


def filled(folder: Path, *actions: str) -> Journal:
    journal = Journal.open(folder)
    for action in actions:
        journal.write(events.DONE, PLAN, action=action, receipt=RECEIPT, text="one\ntwo — ü")
    return journal


def actions_of(folder: Path) -> list[str]:
    return [record.action for record in Journal.open(folder).records]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    journal = filled(tmp_path / "j", "a", "b")
    assert Journal.open(tmp_path / "j").records == journal.records
    assert journal.records[0].receipt == RECEIPT
    assert all(line.endswith("}") for line in journal.path.read_text().splitlines())


def test_only_the_owner_can_read_or_write_it(tmp_path: Path) -> None:
    back = umask(0)
    try:
        made = kit(tmp_path)
        journal = made.journal()
        journal.write(events.STARTED, PLAN)
        journal.keep(made.plan())
    finally:
        back()
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in (journal.folder, *journal.folder.iterdir())} == {
        "2.1.0": "0o700",
        "journal.jsonl": "0o600",
        journal.plan_path(made.plan().digest).name: "0o600",
    }


def test_it_lies_outside_the_source_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SLIPWAY_STATE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert state_dir() == Path("/home/somebody/.local/state/slipway/releases")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_dir() == tmp_path / "slipway" / "releases"
    monkeypatch.setenv("SLIPWAY_STATE_HOME", str(tmp_path / "own"))
    assert state_dir() == tmp_path / "own" / "slipway" / "releases"


# What a killed run leaves.
def test_half_a_last_line_says_nothing_wherever_it_ends(tmp_path: Path) -> None:
    path = filled(tmp_path / "j", "a", "b").path
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in (first, first + 1, *range(first + 2, len(whole) - 1, 23), len(whole) - 1):
        path.write_bytes(whole[:size])
        assert actions_of(tmp_path / "j") == ["a"], size
        # Who only looks changes nothing: another process may just be writing that line.
        assert path.read_bytes() == whole[:size]
        filled(tmp_path / "j", "c")
        assert actions_of(tmp_path / "j") == ["a", "c"], size
        assert path.read_bytes().startswith(whole[:first])


def test_zeros_at_the_end_as_after_a_power_failure_say_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "j", "a").path
    path.write_bytes(path.read_bytes() + bytes(512))
    assert actions_of(tmp_path / "j") == ["a"]
    filled(tmp_path / "j", "b")
    assert actions_of(tmp_path / "j") == ["a", "b"]
    assert b"\0" not in path.read_bytes()


def _without(name: str) -> bytes:
    data = json.loads(_LINE)
    del data[name]
    return json.dumps(data).encode()


def _with(**more: object) -> bytes:
    return json.dumps(json.loads(_LINE) | more).encode()


_LINE = Record(
    event="done", plan=PLAN, at="2026-01-01T00:00:00.000000+00:00", by="me", id="1", action="x", receipt=RECEIPT
).line()
DAMAGED: dict[str, bytes] = {
    "cut": _LINE[:40],
    "empty": b"",
    "zeros": bytes(40),
    "not UTF-8": b'{"event": "\xff"}',
    "no object": b"[1, 2]",
    "a word": b'"done"',
    "no id": _without("id"),
    "no time": _without("at"),
    "a time that is none": _with(at="yesterday"),
    "a time without a zone": _with(at="2026-01-01T00:00:00"),
    "a number for a name": _with(action=7),
    "a receipt that is none": _with(receipt="yes"),
    "a receipt of numbers": _with(receipt={"before": {"target": 7}}),
    "another schema": _with(schema=2),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_line_in_the_middle_stops_and_is_named(how: str, tmp_path: Path) -> None:
    path = filled(tmp_path / "j", "a", "b").path
    one, two = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(one + DAMAGED[how] + b"\n" + two)
    with pytest.raises(VerificationError, match=r"journal\.jsonl:2 is (no record of a journal|of schema 2)") as stopped:
        Journal.open(tmp_path / "j")
    assert "move the file away" in str(stopped.value.hint)
    with pytest.raises(VerificationError, match=r"the journal in the store:2 is"):
        Journal.open(tmp_path / "other", path.read_bytes())


_WRITER = """
import sys
from pathlib import Path
from slipway.actions.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    journal.write("done", "p", action=f"{sys.argv[3]}{number}", text="x" * (number * 37 % 9000))
    print(number, flush=True)
"""


def writer(folder: Path, count: int, name: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, folder, str(count), name], stdout=subprocess.PIPE, text=True)


def test_what_was_written_outlives_a_kill(tmp_path: Path) -> None:
    chance, known = random.Random(7), set()
    for run in range(6):
        with writer(tmp_path / "j", 100_000, f"{run}-") as child:
            assert child.stdout is not None
            seen = [child.stdout.readline() for _ in range(chance.randrange(1, 60))]
            child.send_signal(signal.SIGKILL)
            seen += child.stdout.readlines()
        known |= {f"{run}-{line.strip()}" for line in seen if line.endswith("\n")}
        found = actions_of(tmp_path / "j")
        assert known <= set(found)
        assert len(found) == len(set(found))
    assert len(known) > 6


def test_two_processes_and_many_threads_do_not_lose_or_mix_records(tmp_path: Path) -> None:
    children = [writer(tmp_path / "j", 150, f"{name}-") for name in "ab"]
    journal = Journal.open(tmp_path / "j")
    threads = [
        threading.Thread(target=lambda n=name: [journal.write(events.DONE, PLAN, action=f"{n}-{i}") for i in range(20)])
        for name in "stuvwxyz"
    ]
    for thread in threads:
        thread.start()
    for waiting in threads:
        waiting.join()
    for child in children:
        child.communicate()
    wanted = {f"{name}-{i}" for name in "ab" for i in range(150)} | {f"{name}-{i}" for name in "stuvwxyz" for i in range(20)}
    found = Journal.open(tmp_path / "j").records
    assert sorted(each.action for each in found) == sorted(wanted)
    assert len({each.id for each in found}) == len(found)


_FULL = """
import resource, signal, sys
from pathlib import Path
from slipway.actions.journal import Journal
from slipway.errors import SlipwayError
folder, room = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.open(folder)
journal.write("done", "p", action="first")
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
try:
    journal.write("done", "p", action="lost", text="x" * 9000)
except SlipwayError as error:
    print(error.message)
assert journal.path.stat().st_size == size, "half a record stays"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.write("done", "p", action="next")
print(*(record.action for record in Journal.open(folder).records))
"""


@pytest.mark.parametrize("room", [0, 1, 40, 4096])
def test_a_full_disk_leaves_no_half_record(room: int, tmp_path: Path) -> None:
    words = [sys.executable, "-c", _FULL, str(tmp_path / "j"), str(room)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said, found = done.stdout.splitlines()
    assert said == f"cannot write {tmp_path}/j/journal.jsonl: File too large"
    assert found == "first next"


# Two machines.
OPERATIONS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["write", "copy"])), max_size=14)


@settings(max_examples=60, deadline=None)
@given(OPERATIONS, st.integers(-5_000_000, 5_000_000))
def test_journals_of_two_machines_merge_to_one_whichever_way(operations: list[tuple[str, str]], skew: int) -> None:
    """The store's copy goes to and fro while both write; each machine's own order stays, and so does what it had seen."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as place:
        base = Path(place)
        journals = {name: Journal.open(base / name) for name in "AB"}
        store = b""
        seen: list[tuple[str, str]] = []
        for name, what in operations:
            patched.setattr(events, "datetime", _skewed(skew if name == "B" else 0))
            if what == "copy":
                journals[name] = Journal.open(base / name, store)
                store = journals[name].dump()
            else:
                known = {record.id for record in journals[name].records}
                record = journals[name].write(events.DONE, PLAN, action=f"{name}{len(seen)}", receipt=RECEIPT)
                seen += [(before, record.id) for before in known]
        dumps = {name: Journal.open(base / name).dump() for name in "AB"}
        one, other = (Journal.open(base / name, dumps[copy]).records for name, copy in ("AB", "BA"))
        assert Journal.open(base / "A", b"".join(dumps.values())).records == one == other
    order = {record.id: place for place, record in enumerate(one)}
    assert {record.action for record in one} >= {record.action for each in journals.values() for record in each.records}
    assert all(order[before] < order[after] for before, after in seen)


def _skewed(seconds: float) -> Any:
    class Skewed(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=seconds)

    return Skewed


def test_what_was_undone_here_stays_undone_though_the_other_clock_is_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "datetime", _skewed(3600))
    there = filled(tmp_path / "there", "point/site/latest")
    monkeypatch.setattr(events, "datetime", datetime)
    here = Journal.open(tmp_path / "here", there.dump())
    here.write(events.REVERTED, PLAN, action="point/site/latest")
    assert here.done() == {}
    again = Journal.open(tmp_path / "third", here.dump())
    assert (again.done(), again.records[-1].event) == ({}, events.REVERTED)


def test_a_clock_that_goes_back_does_not_change_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = filled(tmp_path / "j", "a")
    monkeypatch.setattr(events, "datetime", _skewed(-3600))
    for name in "bcd":
        journal.write(events.DONE, PLAN, action=name)
    assert actions_of(tmp_path / "j") == ["a", "b", "c", "d"]


def test_who_only_reads_writes_nothing(tmp_path: Path) -> None:
    copy = filled(tmp_path / "there", "b").dump()
    filled(tmp_path / "here", "a")
    before = tree(tmp_path)
    assert [record.action for record in Journal.open(tmp_path / "here", copy).records] == ["b", "a"]
    assert [record.action for record in Journal.open(tmp_path / "nowhere", copy).records] == ["b"]
    assert tree(tmp_path) == before


def test_what_came_from_the_copy_is_kept_with_the_next_record(tmp_path: Path) -> None:
    copy = filled(tmp_path / "there", "b", "c").dump()
    journal = Journal.open(tmp_path / "here", copy)
    journal.write(events.NOTED, PLAN, text="d")
    journal.write(events.NOTED, PLAN, text="e")
    assert [record.action or record.text for record in Journal.open(tmp_path / "here").records] == ["b", "c", "d", "e"]
    assert len(journal.path.read_bytes().splitlines()) == 4


# What it says.
Told = list[tuple[str, str]]
STORIES: dict[str, tuple[Told, dict[str, set[str]]]] = {
    "nothing": ([], {}),
    "begun": ([("begin", "a")], {"begun": {"a"}}),
    "done": ([("begin", "a"), ("done", "a")], {"done": {"a"}}),
    "failed and not done": ([("begin", "a"), ("failed", "a")], {"begun": {"a"}}),
    "owed": ([("begin", "a"), ("failed", "a"), ("owed", "a")], {"begun": {"a"}, "owed": {"a"}}),
    "owed, then done": ([("owed", "a"), ("begin", "a"), ("done", "a")], {"done": {"a"}}),
    "undone": ([("done", "a"), ("done", "b"), ("reverted", "a")], {"done": {"b"}}),
    "undone, so no longer owed": ([("begin", "a"), ("owed", "a"), ("reverted", "a")], {}),
    "done again": ([("done", "a"), ("reverted", "a"), ("begin", "a"), ("done", "a")], {"done": {"a"}}),
}


@pytest.mark.parametrize("story", STORIES)
def test_it_tells_what_is_done_begun_and_owed(story: str, tmp_path: Path) -> None:
    told, wanted = STORIES[story]
    journal = Journal.open(tmp_path / "j")
    for event, action in told:
        journal.write(event, PLAN, action=action, receipt=RECEIPT)
    for found in (journal, Journal.open(tmp_path / "j")):
        said = {"done": set(found.done()), "begun": set(found.begun()), "owed": set(found.owed())}
        assert {name: keys for name, keys in said.items() if keys} == wanted


def test_it_knows_how_things_were_before_the_first_try(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    for target in ("v1/", "v2/"):
        journal.write(events.BEGIN, PLAN, action="a", receipt=Receipt(before={"target": target}))
    assert journal.begun()["a"].before == {"target": "v1/"}


def test_the_plan_that_has_not_ended_is_unfinished(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    assert (journal.unfinished, journal.last) == ("", None)
    journal.write(events.STARTED, "one")
    journal.write(events.DONE, "one", action="a", receipt=RECEIPT)
    assert journal.unfinished == "one"
    journal.write(events.STARTED, "two")
    assert journal.unfinished == "two"
    journal.write(events.ENDED, "two")
    assert journal.unfinished == ""


# Plans beside it.
def test_a_plan_that_a_power_failure_emptied_is_kept_anew(tmp_path: Path) -> None:
    made = kit(tmp_path)
    plan, journal = made.plan(), made.journal()
    path = journal.plan_path(plan.digest)
    with pytest.raises(VerificationError, match=r"the plan .* is not in"):
        journal.plan(plan.digest, KINDS)
    for left in (None, b"", plan.dump()[:100]):
        if left is not None:
            path.write_bytes(left)
            with pytest.raises(VerificationError, match="is not a plan"):
                journal.plan(plan.digest, KINDS)
        journal.keep(plan)
        assert journal.plan(plan.digest, KINDS) == plan
    before = tree(journal.folder)
    journal.keep(plan)
    assert tree(journal.folder) == before


# Secrets.
def test_hidden_words_do_not_get_into_it(tmp_path: Path) -> None:
    with hidden("s3cr3t-in-a-block"):
        hide("s3cr3t-for-good")
        journal = Journal.open(tmp_path / "j")
        journal.write(events.FAILED, PLAN, action="a", text="401 for s3cr3t-in-a-block, and s3cr3t-for-good too")
    assert journal.records[0].text == "401 for ***, and *** too"
    assert b"s3cr3t" not in journal.path.read_bytes() + journal.dump()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SlipwayError, match=rf"cannot write {tmp_path}/file/j/journal\.jsonl: "):
        Journal.open(tmp_path / "file" / "j").write(events.STARTED, PLAN)


def test_records_carry_who_when_and_which_plan(tmp_path: Path) -> None:
    begun = datetime.now(UTC)
    record = filled(tmp_path / "j", "a").records[0]
    assert begun <= datetime.fromisoformat(record.at) <= datetime.now(UTC)
    assert (record.plan, record.by) == (PLAN, events.whoami())
    assert str(os.getpid()) in record.id
