"""The documented variables."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.errors import UsageError
from slipway.variables import read_variables


@pytest.mark.req("S0-31", "S0-32")
@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ({"PARALLEL": "true"}, {}, {"PARALLEL": True}),
        ({"CROSS": "FALSE"}, {}, {"CROSS": False}),
        ({}, {"VERSION": "2.1.0"}, {"VERSION": "2.1.0"}),
        ({"VERSION": "2.2.0"}, {"VERSION": "2.1.0"}, {"VERSION": "2.2.0"}),
        ({"VERSION": ""}, {"VERSION": "2.1.0"}, {}),
        ({"TEST_TYPES": "basic, complete"}, {}, {"TEST_TYPES": ("basic", "complete")}),
        ({}, {"HOME": "/root", "PATH": "/bin"}, {}),
    ],
)
def test_values_come_from_the_command_line_then_the_environment(
    given: dict[str, str], environment: dict[str, str], expected: dict[str, Any]
) -> None:
    assert read_variables(given, environment) == expected


@pytest.mark.req("S0-31")
@pytest.mark.parametrize(
    ("given", "also", "words"),
    [
        ({"VERSOIN": "2"}, (), ("VERSOIN", "did you mean VERSION?", "PLATFORMS")),
        ({"platforms": "linux"}, (), ("did you mean PLATFORMS?",)),
        ({"MIEN": "1"}, ("MINE",), ("did you mean MINE?",)),
        ({"PARALLEL": "maybe"}, (), ("PARALLEL=maybe", "PARALLEL=true")),
        ({"TEST_TYPES": "basic,all"}, (), ("'all'", "basic, integration, complete")),
    ],
)
def test_an_unknown_name_or_value_is_refused_with_the_valid_ones(
    given: dict[str, str], also: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        read_variables(given, {}, also=also)
    assert caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


def test_a_project_may_read_variables_of_its_own() -> None:
    assert read_variables({"MINE": "1"}, {}, also=("MINE",)) == {}
