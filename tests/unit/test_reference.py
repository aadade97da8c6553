"""The generated pages of the manual are those that the program would write now."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.reference import pages

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
# Written, and held to what was seen, by tests/system/test_install_matrix.py.
SEEN = {"installer-matrix.md"}


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "write it again: python -m slipway.reference docs/reference"


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*pages(), *SEEN}
