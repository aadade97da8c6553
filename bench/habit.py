"""Slipway beside tar, gzip and dpkg-deb: the same two variants, packed in turns."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from bench import usual
from bench.inputs import stage
from bench.timing import Cost, measured
from slipway.model import Release
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.deb import plan_debs
from slipway.steps import Step

HEAD: Final = ("packages", "slipway CPU s", "usual CPU s", "CPU ratio (range)", "wall ratio", "slipway MB", "usual MB", "size")
_STEP: Final = 0.001
Work = Callable[[], Sequence[Path]]


@dataclass(frozen=True)
class Row:
    """One comparison: what ours and theirs cost, pair by pair."""

    name: str
    ours: tuple[Cost, ...]
    theirs: tuple[Cost, ...]

    def line(self) -> str:
        """A line of the Markdown table."""
        ratios = [_ratio(other.cpu, own.cpu) for own, other in zip(self.ours, self.theirs, strict=True)]
        walls = [_ratio(other.wall, own.wall) for own, other in zip(self.ours, self.theirs, strict=True)]
        own, other = self.ours[0].size, self.theirs[0].size
        return _line(
            self.name,
            f"{statistics.median(cost.cpu for cost in self.ours):.2f}",
            f"{statistics.median(cost.cpu for cost in self.theirs):.2f}",
            f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
            f"{statistics.median(walls):.1f}",
            f"{own / 1e6:.2f}",
            f"{other / 1e6:.2f}",
            f"{100 * (own / other - 1):+.1f} %",
        )


def compare(pairs: int, size: int) -> None:
    """Print the table for `size` MiB of programs in the complete variant."""
    if missing := [name for name in ("tar", "gzip", "dpkg-deb", "md5sum", "sha256sum") if shutil.which(name) is None]:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        release = stage(Path(folder), size << 20)
        print(f"{size} MiB and a third of them; medians of {pairs} pairs, taken in turns after one to warm up.\n")
        print(_line(*HEAD), _line(*("---" for _ in HEAD)), sep="\n")
        for name, ours, theirs in _works(release, Path(folder) / "usual"):
            print(_row(name, ours, theirs, pairs).line(), flush=True)


def _ratio(theirs: float, ours: float) -> float:
    # The system counts a process's time in steps; what is below one step is taken for one.
    return max(theirs, _STEP) / max(ours, _STEP)


def _works(release: Release, out: Path) -> tuple[tuple[str, Work, Work], ...]:
    archives, debs = partial(_ours, plan_archives), partial(_ours, plan_debs)
    xz = replace(release, project=replace(release.project, deb=replace(release.project.deb, compression="xz")))
    best = replace(release, project=replace(release.project, compression=12))
    same = replace(xz, project=replace(xz.project, compression=8))
    return (
        ("tar.gz, both at 6", partial(archives, release), partial(usual.archives, release, out, "-6")),
        ("tar.gz, slipway at 6, gzip at 9", partial(archives, release), partial(usual.archives, release, out, "-9")),
        ("tar.gz, slipway at 12, gzip at 9", partial(archives, best), partial(usual.archives, release, out, "-9")),
        ("deb, gzip (slipway 6, dpkg-deb 9)", partial(debs, release), partial(usual.debs, release, out, "gzip")),
        ("deb, xz (slipway 4, dpkg-deb 6)", partial(debs, xz), partial(usual.debs, xz, out, "xz")),
        ("deb, xz, both at 6", partial(debs, same), partial(usual.debs, xz, out, "xz")),
    )


def _ours(plan: Callable[[Release], Sequence[Step]], release: Release) -> Sequence[Path]:
    steps = tuple(plan(release))
    for step in (*steps, plan_checksums(release, "bench", steps)):
        step.run()
    return [step.outputs[0] for step in steps]


def _row(name: str, ours: Work, theirs: Work, pairs: int) -> Row:
    measured(ours), measured(theirs)
    costs = [(measured(ours), measured(theirs)) for _ in range(pairs)]
    return Row(name, tuple(own for own, _ in costs), tuple(other for _, other in costs))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
