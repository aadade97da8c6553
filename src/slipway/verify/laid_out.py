"""Check a distribution that is laid out in a folder against the list of its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slipway.contents import Contents
from slipway.errors import GateError, VerificationError
from slipway.files import digest_file
from slipway.verify.embedded import embedded_faults
from slipway.verify.listed import files_below
from slipway.verify.outcome import Outcome
from slipway.verify.signatures import Keyring


def distribution_outcomes(folder: Path, listed: Path, keys: Keyring) -> Iterator[Outcome]:
    """Check the list and every file of a distribution: one outcome for the whole, and one for each file with a fault."""
    try:
        contents = Contents.load(listed)
    except VerificationError as error:
        yield Outcome(path=listed.name, kind="distribution", faults=(error.message,))
        return
    found = dict(_faults(folder / contents.name, contents))
    lacks: list[str] = []
    for file in (file for file in contents.files if file.path.endswith(".exe") and file.path not in found):
        try:
            if said := list(embedded_faults(folder / contents.name / file.path, keys)):
                found[file.path] = "; ".join(said)
        except GateError as error:
            lacks.append(f"{file.path}: {error.message}")
    for path, fault in found.items():
        yield Outcome(path=f"{contents.name}/{path}", kind="file", faults=(fault,))
    size = sum(file.size for file in contents.files)
    checks = () if found else ("bytes", "modes")
    yield Outcome(path=listed.name, kind="distribution", size=size, checks=checks, lacks=tuple(lacks))


def _faults(root: Path, contents: Contents) -> Iterator[tuple[str, str]]:
    wanted = {file.path: file for file in contents.files}
    for path in sorted({*wanted, *files_below(root)}):
        place = root / path
        if path not in wanted:
            yield path, "it is not among the distribution's files"
        elif place.is_symlink() or not place.is_file():
            yield path, "it is a link" if place.is_symlink() else "it is missing"
        elif place.stat().st_size != wanted[path].size or digest_file(place) != wanted[path].sha256:
            yield path, "it has changed since the distribution was laid out"
        elif place.stat().st_mode & 0o7777 != wanted[path].mode:
            yield path, f"its mode is not {wanted[path].mode:04o} any more"
