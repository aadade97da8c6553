"""Two lists for every distribution: all its files, and all licences of what is inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.contents import Contents
from slipway.manifest import Place
from slipway.model import Cell, Release
from slipway.packagers.inventory.gather import inventory_path
from slipway.packagers.inventory.parts import Inventory, License, Part, component_ref
from slipway.steps import Step

KIND: Final = "manifest"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
FOLDER: Final = "manifests"
SUFFIX: Final = "-manifest.txt"
LICENSES: Final = "-license-manifest.txt"
_FILES: Final = "# mode\tsize\tsha256\tpath"
_PARTS: Final = "# what\tname\tversion\tlicence\twhere its text is"
# One file is one line, as sha256sum has it.
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteManifest:
    """Write the files of a distribution, sorted by path, and the record of the list."""

    contents: Path
    place: Place

    def __call__(self) -> None:
        """Write; nothing of the distribution is read again."""
        contents = Contents.load(self.contents)
        rows = sorted((file.path, f"{file.mode:04o}\t{file.size}\t{file.sha256}") for file in contents.files)
        lines = [f"# {contents.name}: {len(rows)} files", _FILES, *(f"{facts}\t{_escaped(path)}" for path, facts in rows)]
        _publish(self.place, lines, contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLicenses:
    """Write the parts of a distribution with their licences, and the record of the list."""

    contents: Path
    inventory: Path
    components: tuple[str, ...]
    place: Place

    def __call__(self) -> None:
        """Write what the components of the distribution are and need."""
        contents, inventory = Contents.load(self.contents), Inventory.load(self.inventory)
        own = tuple(file.path for file in contents.files if file.path.upper().startswith(("LICENSE", "LICENCE", "COPYING")))
        refs = [component_ref(inventory.root.ref, name) for name in self.components]
        parts = (inventory.root, *inventory.below(refs, contents.platform))
        lines = [f"# {contents.name}: {len(parts)} parts", _PARTS, *(_line(part, own) for part in parts)]
        _publish(self.place, lines, contents)


def plan_manifests(release: Release) -> tuple[Step, ...]:
    """Plan both lists of every distribution that was asked for, if the project wants them."""
    wanted = release.cells if release.project.sbom.manifests else ()
    return tuple(step for cell in wanted for step in _steps(release, cell))


def manifest_names(release: Release) -> tuple[str, ...]:
    """The file names of both lists of every distribution that the project can have."""
    wanted = release.matrix if release.project.sbom.manifests else ()
    return tuple(f"{release.name_of(cell)}{suffix}" for cell in wanted for suffix in (SUFFIX, LICENSES))


def _steps(release: Release, cell: Cell) -> Iterator[Step]:
    contents = release.contents(cell)
    listing = WriteManifest(contents=contents, place=_place(release, cell, SUFFIX))
    yield Step(
        stage="create-archives",
        key=f"{cell.id}.manifest",
        doc=f"List the files in {listing.place.name}",
        run=listing,
        inputs=(contents,),
        outputs=listing.place.outputs,
    )
    told = WriteLicenses(
        contents=contents,
        inventory=inventory_path(release),
        components=cell.variant.components,
        place=_place(release, cell, LICENSES),
    )
    yield Step(
        stage="create-archives",
        key=f"{cell.id}.license-manifest",
        doc=f"List the licences in {told.place.name}",
        run=told,
        inputs=(contents, told.inventory),
        outputs=told.place.outputs,
    )


def _place(release: Release, cell: Cell, suffix: str) -> Place:
    return Place.of(release, KIND, f"{release.name_of(cell)}{suffix}", MEDIA_TYPE, folder=FOLDER)


def _line(part: Part, own: tuple[str, ...]) -> str:
    said = part.license.expression or part.license.said or (f"see {part.license.file}" if part.license.file else "NOASSERTION")
    columns = (part.kind, part.name, part.version, said, ", ".join(_texts(part, own)))
    return "\t".join(_escaped(column) or "-" for column in columns)


def _texts(part: Part, own: tuple[str, ...]) -> tuple[str, ...]:
    """Where the texts are: in the source of a part that has some, in the distribution for the project's own parts."""
    if part.license.texts:
        return tuple(f"{part.name}-{part.version}/{text}" for text in part.license.texts)
    return own if part.license != License() and not part.purl else ()


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)


def _publish(place: Place, lines: list[str], contents: Contents) -> None:
    with place.writer() as out:
        out.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    place.note(out.size, out.digests(), platform=contents.platform, variant=contents.variant)
