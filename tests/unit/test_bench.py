"""The measurements' own arithmetic, and that both sides of a comparison pack the same files."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bench import usual
from bench.__main__ import count
from bench.habit import HEAD, Row
from bench.inputs import stage
from bench.timing import Cost, measured
from slipway.packagers.archive import plan_archives


def test_a_row_has_medians_ratios_pair_by_pair_and_the_difference_in_size() -> None:
    ours = (Cost(1.0, 2.0, 900_000), Cost(2.0, 2.0, 900_000), Cost(4.0, 1.0, 900_000))
    theirs = (Cost(3.0, 4.0, 1_000_000), Cost(4.0, 2.0, 1_000_000), Cost(4.0, 3.0, 1_000_000))
    line = Row("tar.gz", ours, theirs).line()
    assert line == "| tar.gz | 2.00 | 4.00 | 2.0 (1.0 to 3.0) | 2.0 | 0.90 | 1.00 | -10.0 % |"
    assert line.count("|") == len(HEAD) + 1


def test_what_costs_nothing_measurable_is_no_error() -> None:
    nothing = (Cost(0.0, 0.0, 10),)
    assert Row("x", nothing, nothing).line() == "| x | 0.00 | 0.00 | 1.0 (1.0 to 1.0) | 1.0 | 0.00 | 0.00 | +0.0 % |"


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_count_is_at_least_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|at least 1"):
        count(text)


def test_work_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "made"

    def work() -> list[Path]:
        path.write_bytes(bytes(12345))
        deadline = sum(number * number for number in range(300_000))
        assert deadline
        return [path]

    cost = measured(work)
    assert cost.size == 12345
    assert 0 < cost.cpu <= cost.wall * 2


def test_work_that_fails_is_no_measurement() -> None:
    def work() -> list[Path]:
        raise SystemExit(1)

    with pytest.raises(SystemExit, match="a measured work failed"):
        measured(work)


def test_both_sides_pack_the_same_files(tmp_path: Path) -> None:
    release = stage(tmp_path, 1 << 20)
    (theirs, *_) = usual.archives(release, tmp_path / "usual", "-6")
    step = next(step for step in plan_archives(release) if step.outputs[0].name == theirs.name)
    step.run()
    assert _files(step.outputs[0]) == _files(theirs) != {}


def _files(path: Path) -> dict[str, tuple[int, bytes]]:
    with tarfile.open(path) as archive:
        found = ((each.name, each.mode, archive.extractfile(each)) for each in archive if each.isreg())
        return {name: (mode, file.read()) for name, mode, file in found if file is not None}
