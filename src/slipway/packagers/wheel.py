"""Wheels: those that the Python components build, given out with everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.components import PythonComponent
from slipway.config.pyproject import read_pyproject
from slipway.files import copy_hashed
from slipway.manifest import Place
from slipway.model import Release
from slipway.steps import Step

KIND: Final = "wheel"
# https://packaging.python.org/en/latest/specifications/binary-distribution-format/ has no media type of its own.
MEDIA_TYPE: Final = "application/zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishWheel:
    """Copy a wheel into the packages folder and write its record."""

    source: Path
    place: Place

    def __call__(self) -> None:
        """Copy, reading it once."""
        size, digests = copy_hashed(self.source, self.place.target, *self.place.digests, mode=0o644)
        self.place.note(size, digests, platform="any")


def plan_wheels(release: Release) -> tuple[Step, ...]:
    """Plan the wheel of every Python component that releases one."""
    return tuple(_step(release, part, name) for part, name in _wheels(release))


def wheel_names(release: Release) -> tuple[str, ...]:
    """The file names of all wheels of the project."""
    return tuple(name for _, name in _wheels(release))


def _wheels(release: Release) -> Iterable[tuple[PythonComponent, str]]:
    """The components that release a wheel; of those that belong to one project the first."""
    parts = [part for part in release.project.components if isinstance(part, PythonComponent) and part.wheel]
    return [
        (part, read_pyproject(part.path).wheel(release.version)) for part in {part.path: part for part in parts[::-1]}.values()
    ]


def _step(release: Release, part: PythonComponent, name: str) -> Step:
    run = PublishWheel(
        source=release.paths.dist / "platform" / "any" / name,
        place=Place.of(release, KIND, name, MEDIA_TYPE),
    )
    return Step(
        stage="package-binaries",
        key=f"any.{part.name}",
        doc=f"Give out {name}",
        run=run,
        inputs=(run.source,),
        outputs=run.place.outputs,
    )
