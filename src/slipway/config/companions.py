"""What is wrong with the manual pages and completions that slipway.toml names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from slipway.companions import COMPLETIONS, MANUALS, Companion, completion_of, manual_of
from slipway.config.faults import Fault, suggestion
from slipway.config.schema import InstallTable

Kind = Callable[[str], Companion | None]
_KINDS: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("completions", completion_of, COMPLETIONS),
    ("manuals", manual_of, MANUALS),
)


def companion_faults(install: InstallTable, root: Path, programs: Sequence[str] | None) -> Iterator[Fault]:
    """Check the files; `programs` are those of all components, None when not all of these could be read."""
    for key, kind, known in _KINDS:
        owners: dict[str, str] = {}
        for index, text in enumerate(getattr(install, key)):
            path = ("install", key, index)
            if (found := kind(PurePosixPath(text).name)) is None:
                yield Fault(path, f"{text} is named like none of the {key} that slipway knows", f"they are called {known}")
            elif not (root / text).is_file():
                yield Fault(path, f"there is no file {text}", f"paths are relative to {root}")
            elif (other := owners.setdefault(found.place, text)) != text:
                yield Fault(path, f"{text} and {other} have one name", "they would overwrite each other")
            elif key == "completions" and programs is not None and found.name not in programs:
                yield Fault(path, f"no component makes the program {found.name!r}", suggestion(found.name, programs))
