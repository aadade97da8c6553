"""Components that any command builds."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.build.command import plan_commands
from slipway.components import CommandComponent
from slipway.errors import SlipwayError
from slipway.manifest import load_built
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.steps import Step
from slipway.version import Version

SCRIPT = """\
set -eu
printf '%s|' "$SLIPWAY_PLATFORM" "$SLIPWAY_TRIPLE" "$SLIPWAY_VERSION" "$SLIPWAY_FAMILY" "$SLIPWAY_NAME" \\
    "$SOURCE_DATE_EPOCH" "$@" > "$SLIPWAY_OUT/facts$SLIPWAY_EXE"
echo data > "$SLIPWAY_OUT/data.json"
"""


def component(root: Path, script: str = SCRIPT, **changes: Any) -> CommandComponent:
    folder = root / "made"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "make.sh").write_text(script)
    values: dict[str, Any] = {
        "name": "facts",
        "path": folder,
        "command": ("sh", "make.sh", "{platform}", "{version}{exe}", "{unknown}"),
        "outputs": {"bin/facts": "{out}/facts{exe}", "share/hello/data.json": "{out}/data.json"},
    }
    return CommandComponent(**(values | changes))


def release(root: Path, part: CommandComponent, **changes: Any) -> Release:
    return sample.release(root, project=sample.project(root / "project", components=(part,)), **changes)


def step_for(made: Release, platform: str) -> Step:
    return next(step for step in plan_commands(made) if step.key == f"{platform}.facts")


@pytest.mark.req("S0-3")
@pytest.mark.parametrize("platform", ["linux-amd64", "windows-amd64"])
def test_a_command_knows_its_platform_and_its_files_get_their_place(tmp_path: Path, platform: str) -> None:
    made = release(tmp_path, component(tmp_path))
    step = step_for(made, platform)
    step.run()
    row = PLATFORMS[platform]
    program, data, record = step.outputs
    expected = [row.id, row.triple, "1.2.3", row.family, "hello", str(sample.EPOCH), row.id, f"1.2.3{row.exe}", "{unknown}"]
    assert program == made.binary(row, "facts")
    assert program.read_text() == "|".join([*expected, ""])
    assert program.stat().st_mode & 0o777 == 0o755
    assert data == made.paths.dist / "platform" / row.id / "files/share/hello/data.json"
    assert (data.read_text(), data.stat().st_mode & 0o777) == ("data\n", 0o644)
    assert load_built(record).binaries == ()
    assert not list((made.paths.state / "scratch").iterdir())


def test_each_run_starts_with_an_empty_folder(tmp_path: Path) -> None:
    script = (
        'test -z "$(ls -A "$SLIPWAY_OUT")" && touch "$SLIPWAY_OUT/rest" && echo x > "$SLIPWAY_OUT/facts" && exit ${FAIL:-1}\n'
    )
    made = release(tmp_path, component(tmp_path, script, outputs={"bin/facts": "{out}/facts"}))
    for _ in range(2):
        with pytest.raises(SlipwayError, match="failed with exit code 1"):
            step_for(made, "linux-amd64").run()
    assert not made.paths.dist.exists()


def test_a_file_that_was_not_made_is_named_and_nothing_is_put_in_place(tmp_path: Path) -> None:
    part = component(tmp_path, outputs={"bin/facts": "{out}/facts", "lib/x": "{out}/other"})
    made = release(tmp_path, part)
    with pytest.raises(SlipwayError, match=r"component facts: .*other is not there for lib/x on linux-amd64") as failed:
        step_for(made, "linux-amd64").run()
    assert "component.facts.outputs" in str(failed.value)
    assert not made.paths.dist.exists()


def test_a_program_for_another_system_is_refused(tmp_path: Path) -> None:
    script = 'cp /bin/true "$SLIPWAY_OUT/facts"\n'
    made = release(tmp_path, component(tmp_path, script, outputs={"bin/facts": "{out}/facts"}))
    with pytest.raises(SlipwayError, match="not for freebsd/amd64"):
        step_for(made, "freebsd-amd64").run()


def test_the_command_of_a_failure_is_told_with_its_words(tmp_path: Path) -> None:
    made = release(tmp_path, component(tmp_path, "echo it broke; exit 5\n"))
    with pytest.raises(SlipwayError, match="failed with exit code 5\n    it broke"):
        step_for(made, "linux-amd64").run()


def test_sources_version_and_command_decide(tmp_path: Path) -> None:
    first = step_for(release(tmp_path, component(tmp_path)), "linux-amd64")
    assert first.inputs == (tmp_path / "made/make.sh",)
    assert pickle.loads(pickle.dumps(first)) == first
    others = [
        release(tmp_path, component(tmp_path), version=Version("9")),
        release(tmp_path, component(tmp_path, command=("sh", "make.sh"))),
    ]
    for other in others:
        assert json.dumps(step_for(other, "linux-amd64").settings) != json.dumps(first.settings)
