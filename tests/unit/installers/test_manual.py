"""docs/installer.md: the options are those of the program, and every test that is said to hold a promise exists."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from slipway.installers.options import options_page

CHECKOUT = Path(__file__).parents[3]
PAGE = CHECKOUT / "docs/installer.md"
BLOCK = re.compile(r"(?<=-->\n)(?P<options>.*?)(?=<!-- /options -->)", re.DOTALL)


def promised_tests() -> set[str]:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {name for line in rows for name in re.findall(r"`(test_\w+)`", line)}


def defined_tests() -> set[str]:
    trees = (ast.parse(path.read_text()) for path in (CHECKOUT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_holds_a_promise_exists() -> None:
    assert promised_tests() - defined_tests() == set()
    assert len(promised_tests()) > 60


def test_every_promise_names_a_test() -> None:
    table = PAGE.read_text().partition("## What it promises")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    promises = [row for row in rows[1:] if not row[0].startswith("**")]
    assert [row[0] for row in promises if len(row) < 2 or "`test_" not in row[1]] == []
    assert len(promises) > 30


def test_the_page_has_the_options_as_they_are() -> None:
    text, wanted = PAGE.read_text(), f"\n{options_page()}\n"
    if os.environ.get("UPDATE_GOLDEN"):
        text = BLOCK.sub(lambda _: wanted, text)
        PAGE.write_text(text)
    found = BLOCK.search(text)
    assert found
    assert found["options"] == wanted, "UPDATE_GOLDEN=1 writes the options again"
