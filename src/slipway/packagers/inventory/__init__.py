"""What is inside a release: lists of its parts (CycloneDX, SPDX), of its files and of their licences, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.manifest import Place
from slipway.model import Release
from slipway.packagers.inventory import cyclonedx, spdx
from slipway.packagers.inventory.gather import inventory_path, plan_gathering
from slipway.packagers.inventory.parts import Inventory
from slipway.steps import Step

KIND: Final = "sbom"


@dataclass(frozen=True, slots=True)
class Form:
    """One format of the list of parts."""

    suffix: str
    media_type: str
    write: Callable[[Inventory, int], bytes]


FORMS: Final = {
    "cyclonedx": Form(cyclonedx.SUFFIX, cyclonedx.MEDIA_TYPE, cyclonedx.cyclonedx),
    "spdx": Form(spdx.SUFFIX, spdx.MEDIA_TYPE, spdx.spdx),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSbom:
    """Write the parts of a release in one format."""

    inventory: Path
    place: Place
    format: str
    epoch: int

    def __call__(self) -> None:
        """Write the list and its record."""
        data = FORMS[self.format].write(Inventory.load(self.inventory), self.epoch)
        with self.place.writer() as out:
            out.write(data)
        self.place.note(out.size, out.digests())


def plan_sboms(release: Release) -> tuple[Step, ...]:
    """Plan the list of parts in every format that is asked for, and the inventory which manifests of licences need too."""
    rules = release.project.sbom
    gathering = (plan_gathering(release),) if rules.formats or rules.manifests else ()
    return (*gathering, *(_step(release, name) for name in rules.formats))


def sbom_names(release: Release) -> tuple[str, ...]:
    """The file names of the lists of parts."""
    return tuple(f"{release.base}.{FORMS[name].suffix}" for name in release.project.sbom.formats)


def _step(release: Release, format_: str) -> Step:
    name = f"{release.base}.{FORMS[format_].suffix}"
    run = WriteSbom(
        inventory=inventory_path(release),
        place=Place.of(release, KIND, name, FORMS[format_].media_type),
        format=format_,
        epoch=release.epoch,
    )
    return Step(
        stage="package-binaries",
        key=f"any.{format_}",
        doc=f"List the parts in {name}",
        run=run,
        inputs=(run.inventory,),
        outputs=run.place.outputs,
    )
