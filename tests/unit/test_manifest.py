"""The manifest: collected from records, checked against its schema, never with two of one name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from slipway.binaries import Binary
from slipway.errors import VerificationError
from slipway.manifest import (
    Artifact,
    Built,
    Manifest,
    collect,
    load_built,
    load_record,
    manifest_schema,
    record,
    record_built,
)

ROOT = Path(__file__).parents[2]
SLICE = Binary(format="macho", family="macos", arch="arm64", kind="executable", signed="adhoc", minimum="11.0")
FACTS = {
    "linux-amd64": Binary(
        format="elf",
        family="linux",
        arch="amd64",
        kind="executable",
        libraries=("libc.so.6",),
        versions={"libc.so.6": ("GLIBC_2.28", "GLIBC_2.4")},
        glibc="2.28",
    ),
    "macos-universal": Binary(format="macho", family="macos", arch="universal", kind="executable", slices=(SLICE,)),
}
HEAD = Manifest(name="hello", version="1.2.3", epoch=7, artifacts=())


def artifact(name: str = "a.tar.gz", path: str = "", kind: str = "archive", **changes: Any) -> Artifact:
    values: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "path": path or name,
        "size": 3,
        "digests": {"sha256": "0" * 64},
        "media_type": "application/gzip",
        "platform": "linux-amd64",
        "variant": "complete",
        "tools": {"libdeflate": "1"},
    }
    return Artifact(**(values | changes))


def built(platform: str = "linux-amd64", path: str = "bin/hello") -> Built:
    return Built(path=path, platform=platform, component="hello", size=7, sha256="0" * 64, facts=FACTS[platform])


class Folder:
    """A packages folder with records beside it."""

    def __init__(self, root: Path) -> None:
        self.records, self.packages = root / "records", root / "packages"

    def add(self, made: Artifact, release: str = "hello-1.2.3", data: bytes | None = b"abc", at: str = "") -> None:
        if data is not None:
            (self.packages / made.path).parent.mkdir(parents=True, exist_ok=True)
            (self.packages / made.path).write_bytes(data)
        record(self.records / f"{at or made.name}.json", release, made)

    def names(self, **planned: tuple[str, ...]) -> list[str]:
        found = collect(self.records, self.packages, HEAD, planned=planned, digests=("sha256",))
        return [each.name for each in found.artifacts]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_record_comes_back(tmp_path: Path) -> None:
    record(tmp_path / "x.json", "hello-1.2.3", artifact())
    found = load_record(tmp_path / "x.json")
    assert (found.release, found.artifact) == ("hello-1.2.3", artifact())


def test_a_manifest_comes_back_and_keeps_to_its_schema(tmp_path: Path) -> None:
    binaries = (built(), built("macos-universal"))
    manifest = Manifest(name="hello", version="1.2.3", epoch=7, artifacts=(artifact(), artifact("b.zip")), binaries=binaries)
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest.dump())
    assert Manifest.load(path) == manifest
    jsonschema.validate(json.loads(path.read_text()), manifest_schema())


@pytest.mark.parametrize(
    "spoiled",
    [{"size": -1}, {"digests": {"md5": "0" * 32}}, {"digests": {"sha256": "xyz"}}, {"name": "a/b"}, {"path": "/etc/x"}],
)
def test_the_schema_refuses_what_no_artifact_is(spoiled: dict[str, Any]) -> None:
    manifest = Manifest(name="hello", version="1", epoch=0, artifacts=(artifact(**spoiled),))
    data = json.loads(manifest.dump())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, manifest_schema())


def test_the_schema_in_the_manual_is_fresh() -> None:
    said = (ROOT / "docs/reference/manifest.schema.json").read_text()
    assert json.loads(said) == manifest_schema()
    jsonschema.Draft202012Validator.check_schema(manifest_schema())


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"name": 1}', b"\xff", b'"x"', b"null"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(VerificationError, match=r"manifest\.json"):
        Manifest.load(tmp_path / "manifest.json")


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="there is no"):
        Manifest.load(tmp_path / "manifest.json")


def test_artifacts_are_sorted_by_path(folder: Folder) -> None:
    for made in (artifact("b"), artifact("a"), artifact("c", "binaries/c")):
        folder.add(made)
    assert folder.names() == ["a", "b", "c"]


def test_only_what_is_there_counts(folder: Folder) -> None:
    folder.add(artifact("there"))
    folder.add(artifact("gone"), data=None)
    folder.add(artifact("cut"), data=b"a")
    assert folder.names() == ["there"]


def test_other_releases_do_not_count(folder: Folder) -> None:
    folder.add(artifact("old"), release="hello-1.2.2")
    folder.add(artifact("install.sh", kind="installer"), release="hello-1.2.2")
    assert folder.names() == []


def test_what_the_matrix_no_longer_makes_does_not_count(folder: Folder) -> None:
    folder.add(artifact("a.tar.gz"))
    folder.add(artifact("a.tar.xz"))
    folder.add(artifact("install.sh", kind="installer"))
    assert folder.names(archive=("a.tar.xz",)) == ["a.tar.xz", "install.sh"]


def test_what_lacks_a_digest_that_is_asked_for_does_not_count(folder: Folder) -> None:
    folder.add(artifact("a"))
    folder.add(artifact("b", digests={"sha256": "0" * 64, "md5": "0" * 32}))
    found = collect(folder.records, folder.packages, HEAD, planned={}, digests=("sha256", "md5"))
    assert [each.name for each in found.artifacts] == ["b"]


def test_two_artifacts_of_one_name_are_refused(folder: Folder) -> None:
    folder.add(artifact("a"))
    folder.add(artifact("a", "binaries/a"), at="other")
    with pytest.raises(VerificationError, match="two artifacts have the name a"):
        folder.names()


def test_binaries_are_those_of_the_release_s_records_in_order(tmp_path: Path, folder: Folder) -> None:
    files = [tmp_path / name for name in ("mac.json", "linux.json", "old.json", "never-built.json")]
    record_built(files[0], "hello-1.2.3", [built("macos-universal")])
    record_built(files[1], "hello-1.2.3", [built(path="lib/x.so"), built(path="bin/hello")])
    record_built(files[2], "hello-1.2.2", [built(path="bin/gone")])
    assert [each.path for each in load_built(files[1]).binaries] == ["bin/hello", "lib/x.so"]
    found = collect(folder.records, folder.packages, HEAD, planned={}, digests=("sha256",), facts=files)
    assert found.binaries == (built(path="bin/hello"), built(path="lib/x.so"), built("macos-universal"))


def test_a_broken_record_of_binaries_is_named(tmp_path: Path, folder: Folder) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(VerificationError, match=r"x\.json is not a record of binaries"):
        collect(folder.records, folder.packages, HEAD, planned={}, digests=("sha256",), facts=[tmp_path / "x.json"])


def test_a_broken_record_is_named(folder: Folder) -> None:
    folder.add(artifact("a"))
    (folder.records / "b.json").write_text("{")
    with pytest.raises(VerificationError, match=r"b\.json is not a record"):
        folder.names()
