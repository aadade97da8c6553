"""Frozen data to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sample
from slipway.model import PlatformSettings, Project, Release, Variant
from slipway.plain import from_plain, to_plain


@dataclass(frozen=True)
class Circle:
    KIND: ClassVar[str] = "circle"
    radius: int = 1


@dataclass(frozen=True)
class Square:
    KIND: ClassVar[str] = "square"
    side: int = 1


@dataclass(frozen=True)
class Drawing:
    shape: Circle | Square = field(default_factory=Circle)
    shapes: tuple[Circle | Square, ...] = ()
    place: Path | None = None
    corner: tuple[int, str] = (0, "")
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last: Square | None = None
    pens: Mapping[str, Literal["thin", "thick"]] = field(default_factory=dict)


shapes = st.builds(Circle, st.integers()) | st.builds(Square, st.integers())
drawings = st.builds(
    Drawing,
    shape=shapes,
    shapes=st.lists(shapes).map(tuple),
    place=st.none() | st.just(Path("/a/b")),
    corner=st.tuples(st.integers(), st.text()),
    names=st.dictionaries(st.text(), st.lists(st.text()).map(tuple)),
    last=st.none() | st.builds(Square, st.integers()),
    pens=st.dictionaries(st.text(), st.sampled_from(["thin", "thick"])),
)


@given(drawings)
def test_data_survives_the_journey_through_json(drawing: Drawing) -> None:
    assert from_plain(Drawing, json.loads(json.dumps(to_plain(drawing)))) == drawing


def test_a_whole_project_and_release_survive(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    project = sample.project(tmp_path / "other", settings={"linux-amd64": PlatformSettings(glibc="2.28")})
    assert from_plain(Release, json.loads(json.dumps(to_plain(made)))) == made
    assert from_plain(Project, json.loads(json.dumps(to_plain(project)))) == project


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (frozenset({"b", "a"}), ["a", "b"]),
        ({Path("/x"): (1, 2)}, {"/x": [1, 2]}),
        (Path("a/b"), "a/b"),
        (Circle(2), {"kind": "circle", "radius": 2}),
        (None, None),
    ],
)
def test_what_plain_data_looks_like(value: object, plain: Any) -> None:
    assert to_plain(value) == plain


def test_unknown_keys_are_passed_over_and_missing_ones_refused() -> None:
    assert from_plain(Circle, {"radius": 3, "colour": "red"}) == Circle(3)
    with pytest.raises(TypeError):
        from_plain(Variant, {"name": "complete"})
