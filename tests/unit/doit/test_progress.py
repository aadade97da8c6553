"""The running Steps at the foot of a terminal, and how far each is."""

from __future__ import annotations

from slipway import console
from slipway.doit.progress import Progress


def texts(display: Progress) -> list[str]:
    return [str(row.description) for row in display._bars.tasks]


def test_how_far_a_step_is_stands_in_its_own_row() -> None:
    display = Progress()
    try:
        for name in ("release:publish", "create-archives:linux"):
            display.begin(name)
        with console.task("release:publish"):
            console.passing("  1 of 2 MiB")
        assert texts(display) == ["release:publish  1 of 2 MiB", "create-archives:linux"]
        with console.task("release:publish"):
            console.passing("")
        assert texts(display) == ["release:publish", "create-archives:linux"]
    finally:
        display.end()


def test_what_has_ended_shows_nothing() -> None:
    display = Progress()
    display.begin("release:publish")
    display.end()
    with console.task("release:publish"):
        console.passing("  1 of 2 MiB")
    assert texts(display) == ["release:publish"]
