"""What a store notes about a pointer, so that it knows which version users get."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.actions.store import Pointed
from slipway.errors import GateError
from slipway.publish.records import PointerRecord, record_name

TEXT = st.text(min_size=1, max_size=8)
ENTRIES = st.lists(st.tuples(st.builds(Pointed, target=TEXT, version=TEXT), TEXT), max_size=30)


def recorded(entries: list[tuple[Pointed, str]]) -> PointerRecord:
    record = PointerRecord("latest")
    for to, digest in entries:
        record = record.with_entry(to, digest)
    return record


@given(ENTRIES)
def test_a_record_comes_back_as_it_was(entries: list[tuple[Pointed, str]]) -> None:
    record = recorded(entries)
    assert PointerRecord.read("latest", record.dump()) == record
    assert len(record.entries) <= 20


@given(ENTRIES.filter(bool))
def test_the_newest_is_always_known(entries: list[tuple[Pointed, str]]) -> None:
    record = recorded(entries)
    newest, digest = entries[-1]
    assert record.by_target(newest.target) == Pointed(target=newest.target, version=newest.version)
    assert record.by_digest(digest) == Pointed(target=newest.target, version=newest.version)


def test_going_to_and_fro_needs_no_room() -> None:
    one, two = Pointed(target="v1/", version="1"), Pointed(target="v2/", version="2")
    record = recorded([(one, ""), (two, "")] * 50)
    assert len(record.entries) == 2


def test_nothing_noted_is_nothing_known() -> None:
    record = PointerRecord("latest")
    for ask, what in ((record.by_target, "v1/"), (record.by_digest, "d")):
        with pytest.raises(GateError, match="slipway did not make it so") as refused:
            ask(what)
        assert "mend or remove the pointer by hand" in str(refused.value.hint)


def test_a_folder_is_known_by_its_name_and_no_other_by_a_part_of_it() -> None:
    record = recorded([(Pointed(target="v1/", version="1"), "")])
    assert record.by_target("v1").version == "1"
    for other in ("v", "v1/a", "v11", "v11/"):
        with pytest.raises(GateError):
            record.by_target(other)


@given(st.binary(min_size=1, max_size=60) | st.sampled_from([b"[]", b"{}", b'{"entries": 1}', b'{"entries": [[]]}']))
def test_damage_stops(data: bytes) -> None:
    with pytest.raises(GateError, match="what slipway noted about latest cannot be read"):
        PointerRecord.read("latest", data)


def test_records_have_names_of_their_own_that_no_pointer_can_leave() -> None:
    names = [record_name(pointer) for pointer in ("latest", "../latest", "a/b", "a", "é")]
    assert len(set(names)) == len(names)
    assert all(name.startswith("pointers/") and ".." not in name and name.count("/") == 1 for name in names)


def test_the_form_is_json_with_a_schema() -> None:
    data = json.loads(recorded([(Pointed(target="v1/", version="1"), "")]).dump())
    assert data == {"schema": 1, "pointer": "latest", "entries": [{"target": "v1/", "version": "1", "sha256": ""}]}
