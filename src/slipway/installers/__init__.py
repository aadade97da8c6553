"""Installers for end users. A new kind is a row in `KINDS` and a file beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.errors import UsageError, did_you_mean
from slipway.installers.container import container_script_names, plan_container_installers
from slipway.installers.getting import plan_getting
from slipway.installers.host import chosen_here
from slipway.installers.sandbox import Trial
from slipway.installers.scripts import KIND, STAGE
from slipway.installers.source import plan_source_installers, source_script_names
from slipway.installers.unix import plan_unix_installers, script_names
from slipway.installers.validate import ValidateInstallers
from slipway.installers.windows import ARCHIVE, plan_windows_installers, windows_script_names
from slipway.model import Cell, Release
from slipway.platforms import FAMILIES
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `create-installer` is asked for; `output` is a folder other than packages/installers."""

    types: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    output: Path | None = None
    services: bool = True
    uninstaller: bool = True
    validate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of installer: how its Steps are planned, and the file names that it can have."""

    plan: Callable[[Release, tuple[Cell, ...], Wish], tuple[Step, ...]]
    names: Callable[[Release], tuple[str, ...]]


def _shell(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    return plan_unix_installers(release, cells=cells, services=wish.services, uninstaller=wish.uninstaller)


def _powershell(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    # Whoever has not asked for it, and has no zip archives, is not to hear that it needs one.
    able = cells if wish.types else tuple(cell for cell in cells if ARCHIVE in _archives(release, cell))
    return plan_windows_installers(release, cells=able, services=wish.services, uninstaller=wish.uninstaller)


def _container(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    del wish  # what runs in the container is the image's affair, and the script removes what it has set up
    return plan_container_installers(release, cells=cells)


def _source(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    # It installs its own uninstaller, as install.sh does.
    return plan_source_installers(release, cells=cells, services=wish.services)


KINDS: Final[dict[str, Kind]] = {
    "shell": Kind(plan=_shell, names=script_names),
    "powershell": Kind(plan=_powershell, names=windows_script_names),
    "container": Kind(plan=_container, names=container_script_names),
    "source": Kind(plan=_source, names=source_script_names),
}
# Made by the packagers, who are asked by whoever asks us.
PACKAGE: Final = "package"
TYPES: Final = (*KINDS, PACKAGE)
# What is made where nobody says which: for the distributions of Unix, and for those of Windows.
USUAL: Final = ("shell", "powershell")


def plan_installers(release: Release, types: tuple[str, ...] = (), *, validate: bool = False) -> tuple[Step, ...]:
    """Plan the installers of these kinds for the distributions that were asked for."""
    return _plan(release, release.cells, Wish(types=types, validate=validate))


def planned_names(release: Release) -> dict[str, tuple[str, ...]]:
    """The file names of all installers that the project can have, by kind of artifact."""
    return {KIND: tuple(name for kind in KINDS.values() for name in kind.names(release))}


def plan_for_distribution(release: Release, folder: Path, wish: Wish) -> tuple[Step, ...]:
    """Plan the installers of one distribution's folder, or of all that lie in `dist/`, as `create-installer` asks for them."""
    target = release if wish.output is None else replace(release, paths=replace(release.paths, installers=wish.output))
    return _plan(target, cells_in(release, folder, wish.families), wish)


def cells_in(release: Release, folder: Path, families: tuple[str, ...] = ()) -> tuple[Cell, ...]:
    """The distribution of a folder, or all of `dist/`, as far as they are for these families of platforms."""
    for family in families:
        _known(family, FAMILIES, "family of platforms")
    found = tuple(cell for cell in _cells(release, folder) if not families or cell.platform.family in families)
    if not found:
        raise UsageError(f"{folder} has no distribution for {', '.join(families)}", hint="name other families with --platforms")
    return found


def require_types(types: Iterable[str]) -> None:
    """Raise UsageError for a kind of installer that there is not."""
    for kind in types:
        _known(kind, TYPES, "kind of installer")


def _plan(release: Release, cells: tuple[Cell, ...], wish: Wish) -> tuple[Step, ...]:
    require_types(wish.types)
    kinds = (KINDS[kind] for kind in dict.fromkeys(wish.types or USUAL) if kind in KINDS)
    made = tuple(step for kind in kinds for step in kind.plan(release, cells, wish))
    if not made:
        return ()
    checked = (_validation(release, cells, made),) if wish.validate else ()
    return (*made, *plan_getting(release, made), *checked)


def _cells(release: Release, folder: Path) -> tuple[Cell, ...]:
    if folder.resolve() == release.paths.dist.resolve():
        return release.cells
    names = {release.name_of(cell): cell for cell in release.matrix}
    if (cell := names.get(folder.name)) is None:
        raise UsageError(
            f"{folder} is not a distribution of {release.base}", hint=f"name {release.paths.dist} or one of: {', '.join(names)}"
        )
    return (cell,)


def _archives(release: Release, cell: Cell) -> tuple[str, ...]:
    return release.project.on(cell.platform).archives or (cell.platform.archive,)


def _validation(release: Release, cells: tuple[Cell, ...], made: tuple[Step, ...]) -> Step:
    # Of several names of one script, one is enough.
    scripts = tuple(step.outputs[0] for step in made)
    trial = _trial(release, cells, scripts)
    here = "" if trial else "no shell installer with a distribution for this machine was made"
    run = ValidateInstallers(scripts=scripts, trial=trial, untried=here)
    archives = () if trial is None else (trial.contents,)
    return Step(stage=STAGE, key="validate", doc="Check the installers", run=run, inputs=(*scripts, *archives), always=True)


def _trial(release: Release, cells: tuple[Cell, ...], scripts: tuple[Path, ...]) -> Trial | None:
    install = release.paths.installers / "install.sh"
    uninstall = release.paths.installers / f"uninstall-{release.project.name}.sh"
    cell = chosen_here(cells)
    if install not in scripts or cell is None:
        return None
    return Trial(
        name=release.project.name,
        script=install,
        uninstaller=uninstall if uninstall in scripts else None,
        packages=release.paths.packages,
        contents=release.contents(cell),
        variant=cell.variant.name,
    )


def _known(name: str, valid: Iterable[str], what: str) -> None:
    if name not in (choices := tuple(valid)):
        raise UsageError(f"unknown {what} {name!r}", hint=f"{did_you_mean(name, choices)}valid are {', '.join(choices)}")
