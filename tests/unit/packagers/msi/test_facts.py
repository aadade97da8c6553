"""What a package says about itself, and versions as Windows Installer counts."""

from __future__ import annotations

from pathlib import Path

import pytest

import sample
from slipway.errors import ConfigError
from slipway.packagers.msi.facts import facts_of, product_version


@pytest.mark.parametrize(
    ("text", "scheme", "said", "expected"),
    [
        ("2.1.0", "semver", "", "2.1.0"),
        ("2.1.0-rc.1", "semver", "", "2.1.0"),
        ("2.1.0+build.5", "semver", "", "2.1.0"),
        ("255.255.65535", "semver", "", "255.255.65535"),
        ("2024.04", "calver", "", "24.4.0"),
        ("2024.04.1", "calver", "", "24.4.1"),
        ("2255.12.7-rc.1", "calver", "", "255.12.7"),
        ("26.11", "calver", "", "26.11.0"),
        ("2024.1121", "calver", "24.11.21", "24.11.21"),
        ("900.1.1", "semver", "9.1.1", "9.1.1"),
        ("2.93.0pre20240411.abc", "nix", "", "2.93.0"),
        ("1:2.1.0~rc.1-1", "debian", "", "2.1.0"),
    ],
)
def test_product_versions(text: str, scheme: str, said: str, expected: str) -> None:
    assert product_version(text, scheme, said) == expected


@pytest.mark.parametrize(
    ("text", "scheme", "said"),
    [
        ("256.0.0", "semver", ""),
        ("2024.4.1", "semver", ""),
        ("1.256.0", "semver", ""),
        ("1.0.65536", "semver", ""),
        ("2024.1121", "calver", ""),
        ("2024.4.1.2", "calver", ""),
        ("2256.1", "calver", ""),
        ("1.0.0", "semver", "2024.4.1"),
        ("24.11.715880.b75693fb46bf", "nix", ""),
        ("2019.01-1", "debian", ""),
    ],
)
def test_versions_that_cannot_be_compared_are_refused(text: str, scheme: str, said: str) -> None:
    with pytest.raises(ConfigError, match="cannot hold the version") as caught:
        product_version(text, scheme, said)
    assert "[msi]" in str(caught.value.hint)


def test_years_and_months_keep_their_order() -> None:
    texts = ["2024.04", "2024.04.1", "2024.11", "2025.01", "2031.12.9"]
    numbers = [tuple(map(int, product_version(text, "calver").split("."))) for text in texts]
    assert numbers == sorted(numbers)


def test_the_maintainers_name_makes_the_package(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    facts = facts_of(made, sample.cell(made, "windows-amd64-complete"), "machine")
    assert (facts.title, facts.manufacturer, facts.contact) == (
        "hello",
        "Hello Makers",
        "Hello Makers <makers@hello.example>",
    )
    other = facts_of(made, sample.cell(made, "windows-amd64-minimal"), "machine")
    assert other.title == "hello (minimal)"
    assert other.upgrade_code == facts.upgrade_code
