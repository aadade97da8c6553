"""From the values of flags and variables to what somebody wants."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.actions.retries import Retries
from slipway.errors import UsageError
from slipway.publication.flags import PUBLISHING, ROLLING_BACK, wish_of
from slipway.publication.returning import Options
from slipway.publication.wish import Wish

SAID = Wish(confirm="yes", retries=Retries(count=7, delay=2.0))


@pytest.mark.parametrize(
    ("values", "count", "delay", "confirm"),
    [
        ({}, 7, 2.0, "yes"),
        ({"retry_count": None, "backoff_delay": None, "confirm": ""}, 7, 2.0, "yes"),
        ({"retry_count": 0, "backoff_delay": 1, "confirm": "no"}, 0, 1.0, "no"),
    ],
)
def test_a_flag_goes_before_a_variable(values: dict[str, Any], count: int, delay: float, confirm: str) -> None:
    wish = wish_of(values, SAID)
    assert (wish.retries.count, wish.retries.delay, wish.confirm) == (count, delay, confirm)


def test_without_variables_the_documented_numbers_count() -> None:
    documented = {flag.key: flag.default for flag in PUBLISHING}
    assert wish_of({}) == wish_of(documented) == Wish(retries=Retries(count=3, delay=5.0))


@pytest.mark.parametrize(("text", "gate", "reason"), [("ci=it is down", "ci", "it is down"), ("notes= a=b ", "notes", "a=b")])
def test_a_gate_is_passed_by_for_a_reason(text: str, gate: str, reason: str) -> None:
    assert wish_of({"bypass": (text,)}).bypass == {gate: reason}


@pytest.mark.parametrize("text", ["ci", "ci=", "ci=  "])
def test_without_a_reason_no_gate_is_passed_by(text: str) -> None:
    with pytest.raises(UsageError, match="says no reason"):
        wish_of({"bypass": (text,)})


def test_every_flag_of_a_rollback_is_an_option_with_the_same_default() -> None:
    values = {flag.key: flag.default for flag in ROLLING_BACK}
    assert Options.of(values) == Options()
