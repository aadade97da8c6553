"""Faults of slipway.toml, collected and told all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config import lines
from slipway.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and the key where it is wrong."""

    path: lines.Path
    message: str
    hint: str = ""

    @property
    def key(self) -> str:
        """`component.docs.to`, `project.platforms[2]`."""
        text = ""
        for part in self.path:
            text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
        return text.removeprefix(".")


def config_error(file: Path, faults: Iterable[Fault], where: Mapping[lines.Path, int]) -> ConfigError:
    """Make one error of all faults, in the order of the file."""
    found = sorted(set(faults), key=lambda fault: (lines.line_of(where, fault.path) or 1, fault.key, fault.message))
    first, line = found[0], lines.line_of(where, found[0].path) or 1
    if len(found) == 1:
        return ConfigError(first.message, file=file, line=line, key=first.key or None, hint=first.hint or None)
    told = [f"{file.name} has {len(found)} faults"]
    for fault in found:
        told.append(f"  {file}:{lines.line_of(where, fault.path) or 1}: {fault.key}: {fault.message}")
        told += [f"    hint: {fault.hint}"] if fault.hint else []
    error = ConfigError("\n".join(told))
    error.file, error.line, error.key = file, line, first.key
    return error


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean X?`, and what else there is."""
    choices = list(dict.fromkeys(known))
    return f"{did_you_mean(word, choices)}known here: {', '.join(choices)}" if choices else ""
