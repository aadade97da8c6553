"""The lists of parts: complete, closed, valid for other readers, the same bytes for the same project."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from golden_files import assert_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.json.json_parser import parse_from_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

import sample
from slipway.components import CargoComponent, Prebuilt, PrebuiltComponent, PythonComponent
from slipway.errors import ConfigError, VerificationError
from slipway.manifest import load_record
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.packagers.inventory import FORMS, plan_sboms
from slipway.packagers.inventory.cyclonedx import cyclonedx
from slipway.packagers.inventory.gather import purl
from slipway.packagers.inventory.lock import Crate
from slipway.packagers.inventory.parts import Inventory, License, Part
from slipway.packagers.inventory.spdx import spdx

from .conftest import COMMIT, GIT, OTHER, Ground, Releasing


def written(made: Release) -> dict[str, bytes]:
    for step in plan_sboms(made):
        step.run()
    return {path.name: path.read_bytes() for path in sorted(made.paths.packages.glob("*.json"))}


def require_valid(cdx: bytes, spdx_data: bytes, folder: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(cdx.decode()) is None
    path = folder / "list.spdx.json"
    path.write_bytes(spdx_data)
    assert [str(each) for each in validate_full_spdx_document(parse_from_file(str(path)))] == []


def parts_of(cdx: bytes) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in json.loads(cdx)["components"]}


@pytest.mark.req("S0-13")
def test_both_lists_of_a_workspace(releasing: Releasing, tmp_path: Path) -> None:
    made = releasing()
    files = written(made)
    assert set(files) == set(planned_names(made)["sbom"]) == {"hello-1.2.3.cdx.json", "hello-1.2.3.spdx.json"}
    require_valid(files["hello-1.2.3.cdx.json"], files["hello-1.2.3.spdx.json"], tmp_path)
    for name, data in files.items():
        masked = re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"urn:uuid:X", data)
        masked = re.sub(rb'(slipway-|"slipway", "version": ")[0-9][^"]*', rb"\1V", masked)
        assert_golden(name, masked.decode())
        noted = load_record(made.paths.state / "artifacts" / f"{name}.json").artifact
        assert (noted.kind, noted.size, noted.media_type) == (
            "sbom",
            len(data),
            FORMS["spdx" if "spdx" in name else "cyclonedx"].media_type,
        )


def test_only_what_is_linked_is_listed(releasing: Releasing) -> None:
    parts = parts_of(written(releasing(formats=("cyclonedx",)))["hello-1.2.3.cdx.json"])
    assert set(parts) == {"hello", "config", "app", "core", "gitty", "own", "serde", "wincon"}
    assert parts["own"]["version"] == "0.1.0"


@pytest.mark.req("S3-25")
def test_the_same_bytes_in_another_folder(
    releasing: Releasing, ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = releasing()
    first = written(made)
    root = tmp_path / "another place"
    shutil.copytree(ground.root, root)
    shutil.move(ground.home, tmp_path / "another home")
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "another home"))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    app, config = made.project.components
    project = replace(made.project, root=root, components=(replace(app, path=root / "app"), config))
    assert (
        written(replace(made, project=project, paths=replace(made.paths, packages=tmp_path / "p", state=tmp_path / "s"))) == first
    )


def test_another_epoch_is_another_document(releasing: Releasing) -> None:
    made = releasing(formats=("cyclonedx",))
    (one,), (other,) = written(made).values(), written(replace(made, epoch=made.epoch + 1)).values()
    serials = {json.loads(data)["serialNumber"] for data in (one, other)}
    assert len(serials) == 2


PURLS = {
    "": "",
    "registry+https://github.com/rust-lang/crates.io-index": "pkg:cargo/a-b@1.0.0%2Bx",
    "sparse+https://index.crates.io/": "pkg:cargo/a-b@1.0.0%2Bx",
    OTHER: "pkg:cargo/a-b@1.0.0%2Bx?repository_url=https://crates.example/index/",
    "registry+ssh://git@crates.example/index": "pkg:cargo/a-b@1.0.0%2Bx?repository_url=ssh://crates.example/index",
    GIT: f"pkg:cargo/a-b@1.0.0%2Bx?vcs_url=git%2Bhttps://git.example.org/parts%40{COMMIT}",
    "git+https://me:token@git.example.org/parts": "pkg:cargo/a-b@1.0.0%2Bx?vcs_url=git%2Bhttps://git.example.org/parts",
}


@pytest.mark.parametrize(("source", "wanted"), PURLS.items())
def test_package_urls(source: str, wanted: str) -> None:
    found = purl(Crate(name="a-b", version="1.0.0+x", source=source))
    assert found == wanted
    if found:
        assert PackageURL.from_string(found).to_string() == found


def test_no_password_of_a_registry_is_told(releasing: Releasing) -> None:
    assert all(b"secret" not in data for data in written(releasing()).values())


def other_parts(tmp_path: Path) -> Release:
    """A release of a Python project with requirements and a program that was built elsewhere."""
    root = tmp_path / "project"
    (root / "requirements.txt").parent.mkdir(parents=True)
    (root / "requirements.txt").write_text(
        f"# pinned\n--index-url https://pypi.example\nClick_Extra==8.1 \\\n    --hash=sha256:{'A' * 64}\n"
        f"jinja2[i18n] == 3.1.2 ; python_version > '3' --hash=sha256:{'1' * 64} --hash=sha256:{'2' * 64}\nloose>=1\n\n"
    )
    source = "https://me:token@helper.example/{tag}/helper-{arch}.tar.gz?key=1"
    prebuilt = {
        "linux-amd64": Prebuilt(source=source, sha256="AB" * 32),
        "linux-arm64": Prebuilt(source="from-ci/{platform}"),
    }
    parts = (
        PrebuiltComponent(name="helper", path=root, binaries=("helper",), prebuilt=prebuilt),
        PythonComponent(name="report", path=root, script="report", requirements="requirements.txt"),
    )
    rules = replace(sample.release(tmp_path).project.sbom, formats=("cyclonedx", "spdx"))
    project = sample.project(root, components=parts, services=(), variants=(), license="Our terms", sbom=rules)
    return sample.release(tmp_path, project=project)


def test_python_packages_and_programs_from_elsewhere(tmp_path: Path) -> None:
    files = written(other_parts(tmp_path))
    require_valid(files["hello-1.2.3.cdx.json"], files["hello-1.2.3.spdx.json"], tmp_path)
    cdx, spdx_data = files.values()
    parts = parts_of(cdx)
    assert set(parts) == {"helper", "helper-linux-amd64", "helper-linux-arm64", "report", "click-extra", "jinja2", "loose"}
    assert parts["click-extra"]["purl"] == "pkg:pypi/click-extra@8.1"
    assert parts["click-extra"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert "hashes" not in parts["jinja2"]
    assert (parts["jinja2"]["version"], parts["loose"].get("version")) == ("3.1.2", None)
    taken = parts["helper-linux-amd64"]
    assert taken["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert taken["externalReferences"] == [{"type": "distribution", "url": "https://helper.example/v1.2.3/helper-amd64.tar.gz"}]
    assert parts["report"]["licenses"] == [{"license": {"name": "Our terms"}}]
    assert "licenses" not in parts["helper"]
    assert b"Our terms" in spdx_data


def test_a_project_without_lists_gets_none(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    assert plan_sboms(made) == ()
    assert planned_names(made)["sbom"] == ()


def test_the_steps_can_be_sent_elsewhere(releasing: Releasing) -> None:
    steps = plan_sboms(releasing())
    assert pickle.loads(pickle.dumps(steps)) == steps
    assert [step.name for step in steps] == [f"package-binaries:any.{key}" for key in ("inventory", "cyclonedx", "spdx")]
    names = {path.name for path in steps[0].inputs}
    assert names == {"Cargo.lock", "Cargo.toml"}
    assert len(steps[0].inputs) == 5
    json.dumps(steps[0].settings)


def test_a_package_that_is_not_in_the_lock(releasing: Releasing) -> None:
    made = releasing()
    app = CargoComponent(name="hello", path=made.project.components[0].path, package="absent", binaries=("app",))
    steps = plan_sboms(replace(made, project=replace(made.project, components=(app,))))
    with pytest.raises(ConfigError, match="does not know the package absent"):
        steps[0].run()
    assert not steps[0].outputs[0].exists()


def test_an_inventory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"parts": 3}')
    with pytest.raises(VerificationError, match="is no inventory"):
        Inventory.load(tmp_path / "x.json")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
LICENSES = st.sampled_from([License(), License(expression="MIT"), License(said="so & so"), License(file="F")])


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    root = Part(ref="r@1", kind="release", name="r", version="1")
    names = draw(st.lists(TEXTS, max_size=6, unique=True))
    kinds = st.sampled_from(["component", "crate", "python", "prebuilt"])
    parts = [
        Part(ref=f"r@1/{name}", kind=draw(kinds), name=name, version=draw(TEXTS), license=draw(LICENSES), about=draw(TEXTS))
        for name in names
    ]
    refs = [root.ref, *(part.ref for part in parts)]
    return Inventory.of(root, parts, {ref: draw(st.lists(st.sampled_from(refs), max_size=3)) for ref in refs})


@settings(max_examples=25, deadline=None)
@given(inventory=inventories())
def test_every_reference_is_told(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> None:
    cdx, spdx_data = cyclonedx(inventory, sample.EPOCH), spdx(inventory, sample.EPOCH)
    document = json.loads(cdx)
    refs = [document["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in document["components"])]
    assert len(set(refs)) == len(refs) == len(inventory.parts)
    assert [row["ref"] for row in document["dependencies"]] == refs
    assert {ref for row in document["dependencies"] for ref in row.get("dependsOn", [])} <= set(refs)
    told = json.loads(spdx_data)
    ids = {"SPDXRef-DOCUMENT", *(part["SPDXID"] for part in told["packages"])}
    assert len(ids) == len(inventory.parts) + 1
    assert {row[end] for row in told["relationships"] for end in ("spdxElementId", "relatedSpdxElement")} <= ids
    require_valid(cdx, spdx_data, tmp_path_factory.mktemp("any"))
