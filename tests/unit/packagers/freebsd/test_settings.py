"""What [freebsd] may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from slipway.config.packages import FreebsdTable


def test_all_settings_together() -> None:
    said = {
        "package": "hello",
        "origin": "net/hello",
        "categories": ["net"],
        "depends": {"py311-x": "devel/py-x"},
        "major": "*",
        "compression": "xz:9",
    }
    assert FreebsdTable.model_validate(said).model_dump() == said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("origin", "hello"),
        ("origin", "net/hello/x"),
        ("origin", "net/he llo"),
        ("depends", {"git": "git"}),
        ("depends", {"": "devel/git"}),
        ("depends", ["git"]),
        ("categories", ["net", "net"]),
        ("major", "14.1"),
        ("major", "0"),
        ("compression", "gzip"),
    ],
)
def test_what_pkg_could_not_use_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        FreebsdTable.model_validate({key: value})
