"""What a new text of a changelog would lose."""

from __future__ import annotations

import pytest

from slipway.publication.noting import lost_lines

NEW = "# Changelog\n\n## 1.3.0 - 2026-01-02\n\n### Features\n\n- greet in French (1f1713c)\n- greet (d952432)\n"


@pytest.mark.parametrize(
    ("old", "lost"),
    [
        ("", ()),
        (NEW, ()),
        ("# Changes\n\n## Unreleased\n\n### Added\n\n- greet (d952432)\n\n[Unreleased]: https://x.example\n", ()),
        ("# Changelog\n\nAll changes are listed here.\n\n- greet (d952432)\n", ("All changes are listed here.",)),
        ("- greet in French (1f1713c)\n  It is polite.\n", ("  It is polite.",)),
    ],
)
def test_only_headings_and_links_may_go(old: str, lost: tuple[str, ...]) -> None:
    assert lost_lines(old, NEW) == lost
