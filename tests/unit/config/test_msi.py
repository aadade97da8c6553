"""What [msi] may say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError
from slipway.rules import MsiRules

TEXT = """\
[project]
name = "hello"
summary = "Greets"
maintainer = "Hello Makers <makers@hello.example>"
platforms = ["windows-amd64"]

[version]
source = "value"
value = "1.2.3"

[component.docs]
kind = "tree"
path = "docs"
to = "share/doc/hello"

[msi]
"""
GUID = "2b3b1a4c-8b9e-4e62-9f57-0e0c4c6b5a11"
Write = Callable[[str], Path]


def test_everything_that_can_be_said(write: Write, root: Path) -> None:
    (root / "hello.ico").write_bytes(b"")
    said = f"""
        manufacturer = "Hello"
        scopes = ["user"]
        version = "24.4.1"
        upgrade-code = "{GUID}"
        services = "all"
        service-account = "NT AUTHORITY\\\\LocalService"
        icon = "hello.ico"
        """
    assert load_project(write(TEXT + said)).msi == MsiRules(
        manufacturer="Hello",
        scopes=("user",),
        version="24.4.1",
        upgrade_code=GUID,
        services="all",
        service_account="NT AUTHORITY\\LocalService",
        icon="hello.ico",
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('scopes = ["everybody"]', "msi.scopes[1]: 'everybody' is not possible here"),
        ('scopes = ["user", "user"]', "twice"),
        ("scopes = []", "msi.scopes: must not be empty"),
        ('version = "24.4"', "must be three numbers"),
        ('upgrade-code = "12"', "must be a GUID"),
        ('icon = "none.ico"', "there is no file none.ico"),
    ],
)
def test_what_cannot_be(write: Write, said: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(TEXT + said))
    assert message in str(caught.value)
