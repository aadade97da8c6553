"""Source packages: the committed tree of a version, and the same with all crates beside it."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from slipway.components import CargoComponent
from slipway.compress import compressing, find_codec
from slipway.errors import ConfigError
from slipway.manifest import Place
from slipway.model import Project, Release
from slipway.packagers.choice import wanted
from slipway.packagers.entries import Entry, require_fit, text_entry, with_folders
from slipway.packagers.source.committed import NeedsCommit, export, find_commit, link_all, warn_of_difference
from slipway.packagers.source.vendored import vendored
from slipway.packagers.tar import tar_size, write_tar
from slipway.plain import ASIDE
from slipway.render import render, sources
from slipway.steps import Step

KIND: Final = "source"
STAGE: Final = "package-binaries"
TEMPLATES: Final = "templates/source"
SUFFIX: Final = ".tar.gz"
NOTES: Final = "BUILDING.md"
# By what a tree that says itself how it is built says it.
_USUAL: Final = re.compile(r"(?:build(?:ing)?|install(?:ing|ation)?|compiling)(?:\.(?:md|rst|txt|adoc))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """One `cargo build` that makes programs of the project; `manifest` is relative to the tree."""

    manifest: str
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the build instructions say; `file` is slipway.toml, relative to the tree and empty when it is outside."""

    name: str
    version: str
    summary: str
    file: str
    crates: tuple[Crate, ...]
    overrides: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSource:
    """Pack the files of a commit below one folder and write the record of the package."""

    root: Path
    commit: str
    tag: str
    vendor: bool
    notes: Notes
    place: Place
    compression: int
    epoch: int
    made: frozenset[Path] = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Pack; raises GateError without commits, VerificationError for what cannot be packed."""
        if not self.commit:
            NeedsCommit(self.root)()
        warn_of_difference(self.root, self.commit, self.tag, self.made)
        top = self.place.name.removesuffix(SUFFIX)
        with tempfile.TemporaryDirectory(prefix="slipway-source-") as scratch:
            found = self._complete(Path(scratch))
            require_fit((entry.path for entry in found), "")
            entries = with_folders(replace(entry, path=f"{top}/{entry.path}") for entry in found)
            size = tar_size(entries)
            with (
                self.place.writer() as out,
                compressing("gzip", out, compression=self.compression, size=size) as packed,
            ):
                write_tar(packed, entries, epoch=self.epoch)
        self.place.note(
            out.size, out.digests(), tools={"git": f"commit {self.commit}", **find_codec("gzip").tools(self.compression)}
        )

    def _complete(self, tree: Path) -> tuple[Entry, ...]:
        """The committed files, those of the crates, and the build instructions unless there are some."""
        entries = {entry.path: entry for entry in export(self.root, self.commit, tree)}
        if self.vendor:
            link_all(entries.values(), tree)
            more = vendored(tree, tuple(dict.fromkeys(crate.manifest for crate in self.notes.crates)))
            entries |= {entry.path: entry for entry in more}
        if not any(_USUAL.fullmatch(path) for path in entries):
            entries[NOTES] = text_entry(NOTES, self._instructions().encode())
        return tuple(entries.values())

    def _instructions(self) -> str:
        return render(
            f"{TEMPLATES}/{NOTES}.j2",
            overrides=self.notes.overrides,
            notes=self.notes,
            commit=self.commit,
            epoch=self.epoch,
            vendored=self.vendor,
        )


def plan_sources(release: Release) -> tuple[Step, ...]:
    """Plan the source package, and the one with all crates, where the project wants them."""
    names = source_names(release)
    if not names:
        return ()
    tag = release.project.version.tag_of(str(release.version))
    commit = find_commit(_root(release.project), tag)
    return tuple(_step(release, name, commit, tag) for name in names)


def source_names(release: Release) -> tuple[str, ...]:
    """The file names of the source packages that the project can have."""
    if KIND not in wanted(release):
        return ()
    names = (f"{release.base}{SUFFIX}", f"{release.base}-vendored{SUFFIX}")
    return names if release.project.source.vendored else names[:1]


def _step(release: Release, name: str, commit: str, tag: str) -> Step:
    project, vendor = release.project, name != f"{release.base}{SUFFIX}"
    root = _root(project)
    notes = _notes(release, root)
    if vendor and not notes.crates:
        raise ConfigError(
            "there are no crates to lay beside the source: no component is built by cargo",
            file=project.file,
            key="source.vendored",
            hint="leave it out",
        )
    pack = PackSource(
        root=root,
        commit=commit,
        tag=tag,
        vendor=vendor,
        notes=notes,
        place=Place.of(release, KIND, name, find_codec("gzip").media_type),
        compression=project.compression,
        epoch=release.epoch,
        made=release.paths.made,
    )
    return Step(
        stage=STAGE,
        key="any.source-vendored" if vendor else "any.source",
        doc=f"Pack {name}",
        run=pack,
        inputs=sources(TEMPLATES, overrides=project.root),
        outputs=pack.place.outputs,
        needs=(NeedsCommit(root),),
    )


def _root(project: Project) -> Path:
    return (project.root / project.source.root).resolve()


def _notes(release: Release, root: Path) -> Notes:
    project = release.project
    parts = [part for part in project.components if isinstance(part, CargoComponent)]
    file = project.file.resolve()
    return Notes(
        name=project.name,
        version=str(release.version),
        summary=project.summary,
        file=file.relative_to(root).as_posix() if file.is_relative_to(root) else "",
        crates=tuple(_crate(part, root) for part in parts if part.path.resolve().is_relative_to(root)),
        overrides=project.root,
    )


def _crate(part: CargoComponent, root: Path) -> Crate:
    profile = ("--release",) if part.profile == "release" else ("--profile", part.profile)
    binaries = _repeated("--bin", part.binaries)
    features = _repeated("--features", part.features)
    default = () if part.default_features else ("--no-default-features",)
    return Crate(
        manifest=(part.path.resolve() / "Cargo.toml").relative_to(root).as_posix(),
        options=shlex.join((*profile, "--package", part.package, *binaries, *default, *features, *part.arguments)),
    )


def _repeated(option: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))
