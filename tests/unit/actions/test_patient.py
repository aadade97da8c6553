"""Slipway's own small files in a store that does not always answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from release_kit import Wrapped, folder, no_wait

from slipway.actions.patient import Patient
from slipway.actions.store import StateFiles
from slipway.errors import ChangedError, NetworkError, TransientError


class Stumble:
    """Raises at the next calls of a method."""

    def __init__(self, verb: str, times: int) -> None:
        self.verb, self.times = verb, times

    def __call__(self, verb: str, *_: object) -> None:
        if verb == self.verb and self.times:
            self.times -= 1
            raise TransientError("no answer")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return Wrapped(folder(tmp_path / "site"))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
def test_questions_and_answers_may_get_lost(when: str, times: int, store: Any) -> None:
    patient, token = Patient(store, no_wait()), ""
    for verb in ("save", "load"):
        setattr(store, when, Stumble(verb, times))
        if verb == "save":
            token = patient.save("note", b"one", None)
        else:
            assert patient.load("note") == (b"one", token)
    setattr(store, when, Stumble("save", times))
    token = patient.save("note", b"two", token)
    assert store.wrapped.load("note") == (b"two", token)


def test_what_somebody_else_has_written_is_not_taken_for_ours(store: Any) -> None:
    patient = Patient(store, no_wait())
    store.wrapped.save("note", b"another's", None)
    with pytest.raises(ChangedError):
        patient.save("note", b"ours", None)
    with pytest.raises(ChangedError):
        patient.save("note", b"another's", None)

    def meanwhile(verb: str, *_: object) -> None:
        if verb == "save" and store.wrapped.load("note")[0] == b"another's":
            store.wrapped.save("note", b"a third one's", store.wrapped.load("note")[1])
            raise TransientError("no answer")

    store.before = meanwhile
    with pytest.raises(ChangedError):
        patient.save("note", b"ours", store.wrapped.load("note")[1])
    assert store.wrapped.load("note")[0] == b"a third one's"


def test_it_gives_up(store: Any) -> None:
    store.before = Stumble("load", 99)
    with pytest.raises(NetworkError, match=r"read note: no answer \(tried 4 times\)"):
        Patient(store, no_wait()).load("note")


def test_it_is_a_store_of_small_files_itself(store: Any) -> None:
    assert isinstance(Patient(store, no_wait()), StateFiles)
