"""macOS packages: one product archive per distribution, and one for both processors, written without Apple's tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.contents import Contents
from slipway.files import spooled
from slipway.manifest import Place
from slipway.model import Cell, Release
from slipway.packagers.choice import cells_with
from slipway.packagers.pkg.component import Component, Maker
from slipway.packagers.pkg.distribution import distribution, texts_of
from slipway.packagers.pkg.product import Part, Product, part_of, product_of
from slipway.packagers.pkg.xar import Member, packed, write_xar
from slipway.render import sources
from slipway.steps import Step

KIND: Final = "pkg"
MEDIA_TYPE: Final = "application/vnd.apple.installer+xml"
FOLDER: Final = "binaries"
_BOTH: Final = ("macos-amd64", "macos-arm64")
_UNIVERSAL: Final = "macos-universal"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPkg:
    """Pack staged distributions of one variant as a product archive and write the record of it.

    With two parts, Installer takes the one that is for the machine's processor; `platform` is empty then.
    """

    parts: tuple[Part, ...]
    product: Product
    place: Place
    platform: str
    variant: str
    compression: int

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        maker = Maker(product=self.product, compression=self.compression)
        with ExitStack() as stack:
            spools = [stack.enter_context(spooled(self.place.target.parent)) for _ in self.parts]
            made = zip(self.parts, spools, strict=True)
            components = [maker.make(part, Contents.load(part.contents), spool) for part, spool in made]
            members = tuple(self._members(components))
            with self.place.writer() as out:
                write_xar(out, members, epoch=self.product.epoch)
        self.place.note(
            out.size,
            out.digests(),
            platform=self.platform,
            variant=self.variant,
            tools={name: version for each in components for name, version in each.tools.items()},
        )

    def _members(self, components: list[Component]) -> Iterator[Member]:
        texts = texts_of(self.product)
        processors = sorted({name for part in self.parts for name in part.processors.split(",")})
        yield packed("Distribution", distribution(self.product, components, processors, texts), self.compression)
        for name, data in texts.items():
            yield packed(f"Resources/{name}", data, self.compression)
        for component in components:
            yield from component.members


def plan_pkgs(release: Release) -> tuple[Step, ...]:
    """Plan a package of every macOS distribution that was asked for, and one for both processors where both were."""
    texts = tuple(
        text for folder in ("templates/pkg", "installers/launchd") for text in sources(folder, overrides=release.project.root)
    )
    groups = _groups(release, cells_with(release, KIND, release.cells))
    return tuple(_step(release, group, texts) for group in groups)


def pkg_names(release: Release) -> tuple[str, ...]:
    """The file names of all macOS packages that the project can have."""
    return tuple(_name(release, group) for group in _groups(release, cells_with(release, KIND, release.matrix)))


def _groups(release: Release, cells: tuple[Cell, ...]) -> tuple[tuple[Cell, ...], ...]:
    """The distributions of each package: one, or those for both processors when the project has no universal programs."""
    universal = any(cell.platform.id == _UNIVERSAL for cell in release.matrix)
    pairs = (
        tuple(cell for cell in cells if cell.variant == variant and cell.platform.id in _BOTH)
        for variant in release.project.variants
    )
    both = () if universal else (pair for pair in pairs if len(pair) == len(_BOTH))
    return (*((cell,) for cell in cells), *both)


def _name(release: Release, group: tuple[Cell, ...]) -> str:
    return f"{release.name_of(group[0])}.pkg" if len(group) == 1 else f"{release.base}-macos-{group[0].variant.name}.pkg"


def _step(release: Release, group: tuple[Cell, ...], texts: tuple[Path, ...]) -> Step:
    project, name = release.project, _name(release, group)
    pack = PackPkg(
        parts=tuple(part_of(release, cell) for cell in group),
        product=product_of(release),
        place=Place.of(release, KIND, name, MEDIA_TYPE, folder=FOLDER),
        platform=group[0].platform.id if len(group) == 1 else "",
        variant=group[0].variant.name,
        compression=project.compression,
    )
    return Step(
        stage="package-binaries",
        key=f"{'+'.join(cell.id for cell in group)}.{KIND}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(*(part.contents for part in pack.parts), *project.documents, *texts),
        outputs=pack.place.outputs,
    )
