"""One look before anything is compiled: what each platform needs, and all that is missing at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.build.toolchain import Way, choose
from slipway.components import CargoComponent
from slipway.errors import GateError
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.toolchains import Question, lacks, told

HINT: Final = (
    "run the commands at the ends of the lines, then the same target again; PLATFORMS=host builds for this machine alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What compiling one workspace for one platform takes."""

    platform: str
    triple: str
    folder: Path
    way: Way

    @property
    def question(self) -> Question:
        """What to ask the table of toolchains."""
        return Question(
            toolchain=self.way.toolchain,
            platform=PLATFORMS[self.platform],
            folder=self.folder,
            image=self.way.image or self.way.cross_toml,
            start=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The needs of every platform; calling it looks at those that the run is about."""

    needs: tuple[Need, ...]

    @classmethod
    def of(cls, release: Release) -> Preflight:
        """Collect the needs of a release; reads nothing and runs nothing."""
        parts = [part for part in release.project.components if isinstance(part, CargoComponent)]
        return cls(
            needs=tuple(
                Need(platform=row.id, triple=row.triple, folder=folder, way=choose(release, row))
                for row in release.compiled
                for folder in sorted({part.path for part in parts if row.id not in part.prebuilt})
            )
        )

    def __call__(self, platform: str) -> None:
        """Raise GateError with everything that is missing for this platform and all that the run is about.

        The answer is remembered for the process, so many Steps ask once.
        """
        wanted = _announced | {platform}
        key = repr(sorted(wanted)) + repr(self)
        with _lock:
            if key not in _answers:
                _answers[key] = tuple(_missing(need for need in self.needs if need.platform in wanted))
            missing = _answers[key]
        if missing:
            raise GateError("\n".join(["this machine cannot compile what was asked for:", *missing]), hint=HINT)


def announce(platforms: Iterable[str]) -> None:
    """Say which platforms the run is about, so that the first compile Step looks at all of them.

    Without it every compile Step looks at its own platform alone. Steps are planned for all platforms before
    anybody knows which of them will run, so this cannot be part of the plan.
    """
    _announced.clear()
    _announced.update(platforms)


_announced: Final[set[str]] = set()


_lock: Final = threading.Lock()
_answers: Final[dict[str, tuple[str, ...]]] = {}


def _missing(needs: Iterable[Need]) -> Iterator[str]:
    for line in told((need.platform, lack) for need in needs for lack in lacks(need.question)):
        yield f"  {line}"
