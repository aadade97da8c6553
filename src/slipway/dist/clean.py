"""Remove what slipway made, and nothing else: `dist/` and `packages/` may hold files of the project's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.errors import SlipwayError
from slipway.files import explained, remove_tree
from slipway.manifest import load_record
from slipway.model import Paths, Release
from slipway.steps import Step

_LISTS: Final = ("manifest.json", "checksums.*", "SHA*SUMS", "B2SUMS", "MD5SUMS")


@dataclass(frozen=True, slots=True)
class CleanDist:
    """Remove distributions and packages; what is compiled stays."""

    paths: Paths

    def __call__(self) -> None:
        """Remove."""
        _remove(distribution_outputs(self.paths), self.paths, dry_run=False)


def plan_clean(release: Release) -> tuple[Step, ...]:
    """The Step behind `clean-dist`."""
    return (
        Step(
            stage="clean-dist", key="outputs", doc="Remove distributions and packages", run=CleanDist(release.paths), always=True
        ),
    )


def clean_everything(paths: Paths, *, dry_run: bool) -> None:
    """Remove every output, the compiler's own folders, the build log and what doit remembers."""
    _remove((*_outputs(paths, kept=()), paths.log), paths, dry_run=dry_run)


def clean_for_run(paths: Paths, *, dry_run: bool = False) -> None:
    """Remove every output and the compiler's own folders before a run that is about to make them; its own files stay.

    What proves that the tests passed for a commit stays too: the run does not make it.
    """
    found = tuple(path for path in _outputs(paths, kept=("doit.db", "project.json", "evidence")) if path.exists())
    if not found:
        return
    places = dict.fromkeys(f"{path.relative_to(paths.root).parts[0]}/" for path in found)
    console.say(f"{'would remove' if dry_run else 'remove'} what was made before in {', '.join(places)}")
    if not dry_run:
        for path in found:
            console.log(f"remove {path.relative_to(paths.root)}")
            with explained(path):
                remove_tree(path)
        _remove_empty_folders(paths)


def _outputs(paths: Paths, *, kept: tuple[str, ...]) -> tuple[Path, ...]:
    """Everything that slipway made here, and what compilers keep."""
    # The file of the lock and that of what doit remembers are open while a run lasts; which branch a release was prepared
    # from is no output.
    names = ("lock", ".gitignore", "prepared.json", *kept)
    state = (path for path in _children(paths.state) if not path.name.startswith(names))
    return (*distribution_outputs(paths), paths.dist / "platform", paths.dist / "core", *state)


def distribution_outputs(paths: Paths) -> tuple[Path, ...]:
    """The distributions, packages, lists and reports that slipway made here, of any version."""
    records = tuple((paths.state / "artifacts").glob("*.json"))
    contents = tuple(paths.dist.glob("*.contents.json"))
    staged = tuple(path.with_name(path.name.removesuffix(".contents.json")) for path in contents)
    lists = tuple(found for pattern in _LISTS for found in paths.packages.glob(pattern))
    # What a run that was killed had begun.
    begun = (*paths.packages.rglob(".*.part"), *paths.dist.rglob(".*.part"), paths.dist / ".part")
    return (*staged, *contents, *begun, *_packages(records, paths), *lists, *records, paths.state / "reports")


def _packages(records: Iterable[Path], paths: Paths) -> Iterator[Path]:
    for record in records:
        with suppress(SlipwayError):
            yield paths.packages / load_record(record).artifact.path


def _remove(found: Iterable[Path], paths: Paths, *, dry_run: bool) -> None:
    for path in found:
        if not path.exists() and not path.is_symlink():
            continue
        console.say(f"{'would remove' if dry_run else 'remove'} {path.relative_to(paths.root)}")
        if not dry_run:
            with explained(path):
                remove_tree(path)
    if not dry_run:
        _remove_empty_folders(paths)


def _remove_empty_folders(paths: Paths) -> None:
    for folder in (paths.installers, paths.packages / "binaries", paths.packages / "manifests", paths.packages, paths.dist):
        _remove_empty(folder, paths)


def _remove_empty(folder: Path, paths: Paths) -> None:
    left = _children(folder)
    if folder.is_dir() and not left:
        folder.rmdir()
    for path in left:
        if path.is_file():
            console.say(f"left alone: {path.relative_to(paths.root)} (slipway did not make it)")


def _children(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()
