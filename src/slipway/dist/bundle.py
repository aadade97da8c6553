"""Plan and run the collecting of the files that are copied: one checked, normalised tree per component."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.components import TreeComponent
from slipway.contents import Contents
from slipway.dist.copying import TEXT_LIMIT, Source, copy_all, is_text_name, is_utf8
from slipway.errors import ConfigError, VerificationError
from slipway.files import remove_tree, write_atomic
from slipway.model import Release
from slipway.steps import Step, unique
from slipway.trees import select

STAGE: Final = "bundle-core"


def plan_bundle(release: Release) -> tuple[Step, ...]:
    """One Step per tree component."""
    return unique(_step(release, part) for part in release.project.components if isinstance(part, TreeComponent))


def bundled(release: Release, component: TreeComponent) -> tuple[Path, Path]:
    """The folder of a bundled component, and the file that lists what it holds."""
    core = release.paths.dist / "core"
    return core / component.name, core / f"{component.name}.contents.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Check and copy the files of a component; `files` are relative to its folder."""

    component: str
    source: Path
    files: tuple[str, ...]
    folder: Path
    contents: Path
    epoch: int

    def __call__(self) -> None:
        """Check everything, copy aside, and put the finished tree in place."""
        faults = [fault for name in self.files for fault in _faults(self.source, name)]
        if not self.files:
            raise ConfigError(
                f"component {self.component} selects no file in {self.source}",
                key=f"component.{self.component}",
                hint="correct path, include and exclude in slipway.toml",
            )
        if faults:
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise VerificationError(f"component {self.component} cannot be bundled:\n{listed}", hint="mend the files named above")
        part = self.folder.parent / f".{self.folder.name}.part"
        remove_tree(part)
        sources = [Source(path=self.source / name, to=name, mode=_mode(self.source / name)) for name in self.files]
        try:
            files = copy_all(sources, part, epoch=self.epoch)
            self.contents.unlink(missing_ok=True)
            remove_tree(self.folder)
            part.rename(self.folder)
        finally:
            remove_tree(part)
        write_atomic(self.contents, Contents(name=self.component, platform="", variant="", files=files).dump())


def _step(release: Release, part: TreeComponent) -> Step:
    folder, contents = bundled(release, part)
    files = select(part.path, part.include, part.exclude, skip=release.paths.made)
    run = Bundle(component=part.name, source=part.path, files=files, folder=folder, contents=contents, epoch=release.epoch)
    return Step(
        stage=STAGE,
        key=part.name,
        doc=f"Collect and check the files of {part.name}",
        run=run,
        # Links that lead nowhere are told when the Step runs.
        inputs=tuple(path for name in files if (path := part.path / name).is_file()),
        outputs=(contents, *(folder / name for name in files)),
    )


def _faults(root: Path, name: str) -> Iterator[str]:
    path = root / name
    # realpath, because resolve() fails where links go round in circles.
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        yield f"{path} is a link that leads out of {root}"
    elif not path.is_file():
        yield f"{path} is not a file" if path.exists() else f"{path} is a link to nothing"
    elif not os.access(path, os.R_OK):
        yield f"{path} cannot be read: check its owner and mode"
    elif is_text_name(name) and path.stat().st_size <= TEXT_LIMIT and (b"\0" in (data := path.read_bytes()) or not is_utf8(data)):
        yield f"{path} is text by its name, but not UTF-8"


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644
