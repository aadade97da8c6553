"""The readers of what a release says about itself: silent about what is whole, and naming every kind of damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sample
from slipway.components import Prebuilt, PrebuiltComponent, TreeComponent
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import Manifest
from slipway.model import Release, Variant
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.inventory import plan_sboms
from slipway.packagers.inventory.manifests import plan_manifests
from slipway.packagers.inventory.provenance import origin_of
from slipway.rules import SbomRules
from slipway.verify.inventory import cyclonedx_faults, list_faults, provenance_faults, spdx_faults
from slipway.verify.package import validate

READERS: dict[str, Callable[..., Any]] = {
    "hello-1.2.3.cdx.json": cyclonedx_faults,
    "hello-1.2.3.spdx.json": spdx_faults,
    "hello-1.2.3.provenance.json": provenance_faults,
    "manifests/hello-1.2.3-linux-amd64-complete-manifest.txt": list_faults,
    "manifests/hello-1.2.3-linux-amd64-complete-license-manifest.txt": list_faults,
}
NAMED = ("hello-1.2.3.cdx.json", "hello-1.2.3.spdx.json")
FILES = "manifests/hello-1.2.3-linux-amd64-complete-manifest.txt"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A packed release with everything that it can say about itself."""
    root = tmp_path_factory.mktemp("made")
    helper = {"linux-amd64": Prebuilt(source="https://helper.example.org/x.gz", sha256="ab" * 32)}
    parts = (
        TreeComponent(name="config", path=root / "project" / "config", to="etc/hello"),
        PrebuiltComponent(name="helper", path=root, binaries=("helper",), prebuilt=helper),
    )
    rules = SbomRules(formats=("cyclonedx", "spdx"), manifests=True, provenance=True)
    variants = (Variant(name="complete", components=("config", "helper")),)
    project = sample.project(root / "project", components=parts, variants=variants, services=(), sbom=rules, license="Own terms")
    found = sample.release(root, project=project, platforms=project.platforms[:1])
    for cell in found.cells:
        sample.stage(found, cell)
    steps = (*plan_archives(found), *plan_sboms(found), *plan_manifests(found))
    for step in steps:
        step.run()
    plan_checksums(found, "all", steps, origin=origin_of(found, {})).run()
    return found


def faults(made: Release, name: str, data: bytes, folder: Path, *, foreign: bool = False) -> list[str]:
    """What the reader of a file says of other bytes under its name."""
    path = folder / Path(name).name
    path.write_bytes(data)
    manifest = None if foreign else Manifest.load(made.paths.packages / "manifest.json")
    contents = None if foreign else Contents.load(made.contents(made.cells[0]))
    try:
        return list(READERS[name](path, contents, manifest))
    except VerificationError as error:
        return [error.message]


def whole(made: Release, name: str) -> bytes:
    return (made.paths.packages / name).read_bytes()


def test_what_was_made_is_whole(made: Release) -> None:
    assert validate(made.paths.packages) == ()


@pytest.mark.parametrize("name", READERS)
def test_validate_package_looks_into_it(name: str, made: Release, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    shutil.copytree(made.paths.packages, packages)
    path = packages / name
    path.write_bytes(path.read_bytes().replace(b"hello", b"bye", 1))
    manifest = Manifest.load(packages / "manifest.json")
    artifacts = tuple(
        replace(each, size=path.stat().st_size, digests={"sha256": digest_file(path)}) if each.path == name else each
        for each in manifest.artifacts
    )
    (packages / "manifest.json").write_bytes(replace(manifest, artifacts=artifacts).dump())
    messages = [each.message for each in validate(packages, dist=made.paths.dist) if each.path == name]
    assert messages
    assert not any("digest than the manifest" in each for each in messages)


def test_what_no_list_names_is_found(made: Release, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    shutil.copytree(made.paths.packages, packages)
    manifest = Manifest.load(packages / "manifest.json")
    (packages / "manifest.json").write_bytes(replace(manifest, artifacts=()).dump())
    found = {each.path for each in validate(packages) if "it is not in the manifest" in each.message}
    assert set(READERS) <= found


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("name", READERS)
def test_each_reader_is_silent(name: str, foreign: bool, made: Release, tmp_path: Path) -> None:
    assert faults(made, name, whole(made, name), tmp_path, foreign=foreign) == []


@pytest.mark.parametrize("name", READERS)
def test_every_truncation_is_found(name: str, made: Release, tmp_path: Path) -> None:
    data = whole(made, name)
    for end in range(0, len(data), 1 + len(data) // 100):
        assert faults(made, name, data[:end], tmp_path), end
    if name != "hello-1.2.3.provenance.json":
        assert faults(made, name, data[:-1], tmp_path)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from([*NAMED, FILES]), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_every_flipped_bit_is_found(
    name: str, place: float, bit: int, made: Release, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(whole(made, name))
    data[int(place * len(data))] ^= 1 << bit
    # The line of titles says nothing that could be wrong.
    if name != FILES or data.split(b"\n")[1] == whole(made, name).split(b"\n")[1]:
        assert faults(made, name, bytes(data), tmp_path_factory.mktemp("flipped"))


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from([*READERS]), data=st.data())
def test_nothing_is_a_traceback(name: str, data: st.DataObject, made: Release, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = whole(made, name)
    values: st.SearchStrategy[Any] = st.sampled_from([None, 7, [], {}, "x", [7], [{}]])
    if name.endswith(".json"):
        document = json.loads(text)
        spot: Any = document
        while isinstance(spot, dict | list) and spot and data.draw(st.booleans()):
            keys = list(spot) if isinstance(spot, dict) else range(len(spot))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(spot[key], dict | list) or data.draw(st.booleans()):
                spot[key] = data.draw(values)
                break
            spot = spot[key]
        text = json.dumps(document).encode()
    else:
        place = data.draw(st.integers(0, len(text) - 1))
        text = text[:place] + data.draw(st.binary(max_size=3)) + text[place + 1 :]
    for foreign in (False, True):
        faults(made, name, text, tmp_path_factory.mktemp("odd"), foreign=foreign)


Change = Callable[[dict[str, Any]], object]
CHANGES: list[tuple[str, Change, str]] = [
    ("hello-1.2.3.cdx.json", lambda it: it["components"][0].update({"bom-ref": "hello@1.2.3"}), "bom-ref hello@1.2.3 twice"),
    ("hello-1.2.3.cdx.json", lambda it: it["dependencies"][0]["dependsOn"].append("x"), "refers to x, of which it says nothing"),
    ("hello-1.2.3.cdx.json", lambda it: it["components"][0].update(purl="cargo/x"), "cargo/x is no package URL"),
    (
        "hello-1.2.3.cdx.json",
        lambda it: it["components"][0].update(hashes=[{"alg": "SHA-256", "content": "ab"}]),
        "the SHA-256 of config is no such digest",
    ),
    ("hello-1.2.3.cdx.json", lambda it: it["components"].append(3), "components is no list of objects"),
    ("hello-1.2.3.cdx.json", lambda it: it.update(bomFormat="other"), "does not say bomFormat: CycloneDX"),
    ("hello-1.2.3.spdx.json", lambda it: it["packages"][0].update(SPDXID="SPDXRef-a b"), "is no identifier of SPDX"),
    ("hello-1.2.3.spdx.json", lambda it: it["packages"].append(it["packages"][0]), "SPDXRef-release-hello-1.2.3 twice"),
    ("hello-1.2.3.spdx.json", lambda it: it["packages"].pop(), "of which it says nothing"),
    ("hello-1.2.3.spdx.json", lambda it: it.pop("hasExtractedLicensingInfos"), "does not say what LicenseRef-"),
    ("hello-1.2.3.provenance.json", lambda it: it.update(subject=[]), "it is about nothing"),
    ("hello-1.2.3.provenance.json", lambda it: it["subject"][0].update(digest={"sha256": "x"}), "the sha256 of hello-1.2.3"),
    ("hello-1.2.3.provenance.json", lambda it: it["predicate"]["runDetails"].pop("builder"), "builder is missing"),
]


@pytest.mark.parametrize(("name", "change", "message"), CHANGES)
def test_what_holds_for_everybody(name: str, change: Change, message: str, made: Release, tmp_path: Path) -> None:
    document = json.loads(whole(made, name))
    change(document)
    assert message in "\n".join(faults(made, name, json.dumps(document).encode(), tmp_path, foreign=True))


OWN: list[tuple[str, Change, str]] = [
    ("hello-1.2.3.cdx.json", lambda it: it["metadata"]["component"].update(version="9"), "it is about hello 9"),
    ("hello-1.2.3.cdx.json", lambda it: it["dependencies"].pop(), "does not say what hello@1.2.3/helper/linux-amd64 needs"),
    ("hello-1.2.3.spdx.json", lambda it: it["packages"][0].update(name="bye"), "it is about bye 1.2.3"),
    ("hello-1.2.3.spdx.json", lambda it: it["packages"][1].update(licenseDeclared="MIT"), "another document's"),
    ("hello-1.2.3.provenance.json", lambda it: it["subject"].pop(0), "it is not about hello-1.2.3-linux-amd64-complete"),
    (
        "hello-1.2.3.provenance.json",
        lambda it: it["subject"].append({"name": "x", "digest": {}}),
        "it is about x, which the manifest does not know",
    ),
    (
        "hello-1.2.3.provenance.json",
        lambda it: it["subject"][0]["digest"].update(sha256="0" * 64),
        "are not the manifest's",
    ),
]


@pytest.mark.parametrize(("name", "change", "message"), OWN)
def test_what_the_manifest_contradicts(name: str, change: Change, message: str, made: Release, tmp_path: Path) -> None:
    document = json.loads(whole(made, name))
    change(document)
    data = json.dumps(document).encode()
    assert message in "\n".join(faults(made, name, data, tmp_path))
    assert message not in "\n".join(faults(made, name, data, tmp_path, foreign=True))


LINES: list[tuple[Callable[[list[str]], object], str]] = [
    (lambda lines: lines.pop(2), "it has 6 files, and says that they are 7"),
    (lambda lines: lines.insert(3, lines.pop(2)), "not in order"),
    (lambda lines: lines.__setitem__(2, lines[2].replace("0644", "0755")), "what it says of LICENSE is not so"),
    (lambda lines: lines.__setitem__(2, lines[2].replace("LICENSE", "LIZENZ")), "LICENSE of the distribution is missing"),
    (lambda lines: lines.__setitem__(2, "x"), "line 3 is none of such a list"),
    (lambda lines: lines.__setitem__(0, "# other-1.2.3: 7 files"), "it is the list of other-1.2.3"),
]


@pytest.mark.req("S3-13")
@pytest.mark.parametrize(("change", "message"), LINES)
def test_a_list_of_files_that_is_not_the_distribution_s(
    change: Callable[[list[str]], object], message: str, made: Release, tmp_path: Path
) -> None:
    lines = whole(made, FILES).decode().split("\n")
    change(lines)
    assert message in "\n".join(faults(made, FILES, "\n".join(lines).encode(), tmp_path))


def test_names_with_line_ends_are_compared(made: Release, tmp_path: Path) -> None:
    contents = Contents.load(made.contents(made.cells[0]))
    odd = replace(contents, files=(replace(contents.files[0], path="a\\b\nc\td"),))
    path = tmp_path / "hello-1.2.3-linux-amd64-complete-manifest.txt"
    file = odd.files[0]
    path.write_text(f"# {odd.name}: 1 files\n# titles\n{file.mode:04o}\t{file.size}\t{file.sha256}\ta\\\\b\\nc\\td\n")
    assert list(list_faults(path, odd, None)) == []
