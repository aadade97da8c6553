"""One look before anything is compiled: what each platform needs, and all that is missing at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import tools
from slipway.build.toolchain import Way, choose
from slipway.errors import GateError
from slipway.model import CargoComponent, Release

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The needs of every platform; calling it looks at those that the run is about."""

    needs: tuple[Need, ...]

    @classmethod
    def of(cls, release: Release) -> Preflight:
        """Collect the needs of a release; reads nothing and runs nothing."""
        folders = sorted({part.path for part in release.project.components if isinstance(part, CargoComponent)})
        return cls(
            needs=tuple(
                Need(platform=row.id, triple=row.triple, folder=folder, way=choose(release, row))
                for row in {cell.platform.id: cell.platform for cell in release.matrix}.values()
                for folder in folders
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
    problems: dict[str, list[str]] = {}
    for need in needs:
        for problem in (answer for check in _CHECKS for answer in check(need)):
            platforms = problems.setdefault(problem, [])
            if need.platform not in platforms:
                platforms.append(need.platform)
    for problem, platforms in problems.items():
        yield f"  {', '.join(platforms)}: {problem}"


def _tools(need: Need) -> Iterator[str]:
    for name in need.way.tools:
        tool, found = tools.TOOLS[name], tools.find(name)
        if found is None:
            yield f"{name} is not installed ({tool.purpose}): {tools.how_to_install(name)}"
        elif tools.is_old(tool, found):
            yield f"{name} {found.version} is older than {tool.minimum}: {tools.how_to_install(name)}"


def _standard_library(need: Need) -> Iterator[str]:
    if need.way.needs_std and tools.find("cargo") and need.triple not in tools.rust_targets(need.folder):
        yield f"Rust's standard library for {need.triple} is missing: {tools.how_to_add_target(need.triple)}"


def _engine(need: Need) -> Iterator[str]:
    if need.way.name == "cross":
        from slipway import containers

        try:
            containers.engine()
        except GateError as error:
            yield f"cross needs a container engine; {error.message}: {error.hint} (or CROSS=false)"


_CHECKS: Final[tuple[Callable[[Need], Iterator[str]], ...]] = (_tools, _standard_library, _engine)
