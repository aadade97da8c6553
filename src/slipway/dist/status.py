"""What is built: the version, and how far each distribution has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway import console
from slipway.manifest import load_record
from slipway.model import Cell, Paths, Release
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One distribution: the files that show how far it is."""

    id: str
    binaries: tuple[Path, ...]
    contents: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStatus:
    """Print the state of every distribution that was asked for."""

    name: str
    version: str
    paths: Paths
    rows: tuple[Row, ...]

    def __call__(self) -> None:
        """Print."""
        for line in self.lines():
            console.out(line)

    def lines(self) -> Iterator[str]:
        """The table, line by line."""
        yield f"Project  {self.name}"
        yield f"Version  {self.version}"
        yield ""
        width = max((len(row.id) for row in self.rows), default=0)
        yield f"{'':{width}}  compiled  laid out  packages      tested"
        kinds = _packages(self.paths, f"{self.name}-{self.version}")
        for row in self.rows:
            compiled = _yes(all(path.exists() for path in row.binaries))
            tested = _yes(any((self.paths.state / "reports").glob(f"test-dist-{self.name}-{self.version}-{row.id}-*.json")))
            made = ", ".join(sorted(kinds.get(row.id, ()))) or "no"
            yield f"{row.id:{width}}  {compiled:8}  {_yes(row.contents.exists()):8}  {made:12}  {tested}"


def plan_status(release: Release) -> tuple[Step, ...]:
    """The Step behind `status`."""
    rows = tuple(Row(id=cell.id, binaries=_binaries(release, cell), contents=release.contents(cell)) for cell in release.cells)
    show = ShowStatus(name=release.project.name, version=str(release.version), paths=release.paths, rows=rows)
    return (Step(stage="status", key="show", doc="Show the version and what is built", run=show, always=True),)


def _binaries(release: Release, cell: Cell) -> tuple[Path, ...]:
    parts = release.project.of(cell.variant)
    return tuple(release.binary(cell.platform, name) for part in parts for name in part.programs)


def _packages(paths: Paths, base: str) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for path in (paths.state / "artifacts").glob("*.json"):
        made = load_record(path)
        if made.release == base and (paths.packages / made.artifact.path).exists():
            kinds.setdefault(f"{made.artifact.platform}-{made.artifact.variant}", set()).add(made.artifact.kind)
    return kinds


def _yes(value: bool) -> str:
    return "yes" if value else "no"
