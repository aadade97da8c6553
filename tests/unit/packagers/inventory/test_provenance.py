"""Where a release comes from: the statement, its subjects, what is never told in it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

import sample
from slipway.components import Prebuilt, PrebuiltComponent
from slipway.files import digest_file
from slipway.flow import TARGETS, Flow
from slipway.manifest import Artifact, Manifest
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import WriteChecksums, plan_checksums
from slipway.packagers.inventory.provenance import Origin, builder_of, origin_of, payload, repository_uri
from slipway.platforms import PLATFORMS
from slipway.request import Request
from slipway.rules import SbomRules

from .conftest import Ground, Releasing

NAME = "hello-1.2.3.provenance.json"


def packed(made: Release) -> dict[str, Any]:
    """Pack one archive, list it, and return the statement."""
    for cell in made.cells:
        sample.stage(made, cell)
    steps = plan_archives(made)[:1]
    for step in steps:
        step.run()
    plan_checksums(made, "all", steps, origin=origin_of(made, {})).run()
    statement: dict[str, Any] = json.loads((made.paths.packages / NAME).read_text())
    return statement


def wanting(tmp_path: Path, **changes: Any) -> Release:
    rules = SbomRules(provenance=True, **changes.pop("rules", {}))
    project = sample.project(tmp_path / "project", sbom=rules, checksums=("sha256", "blake2b"), **changes)
    project.file.write_text("[project]\n")
    return sample.release(tmp_path, project=project)


def artifacts(made: Release) -> dict[str, Artifact]:
    return {each.name: each for each in Manifest.load(made.paths.packages / "manifest.json").artifacts}


@pytest.mark.req("S3-25")
def test_the_statement(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    statement = packed(made)
    archive = "hello-1.2.3-linux-amd64-complete.tar.gz"
    known = artifacts(made)
    assert set(known) == {archive, NAME}
    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert statement["subject"] == [{"name": archive, "digest": known[archive].digests}]
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {
        "name": "hello",
        "version": "1.2.3",
        "configuration": "slipway.toml",
        "platforms": ["linux-amd64"],
        "variants": ["complete"],
        "kinds": ["archive"],
    }
    assert definition["resolvedDependencies"] == [{"name": "slipway.toml", "digest": {"sha256": digest_file(made.project.file)}}]
    details = statement["predicate"]["runDetails"]
    assert details["builder"]["id"] == "urn:slipway:local"
    assert details["metadata"] == {}


def test_it_is_an_artifact_like_all_others(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    packed(made)
    noted = artifacts(made)[NAME]
    assert (noted.kind, noted.media_type) == ("provenance", "application/vnd.in-toto+json")
    for program, name in (("sha256sum", "checksums.sha256"), ("b2sum", "checksums.blake2b")):
        done = subprocess.run(
            [program, "--strict", "-c", f"packages/{name}"], cwd=made.paths.root, check=True, capture_output=True
        )
        assert done.stdout.count(b": OK") == 2


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    packed(made)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made.paths.packages.iterdir()}
    plan_checksums(made, "all", (), origin=origin_of(made, {})).run()
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made.paths.packages.iterdir()} == before


def test_more_artifacts_make_another_statement(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    packed(made)
    steps = plan_archives(made)
    for step in steps:
        step.run()
    plan_checksums(made, "all", steps, origin=origin_of(made, {})).run()
    assert len(json.loads((made.paths.packages / NAME).read_text())["subject"]) == len(steps)
    assert len(artifacts(made)) == len(steps) + 1


@dataclass(frozen=True)
class Stamp:
    """A key that needs no program."""

    suffixes: tuple[str, ...] = (".sig",)

    def signatures(self, path: Path) -> dict[str, bytes]:
        return {".sig": digest_file(path).encode()}


def test_its_signature_is_no_subject_of_its_own(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    packed(made)
    step = plan_checksums(made, "all", (), planned={**planned_names(made), "signature": ()}, origin=origin_of(made, {}))
    signing = replace(cast(WriteChecksums, step.run), vouchers=cast(Any, (Stamp(),)))
    for _ in range(2):
        signing()
        assert artifacts(made)[f"{NAME}.sig"].signs == NAME
        assert (made.paths.packages / f"{NAME}.sig").read_text() == digest_file(made.paths.packages / NAME)
        assert len(json.loads((made.paths.packages / NAME).read_text())["subject"]) == 1
        assert f"{NAME}.sig" in (made.paths.packages / "SHA256SUMS").read_text()
    step.run()
    assert f"{NAME}.sig" not in artifacts(made)


def test_a_project_that_no_longer_wants_it(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    packed(made)
    plan_checksums(made, "all", ()).run()
    assert NAME not in artifacts(made)
    assert origin_of(replace(made, project=replace(made.project, sbom=SbomRules()))) is None


def test_nothing_packed_is_nothing_stated(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    plan_checksums(made, "all", (), origin=origin_of(made, {})).run()
    assert not (made.paths.packages / NAME).exists()


def test_lock_files_and_what_was_built_elsewhere(tmp_path: Path, ground: Ground, releasing: Releasing) -> None:
    made = releasing(formats=(), provenance=True)
    source = "https://me:token@helper.example/helper.tar.gz?key=1"
    prebuilt = {"linux-amd64": Prebuilt(source=source, sha256="AB" * 32), "linux-arm64": Prebuilt(source="folder")}
    helper = PrebuiltComponent(name="helper", path=tmp_path, binaries=("helper",), prebuilt=prebuilt)
    project = replace(made.project, root=tmp_path, components=(*made.project.components, helper))
    project.file.write_text("[project]\n")
    sources = packed(replace(made, project=project))["predicate"]["buildDefinition"]["resolvedDependencies"]
    found = {each["name"]: each for each in sources}
    assert found["workspace/Cargo.lock"] == {"name": "workspace/Cargo.lock", "digest": {"sha256": digest_file(ground.lock)}}
    assert found["helper for linux-amd64, built elsewhere"] == {
        "name": "helper for linux-amd64, built elsewhere",
        "uri": "https://helper.example/helper.tar.gz",
        "digest": {"sha256": "ab" * 32},
    }
    assert {"project/slipway.toml", "workspace/app/Cargo.toml"} <= set(found)
    assert not any("linux-arm64" in name for name in found)


def git(root: Path, *words: str) -> str:
    author = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **author},
    )
    return done.stdout.strip()


def test_the_commit_and_the_repository(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    root = made.project.root
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    commit = git(root, "rev-parse", "HEAD")

    def source() -> dict[str, Any]:
        found: dict[str, Any] = packed(made)["predicate"]["buildDefinition"]["resolvedDependencies"][0]
        return found

    assert source() == {"name": "source", "digest": {"gitCommit": commit}}
    git(root, "remote", "add", "origin", "https://me:token@git.example/hello.git")
    assert source()["uri"] == f"git+https://git.example/hello.git@{commit}"
    (root / "README.md").write_text("changed\n")
    assert source()["annotations"] == {"uncommitted changes": True}
    told = replace(made, project=replace(made.project, sbom=SbomRules(provenance=True, repository="https://git.example/public")))
    origin = origin_of(told, {})
    assert origin is not None
    assert origin.sources[0].uri == f"git+https://git.example/public@{commit}"


REMOTES = {
    "https://git.example/a/b.git": "git+https://git.example/a/b.git",
    "https://token@git.example/a/b": "git+https://git.example/a/b",
    "https://me:pa@ss@git.example/a/b?access=1": "git+https://git.example/a/b",
    "git@git.example:a/b.git": "git+ssh://git.example/a/b.git",
    "git.example:/srv/b.git": "git+ssh://git.example/srv/b.git",
    "ssh://git@git.example:2222/a/b": "git+ssh://git.example:2222/a/b",
    "/srv/git/b.git": "",
    "../b": "",
    "file:///srv/b": "",
    "": "",
}


@pytest.mark.parametrize(("remote", "uri"), REMOTES.items())
def test_repositories_without_passwords(remote: str, uri: str) -> None:
    assert repository_uri(remote) == uri


HUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://hub.example",
    "GITHUB_REPOSITORY": "a/b",
    "GITHUB_WORKFLOW_REF": "a/b/.github/workflows/release.yml@refs/tags/v1",
    "GITHUB_RUN_ID": "7",
}
LAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://lab.example/a/b",
    "CI_RUNNER_ID": "5",
    "CI_JOB_URL": "https://lab.example/a/b/-/jobs/9",
}
BUILDERS: list[tuple[dict[str, str], str, str]] = [
    ({}, "urn:slipway:local", ""),
    (HUB, "https://hub.example/a/b/.github/workflows/release.yml@refs/tags/v1", "https://hub.example/a/b/actions/runs/7"),
    (
        {key: value for key, value in HUB.items() if key != "GITHUB_WORKFLOW_REF"},
        "urn:slipway:local",
        "https://hub.example/a/b/actions/runs/7",
    ),
    (LAB, "https://lab.example/a/b/-/runners/5", "https://lab.example/a/b/-/jobs/9"),
    (
        {"JENKINS_URL": "https://ci.example/", "BUILD_URL": "https://ci.example/job/3/"},
        "https://ci.example/",
        "https://ci.example/job/3/",
    ),
    ({"JENKINS_URL": "https://ci.example/", "BUILD_URL": ""}, "https://ci.example/", ""),
]


@pytest.mark.parametrize(("environment", "builder", "run"), BUILDERS)
def test_who_builds(environment: dict[str, str], builder: str, run: str) -> None:
    assert builder_of(environment) == (builder, run)


def test_a_run_of_a_service_and_a_builder_of_ones_own(tmp_path: Path) -> None:
    origin = origin_of(wanting(tmp_path, rules={"builder": "https://release.example/machine"}), HUB)
    assert origin is not None
    statement = origin.statement(Manifest(name="hello", version="1.2.3", epoch=0, artifacts=()))
    details = statement["predicate"]["runDetails"]
    assert details["builder"]["id"] == "https://release.example/machine"
    assert details["metadata"]["invocationId"] == "https://hub.example/a/b/actions/runs/7"
    assert json.loads(payload(statement)) == statement


def test_another_folder_says_the_same(tmp_path: Path) -> None:
    made = wanting(tmp_path / "one")
    first = packed(made)
    shutil.rmtree(tmp_path / "one")
    assert packed(wanting(tmp_path / "another")) == first


def test_the_step_is_stale_when_a_source_changed(tmp_path: Path) -> None:
    made = wanting(tmp_path)
    origin = origin_of(made, {})
    assert isinstance(origin, Origin)
    step = plan_checksums(made, "all", (), origin=origin)
    assert made.project.file in step.inputs
    assert made.paths.packages / NAME in step.shared
    assert pickle.loads(pickle.dumps(step)) == step
    json.dumps(step.settings)


def test_every_target_that_packs_states_it(tmp_path: Path, releasing: Releasing) -> None:
    made = releasing(manifests=True, provenance=True)
    made.project.file.write_text("[project]\n")
    host = PLATFORMS["linux-amd64"]
    flow = Flow(Request(release=made, rust_target=host, tested=made, levels=("basic",), prefix=""))
    for target in (each for each in TARGETS if each.name in {"package-all", "linux", "package-binaries"}):
        steps = {step.key: step for step in flow.of(target)}
        assert {"any.inventory", "any.cyclonedx", "any.spdx"} <= set(steps)
        # The lists of a distribution's files go with its archives.
        assert ("linux-amd64-complete.license-manifest" in steps) == (target.name != "package-binaries")
        assert made.paths.packages / NAME in steps["checksums"].shared
        assert ("windows-amd64-complete.manifest" in steps) == (target.name == "package-all")
    tested = flow.of(next(each for each in TARGETS if each.name == "test-dist"))
    inputs = [path for step in tested for path in step.inputs if step.name == "test-dist:linux-amd64-complete"]
    assert inputs
    assert [path for path in inputs if "manifest.txt" in path.name] == []
