"""How compressions are written in slipway.toml: a kind, and perhaps a level of its own."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from slipway.compress import parse
from slipway.config.load import load_project
from slipway.config.reference import project_schema
from slipway.errors import ConfigError, UsageError
from slipway.platforms import PLATFORMS

START = '[project]\nname = "hello"\nsummary = "s"\n[version]\nsource = "value"\nvalue = "1.0.0"\n[component.a]\nkind = "cargo"\n'


@pytest.fixture
def load(root: Path, write: Callable[[str], Path]) -> Callable[[str], Path]:
    (root / "Cargo.toml").write_text("[package]\nname = 'a'\n")
    return write


@pytest.mark.req("S0-51")
def test_each_archive_may_have_a_level_of_its_own(load: Callable[[str], Path]) -> None:
    text = START + "[platform.linux-amd64]\narchives = ['tar.xz:9', 'tar.br', '7z:12', 'zip:1', 'tar', 'tar.zst', 'tar.gz']\n"
    said = load_project(load(text)).on(PLATFORMS["linux-amd64"])
    assert said.archives == ("tar.xz", "tar.br", "7z", "zip", "tar", "tar.zst", "tar.gz")
    assert said.levels == {"tar.xz": 9, "7z": 12, "zip": 1}
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(project_schema())))
    assert validator.is_valid(tomllib.loads(text))


@pytest.mark.req("S0-51")
@pytest.mark.parametrize(
    ("archives", "told"),
    [
        ("['tar.bz']", "'tar.bz' is not possible here"),
        ("['tar.xz:13']", "must be from 1 to 12"),
        ("['tar.xz:0']", "must be from 1 to 12"),
        ("['tar.xz:']", "must be from 1 to 12"),
        ("['tar.xz:best']", "must be from 1 to 12"),
        ("['tar:3']", "tar has no levels"),
        ("['tar.gz:3', 'tar.gz:4']", "names 'tar.gz' twice"),
        ("[3]", "must be a string"),
    ],
)
def test_what_is_no_compression_is_refused(load: Callable[[str], Path], archives: str, told: str) -> None:
    text = START + f"[platform.linux-amd64]\narchives = {archives}\n"
    with pytest.raises(ConfigError) as caught:
        load_project(load(text))
    assert told in str(caught.value)
    assert "platform.linux-amd64.archives" in str(caught.value)
    if "twice" not in told:
        assert not jsonschema.Draft202012Validator(project_schema()).is_valid(tomllib.loads(text))


@pytest.mark.req("S0-51")
@pytest.mark.parametrize("table", ["deb", "rpm", "freebsd"])
def test_packages_may_have_one_too(load: Callable[[str], Path], table: str) -> None:
    project = load_project(load(f"{START}[{table}]\ncompression = 'xz:9'\n"))
    assert parse(getattr(project, table).compression) == ("xz", 9)
    with pytest.raises(ConfigError, match=f"{table}.compression"):
        load_project(load(f"{START}[{table}]\ncompression = 'brotli'\n"))


def test_parts_of_a_compression() -> None:
    assert (parse("xz"), parse("tar.xz:12")) == (("xz", None), ("tar.xz", 12))
    for text in ("xz:", "xz:0", "xz:13", "xz:x", "xz:٣", "xz:1:2"):
        with pytest.raises(UsageError, match="1 to 12"):
            parse(text)
