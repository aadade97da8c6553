"""Slipway beside goreleaser, nfpm and syft: two variants for six platforms, each with a program of its own."""

from __future__ import annotations

import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from bench import peers
from bench.inputs import stage_matrix, with_crates
from bench.timing import Cost, measured
from slipway.model import Release

HEAD: Final = ("what", "tool", "CPU s", "wall s", "MB of memory", "MB made", "CPU: slipway is")
Work = Callable[[], Sequence[Path]]


@dataclass(frozen=True)
class Line:
    """One comparison: slipway's work, what has to be there before it, and the same by another tool, which may not be here."""

    what: str
    ours: Work
    tool: str
    theirs: Work | None
    before: Callable[[], object] | None = None


def compare(pairs: int, size: int) -> None:
    """Print the table for programs of `size` MiB."""
    with tempfile.TemporaryDirectory() as folder:
        release = stage_matrix(Path(folder), size << 20)
        print(f"{len(release.cells)} distributions with a program of {size} MiB each; medians of {pairs} pairs, in turns.\n")
        print(_row(*HEAD), _row(*("---" for _ in HEAD)), sep="\n")
        for line in _lines(release, Path(folder)):
            for text in _measure(line, pairs):
                print(text, flush=True)
        print(*_growth(Path(folder), size, pairs), sep="\n")


def _lines(release: Release, folder: Path) -> Iterator[Line]:
    """Everything is made anew each time, but for the packages that come after the archives of the same run."""
    forget = partial(shutil.rmtree, release.paths.shelf, ignore_errors=True)
    alone, whole = _saved(folder / "alone", release, ()), _saved(folder / "whole", release, ("deb", "rpm"))
    quick = _saved(folder / "quick", replace(release, project=replace(release.project, compression=4)), ())
    archives, packages = (peers.prepare_goreleaser(release, folder / name, packages=name == "all") for name in ("some", "all"))
    made, kinds = folder / "made", ("archive", "checksums")
    yield Line("12 archives", partial(_slipway, alone, *kinds), "goreleaser", partial(peers.goreleaser, archives))
    yield Line("the same, at level 4", partial(_slipway, quick, *kinds), "goreleaser", partial(peers.goreleaser, archives))
    for kind in ("deb", "rpm"):
        theirs = partial(peers.nfpm, release, made, kind)
        yield Line(f"4 {kind} packages alone", partial(_slipway, whole, kind), "nfpm", theirs, forget)
        yield Line(f"4 {kind} packages after the archives", partial(_slipway, whole, kind), "nfpm", theirs)
    everything = partial(_slipway, whole, *kinds, "deb", "rpm")
    yield Line("archives, deb, rpm in one run", everything, "goreleaser", partial(peers.goreleaser, packages), forget)
    lists = tuple(release.paths.packages.glob("*.tar.gz"))
    crates = _saved(folder / "crates", with_crates(release, 300), ())
    # Once for the release, from what it is built from; and once for each archive, from what can be seen in it.
    yield Line("lists of contents", partial(_slipway, crates, "sbom"), "syft", partial(peers.syft, lists, made))


def _saved(path: Path, release: Release, packages: tuple[str, ...]) -> Path:
    path.write_bytes(pickle.dumps(replace(release, project=replace(release.project, packages=packages))))
    return path


def _slipway(saved: Path, *kinds: str) -> Sequence[Path]:
    words = [sys.executable, "-m", "bench.work", str(saved), *kinds]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return [Path(line) for line in done.stdout.splitlines()]


def _measure(line: Line, pairs: int) -> Iterator[str]:
    theirs = line.theirs if _is_here(line.tool) else None
    costs = [_pair(line, theirs) for _ in range(pairs + 1)][1:]
    yield _cells(line.what, "slipway", [own for own, _ in costs], "")
    if theirs is None:
        yield _row(line.what, f"{line.tool}: not installed", *("" for _ in HEAD[2:]))
        return
    others = [(own, other) for own, other in costs if other is not None]
    ratios = [other.cpu / own.cpu for own, other in others]
    said = f"{statistics.median(ratios):.1f} times less ({min(ratios):.1f} to {max(ratios):.1f})"
    yield _cells(line.what, line.tool, [other for _, other in others], said)


def _pair(line: Line, theirs: Work | None) -> tuple[Cost, Cost | None]:
    if line.before:
        line.before()
    return measured(line.ours), measured(theirs) if theirs else None


def _growth(folder: Path, size: int, pairs: int) -> Iterator[str]:
    """How time and memory grow with the size of the programs."""
    yield "\nWhat slipway takes for the archives, deb and rpm packages of programs of other sizes:\n"
    yield _row("MiB", "CPU s", "MB of memory")
    yield _row("---", "---", "---")
    for factor in (1, 2, 4):
        place = folder / f"times{factor}"
        saved = place / "release.pickle"
        release = stage_matrix(place, size * factor << 20)
        _saved(saved, release, ("deb", "rpm"))
        costs = []
        for _ in range(max(1, pairs // 2)):
            shutil.rmtree(release.paths.shelf, ignore_errors=True)
            costs.append(measured(partial(_slipway, saved, "archive", "deb", "rpm")))
        yield _row(str(size * factor), _median(costs, "cpu"), f"{max(cost.memory for cost in costs) / 1024:.0f}")
        shutil.rmtree(place)


def _cells(what: str, tool: str, costs: Sequence[Cost], said: str) -> str:
    memory = f"{max(cost.memory for cost in costs) / 1024:.0f}"
    return _row(what, tool, _median(costs, "cpu"), _median(costs, "wall"), memory, f"{costs[0].size / 1e6:.2f}", said)


def _median(costs: Sequence[Cost], name: str) -> str:
    return f"{statistics.median(getattr(cost, name) for cost in costs):.2f}"


def _is_here(tool: str) -> bool:
    return shutil.which(tool) is not None


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
