"""Checksum files and the manifest: what `sha256sum -c` accepts, whatever ran before."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

import sample
from slipway.environments import DirStore, Environment, GithubStore
from slipway.errors import SlipwayError
from slipway.manifest import Artifact, Manifest, record, record_path
from slipway.model import PlatformSettings, Release
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.deb import plan_debs
from slipway.steps import Step
from slipway.version import Version

PROGRAMS = {"sha256": "sha256sum", "md5": "md5sum", "sha512": "sha512sum", "blake2b": "b2sum"}
BARE = {"blake2b": "B2SUMS"}


def run(made: Release, steps: Sequence[Step], stage: str = "create-archives") -> Step:
    for step in steps:
        step.run()
    sums = plan_checksums(made, stage, tuple(steps))
    sums.run()
    return sums


def listed(made: Release) -> set[str]:
    return {each.path for each in Manifest.load(made.paths.packages / "manifest.json").artifacts}


@pytest.mark.req("S0-8", "S0-51")
@pytest.mark.parametrize("digests", [("sha256",), ("sha256", "md5"), ("md5", "sha512"), ("sha256", "blake2b")])
def test_the_usual_programs_accept_both_files(staged: Release, digests: tuple[str, ...]) -> None:
    made = replace(staged, project=replace(staged.project, checksums=digests))
    run(made, (*plan_archives(made), *plan_debs(made)))
    flat = made.paths.root / "flat"
    flat.mkdir()
    for path in made.paths.packages.rglob("*"):
        if path.is_file():
            (flat / path.name).write_bytes(path.read_bytes())
    for digest in {"sha256", *digests}:
        for folder, name in (
            (made.paths.root, f"packages/checksums.{digest}"),
            (flat, BARE.get(digest, f"{digest.upper()}SUMS")),
        ):
            done = subprocess.run(
                [PROGRAMS[digest], "--strict", "-c", name], cwd=folder, check=True, capture_output=True, text=True
            )
            assert done.stdout.count(": OK") == 16
    lines = (made.paths.packages / "checksums.sha256").read_text().splitlines()
    assert [line[66:] for line in lines] == sorted(line[66:] for line in lines)


def test_files_are_listed_by_the_names_under_which_forges_serve_them(staged: Release) -> None:
    """GitHub turns `~` into a dot: whoever downloads a pre-release there checks the file that they have."""
    places = (
        Environment(name="production", stores=(GithubStore(name="github", repository="hello/hello"),)),
        Environment(name="local", stores=(DirStore(name="site"),)),
    )
    early = replace(staged, version=Version("2.0.0-rc.1"))
    for environments, known in (((), False), (places, True)):
        made = replace(early, project=replace(early.project, environments=environments))
        plan_checksums(made, "create-archives", ()).run()
        note(made, "hello_2.0.0~rc.1_amd64.deb")
        plan_checksums(made, "create-archives", ()).run()
        listed = (made.paths.packages / "SHA256SUMS").read_text()
        assert "hello_2.0.0~rc.1_amd64.deb" in listed
        assert ("hello_2.0.0.rc.1_amd64.deb" in listed) == known
        assert "rc.1_amd64.deb" in (made.paths.packages / "checksums.sha256").read_text()


def note(made: Release, name: str) -> None:
    """Put a file into packages/ and note it, as the Step does that makes it."""
    path = made.paths.packages / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"package\n")
    digests = {"sha256": hashlib.sha256(b"package\n").hexdigest()}
    artifact = Artifact(kind="file", name=name, path=name, size=8, digests=digests, media_type="application/octet-stream")
    record(record_path(made, name), made.base, artifact)


def test_a_folder_of_another_name(staged: Release) -> None:
    paths = staged.paths
    made = replace(staged, paths=replace(paths, packages=paths.root / "out put", installers=paths.root / "out put/installers"))
    run(made, plan_archives(made)[:1])
    subprocess.run(["sha256sum", "-c", "out put/checksums.sha256"], cwd=paths.root, check=True, capture_output=True)


def test_one_stage_keeps_what_another_made(staged: Release) -> None:
    run(staged, plan_archives(staged))
    run(staged, plan_debs(staged), "package-binaries")
    assert len(listed(staged)) == 16
    few = replace(staged, platforms=staged.platforms[:1], variants=staged.variants[1:])
    run(few, plan_archives(few))
    assert len(listed(staged)) == 16


def test_a_removed_artifact_leaves_the_lists(staged: Release) -> None:
    steps = plan_archives(staged)
    run(staged, steps)
    steps[0].outputs[0].unlink()
    plan_checksums(staged, "x", steps).run()
    assert len(listed(staged)) == 11
    assert steps[0].outputs[0].name not in (staged.paths.packages / "SHA256SUMS").read_text()


def test_another_version_has_lists_of_its_own(staged: Release) -> None:
    run(staged, plan_archives(staged))
    other = replace(staged, version=replace(staged.version, text="2.0.0"))
    for cell in other.cells[:1]:
        sample.stage(other, cell)
    run(other, plan_archives(other)[:1])
    assert listed(staged) == {"hello-2.0.0-linux-amd64-complete.tar.gz"}


def test_a_format_that_is_no_longer_wanted_leaves_the_lists(staged: Release) -> None:
    run(staged, plan_archives(staged)[:1])
    project = replace(staged.project, settings={"linux-amd64": PlatformSettings(archives=("tar.xz",))})
    made = replace(staged, project=project)
    run(made, plan_archives(made)[:1])
    assert listed(staged) == {"hello-1.2.3-linux-amd64-complete.tar.xz"}


def test_installers_are_listed_too(staged: Release) -> None:
    path = staged.paths.installers / "install.sh"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    artifact = Artifact(
        kind="installer",
        name="install.sh",
        path="installers/install.sh",
        size=10,
        digests={"sha256": "0" * 64},
        media_type="text/x-sh",
    )
    record(record_path(staged, "install.sh"), staged.base, artifact)
    run(staged, ())
    assert listed(staged) == {"installers/install.sh"}


def test_lists_of_a_digest_that_is_no_longer_asked_for_go(staged: Release) -> None:
    made = replace(staged, project=replace(staged.project, checksums=("sha256", "md5")))
    run(made, plan_archives(made)[:2])
    keep = staged.paths.packages / "checksums.sha256.sig"
    keep.write_text("signature")
    run(staged, plan_archives(staged)[:2])
    left = {path.name for path in staged.paths.packages.iterdir() if not path.name.startswith("hello")}
    assert left == {"checksums.sha256", "checksums.sha256.sig", "SHA256SUMS", "manifest.json"}


def test_steps_of_two_targets_may_run_at_once(staged: Release) -> None:
    steps = (*plan_archives(staged), *plan_debs(staged))
    failures: list[SlipwayError] = []

    def work(part: Sequence[Step], stage: str) -> None:
        try:
            for step in part:
                step.run()
                plan_checksums(staged, stage, steps).run()
        except SlipwayError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(steps[start::4], f"s{start}")) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(listed(staged)) == 16
    subprocess.run(["sha256sum", "-c", "packages/checksums.sha256"], cwd=staged.paths.root, check=True, capture_output=True)


def test_nothing_is_written_when_nothing_changed(staged: Release) -> None:
    sums = run(staged, plan_archives(staged)[:2])
    before = {path: path.stat().st_mtime_ns for path in staged.paths.packages.iterdir()}
    sums.run()
    assert {path: path.stat().st_mtime_ns for path in staged.paths.packages.iterdir()} == before


def test_the_step_depends_on_the_records(staged: Release) -> None:
    steps = plan_archives(staged)
    sums = plan_checksums(staged, "create-archives", steps)
    assert sums.name == "create-archives:checksums"
    assert set(sums.inputs) == {step.outputs[1] for step in steps}
    assert {path.name for path in sums.shared} == {"manifest.json", "checksums.sha256", "SHA256SUMS", "hello-1.2.3"}


def test_the_step_is_stale_after_another_release_was_listed(staged: Release) -> None:
    first = run(staged, plan_archives(staged)[:1])
    assert all(path.exists() for path in first.shared)
    other = replace(staged, version=replace(staged.version, text="2.0.0"))
    run(other, (), "package-binaries")
    assert not all(path.exists() for path in first.shared)
    first.run()
    assert listed(staged) == {"hello-1.2.3-linux-amd64-complete.tar.gz"}
