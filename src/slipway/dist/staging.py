"""Plan and run the layout of the distributions: one folder and one contents file per cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.companions import completion_of, manual_of, program_of
from slipway.components import CargoComponent, CommandComponent, Component, PrebuiltComponent, PythonComponent, TreeComponent
from slipway.contents import Contents
from slipway.dist.bundle import bundled
from slipway.dist.copying import Source, copy_all
from slipway.errors import ConfigError, SlipwayError
from slipway.files import remove_tree, write_atomic
from slipway.model import Cell, Release
from slipway.steps import Step, unique

STAGE: Final = "dist-generate"
# These file systems hold one of two names that differ in case alone.
_CASELESS: Final = ("windows", "macos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file of a component, or of the project itself, and its place in the distribution; a `plain` one is never executable."""

    owner: str
    path: Path
    to: str
    verbatim: bool = True
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A bundled component and the folder of the distribution it goes to."""

    owner: str
    folder: Path
    contents: Path
    to: str
    verbatim: bool = False


def plan_staging(release: Release) -> tuple[Step, ...]:
    """One Step per distribution that the project can have."""
    return unique(_step(release, cell) for cell in release.matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Lay out one distribution: programs and data as they are, text with the platform's line ends."""

    name: str
    platform: str
    family: str
    variant: str
    newline: str
    epoch: int
    files: tuple[Placed, ...]
    trees: tuple[Tree, ...]
    folder: Path
    contents: Path

    def __call__(self) -> None:
        """Build the folder aside, replace the old one, and write the list of files last."""
        if missing := sorted(str(file.path) for file in self.files if not file.path.is_file()):
            raise SlipwayError(
                f"{self.name} lacks {', '.join(missing)}", hint=f"PLATFORMS={self.platform} doit build-cross makes them"
            )
        sources = self._sources()
        part = self.folder.parent / ".part" / self.name
        remove_tree(part)
        try:
            files = copy_all(sources, part, epoch=self.epoch, newline=self.newline)
            self.contents.unlink(missing_ok=True)
            remove_tree(self.folder)
            part.rename(self.folder)
        finally:
            remove_tree(part)
        found = Contents(name=self.name, platform=self.platform, variant=self.variant, files=files)
        write_atomic(self.contents, found.dump())

    def _sources(self) -> list[Source]:
        owners: dict[str, str] = {}
        found = []
        for owner, source in self._owned():
            name = source.to.casefold() if self.family in _CASELESS else source.to
            if name in owners:
                raise _twice(source.to, owners[name], owner)
            owners[name] = owner
            found.append(source)
        return found

    def _owned(self) -> Iterator[tuple[str, Source]]:
        for file in self.files:
            yield file.owner, Source(path=file.path, to=file.to, mode=_mode(file), verbatim=file.verbatim)
        for tree in self.trees:
            for entry in Contents.load(tree.contents).files:
                to = f"{tree.to.strip('/')}/{entry.path}".lstrip("/")
                yield tree.owner, Source(path=tree.folder / entry.path, to=to, mode=entry.mode, verbatim=tree.verbatim)


def _step(release: Release, cell: Cell) -> Step:
    parts = release.project.of(cell.variant)
    files = tuple(_files(release, cell, parts))
    trees = tuple(_trees(release, cell, parts))
    run = Stage(
        name=release.name_of(cell),
        platform=cell.platform.id,
        family=cell.platform.family,
        variant=cell.variant.name,
        newline=cell.platform.newline,
        epoch=release.epoch,
        files=files,
        trees=trees,
        folder=release.staged(cell),
        contents=release.contents(cell),
    )
    return Step(
        stage=STAGE,
        key=cell.id,
        doc=f"Lay out {release.name_of(cell)}",
        run=run,
        inputs=(*(tree.contents for tree in trees), *(file.path for file in files)),
        outputs=(release.contents(cell), release.staged(cell)),
    )


def _files(release: Release, cell: Cell, parts: Iterable[Component]) -> Iterator[Placed]:
    platform = cell.platform
    for part in parts:
        if isinstance(part, CargoComponent | PrebuiltComponent | PythonComponent):
            for name in part.programs:
                yield Placed(owner=part.name, path=release.binary(platform, name), to=f"bin/{name}{platform.exe}")
        elif isinstance(part, CommandComponent):
            for to in part.outputs:
                program = to.startswith("bin/")
                place = to + platform.exe if program else to
                yield Placed(owner=part.name, path=release.made(platform, to), to=place, verbatim=program)
    for document in release.project.documents:
        yield Placed(owner="documents", path=document, to=document.name, verbatim=False, plain=True)
    yield from _companions(release, parts)


def _companions(release: Release, parts: Iterable[Component]) -> Iterator[Placed]:
    """The manual pages and completions of the programs that a variant has; a page about no program goes with every variant."""
    install = release.project.install
    here, known = ({name for part in some for name in part.programs} for some in (parts, release.project.components))
    for path in install.completions:
        if (found := completion_of(path.name)) and found.name in here:
            yield Placed(owner="completions", path=path, to=found.place, plain=True)
    for path in install.manuals:
        if (page := manual_of(path.name)) and program_of(page.name, known) in {*here, ""}:
            yield Placed(owner="manuals", path=path, to=page.place, plain=True)


def _trees(release: Release, cell: Cell, parts: Iterable[Component]) -> Iterator[Tree]:
    for part in parts:
        if isinstance(part, PythonComponent) and part.has_folder(cell.platform):
            folder, contents = release.folder_of(cell.platform, part)
            yield Tree(owner=part.name, folder=folder, contents=contents, to=f"lib/{part.script}", verbatim=True)
        if isinstance(part, TreeComponent):
            folder, contents = bundled(release, part)
            yield Tree(owner=part.name, folder=folder, contents=contents, to=part.to)


def _mode(file: Placed) -> int:
    if file.to.startswith("bin/"):
        return 0o755
    return 0o755 if not file.plain and file.path.stat().st_mode & 0o100 else 0o644


def _twice(path: str, first: str, second: str) -> ConfigError:
    return ConfigError(
        f"components {first} and {second} both put a file at {path}",
        key=f"component.{second}",
        hint="give one of them another folder with `to`, or exclude the file from one",
    )
