"""The reference page and the JSON schema: complete, true and fresh."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from slipway.config.examples import EXAMPLES
from slipway.config.load import load_project
from slipway.config.parts import KINDS, SourceTable
from slipway.config.reference import project_schema, reference_page
from slipway.config.release import StampTable
from slipway.config.schema import TABLES, keys_of
from slipway.config.stores import STORES, CredentialTable

HERE = Path(__file__).parents[3]
EVERY_EXAMPLE = "\n".join(EXAMPLES.values())


@pytest.mark.parametrize("table", [*TABLES.values(), *KINDS.values(), *STORES.values(), SourceTable, CredentialTable, StampTable])
def test_every_key_is_on_the_page_with_its_meaning(table: Any) -> None:
    page = reference_page()
    for key, field in zip(keys_of(table), table.model_fields.values(), strict=True):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{key}` |") and field.description.split()[0] in line)
        assert row.count(" | ") == 3
        assert field.description.strip().endswith((".", "`."))


def test_the_examples_together_are_a_valid_file(root: Path, write: Callable[[str], Path]) -> None:
    (root / "LICENSE").write_text("MIT\n")
    (root / "report").mkdir()
    (root / "report/pyproject.toml").write_text('[project]\nname = "report"\n[project.scripts]\nreport = "report:main"\n')
    (root / "report/requirements.txt").write_text("pyinstaller\n")
    project = load_project(write(EVERY_EXAMPLE))
    names = tuple(part.name for part in project.components)
    assert names == ("hello", "config", "manual", "report", "helper")
    assert [variant.components for variant in project.variants] == [names, ("hello", "config")]


def test_the_schema_is_one_and_accepts_what_slipway_accepts() -> None:
    schema = project_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sample = (HERE / "examples" / "provisioning" / "slipway.toml").read_text()
    for text in (EVERY_EXAMPLE, sample):
        assert list(validator.iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize(
    "change",
    [
        ("compression", 13),
        ("name", "Hello World"),
        ("nmae", "hello"),
        ("checksums", ["sha1"]),
        ("platforms", []),
        ("license", 1),
        ("maintainer", "me"),
    ],
)
def test_the_schema_refuses_what_slipway_refuses(change: tuple[str, object]) -> None:
    data = tomllib.loads(EVERY_EXAMPLE)
    data["project"][change[0]] = change[1]
    assert not jsonschema.Draft202012Validator(project_schema()).is_valid(data)


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(json.dumps(project_schema()))
    assert schema["title"] == "slipway.toml"
    tables = [schema, *schema["$defs"].values()]
    within = ("SourceTable", "DebSuiteTable", "DebArchitectureTable", "CredentialTable", "StampTable")
    assert len(tables) == len(TABLES) + len(KINDS) + len(STORES) + len(("slipway.toml", *within))
    for table in tables:
        assert table["description"]
        assert all(key.get("description") for key in table["properties"].values())
        assert table["additionalProperties"] is False
