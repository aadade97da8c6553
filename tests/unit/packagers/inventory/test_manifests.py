"""The lists of files and of licences of every distribution."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import sample
from slipway.contents import Contents
from slipway.files import digest_file
from slipway.manifest import load_record
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.packagers.inventory import plan_sboms
from slipway.packagers.inventory.manifests import plan_manifests

from .conftest import Releasing

StageTree = Callable[..., Contents]

ODD = {
    "a\tb": (0o4755, b"x"),
    "new\nline": (0o600, b""),
    "back\\slash\r": (0o644, b"yy"),
    "é 🎉": (0o644, b"z"),
    "n" * 255: (0o644, b""),
}


def listed(made: Release, name: str) -> list[str]:
    for step in (*plan_sboms(made), *plan_manifests(made)):
        step.run()
    return (made.paths.packages / "manifests" / name).read_text().splitlines()


@pytest.fixture
def made(releasing: Releasing) -> Release:
    found = releasing(formats=(), manifests=True)
    for cell in found.matrix:
        sample.stage(found, cell)
    return found


@pytest.mark.req("S3-13")
def test_every_file_of_a_distribution_is_listed(made: Release) -> None:
    lines = listed(made, "hello-1.2.3-linux-amd64-complete-manifest.txt")
    assert lines[:2] == ["# hello-1.2.3-linux-amd64-complete: 7 files", "# mode\tsize\tsha256\tpath"]
    folder = made.staged(sample.cell(made, "linux-amd64-complete"))
    for line, name in zip(lines[2:], sorted(sample.FILES), strict=True):
        path = folder / name
        assert line == f"{path.stat().st_mode & 0o7777:04o}\t{path.stat().st_size}\t{digest_file(path)}\t{name}"


@pytest.mark.req("S3-14")
def test_the_licences_of_what_is_inside(made: Release) -> None:
    lines = listed(made, "hello-1.2.3-linux-amd64-complete-license-manifest.txt")
    assert lines == [
        "# hello-1.2.3-linux-amd64-complete: 9 parts",
        "# what\tname\tversion\tlicence\twhere its text is",
        "release\thello\t1.2.3\tApache-2.0\tLICENSE",
        "files\tconfig\t1.2.3\tApache-2.0\tLICENSE",
        "crate\tapp\t1.2.3\tApache-2.0\tLICENSE",
        "crate\tcore\t1.2.3\tMIT\tLICENSE",
        "component\thello\t1.2.3\tApache-2.0\tLICENSE",
        "crate\tgitty\t0.5.0\tBSD-3-Clause\t-",
        "crate\town\t0.1.0\tsee TERMS\town-0.1.0/TERMS",
        "crate\tserde\t1.0.138+note\tMIT OR Apache-2.0\tserde-1.0.138+note/LICENSE-APACHE, serde-1.0.138+note/LICENSE-MIT",
        "crate\twincon\t3.0.0\tZlib OR LicenseRef-Wincon\twincon-3.0.0/COPYING",
    ]


def test_a_variant_without_the_program_has_none_of_its_crates(made: Release) -> None:
    lines = listed(made, "hello-1.2.3-linux-amd64-minimal-license-manifest.txt")
    assert [line.split("\t")[1] for line in lines[2:]] == ["hello", "config"]


def test_one_file_is_one_line_whatever_its_name(made: Release, stage_tree: StageTree) -> None:
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), ODD)
    lines = listed(made, "hello-1.2.3-linux-amd64-complete-manifest.txt")
    assert [line.split("\t")[3] for line in lines[2:]] == ["a\\tb", "back\\\\slash\\r", "new\\nline", "n" * 255, "é 🎉"]
    assert lines[2].startswith("4755\t1\t")


def test_an_empty_distribution(made: Release, stage_tree: StageTree) -> None:
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), {})
    assert listed(made, "hello-1.2.3-linux-amd64-complete-manifest.txt")[0] == "# hello-1.2.3-linux-amd64-complete: 0 files"
    assert "release\thello\t1.2.3\tApache-2.0\t-" in listed(made, "hello-1.2.3-linux-amd64-complete-license-manifest.txt")


def test_records_and_names(made: Release) -> None:
    steps = plan_manifests(made)
    names = planned_names(made)["manifest"]
    assert len(names) == len(steps) == 2 * len(made.matrix)
    for step, name in zip((*plan_sboms(made), *steps), ("", *names), strict=True):
        step.run()
        if name:
            noted = load_record(step.outputs[1]).artifact
            assert (noted.kind, noted.path) == ("manifest", f"manifests/{name}")
            assert noted.digests["sha256"] == digest_file(step.outputs[0])
            assert step.key.startswith(f"{noted.platform}-{noted.variant}.")
        json.dumps(step.settings)


def test_a_project_that_does_not_ask_gets_none(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    assert (plan_manifests(made), planned_names(made)["manifest"]) == ((), ())


def test_nothing_of_the_distribution_is_read(made: Release) -> None:
    cell = sample.cell(made, "linux-amd64-complete")
    count = len(Contents.load(made.contents(cell)).files)
    for path in made.staged(cell).rglob("*"):
        if path.is_file():
            path.unlink()
    assert len(listed(made, "hello-1.2.3-linux-amd64-complete-manifest.txt")) == count + 2
