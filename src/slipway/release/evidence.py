"""What proves that tests passed for one commit: written when they have passed, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from slipway.actions.journal import whoami
from slipway.errors import SlipwayError, VerificationError
from slipway.files import write_atomic
from slipway.model import Paths, Release
from slipway.release.worktree import WorkTree
from slipway.steps import Step

TESTS: Final = "tests"
_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What passed, for which commit, when and at whose place; `clean` is whether the files were those of the commit."""

    name: str
    commit: str
    clean: bool
    at: str
    by: str
    schema: int = _SCHEMA


def record_evidence(name: str, tree: WorkTree, folder: Path) -> Evidence:
    """Write that something passed for the commit that is checked out."""
    return _write(_now(name, tree), folder)


def forget_evidence(name: str, folder: Path) -> None:
    """Remove what says that something passed, before it is tried again."""
    _path(folder, name).unlink(missing_ok=True)


def read_evidence(name: str, folder: Path) -> Evidence | None:
    """What was written; None when nothing was. Raises VerificationError when it cannot be read."""
    path = _path(folder, name)
    if not path.is_file():
        return None
    try:
        found = Evidence(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise VerificationError(f"{path} cannot be read: {error}", hint="run the tests again") from error
    if found.schema != _SCHEMA:
        raise VerificationError(f"{path} is of schema {found.schema}", hint="run the tests again")
    return found


def evidence_folder(paths: Paths) -> Path:
    """Where it all lies."""
    return paths.state / "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginProof:
    """Note what is about to be tested, and forget what passed before."""

    name: str
    tree: WorkTree
    folder: Path

    def __call__(self) -> None:
        """Note the commit, and whether the files are those of it."""
        forget_evidence(self.name, self.folder)
        record_evidence(f"{self.name}.begun", self.tree, self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndProof:
    """Write that the tests passed, for what they began with."""

    name: str
    tree: WorkTree
    folder: Path

    def __call__(self) -> None:
        """Nothing is proven when the files changed while the tests ran."""
        begun = read_evidence(f"{self.name}.begun", self.folder)
        forget_evidence(f"{self.name}.begun", self.folder)
        found = _now(self.name, self.tree)
        same = begun is not None and begun.clean and begun.commit == found.commit
        _write(replace(found, clean=found.clean and same), self.folder)


def proven(release: Release, name: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Some Steps that test, between two that write down what they prove; no Steps prove nothing."""
    if not (found := tuple(steps)):
        return ()
    stage, tree, folder = found[0].stage, WorkTree.of(release.project, release.paths), evidence_folder(release.paths)
    begin = Step(
        stage=stage,
        key="begin",
        doc="Note which commit is tested",
        run=BeginProof(name=name, tree=tree, folder=folder),
        always=True,
    )
    end = Step(
        stage=stage,
        key="proof",
        doc="Note that the tests passed",
        run=EndProof(name=name, tree=tree, folder=folder),
        after=tuple(step.name for step in found),
        always=True,
    )
    return (begin, *(replace(step, after=(*step.after, begin.name)) for step in found), end)


def _now(name: str, tree: WorkTree) -> Evidence:
    commit, clean = tree.repository.commit_of("HEAD"), False
    # Tests also run where there is no git; then they prove nothing about a commit.
    with suppress(SlipwayError):
        clean = bool(commit) and not tree.dirty()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Evidence(name=name, commit=commit, clean=clean, at=at, by=whoami())


def _write(found: Evidence, folder: Path) -> Evidence:
    write_atomic(_path(folder, found.name), json.dumps(asdict(found), indent=1).encode() + b"\n")
    return found


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
