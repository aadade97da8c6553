"""Where a key stands in a TOML text."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.config.lines import Path, key_lines, line_of

TEXT = '''\
# a comment with [brackets] and "quotes
[project]   # 2
name = "x"
"quoted.key" . 'raw"key' = 1
list = [ 1, # 5
  "]", [2,
    3], { k = 1, j = ["}"] },
]
text = """
[fake]
name = "\\"""" # 11
raw = \'\'\'
fake = 1\'\'\'
date = 1979-05-27 07:32:00
[[item]]
a = ''
[[item]]
b = ""
[item.sub]
c = {}
[[item.sub.list]]
d = []
[x.y."z w"]
e.f = true\
'''
LINES = {
    ("project",): 2,
    ("project", "name"): 3,
    ("project", "quoted.key"): 4,
    ("project", "quoted.key", 'raw"key'): 4,
    ("project", "list"): 5,
    ("project", "list", 0): 5,
    ("project", "list", 1): 6,
    ("project", "list", 2): 6,
    ("project", "list", 2, 0): 6,
    ("project", "list", 2, 1): 7,
    ("project", "list", 3): 7,
    ("project", "list", 3, "k"): 7,
    ("project", "list", 3, "j"): 7,
    ("project", "list", 3, "j", 0): 7,
    ("project", "text"): 9,
    ("project", "raw"): 12,
    ("project", "date"): 14,
    ("item",): 15,
    ("item", 0): 15,
    ("item", 0, "a"): 16,
    ("item", 1): 17,
    ("item", 1, "b"): 18,
    ("item", 1, "sub"): 19,
    ("item", 1, "sub", "c"): 20,
    ("item", 1, "sub", "list"): 21,
    ("item", 1, "sub", "list", 0): 21,
    ("item", 1, "sub", "list", 0, "d"): 22,
    ("x",): 23,
    ("x", "y"): 23,
    ("x", "y", "z w"): 23,
    ("x", "y", "z w", "e"): 24,
    ("x", "y", "z w", "e", "f"): 24,
}


def test_every_key_and_element_has_its_line() -> None:
    tomllib.loads(TEXT)
    assert key_lines(TEXT) == LINES


def test_windows_line_ends_count_once() -> None:
    assert key_lines("[a]\r\n# c\r\nb = 1\r\n") == {("a",): 1, ("a", "b"): 3}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("project", "name"), 3),
        (("project", "missing"), 2),
        (("item", 1, "sub", "c", "deep"), 20),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_a_missing_key_stands_in_the_table_around_it(path: Path, line: int | None) -> None:
    assert line_of(key_lines(TEXT), path) == line


scalars = (
    st.integers(-5, 5).map(str)
    | st.booleans().map(lambda value: str(value).lower())
    | st.text(st.sampled_from("ab]}{[\"'#=,.\\ \t"), max_size=6).map(json.dumps)
    | st.text(st.sampled_from('ab]}{["#=,.\\ '), max_size=6).map("'{}'".format)
    | st.text(st.sampled_from('ab]}{["#=,.\n '), max_size=8).map("'''{}'''".format)
    | st.text(st.sampled_from("ab]}{['#=,.\n "), max_size=8).map('"""{}"""'.format)
)
names = st.sampled_from(["a", "b-c", "_1", '"q.r"', "'s t'", '"\\u0041"'])
gaps = st.sampled_from(["", " ", "\n", " # ] } \" '''\n", "\n\n  "])
blanks = st.sampled_from(["", "\n", "# [x]\n", "\n \t# y = 1\n"])


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=3))
    text = "".join(f"{draw(gaps)}{item}{draw(gaps)}," for item in items)
    return f"[{text}{draw(gaps)}]"


@st.composite
def inlines(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(names, max_size=3, unique_by=lambda key: next(iter(tomllib.loads(f"{key}=0")))))
    return "{" + ",".join(f" {key} = {draw(inner)}" for key in keys) + " }"


values = st.recursive(scalars, lambda inner: arrays(inner) | inlines(inner), max_leaves=6)


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    """Every key path of the data, as Python's own reader sees it."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return {(*path, key) for key, _ in inner}.union(*(paths_of(item, (*path, key)) for key, item in inner))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(blanks, st.sampled_from(["[t{}]", "[[r]]", "[o.t{}]", ""]), st.lists(st.tuples(names, values)))))
def test_the_scanner_agrees_with_the_reader(tables: list[tuple[str, str, list[tuple[str, str]]]]) -> None:
    text, row = "", -1
    expected: dict[Path, int] = {}
    for index, (blank, header, pairs) in enumerate(tables):
        text += blank + (f"{header.format(index)}\n" if header else f"[plain{index}]\n")
        row += header == "[[r]]"
        homes: dict[str, Path] = {"[[r]]": ("r", row), "[o.t{}]": ("o", f"t{index}"), "": (f"plain{index}",)}
        table = homes.get(header, (f"t{index}",))
        expected[table] = text.count("\n")
        for number, (name, value) in enumerate(pairs):
            raw, key = f"k{number}.{name}", (f"k{number}", next(iter(tomllib.loads(f"{name}=0"))))
            expected[*table, *key] = text.count("\n") + 1
            text += f"{raw} = {value}\n"
    found = key_lines(text)
    assert set(found) == paths_of(tomllib.loads(text))
    assert {path: found[path] for path in expected} == expected
