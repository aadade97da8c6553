"""Plans: what is approved is what is done, whatever happens to the file in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_kit import KINDS, kit

from slipway.actions.action import PHASE_NAMES
from slipway.actions.plan import Plan, load_plan
from slipway.actions.store import Content
from slipway.errors import ConfigError, VerificationError
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.pointers import MovePointer

TEXT = st.text(max_size=12)
CONTENTS = st.builds(Content, name=TEXT, path=TEXT, size=st.integers(0), sha256=TEXT, media_type=TEXT, encoding=TEXT)
UPLOADS = st.builds(Upload, store=TEXT, content=CONTENTS)
READS = st.builds(ReadBack, store=TEXT, content=CONTENTS)
FORMS = st.sampled_from(["redirect", "copy", "symlink", "ref", "latest"])
MOVES = st.builds(MovePointer, store=TEXT, name=TEXT, form=FORMS, to=TEXT, version=TEXT, scheme=TEXT, backwards=TEXT)
ACTIONS = st.lists(st.one_of(UPLOADS, READS, MOVES), max_size=6, unique_by=lambda each: each.key)
HEADS = st.fixed_dictionaries(
    dict.fromkeys(("verb", "product", "version", "environment", "commit", "reason"), TEXT)
    | {"optional": st.lists(TEXT, max_size=3).map(tuple)}
)


@given(ACTIONS, HEADS)
def test_a_plan_comes_back_as_it_was(actions: list[Any], head: dict[str, Any]) -> None:
    plan = Plan.of(actions, **head)
    again = load_plan(plan.dump(), KINDS, where="here")
    assert again == plan
    assert (again.digest, again.dump()) == (plan.digest, plan.dump())


@given(ACTIONS, HEADS)
def test_actions_stand_in_the_order_of_their_phases_and_else_as_they_were_given(actions: list[Any], head: dict[str, Any]) -> None:
    found = Plan.of(actions, **head).actions
    assert [PHASE_NAMES.index(each.phase) for each in found] == sorted(PHASE_NAMES.index(each.phase) for each in actions)
    for name in PHASE_NAMES:
        assert [each for each in found if each.phase == name] == [each for each in actions if each.phase == name]


def test_two_actions_that_would_do_one_thing_are_refused(tmp_path: Path) -> None:
    upload = kit(tmp_path).plan().actions[0]
    with pytest.raises(ConfigError, match=r"two parts of the plan would both put v2\.1\.0/hello\.tar\.gz into site"):
        Plan.of([upload, upload], verb="publish", product="p", version="1", environment="e")


def _with(record: Any, name: str, value: object) -> Any:
    return replace(record, **{name: value})


def test_whatever_is_done_decides_the_digest(tmp_path: Path) -> None:
    plan = kit(tmp_path).plan()
    first, *others = plan.actions
    assert isinstance(first, Upload)
    values = {"name": "x", "path": "x", "size": 1, "sha256": "x", "media_type": "x", "encoding": "x"}
    contents = [_with(first.content, name, value) for name, value in values.items()]
    changed = [_with(plan, name, "other") for name in ("verb", "product", "version", "environment", "commit", "reason")]
    changed += [
        replace(plan, optional=("site",)),
        replace(plan, actions=tuple(others)),
        replace(plan, actions=(*others, first)),
        replace(plan, actions=(replace(first, store="other"), *others)),
        *(replace(plan, actions=(replace(first, content=each), *others)) for each in contents),
    ]
    assert len({each.digest for each in (plan, *changed)}) == 1 + len(changed)
    assert kit(tmp_path).plan().digest == plan.digest


def _row(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        data["actions"][0][name] = value

    return change


def _content(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        data["actions"][0]["content"][name] = value

    return change


TAMPERED: dict[str, Callable[[dict[str, Any]], None]] = {
    "another file": _content("sha256", "0" * 64),
    "another path": _content("path", "../../etc/passwd"),
    "a size that is a word": _content("size", "100"),
    "another store": _row("store", "evil"),
    "what people read of an action": _row("doc", "put something harmless into site"),
    "the name of an action": _row("key", "stage/site/other"),
    "the phase that people read": _row("phase", "announce"),
    "something added to an action": _row("approved", value=True),
    "a kind that is not known": _row("kind", "shell"),
    "a kind that is none": _row("kind", ["upload"]),
    "an action less": lambda data: data["actions"].pop(),
    "an action twice": lambda data: data["actions"].append(data["actions"][0]),
    "another order": lambda data: data["actions"].reverse(),
    "another version": lambda data: data.update(version="6.6.6"),
    "more that may fail": lambda data: data.update(optional=["site"]),
    "something added to the plan": lambda data: data.update(approved=True),
    "another digest": lambda data: data.update(digest="0" * 64),
    "no digest": lambda data: data.pop("digest"),
    "another schema": lambda data: data.update(schema=2),
    "no actions": lambda data: data.pop("actions"),
    "actions that are none": lambda data: data.update(actions="all"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_plan_that_was_changed_is_refused(how: str, tmp_path: Path) -> None:
    data = json.loads(kit(tmp_path).plan().dump())
    TAMPERED[how](data)
    with pytest.raises(
        VerificationError, match=r"^the plan of 2\.1\.0 (was changed|is not a plan|is a plan of schema 2)"
    ) as refused:
        load_plan(json.dumps(data).encode(), KINDS, where="the plan of 2.1.0")
    assert refused.value.hint == "plan again: slipway plan"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["schema", "actions", "digest"]), inner),
    max_leaves=8,
)


@given(st.binary(max_size=40) | JSON.map(lambda data: json.dumps(data).encode()) | st.just(b"[" * 100_000))
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        load_plan(data, KINDS, where="here")


@settings(max_examples=300)
@given(st.data())
def test_one_changed_byte_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    plan = Plan.of([_MOVE], verb="publish", product="hello", version="2.1.0", environment="local")
    dump = bytearray(plan.dump())
    dump[data.draw(st.integers(0, len(dump) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(VerificationError):
        assert load_plan(bytes(dump), KINDS, where="here") == plan


_MOVE = MovePointer(store="site", name="latest", form="symlink", to="v2.1.0/", version="2.1.0", scheme="semver")
