"""Which versions an environment has seen, when several write at once and when the file is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import release_kit

from slipway.errors import ChangedError, VerificationError
from slipway.publication.register import BEGUN, PUBLISHED, WITHDRAWN, note, versions_of

NAME = "hello/local/versions.json"


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([BEGUN], BEGUN),
        ([BEGUN, PUBLISHED], PUBLISHED),
        ([PUBLISHED, BEGUN], PUBLISHED),
        ([PUBLISHED, WITHDRAWN, BEGUN, PUBLISHED], WITHDRAWN),
    ],
)
def test_a_version_never_goes_back(tmp_path: Path, notes: list[str], expected: str) -> None:
    state = release_kit.folder(tmp_path)
    for how in notes:
        note(state, NAME, "1.2.3", how)
    note(state, NAME, "1.3.0", BEGUN)
    assert versions_of(state, NAME) == {"1.2.3": expected, "1.3.0": BEGUN}


def test_what_others_note_meanwhile_is_kept(tmp_path: Path) -> None:
    folder, others = release_kit.folder(tmp_path), iter(["1.0.0", "1.1.0"])

    def meanwhile(verb: str, *_: Any) -> None:
        if verb == "save" and (version := next(others, "")):
            note(folder, NAME, version, PUBLISHED)

    note(release_kit.Wrapped(folder, before=meanwhile), NAME, "1.2.3", BEGUN)  # type: ignore[arg-type]
    assert versions_of(folder, NAME) == {"1.0.0": PUBLISHED, "1.1.0": PUBLISHED, "1.2.3": BEGUN}


def test_whoever_is_always_late_says_so(tmp_path: Path) -> None:
    folder, count = release_kit.folder(tmp_path), iter(range(1000))

    def meanwhile(verb: str, *_: Any) -> None:
        if verb == "save":
            note(folder, NAME, f"1.{next(count)}.0", PUBLISHED)

    with pytest.raises(ChangedError, match="again and again"):
        note(release_kit.Wrapped(folder, before=meanwhile), NAME, "1.2.3", BEGUN)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"versions": []}', b'{"versions": {"1.2.3": "lost"}}', b"\xff"])
def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path, data: bytes) -> None:
    state = release_kit.folder(tmp_path)
    state.save(NAME, data, None)
    with pytest.raises(VerificationError, match="in the store"):
        versions_of(state, NAME)
