"""The work tree of a project: what in it is not as in the commit, besides what slipway itself writes there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from slipway.environments import DirStore
from slipway.git import Repository
from slipway.model import Paths, Project


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The folder of a project, and the folders and files that slipway writes: builds, packages, folders that are published."""

    root: Path
    outputs: tuple[Path, ...]

    @classmethod
    def of(cls, project: Project, paths: Paths) -> Self:
        """The work tree of a project whose outputs go to these paths."""
        stores = (store for environment in project.environments for store in environment.stores)
        published = {paths.root / store.path for store in stores if isinstance(store, DirStore)}
        return cls(project.root, tuple(sorted({*paths.made, *published})))

    @property
    def repository(self) -> Repository:
        """Its repository."""
        return Repository(self.root)

    def dirty(self) -> tuple[str, ...]:
        """What is changed or new, by the paths from the top of the repository."""
        top = self.repository.top
        whole = (path.resolve() for path in self.outputs)
        aside = [path.relative_to(top.resolve()).as_posix() for path in whole if top and path.is_relative_to(top.resolve())]
        # The whole tree may be one of them, when the project itself is published as it is: then nothing is set aside.
        return self.repository.dirty(aside=sorted({path for path in aside if path != "."}))
