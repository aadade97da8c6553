"""The table [sbom] of slipway.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError
from slipway.rules import SbomRules

HEAD = '[project]\nname = "hello"\nsummary = "x"\nchecksums = ["blake2b"]\n[version]\nsource = "value"\nvalue = "1.0.0"\n'
PART = '[component.docs]\nkind = "tree"\npath = "."\nto = "share/hello"\n'


def load(folder: Path, text: str) -> SbomRules:
    (folder / "slipway.toml").write_text(f"{HEAD}{PART}{text}")
    return load_project(folder / "slipway.toml").sbom


def test_nothing_is_said_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert load(tmp_path, "") == SbomRules()
    assert not (SbomRules().formats or SbomRules().manifests or SbomRules().provenance)


def test_all_of_it(tmp_path: Path) -> None:
    said = load(
        tmp_path,
        '[sbom]\nformats = ["spdx"]\nlicenses = false\nmanifests = true\nprovenance = true\n'
        'builder = "urn:example:builder"\nrepository = "https://git.example/hello"\n',
    )
    assert said == SbomRules(
        formats=("spdx",),
        licenses=False,
        manifests=True,
        provenance=True,
        builder="urn:example:builder",
        repository="https://git.example/hello",
    )


@pytest.mark.parametrize(
    "text",
    ['formats = ["syft"]', 'formats = ["spdx", "spdx"]', 'builder = "somebody"', 'builder = "a: b"', 'repository = "git@h:x"'],
)
def test_what_makes_no_sense_is_named_with_its_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"slipway\.toml:13: sbom\."):
        load(tmp_path, f"[sbom]\n{text}\n")
