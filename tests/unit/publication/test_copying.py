"""The journal's copy in the environment's store: nobody's records get lost, whatever answers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from release_kit import Kit, Wrapped, folder

from slipway.actions import journal as events
from slipway.actions.journal import Journal
from slipway.actions.patient import Patient
from slipway.actions.retries import Retries
from slipway.environments import Environment
from slipway.errors import ChangedError, TransientError
from slipway.publication.opening import Opened


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return Wrapped(folder(tmp_path / "site"))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STATE_HOME", str(tmp_path / "state"))


def opened(store: Any, tmp_path: Path) -> Opened:
    site = Kit(home=tmp_path / "machine", stores={"site": store}).site()
    return Opened(product="hello", environment=Environment(name="local"), site=site, state=store)


def copied(store: Any) -> list[str]:
    found = store.wrapped.load("hello/local/2.1.0/journal.jsonl")
    return [record.text for record in Journal.open(Path("nowhere"), found[0]).records]


def test_a_copy_of_which_no_answer_came_is_no_change_by_somebody_else(store: Any, tmp_path: Path) -> None:
    place = opened(store, tmp_path)
    journal = place.journal("2.1.0")
    journal.write(events.NOTED, "p", text="one")
    place.copy(journal, "2.1.0")

    def lose(verb: str, *_: object) -> None:
        if verb == "save":
            raise TransientError("no answer")

    store.after = lose
    journal.write(events.NOTED, "p", text="two")
    with pytest.raises(TransientError):
        place.copy(journal, "2.1.0")
    store.after = lambda *_: None
    journal.write(events.NOTED, "p", text="three")
    place.copy(journal, "2.1.0")
    assert copied(store) == ["one", "two", "three"]


def test_what_another_machine_has_written_is_not_overwritten(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = opened(store, tmp_path)
    journal = place.journal("2.1.0")
    journal.write(events.NOTED, "p", text="here")
    place.copy(journal, "2.1.0")
    monkeypatch.setenv("SLIPWAY_STATE_HOME", str(tmp_path / "elsewhere"))
    other = opened(store, tmp_path)
    there = other.journal("2.1.0")
    there.write(events.NOTED, "p", text="there")
    other.copy(there, "2.1.0")
    journal.write(events.NOTED, "p", text="here again")
    with pytest.raises(ChangedError):
        place.copy(journal, "2.1.0")
    assert copied(store) == ["here", "there"]


def test_patience_is_taken_once(store: Any, tmp_path: Path) -> None:
    place = opened(store, tmp_path)
    for _ in range(2):
        place.be_patient(Retries())
    assert isinstance(place.state, Patient)
    assert place.state.state is store
