"""Programs of two platforms joined into one: how it is planned, and what comes out."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import lief
import machos
import pytest

import sample
from slipway.build.accept import accept
from slipway.build.cargo import plan_compile
from slipway.build.preflight import Preflight
from slipway.build.rule import Rule
from slipway.build.universal import plan_joins
from slipway.components import CargoComponent, Prebuilt
from slipway.errors import SlipwayError, VerificationError
from slipway.model import PlatformSettings, Release
from slipway.platforms import PLATFORMS
from slipway.signing import check_signature, fat
from slipway.steps import Step, unique

PARTS = {"macos-amd64": "x86_64", "macos-arm64": "aarch64"}


def release(root: Path, *platforms: str, components: tuple[CargoComponent, ...] = (), **changes: Any) -> Release:
    folder = root / "crate"
    folder.mkdir(exist_ok=True)
    (folder / "Cargo.toml").write_text("[package]\n")
    (folder / "Cargo.lock").touch()
    parts = components or (CargoComponent(name="hello", path=folder, package="hello", binaries=("hello", "other")),)
    rows = tuple(PLATFORMS[name] for name in platforms)
    return sample.release(root, project=sample.project(root / "project", components=parts, platforms=rows, **changes))


def put_parts(made: Release, programs: dict[str, bytes] | None = None) -> None:
    for name, cpu in PARTS.items():
        for program in ("hello", "other"):
            path = made.binary(PLATFORMS[name], program)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((programs or {}).get(name) or machos.macho(cpu))


def only(steps: tuple[Step, ...]) -> Step:
    (step,) = steps
    return step


@pytest.mark.req("S0-53")
@pytest.mark.parametrize("listed", [("macos-universal",), ("macos-arm64", "macos-universal"), (*PARTS, "macos-universal")])
def test_the_parts_are_compiled_once_each_whether_or_not_they_are_released(tmp_path: Path, listed: tuple[str, ...]) -> None:
    made = release(tmp_path, *listed)
    compiled, joined = plan_compile(made), only(plan_joins(made))
    assert {step.key for step in compiled} == set(PARTS)
    assert joined.name == "compile-platform:macos-universal"
    assert set(joined.inputs) <= {path for step in compiled for path in step.outputs}
    assert {path.name for path in joined.inputs} == {"hello", "other"}
    assert tmp_path / "out/dist/platform/macos-universal/hello" in joined.outputs
    unique((*compiled, joined))
    assert pickle.loads(pickle.dumps(joined)) == joined


def test_nothing_is_joined_for_other_platforms(tmp_path: Path) -> None:
    assert plan_joins(release(tmp_path, *PARTS, "linux-amd64")) == ()


def test_what_was_joined_elsewhere_is_not_joined_here(tmp_path: Path) -> None:
    source = Prebuilt(source="there", sha256="", files={})
    part = CargoComponent(name="hello", path=tmp_path, package="hello", binaries=("hello",), prebuilt={"macos-universal": source})
    assert plan_joins(release(tmp_path, "macos-universal", components=(part,))) == ()


def test_what_compiling_needs_is_what_the_parts_need(tmp_path: Path) -> None:
    needs = Preflight.of(release(tmp_path, "macos-universal")).needs
    assert {(need.platform, need.triple) for need in needs} == {
        ("macos-amd64", "x86_64-apple-darwin"),
        ("macos-arm64", "aarch64-apple-darwin"),
    }


def test_joining_makes_one_signed_file_of_both(tmp_path: Path) -> None:
    made = release(tmp_path, "macos-universal")
    put_parts(made)
    step = only(plan_joins(made))
    step.run()
    path = made.binary(PLATFORMS["macos-universal"], "hello")
    data = path.read_bytes()
    found = lief.MachO.parse(str(path))
    assert found is not None
    assert [each.header.cpu_type.name for each in found] == ["X86_64", "ARM64"]
    for program in fat.split(data):
        verdict = check_signature(program)
        assert (verdict.state, verdict.identifier, verdict.linker) == ("adhoc", "hello", False)
        assert machos.code_directory(program)["pages"] == machos.recomputed(program)
    assert path.stat().st_mode & 0o777 == 0o755
    assert all(output.is_file() for output in step.outputs)
    step.run()
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("programs", "told"),
    [
        ({"macos-amd64": b"#!/bin/sh\n"}, "not a thin 64-bit Mach-O"),
        ({"macos-amd64": b"of the other"}, "not a thin 64-bit Mach-O"),
    ],
)
def test_parts_that_cannot_be_joined_are_named(tmp_path: Path, programs: dict[str, bytes], told: str) -> None:
    made = release(tmp_path, "macos-universal")
    put_parts(made, programs)
    with pytest.raises(SlipwayError, match=told) as caught:
        only(plan_joins(made)).run()
    assert "component hello: bin/hello of macos-amd64 and macos-arm64" in caught.value.message
    assert not made.binary(PLATFORMS["macos-universal"], "hello").exists()


def test_two_parts_for_one_processor_are_refused(tmp_path: Path) -> None:
    made = release(tmp_path, "macos-universal")
    put_parts(made, dict.fromkeys(PARTS, machos.macho("aarch64")))
    with pytest.raises(SlipwayError, match="are for one processor"):
        only(plan_joins(made)).run()


def test_a_joined_program_may_ask_for_what_its_parts_may(tmp_path: Path) -> None:
    newer = {"macos-arm64": PlatformSettings(macos="12.0")}
    own = {"macos-universal": PlatformSettings(macos="13.0")}
    said = {
        key: release(tmp_path, "macos-universal", settings=value) for key, value in {"": {}, "part": newer, "own": own}.items()
    }
    assert {key: Rule.of(made, PLATFORMS["macos-universal"]).macos for key, made in said.items()} == {
        "": "11.0",
        "part": "12.0",
        "own": "13.0",
    }


@pytest.mark.parametrize(("platform", "cpu"), PARTS.items())
def test_what_is_accepted_for_macos_is_sealed_and_what_was_built_stays_as_it_was(tmp_path: Path, platform: str, cpu: str) -> None:
    made = release(tmp_path, platform)
    (step,) = plan_compile(made)
    built = {f"bin/{name}": tmp_path / f"built-{name}" for name in ("hello", "other")}
    for path in built.values():
        path.write_bytes(machos.macho(cpu))
    run: Any = step.run
    accept(built, run.deliveries, run.rule)
    assert {path.read_bytes() for path in built.values()} == {machos.macho(cpu)}
    for name in ("hello", "other"):
        verdict = check_signature(made.binary(PLATFORMS[platform], name).read_bytes())
        assert (verdict.state, verdict.identifier) == ("adhoc", name)


def test_a_program_for_another_platform_is_refused_and_not_sealed(tmp_path: Path) -> None:
    made = release(tmp_path, "macos-universal")
    put_parts(made)
    step: Any = only(plan_joins(made)).run
    built = {to: made.binary(PLATFORMS["macos-arm64"], "hello") for to in step.delivery.places}
    with pytest.raises(VerificationError, match="not for macos/universal"):
        accept(built, [step.delivery], step.rule)
