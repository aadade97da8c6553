"""The parts of a distribution, as frozen data: one kind for each way in which files come about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from slipway.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Prebuilt:
    """Where the files of one platform come from when they were built elsewhere.

    `source` is a URL, or a folder, an archive or a file relative to slipway.toml; `files` maps what the component makes
    to patterns inside it.
    """

    source: str
    sha256: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


# What `{…}` may stand for in a command component. `${…}` is left to a shell, and `{{…}}` is `{…}` itself.
WORDS: Final = ("platform", "triple", "family", "arch", "exe", "version", "name", "epoch", "out")
_BRACES: Final = re.compile(r"\{\{(?P<literal>\w+)\}\}|(?<!\$)\{(?P<word>\w+)\}")


def words_of(platform: Platform, *, name: str, version: str) -> dict[str, str]:
    """What the words stand for that are about the project and a platform alone."""
    return {
        "platform": platform.id,
        "triple": platform.triple,
        "family": platform.family,
        "arch": platform.arch,
        "exe": platform.exe,
        "version": version,
        "name": name,
    }


def words_in(text: str) -> tuple[str, ...]:
    """The words in braces of a command, which are to be replaced."""
    return tuple(match["word"] for match in _BRACES.finditer(text) if match["word"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """Replace the words in braces; unknown ones stay."""
    return _BRACES.sub(lambda match: values.get(match["word"] or "", f"{{{match['literal'] or match['word']}}}"), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoComponent:
    """Binaries that cargo builds; they go to `bin/` of a distribution."""

    KIND: ClassVar[str] = "cargo"
    name: str
    path: Path
    package: str
    binaries: tuple[str, ...]
    features: tuple[str, ...] = ()
    default_features: bool = True
    profile: str = "release"
    arguments: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("**",)
    prebuilt: Mapping[str, Prebuilt] = field(default_factory=dict)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of what it puts in `bin/`."""
        return self.binaries


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeComponent:
    """Files that are copied: libraries, configuration, documentation."""

    KIND: ClassVar[str] = "tree"
    name: str
    path: Path
    to: str
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()

    @property
    def programs(self) -> tuple[str, ...]:
        """It makes no programs."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandComponent:
    """Files that any other command builds; `outputs` maps a place in the distribution to the file made."""

    KIND: ClassVar[str] = "command"
    name: str
    path: Path
    command: tuple[str, ...]
    outputs: Mapping[str, str]
    inputs: tuple[str, ...] = ("**",)
    prebuilt: Mapping[str, Prebuilt] = field(default_factory=dict)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of what it puts in `bin/`."""
        return tuple(to.removeprefix("bin/") for to in self.outputs if to.startswith("bin/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonComponent:
    """A Python project: its wheel, and a program for the host that brings its own Python."""

    KIND: ClassVar[str] = "python"
    name: str
    path: Path
    script: str
    entry: str = ""
    form: str = "onefile"
    wheel: bool = True
    python: str = ""
    requirements: str = ""
    collect: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("**",)
    prebuilt: Mapping[str, Prebuilt] = field(default_factory=dict)

    @property
    def programs(self) -> tuple[str, ...]:
        """The name of what it puts in `bin/`."""
        return () if self.form == "none" else (self.script,)

    def has_folder(self, platform: Platform) -> bool:
        """Whether its program comes with a folder; one that was built elsewhere is a single file."""
        return self.form == "onedir" and platform.id not in self.prebuilt


@dataclass(frozen=True, slots=True, kw_only=True)
class PrebuiltComponent:
    """Binaries that are never built here; `path` is the folder of slipway.toml."""

    KIND: ClassVar[str] = "prebuilt"
    name: str
    path: Path
    binaries: tuple[str, ...]
    prebuilt: Mapping[str, Prebuilt]

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of what it puts in `bin/`."""
        return self.binaries


Component = CargoComponent | TreeComponent | CommandComponent | PythonComponent | PrebuiltComponent
