"""Distributions: what is in them, with which modes and line ends, and that they appear whole."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
from pathlib import Path

import pytest

import sample
from slipway.components import CargoComponent, CommandComponent, TreeComponent
from slipway.contents import Contents
from slipway.dist.bundle import plan_bundle
from slipway.dist.staging import plan_staging
from slipway.errors import ConfigError, SlipwayError
from slipway.files import digest_file
from slipway.model import InstallRules, Release, Variant
from slipway.platforms import DOCUMENTED, PLATFORMS
from slipway.steps import Step


def stage_all(made: Release) -> dict[str, Step]:
    """Make what the build would, then lay out every distribution."""
    for platform in made.project.platforms:
        for part in made.project.components:
            names = {to: part.outputs[to] for to in part.outputs} if isinstance(part, CommandComponent) else {}
            for to, file in names.items():
                put(made.made(platform, to), (part.path / file).read_bytes())
            for name in part.binaries if isinstance(part, CargoComponent) else ():
                put(made.binary(platform, name), b"\x7fELF\r\n\0" + platform.id.encode())
    for step in plan_bundle(made):
        step.run()
    steps = {step.key: step for step in plan_staging(made)}
    for step in steps.values():
        step.run()
    return steps


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def listed(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.req("S0-3", "S0-5", "S0-6")
def test_every_cell_is_a_step_and_makes_the_documented_folder(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = stage_all(made)
    assert list(steps) == [f"{platform}-{variant}" for platform in DOCUMENTED for variant in ("complete", "minimal")]
    assert (tmp_path / "out/dist/hello-1.2.3-linux-amd64-complete").is_dir()
    complete = sample.cell(made, "linux-amd64-complete")
    assert listed(made.staged(complete)) == {name: text.encode() for name, (_, text) in sample.FILES.items()}
    assert steps["linux-amd64-complete"].outputs == (made.contents(complete), made.staged(complete))
    assert not (made.paths.dist / ".part").exists() or not list((made.paths.dist / ".part").iterdir())


@pytest.mark.req("S0-3", "S0-52")
def test_the_list_of_files_is_what_lies_there(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    stage_all(made)
    for cell in made.matrix:
        folder, contents = made.staged(cell), Contents.load(made.contents(cell))
        assert (contents.name, contents.platform, contents.variant) == (made.name_of(cell), cell.platform.id, cell.variant.name)
        assert [file.path for file in contents.files] == sorted(listed(folder))
        for file in contents.files:
            path = folder / file.path
            stat = path.stat()
            assert (stat.st_mode & 0o7777, stat.st_size, int(stat.st_mtime)) == (file.mode, file.size, sample.EPOCH)
            assert (digest_file(path), digest_file(path, "md5")) == (file.sha256, file.md5)
            assert file.mode == (0o755 if file.path.startswith("bin/") else 0o644)
        for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            assert (path.stat().st_mode & 0o777, int(path.stat().st_mtime)) == (0o755, sample.EPOCH)


@pytest.mark.req("S0-4")
def test_minimal_is_a_part_of_complete(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    stage_all(made)
    for platform in DOCUMENTED:
        complete, minimal = (listed(made.staged(sample.cell(made, f"{platform}-{name}"))) for name in ("complete", "minimal"))
        assert minimal.items() < complete.items()


TEXTS = {
    "plain.txt": (b"a\nb\n", b"a\r\nb\r\n"),
    "windows.txt": (b"a\r\nb\r\n", b"a\r\nb\r\n"),
    "mixed.toml": (b"a\r\nb\nc", b"a\r\nb\r\nc"),
    "NOTICE": (b"a\nb\n", b"a\r\nb\r\n"),
    "run.sh": (b"#!/bin/sh\r\necho\n", b"#!/bin/sh\necho\n"),
    "configure": (b"#!/bin/sh\necho\n", b"#!/bin/sh\necho\n"),
    "install.ps1": (b"a\nb\n", b"a\r\nb\r\n"),
    "image.png": (b"\x89PNG\r\n\x1a\nx", b"\x89PNG\r\n\x1a\nx"),
    "data.dat": (b"looks\nlike text\n", b"looks\nlike text\n"),
    "blob": (b"\0\na\n", b"\0\na\n"),
    "latin": (b"caf\xe9\n", b"caf\xe9\n"),
    "old-mac.txt": (b"a\rb\n", b"a\rb\r\n"),
}


@pytest.mark.req("S0-52")
@pytest.mark.parametrize("platform", ["linux-amd64", "windows-amd64"])
def test_text_gets_the_line_ends_of_its_platform_and_nothing_else_is_touched(tmp_path: Path, platform: str) -> None:
    for name, (data, _) in TEXTS.items():
        put(tmp_path / "tree" / name, data)
    components = (
        CargoComponent(name="programs", path=tmp_path, package="x", binaries=("hello",)),
        TreeComponent(name="texts", path=tmp_path / "tree", to="share/hello"),
    )
    variants = (Variant(name="complete", components=("programs", "texts")),)
    project = sample.project(
        tmp_path / "p", components=components, variants=variants, platforms=(PLATFORMS[platform],), services=()
    )
    made = sample.release(tmp_path, project=project)
    stage_all(made)
    folder = made.staged(made.matrix[0])
    program = f"bin/hello{PLATFORMS[platform].exe}"
    assert (folder / program).read_bytes() == made.binary(PLATFORMS[platform], "hello").read_bytes()
    assert (folder / program).stat().st_mode & 0o777 == 0o755
    unix = {"run.sh": b"#!/bin/sh\necho\n", "windows.txt": b"a\nb\n", "mixed.toml": b"a\nb\nc"}
    for name, (data, windows) in TEXTS.items():
        expected = windows if platform == "windows-amd64" else unix.get(name, data)
        assert (folder / "share/hello" / name).read_bytes() == expected, name
    newline = b"\r\n" if platform == "windows-amd64" else b"\n"
    assert (folder / "README.md").read_bytes() == b"# hello" + newline


@pytest.mark.parametrize(
    ("first", "second", "platform", "clash"),
    [
        ("same.txt", "same.txt", "linux-amd64", True),
        ("README.txt", "readme.txt", "linux-amd64", False),
        ("README.txt", "readme.txt", "windows-amd64", True),
        ("README.txt", "readme.txt", "macos-arm64", True),
    ],
)
def test_two_components_with_one_path_are_both_named(
    tmp_path: Path, first: str, second: str, platform: str, *, clash: bool
) -> None:
    put(tmp_path / "one" / first, b"1")
    put(tmp_path / "two" / second, b"2")
    parts = tuple(TreeComponent(name=name, path=tmp_path / name, to="share/x") for name in ("one", "two"))
    project = sample.project(
        tmp_path / "p",
        components=parts,
        variants=(Variant(name="complete", components=("one", "two")),),
        platforms=(PLATFORMS[platform],),
        services=(),
    )
    made = sample.release(tmp_path, project=project)
    if clash:
        with pytest.raises(ConfigError, match=rf"components one and two both put a file at share/x/{second}"):
            stage_all(made)
        assert not made.staged(made.matrix[0]).exists()
    else:
        stage_all(made)
        assert len(listed(made.staged(made.matrix[0]))) == 4


def test_a_missing_binary_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    stage_all(made)
    made.binary(PLATFORMS["windows-amd64"], "hello").unlink()
    step = next(step for step in plan_staging(made) if step.key == "windows-amd64-minimal")
    with pytest.raises(SlipwayError, match=r"hello-1\.2\.3-windows-amd64-minimal lacks .*hello\.exe") as failed:
        step.run()
    assert "PLATFORMS=windows-amd64 doit build-cross" in str(failed.value)


def test_a_second_layout_replaces_the_first_as_a_whole(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = stage_all(made)
    cell = sample.cell(made, "linux-amd64-complete")
    before = made.contents(cell).read_bytes()
    put(made.staged(cell) / "lib/stray.txt", b"left behind")
    steps[cell.id].run()
    assert not (made.staged(cell) / "lib/stray.txt").exists()
    assert made.contents(cell).read_bytes() == before


@pytest.mark.parametrize("when", ["read", "rename"])
def test_a_break_leaves_no_half_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    made = sample.release(tmp_path)
    steps = stage_all(made)
    cell = sample.cell(made, "linux-amd64-complete")
    before = listed(made.staged(cell))

    def interrupt(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if when == "read":
            patch.setattr(os, "utime", interrupt)
        else:
            patch.setattr(Path, "rename", interrupt)
        with pytest.raises(KeyboardInterrupt):
            steps[cell.id].run()
    whole = made.staged(cell).exists() and listed(made.staged(cell)) == before
    assert whole if when == "read" else not made.contents(cell).exists()
    assert not list((made.paths.dist / ".part").iterdir())
    steps[cell.id].run()
    assert listed(made.staged(cell)) == before


def test_the_inputs_are_what_the_stages_before_made(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = {step.key: step for step in plan_staging(made)}
    core, programs = made.paths.dist / "core", made.paths.dist / "platform/windows-amd64"
    documents = set(made.project.documents)
    assert set(steps["windows-amd64-minimal"].inputs) == {
        core / "config.contents.json",
        programs / "hello.exe",
        programs / "hello-server.exe",
        *documents,
    }
    bundles = {output for step in plan_bundle(made) for output in step.outputs}
    assert {path for step in steps.values() for path in step.inputs if core in path.parents} <= bundles


def test_the_same_sources_give_the_same_lists_elsewhere(tmp_path: Path) -> None:
    lists = []
    for place in (tmp_path / "a", tmp_path / "another place"):
        made = sample.release(place)
        stage_all(made)
        lists.append([made.contents(cell).read_bytes() for cell in made.matrix])
    assert lists[0] == lists[1]


def test_steps_are_data_and_the_version_decides(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    step, *_ = plan_staging(made)
    assert pickle.loads(pickle.dumps(step)) == step
    assert json.loads(json.dumps(step.settings)) == step.settings
    other, *_ = plan_staging(dataclasses.replace(made, epoch=1))
    assert other.settings != step.settings


def test_manual_pages_and_completions_go_with_the_programs_that_they_are_about(tmp_path: Path) -> None:
    names = ("_hello", "hello.bash", "hello-server.fish", "hello.nu", "hello.1", "hello-server.8", "hello.toml.5", "about.7")
    for name in names:
        put(tmp_path / "extra" / name, b"a\r\nb\n")
        (tmp_path / "extra" / name).chmod(0o755)
    files = tuple(tmp_path / "extra" / name for name in names)
    said = sample.project(
        tmp_path / "project",
        components=(
            CommandComponent(name="one", path=tmp_path / "project/src", command=("true",), outputs={"bin/hello": "hello"}),
            CommandComponent(
                name="two", path=tmp_path / "project/src", command=("true",), outputs={"bin/hello-server": "hello-server"}
            ),
        ),
        variants=(Variant(name="both", components=("one", "two")), Variant(name="two", components=("two",))),
        platforms=(PLATFORMS["linux-amd64"], PLATFORMS["windows-amd64"]),
        install=InstallRules(completions=files[:4], manuals=files[4:]),
    )
    made = sample.release(tmp_path, project=said)
    stage_all(made)
    two = {
        "share/fish/vendor_completions.d/hello-server.fish",
        "share/man/man7/about.7",
        "share/man/man8/hello-server.8",
    }
    one = {
        "share/bash-completion/completions/hello",
        "share/man/man1/hello.1",
        "share/man/man5/hello.toml.5",
        "share/nushell/vendor/autoload/hello.nu",
        "share/zsh/site-functions/_hello",
    }
    for platform in ("linux-amd64", "windows-amd64"):
        for variant, expected in (("both", one | two), ("two", two)):
            found = Contents.load(made.contents(sample.cell(made, f"{platform}-{variant}"))).files
            shared = {file.path: file for file in found if file.path.startswith("share/")}
            assert shared.keys() == expected
            assert {(file.mode, file.size) for file in shared.values()} == {(0o644, 5)}
