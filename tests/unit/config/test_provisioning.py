"""The sample platform's slipway.toml: everything it has is released, once, in the documented variants."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from slipway.components import CargoComponent, TreeComponent
from slipway.config.load import load_project
from slipway.config.source import read_version
from slipway.layout import Folders, destination
from slipway.model import Project, Variant
from slipway.trees import select

HERE = Path(__file__).parents[3] / "examples" / "provisioning"


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(HERE / "slipway.toml")


def files(project: Project, variant: Variant) -> list[str]:
    """Where the copied files of a variant go, once for every component that brings one."""
    return [
        f"{part.to}/{name}"
        for part in project.of(variant)
        if isinstance(part, TreeComponent)
        for name in select(part.path, part.include, part.exclude)
    ]


def variant(project: Project, name: str) -> Variant:
    return next(found for found in project.variants if found.name == name)


def programs(project: Project, name: str) -> set[str]:
    return {binary for part in project.of(variant(project, name)) if isinstance(part, CargoComponent) for binary in part.binaries}


@pytest.mark.req("S0-53")
def test_it_is_released_for_the_six_documented_platforms(project: Project) -> None:
    assert [(row.id, project.on(row).glibc, project.on(row).macos) for row in project.platforms] == [
        ("linux-amd64", "2.28", ""),
        ("linux-arm64", "2.28", ""),
        ("macos-amd64", "", "11.0"),
        ("macos-arm64", "", "11.0"),
        ("windows-amd64", "", ""),
        ("freebsd-amd64", "", ""),
    ]


@pytest.mark.req("S0-3", "S0-4")
def test_the_complete_variant_has_every_file_of_the_platform(project: Project) -> None:
    brought = {
        path
        for part in project.of(variant(project, "complete"))
        if isinstance(part, TreeComponent)
        for path in (part.path / name for name in select(part.path, part.include, part.exclude))
    }
    there = {HERE / name for name in select(HERE, ["**"], ["platform", "tests", "slipway.toml", ".*"])} - set(project.documents)
    assert brought == there
    assert len(brought) > 20


@pytest.mark.req("S0-4")
def test_minimal_is_a_part_of_complete(project: Project) -> None:
    complete, minimal = (files(project, variant(project, name)) for name in ("complete", "minimal"))
    assert set(minimal) < set(complete)
    assert programs(project, "minimal") == {"provisioning", "provisioning-orchestrator"}
    assert programs(project, "complete") == {
        "provisioning",
        "provisioning-orchestrator",
        "provisioning-control-center",
        "provisioning-mcp-server",
    }
    assert {name for name in minimal if "/doc/" in name} == {"share/doc/provisioning/user/getting-started.md"}
    assert {name.split("/")[3] for name in minimal if "/providers/" in name} == {"local"}
    assert {name.split("/")[3] for name in minimal if "/taskservs/" in name} == {"containerd", "etcd"}
    assert not [name for name in minimal if "/clusters/" in name]


def test_no_place_is_written_twice(project: Project) -> None:
    for one in project.variants:
        assert [place for place, times in Counter(files(project, one)).items() if times > 1] == []


def test_configuration_goes_where_the_services_look_for_it(project: Project) -> None:
    folders = Folders.packaged(project.name, project.name)
    installed = {destination(place, project.name, folders) for place in files(project, variant(project, "complete"))}
    for service in project.services:
        config = next(text for text in service.arguments if "{config}" in text)
        assert config.replace("{config}", folders.config) in installed


@pytest.mark.req("S0-4")
def test_services_come_with_their_programs(project: Project) -> None:
    found = {one.name: [service.name for service in project.services_of(one)] for one in project.variants}
    assert found == {
        "complete": ["provisioning-orchestrator", "provisioning-control-center"],
        "minimal": ["provisioning-orchestrator"],
    }


@pytest.mark.req("S0-60")
def test_all_levels_of_tests_are_described(project: Project) -> None:
    rules = project.tests
    assert rules.unit
    assert rules.basic
    assert rules.files == HERE / "tests"
    for line in (*rules.integration, *rules.complete):
        assert (rules.files / line.removeprefix("sh ")).is_file()
    assert rules.variants == {"minimal": ("basic", "integration")}


def test_the_version_is_that_of_the_workspace(project: Project) -> None:
    assert str(read_version(project.version, project.root, None)) == "2.1.0"
