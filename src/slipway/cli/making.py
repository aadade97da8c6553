"""What `create-installer` plans: scripts by the installers, packages by the packagers, and the check of both."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from slipway import console
from slipway.errors import UsageError
from slipway.flow import plan_packages
from slipway.installers import PACKAGE, Wish, cells_in, plan_for_distribution, require_types
from slipway.model import Cell
from slipway.packagers.binaries import CopyPackage
from slipway.request import Request
from slipway.steps import Step
from slipway.verify.package import inspect


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectPackages:
    """Read packages back, each by its own format's reader."""

    packages: tuple[Path, ...]
    dist: Path

    def __call__(self) -> None:
        """Say what was checked; raises VerificationError with every fault."""
        # Beside them may lie what is none of this run's.
        with tempfile.TemporaryDirectory(prefix="slipway-packages-") as folder:
            for package in self.packages:
                shutil.copyfile(package, Path(folder) / package.name)
            found = inspect(Path(folder), dist=self.dist)
        for line in found.table():
            console.say(f"      {line}")
        found.conclude()


def plan_making(request: Request, folder: Path, wish: Wish) -> tuple[Step, ...]:
    """Plan all that is wished for; raises UsageError when that is nothing."""
    require_types(wish.types)
    cells = cells_in(request.release, folder, wish.families)
    steps = plan_for_distribution(request.release, folder, wish)
    if PACKAGE in wish.types:
        steps += tuple(_packages(request, cells, wish))
    if not steps:
        kinds, names = ", ".join(wish.types) or "shell or powershell", ", ".join(cell.id for cell in cells)
        raise UsageError(f"there is no installer of the kind {kinds} for {names}", hint="name another with --installer-types")
    return steps


def _packages(request: Request, cells: tuple[Cell, ...], wish: Wish) -> Iterator[Step]:
    """The packages of some distributions; they are made where the manifest lists them, and copied from there.

    Those without services are not what the manifest lists, although they are called the same.
    """
    if not wish.services and wish.output is None:
        raise UsageError("packages without services are called like those with them", hint="say where they go: --output-dir DIR")
    made = plan_packages(request if wish.services else _without_services(request), cells)
    yield from made
    packages = tuple(step.outputs[0] for step in made)
    for source in packages if wish.output else ():
        yield _copy(source, Path(wish.output or "") / source.name)
    if wish.validate and packages:
        run = InspectPackages(packages=packages, dist=request.release.paths.dist)
        yield Step(stage="create-installers", key="validate-packages", doc="Check the packages", run=run, inputs=packages)


def _copy(source: Path, target: Path) -> Step:
    run = CopyPackage(source=source, target=target)
    return Step(
        stage="create-installers",
        key=f"copy.{target.name}",
        doc=f"Copy {target.name}",
        run=run,
        inputs=(source,),
        outputs=(target,),
    )


def _without_services(request: Request) -> Request:
    release = request.release
    state = release.paths.state / "without-services"
    paths = replace(release.paths, packages=state / "packages", state=state)
    return replace(request, release=replace(release, project=replace(release.project, services=()), paths=paths))
