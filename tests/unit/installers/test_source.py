from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import CargoComponent, CommandComponent, Prebuilt, PrebuiltComponent, PythonComponent, TreeComponent
from slipway.errors import ConfigError
from slipway.installers.building import Tool, build_of, tools_of
from slipway.installers.source import plan_source_installers, source_script_names
from slipway.manifest import Artifact, load_record, record, record_path
from slipway.model import Release, Variant
from slipway.platforms import PLATFORMS
from slipway.rules import SourceRules

CARGO = '[package]\nname = "greet"\nversion = "1.2.3"\nrust-version.workspace = true\n'
WORKSPACE = '[workspace]\nmembers = ["greet"]\n[workspace.package]\nrust-version = "1.70"\n'
PYTHON = '[project]\nname = "hey"\nrequires-python = ">=3.9"\n[project.scripts]\nhey = "hey.cli:main"\n'


def release_of(root: Path, **changes: Any) -> Release:
    """A release with a component of each kind and the record of a source package that does not exist."""
    said = sample.project(root / "project", packages=("source",))
    for name, text in {"Cargo.toml": WORKSPACE, "greet/Cargo.toml": CARGO, "py/pyproject.toml": PYTHON}.items():
        (said.root / name).parent.mkdir(exist_ok=True)
        (said.root / name).write_text(text)
    more = (
        CargoComponent(
            name="greet",
            path=said.root / "greet",
            package="greet",
            binaries=("greet",),
            features=("loud",),
            default_features=False,
        ),
        PythonComponent(name="hey", path=said.root / "py", script="hey", requirements="locked.txt"),
    )
    parts = (*said.components, *more)
    variants = (
        Variant(name="complete", components=tuple(part.name for part in parts)),
        Variant(name="minimal", components=("programs", "config")),
    )
    said = replace(said, **{"components": parts, "variants": variants} | changes)
    release = sample.release(root, project=said)
    for name in (f"{release.base}.tar.gz", f"{release.base}-vendored.tar.gz"):
        digest = hashlib.sha256(name.encode()).hexdigest()
        made = Artifact(kind="source", name=name, path=name, size=1, digests={"sha256": digest}, media_type="application/gzip")
        record(record_path(release, name), release.base, made)
    return release


def text_of(release: Release) -> str:
    (step,) = plan_source_installers(release)
    step.run()
    return step.outputs[0].read_text()


@pytest.mark.req("S0-57")
@pytest.mark.parametrize("vendored", [False, True])
def test_the_script_and_what_it_knows_of_the_source(vendored: bool, tmp_path: Path) -> None:
    release = release_of(tmp_path, source=SourceRules(vendored=vendored))
    text = text_of(release)
    name = "hello-1.2.3-vendored.tar.gz" if vendored else "hello-1.2.3.tar.gz"
    assert f"\narchive='{name}'\narchive_digest={hashlib.sha256(name.encode()).hexdigest()}\n" in text
    assert (" --offline " in text) == vendored
    assert ",complete,\tcargo\t1.70\n" in text
    assert ",complete,\tpython3\t3.9\n" in text
    assert ",complete,minimal,\tconfig/hello.toml\tetc/hello/hello.toml\n" in text
    assert ",complete,\tdocs/user/start.md\tshare/doc/hello/user/start.md\n" in text
    made = load_record(record_path(release, "install-hello-source.sh")).artifact
    assert (made.kind, made.path) == ("installer", "installers/install-hello-source.sh")
    assert source_script_names(release) == (made.name,)


def test_marks_stand_where_the_build_will_put_its_digests(tmp_path: Path) -> None:
    text = text_of(release_of(tmp_path))
    engine = text.partition("<<'END_OF_INSTALL_SH'\n")[2].partition("\nEND_OF_INSTALL_SH\n")[0]
    rows = [line for line in engine.splitlines() if "@SHA256@" in line]
    assert [row.split("\t")[1:3] for row in rows] == [
        [platform, variant] for variant in ("complete", "minimal") for platform in ("linux-amd64", "macos-arm64", "freebsd-amd64")
    ]
    assert len([line for line in engine.splitlines() if "@PATH@" in line]) == 1
    assert "@PATH@" not in text.replace(engine, "").replace("/@PATH@/", "").replace('"@PATH@"', "")


def test_steps_can_be_pickled_and_depend_on_what_decides_the_text(tmp_path: Path) -> None:
    release = release_of(tmp_path)
    (step,) = plan_source_installers(release)
    assert pickle.loads(pickle.dumps(step)) == step
    names = {path.name for path in step.inputs}
    assert {"hello-1.2.3.tar.gz.json", "_build.sh.j2", "_plan.sh.j2", "hello-1.2.3-linux-amd64-complete.contents.json"} <= names
    other = replace(release, epoch=release.epoch + 1)
    assert plan_source_installers(other)[0].settings != step.settings


def test_there_is_none_for_windows_alone(tmp_path: Path) -> None:
    release = replace(release_of(tmp_path), platforms=(PLATFORMS["windows-amd64"],))
    assert plan_source_installers(release) == ()


def test_variants_that_are_never_built_here_are_left_out(tmp_path: Path) -> None:
    release = release_of(tmp_path)
    bought = PrebuiltComponent(
        name="bought", path=release.project.root, binaries=("bought",), prebuilt={"linux-amd64": Prebuilt(source="bought")}
    )
    parts = (*release.project.components, bought)
    variants = (
        Variant(name="complete", components=tuple(part.name for part in parts)),
        Variant(name="minimal", components=("programs",)),
    )
    text = text_of(release_of(tmp_path, components=parts, variants=variants))
    assert "variant=${want_variant:-minimal}" in text
    with pytest.raises(ConfigError, match="no variant can be built from source"):
        plan_source_installers(release_of(tmp_path, components=parts, variants=variants[:1]))


def test_without_a_source_package_there_is_nothing_to_build_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no source package"):
        plan_source_installers(release_of(tmp_path, packages=("deb",)))


def test_what_lies_outside_of_the_source_package_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    parts = (TreeComponent(name="config", path=outside, to="etc/hello"),)
    with pytest.raises(ConfigError, match="does not lie in the source package"):
        plan_source_installers(release_of(tmp_path, components=parts, variants=(Variant(name="all", components=("config",)),)))


def test_a_command_says_what_only_the_machine_knows_in_variables(tmp_path: Path) -> None:
    part = CommandComponent(
        name="c",
        path=tmp_path / "project",
        command=("./make it.sh", "{platform}/$x", "{name}-{version}", "${HOME}", "{{x}}", "{out}"),
        outputs={"bin/c": "{out}/c{exe}"},
    )
    release = release_of(tmp_path)
    made = build_of(release, part, release.project.root)
    assert made.command == "'./make it.sh' \"$b_platform\"'/$x' hello-1.2.3 '${HOME}' '{x}' \"$b_out\""
    assert made.outputs == (("bin/c", '"$b_out"/c'),)
    assert 'SLIPWAY_ARCH="$b_arch"' in made.settings
    assert tuple(tools_of(part)) == ()
    assert tuple(tools_of(replace(part, command=("nu", "x")))) == (Tool("nu"),)


def test_cargo_builds_what_slipway_would(tmp_path: Path) -> None:
    release = release_of(tmp_path)
    part = next(part for part in release.project.components if isinstance(part, CargoComponent))
    made = build_of(release, part, release.project.root)
    assert made.options == "--release --locked --package greet --bin greet --no-default-features --features loud"
    assert (made.folder, made.profile) == ("greet", "release")
    assert build_of(release, replace(part, profile="dev"), release.project.root).profile == "debug"


def test_a_python_program_needs_a_function_to_start(tmp_path: Path) -> None:
    release = release_of(tmp_path)
    part = next(part for part in release.project.components if isinstance(part, PythonComponent))
    made = build_of(release, part, release.project.root)
    assert (made.module, made.function, made.requirements) == ("hey.cli", "main", "--requirement locked.txt")
    with pytest.raises(ConfigError, match="cannot start"):
        build_of(release, replace(part, script="ho"), release.project.root)
