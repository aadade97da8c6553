"""Trying again: only what may work a little later, when the other side says, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipway.actions.retries import LONGEST, Retries
from slipway.errors import ChangedError, GateError, NetworkError, SlipwayError, TransientError, VerificationError


class Work:
    """Raises what it is given, one after the other, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def slept(pauses: list[float], **more: Any) -> Retries:
    return Retries(sleep=pauses.append, **more)


def test_pauses_double_and_are_never_quite_the_same() -> None:
    pauses: list[float] = []
    retries = slept(pauses, count=5, delay=4.0)
    assert retries.run("it", Work(*[TransientError("away")] * 5)) == "done"
    assert len(pauses) == 5
    for number, pause in enumerate(pauses):
        assert 0.75 * 4 * 2**number <= pause <= 4 * 2**number


def test_no_pause_is_longer_than_five_minutes() -> None:
    pauses: list[float] = []
    assert slept(pauses, count=12, delay=5.0).run("it", Work(*[TransientError("away")] * 12)) == "done"
    assert max(pauses) <= LONGEST
    assert pauses[-1] >= 0.75 * LONGEST


@pytest.mark.parametrize(("wait", "least", "most"), [(0.0, 0, 0.5), (7.0, 7, 7.5), (LONGEST - 1, 299, 299.5), (-3.0, 0, 0.5)])
def test_what_the_other_side_asks_for_is_waited_and_little_more(wait: float, least: float, most: float) -> None:
    pauses: list[float] = []
    assert slept(pauses, delay=100.0).run("it", Work(TransientError("busy", wait=wait))) == "done"
    assert len(pauses) == 1
    assert least <= pauses[0] <= most


def test_who_asks_to_wait_very_long_is_not_waited_for() -> None:
    pauses: list[float] = []
    work = Work(TransientError("too many requests", wait=3600))
    with pytest.raises(
        NetworkError, match=r"^put it: too many requests \(tried once; the other side asks to wait 3600 seconds\)"
    ):
        slept(pauses).run("put it", work)
    assert (pauses, work.calls) == ([], 1)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_it_gives_up_with_a_final_error_that_says_how_often_it_tried(count: int) -> None:
    work = Work(*[TransientError("away", hint=None)] * 99)
    pauses: list[float] = []
    with pytest.raises(NetworkError) as failed:
        slept(pauses, count=count, delay=0.0).run("put it", work)
    often = "once" if count == 0 else f"{count + 1} times"
    assert failed.value.message == f"put it: away (tried {often})"
    assert failed.value.hint == "run again later: slipway resume goes on where this ended"
    assert not isinstance(failed.value, TransientError), "nobody must try that again"
    assert (work.calls, failed.value.exit_code) == (count + 1, 42)


FINAL: tuple[Callable[[], Exception], ...] = (
    lambda: SlipwayError("x"),
    lambda: NetworkError("x"),
    lambda: GateError("x"),
    lambda: ChangedError("x"),
    lambda: VerificationError("x"),
    lambda: OSError("x"),
    lambda: ValueError("x"),
)


@pytest.mark.parametrize("make", FINAL)
def test_everything_else_is_not_tried_again(make: Callable[[], Exception]) -> None:
    error = make()
    work = Work(error)
    pauses: list[float] = []
    with pytest.raises(type(error)) as failed:
        slept(pauses).run("it", work)
    assert (failed.value is error, work.calls, pauses) == (True, 1, [])


def test_the_hint_of_the_error_is_kept() -> None:
    with pytest.raises(NetworkError) as failed:
        slept([], count=0).run("it", Work(TransientError("away", hint="ask the admin")))
    assert failed.value.hint == "ask the admin"
