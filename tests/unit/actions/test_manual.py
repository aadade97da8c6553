"""docs/releasing-safely.md: every promise names a test, and every test that is named exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
TABLE = (CHECKOUT / "docs/releasing-safely.md").read_text().partition("## What it promises")[2].partition("\n## ")[0]
ROWS = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| ")]


def test_every_test_that_holds_a_promise_exists() -> None:
    named = set(re.findall(r"`([Tt]est\w+)`", TABLE))
    trees = (ast.parse(path.read_text()) for path in (CHECKOUT / "tests").rglob("test_*.py"))
    nodes = (node for tree in trees for node in tree.body)
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    assert named - defined == {"TestTwoMachines"}
    assert len(named) > 60


def test_every_promise_names_a_test() -> None:
    promises = [row for row in ROWS[1:] if not row[0].startswith("**")]
    assert [row[0] for row in promises if len(row) < 2 or not re.search(r"`[Tt]est", row[1])] == []
    assert len(promises) > 30
