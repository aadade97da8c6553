"""SOURCE_DIR: which programs of which platforms come from the folder, and where in it they are looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway.build.prebuilt import plan_prebuilt
from slipway.build.source_dir import taken_from
from slipway.components import CargoComponent, CommandComponent, Prebuilt, PrebuiltComponent, PythonComponent
from slipway.errors import UsageError
from slipway.model import Project

CARGO = CargoComponent(
    name="tool", path=Path("/p"), package="tool", binaries=("tool",), prebuilt={"macos-arm64": Prebuilt(source="mac")}
)
COMMAND = CommandComponent(name="made", path=Path("/p"), command=("x",), outputs={"bin/made": "m", "share/man/man1/made.1": "n"})
ONEDIR = PythonComponent(name="py", path=Path("/p"), script="py", form="onedir")
GIVEN = PrebuiltComponent(name="given", path=Path("/p"), binaries=("given",), prebuilt={"linux-amd64": Prebuilt(source="own")})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return replace(sample.project(tmp_path / "p"), components=(CARGO, COMMAND, ONEDIR, GIVEN))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "{ci}"
    manual = "windows-amd64/files/share/man/man1/made.1"
    for name in ("linux-amd64/tool", "linux-amd64/deep/made", "windows-amd64/made.exe", manual):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("#!/bin/sh\n")
    return made


def test_only_platforms_that_have_a_folder_are_taken(project: Project, folder: Path) -> None:
    tool, made, onedir, given = taken_from(project, folder).components
    assert isinstance(tool, CargoComponent)
    assert isinstance(made, CommandComponent)
    assert isinstance(given, PrebuiltComponent)
    assert set(tool.prebuilt) == {"linux-amd64", "windows-amd64", "macos-arm64"}
    assert tool.prebuilt["macos-arm64"].source == "mac"
    assert tool.prebuilt["linux-amd64"].files == {"tool": "tool"}
    assert made.prebuilt["linux-amd64"].files == {}
    assert made.prebuilt["windows-amd64"].files == {
        "bin/made": "made.exe",
        "share/man/man1/made.1": "files/share/man/man1/made.1",
    }
    assert onedir == ONEDIR
    assert given.prebuilt["linux-amd64"].source == "own"


def test_a_folder_may_have_braces_in_its_name(project: Project, folder: Path, tmp_path: Path) -> None:
    project = replace(taken_from(project, folder), components=(taken_from(project, folder).components[0],))
    step = next(step for step in plan_prebuilt(sample.release(tmp_path, project=project)) if step.key.startswith("linux-amd64"))
    assert step.inputs == (folder / "linux-amd64/tool",)


def test_programs_that_lie_at_their_place_are_looked_at_each_time_and_stay(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=replace(sample.project(tmp_path / "p"), components=(CARGO,)))
    program = made.paths.dist / "platform/linux-amd64/tool"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    made = replace(made, project=taken_from(made.project, made.paths.dist / "platform"))
    step = next(step for step in plan_prebuilt(made) if step.key.startswith("linux-amd64"))
    assert (step.always, step.inputs) == (True, ())
    assert program in step.outputs
    step.run()
    assert program.read_text() == "#!/bin/sh\n"


def test_a_folder_without_platforms_is_refused(project: Project, tmp_path: Path) -> None:
    for folder, told in ((tmp_path / "none", "there is no folder"), (tmp_path, "holds no folder of a platform")):
        with pytest.raises(UsageError, match=told):
            taken_from(project, folder)
