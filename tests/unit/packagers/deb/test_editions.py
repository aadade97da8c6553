"""Which packages there are: revisions, suites, architectures, and what their versions say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from debs import Deb, linux, pack
from elves import elf

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.packagers import planned_names
from slipway.packagers.deb import plan_debs
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules, DebSuite
from slipway.steps import unique
from slipway.version import SUITES, Version, debian_version

StageTree = Callable[..., Contents]


@pytest.mark.req("S4-8")
@pytest.mark.parametrize(
    ("version", "revision", "ending", "spelled"),
    [
        ("2019.01", "", None, "2019.01"),
        ("2019.01", "1", None, "2019.01-1"),
        ("2019.01", "1", "~deb12u1", "2019.01-1~deb12u1"),
        ("2019.01", "", "~deb12u1", "2019.01-1~deb12u1"),
        ("2019.01", "3", "", "2019.01-3"),
        ("2019.01-rc.1", "1", "~deb12u1", "2019.01~rc.1-1~deb12u1"),
    ],
)
def test_how_versions_are_spelled(version: str, revision: str, ending: str | None, spelled: str) -> None:
    assert debian_version(Version(version, "calver"), revision, ending) == spelled


def test_every_suite_of_a_family_comes_after_the_one_before() -> None:
    def numbers(begin: str) -> list[float]:
        return [float(text.removeprefix(begin).removesuffix("u1")[:5]) for text in SUITES.values() if text.startswith(begin)]

    for begin in ("~deb", "~ubuntu"):
        assert numbers(begin) == sorted(set(numbers(begin)))
    assert len(set(SUITES.values())) == len(SUITES)


@pytest.mark.req("S4-25")
def test_every_suite_gets_a_package_of_its_own(tmp_path: Path) -> None:
    rules = DebRules(
        depends=("git",),
        suites=("bookworm", "trixie", "acme"),
        suite={"bookworm": DebSuite(depends=("libssl3",)), "acme": DebSuite(version="~acme3")},
        architecture={"arm64": ("libatomic1",)},
    )
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", deb=rules))
    steps = unique(plan_debs(made))
    assert {step.outputs[0].name for step in steps} == set(planned_names(made)["deb"])
    assert {step.outputs[0].name for step in steps if "minimal" not in step.key} == {
        f"hello_1.2.3-1~{ending}_{arch}.deb" for ending in ("deb12u1", "deb13u1", "acme3") for arch in ("amd64", "arm64")
    }
    for cell in made.cells:
        sample.stage(made, cell)
    needs = {}
    for step in steps:
        if "complete" in step.key:
            step.run()
            fields = Deb.read(step.outputs[0]).fields
            needs[step.key] = fields["Depends"]
            assert fields["Provides"] == f"hello-minimal (= {fields['Version']})"
    assert needs == {
        "linux-amd64-complete.deb.bookworm": "git, libssl3",
        "linux-amd64-complete.deb.trixie": "git",
        "linux-amd64-complete.deb.acme": "git",
        "linux-arm64-complete.deb.bookworm": "git, libssl3, libatomic1",
        "linux-arm64-complete.deb.trixie": "git, libatomic1",
        "linux-arm64-complete.deb.acme": "git, libatomic1",
    }


def scripts(root: Path, **changes: Any) -> Any:
    return linux(root, deb=DebRules(architecture_all=True), **changes)


def test_scripts_become_one_package_for_all_architectures(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", deb=DebRules(architecture_all=True)))
    names = [step.outputs[0].name for step in unique(plan_debs(made))]
    assert names == list(planned_names(made)["deb"]) == ["hello_1.2.3_all.deb", "hello-minimal_1.2.3_all.deb"]
    alone = replace(made, platforms=(PLATFORMS["linux-arm64"],))
    assert [step.key for step in plan_debs(alone)] == ["linux-arm64-complete.deb", "linux-arm64-minimal.deb"]
    assert pack(scripts(tmp_path / "run")).fields["Architecture"] == "all"


def test_a_program_for_one_processor_is_not_for_all(tmp_path: Path, stage_tree: StageTree) -> None:
    made = scripts(tmp_path, services=())
    stage_tree(made, made.cells[0], {"lib/hello/plugin.so": (0o644, elf())})
    with pytest.raises(VerificationError, match="the package is for all architectures"):
        pack(made)
    assert not (made.paths.packages / "binaries").exists() or not list((made.paths.packages / "binaries").iterdir())


def test_the_level_of_compression_stands_behind_its_name(tmp_path: Path) -> None:
    step = plan_debs(linux(tmp_path, deb=DebRules(compression="xz:9")))[0]
    assert step.settings["compression"] == 9
    step.run()
    assert "data.tar.xz" in step.outputs[0].read_bytes().decode("latin-1")
