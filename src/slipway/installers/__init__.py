"""Installers for end users. A new kind is a row in `KINDS` and a file beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from slipway.errors import UsageError
from slipway.installers.unix import KIND, STAGE, plan_unix_installers, script_names
from slipway.installers.validate import CheckScript
from slipway.model import Cell, Release
from slipway.platforms import FAMILIES
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `create-installer` is asked for; `output` is a folder other than packages/installers."""

    types: tuple[str, ...] = ("shell",)
    families: tuple[str, ...] = ()
    output: Path | None = None
    services: bool = True
    uninstaller: bool = True
    validate: bool = False


def _shell(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    return plan_unix_installers(release, cells=cells, services=wish.services, uninstaller=wish.uninstaller)


KINDS: Final[dict[str, Callable[[Release, tuple[Cell, ...], Wish], tuple[Step, ...]]]] = {"shell": _shell}
# Named by the documented --installer-types, but made by the packagers.
ELSEWHERE: Final = ("package",)


def plan_installers(release: Release, types: tuple[str, ...] = ("shell",)) -> tuple[Step, ...]:
    """Plan the installers of these kinds for the distributions that were asked for."""
    return _plan(release, release.cells, Wish(types=types))


def planned_names(release: Release) -> dict[str, tuple[str, ...]]:
    """The file names of all installers that the project can have, by kind of artifact."""
    return {KIND: script_names(release)}


def plan_for_distribution(release: Release, folder: Path, wish: Wish) -> tuple[Step, ...]:
    """Plan the installers of one distribution's folder, or of all that lie in `dist/`, as `create-installer` asks for them."""
    for family in wish.families:
        _known(family, FAMILIES, "family of platforms")
    cells = tuple(cell for cell in _cells(release, folder) if not wish.families or cell.platform.family in wish.families)
    steps = _plan(_writing_to(release, wish.output), cells, wish)
    return (*steps, *(_check(step) for step in steps if wish.validate))


def _plan(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    for kind in wish.types:
        _known(kind, (*KINDS, *ELSEWHERE), "kind of installer")
    return tuple(step for kind in wish.types if kind in KINDS for step in KINDS[kind](release, cells, wish))


def _writing_to(release: Release, output: Path | None) -> Release:
    return release if output is None else replace(release, paths=replace(release.paths, installers=output))


def _cells(release: Release, folder: Path) -> tuple[Cell, ...]:
    if folder.resolve() == release.paths.dist.resolve():
        return release.cells
    names = {release.name_of(cell): cell for cell in release.matrix}
    if (cell := names.get(folder.name)) is None:
        raise UsageError(
            f"{folder} is not a distribution of {release.base}", hint=f"name {release.paths.dist} or one of: {', '.join(names)}"
        )
    return (cell,)


def _check(step: Step) -> Step:
    return Step(
        stage=STAGE,
        key=f"validate.{step.key}",
        doc=f"Check {step.key} with sh and shellcheck",
        run=CheckScript(script=step.outputs[0]),
        inputs=(step.outputs[0],),
        always=True,
    )


def _known(name: str, valid: Iterable[str], what: str) -> None:
    if name not in (choices := tuple(valid)):
        near = get_close_matches(name, choices, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"unknown {what} {name!r}", hint=f"{meant}valid are {', '.join(choices)}")
