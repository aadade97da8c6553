"""How the components of a project are built on a user's machine, in words for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.components import CargoComponent, CommandComponent, Component, PythonComponent, filled, words_of
from slipway.config.crates import find_root, packages
from slipway.config.pyproject import read_pyproject
from slipway.errors import ConfigError
from slipway.model import Project, Release
from slipway.plain import to_plain
from slipway.platforms import PLATFORMS

# What only the machine knows; the script has it in variables of these names.
_THERE: Final = ("platform", "triple", "family", "arch", "out")
_MARK: Final = re.compile(r"\x1f(\w+)\x1f")
ENTRY: Final = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that building needs, and the oldest version of it that will do."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One component: the folder of the source to be in, and what is run there; the texts are words for a shell."""

    kind: str
    name: str
    folder: str
    what: str
    why: str
    settings: str = ""
    options: str = ""
    profile: str = ""
    programs: tuple[str, ...] = ()
    command: str = ""
    outputs: tuple[tuple[str, str], ...] = ()
    module: str = ""
    function: str = ""
    requirements: str = ""

    def shown(self) -> Mapping[str, Any]:
        """What the template takes."""
        outputs = [{"place": place, "file": file} for place, file in self.outputs]
        return {**to_plain(self), "outputs": outputs, "program": next(iter(self.programs), "")}


def build_of(release: Release, part: Component, root: Path) -> Build:
    """How a component is built from the source package, whose files lie below `root`."""
    folder = below(release.project, root, part.path)
    if isinstance(part, CargoComponent):
        return _cargo(release, part, folder)
    if isinstance(part, CommandComponent):
        return _command(release, part, folder)
    assert isinstance(part, PythonComponent)
    return _python(part, folder)


def tools_of(part: Component) -> Iterator[Tool]:
    """The programs that building a component needs."""
    if isinstance(part, CargoComponent):
        yield Tool("cargo", _oldest_rust(part))
        yield Tool("cc")
    elif isinstance(part, CommandComponent):
        if "/" not in part.command[0]:
            yield Tool(part.command[0])
    elif isinstance(part, PythonComponent) and part.form != "none":
        yield Tool("python3", _oldest_python(part))
        yield Tool("pip")


def below(project: Project, root: Path, path: Path) -> str:
    """Where a file or a folder lies in the source package; raises ConfigError when it does not."""
    found = path.resolve()
    if not found.is_relative_to(root):
        raise ConfigError(
            f"{path} does not lie in the source package, so that no source installer can be made",
            file=project.file,
            key="source.root",
            hint="name the folder that holds all of the project",
        )
    return found.relative_to(root).as_posix()


def _cargo(release: Release, part: CargoComponent, folder: str) -> Build:
    profile = ("--release",) if part.profile == "release" else ("--profile", part.profile)
    words = (
        *(*profile, "--locked", "--package", part.package),
        *(word for name in part.binaries for word in ("--bin", name)),
        *(() if part.default_features else ("--no-default-features",)),
        *(word for name in part.features for word in ("--features", name)),
        *part.arguments,
    )
    strip = part.profile == "release" and release.project.symbols != "keep"
    return Build(
        kind="cargo",
        name=part.name,
        folder=folder,
        what=f"{', '.join(part.binaries)} with cargo",
        why=f"{part.name} is written in Rust",
        settings=shlex.join((*(("CARGO_PROFILE_RELEASE_STRIP=symbols",) if strip else ()), f"SOURCE_DATE_EPOCH={release.epoch}")),
        options=shlex.join(words),
        profile={"dev": "debug", "test": "debug", "bench": "release"}.get(part.profile, part.profile),
        programs=part.binaries,
    )


def _command(release: Release, part: CommandComponent, folder: str) -> Build:
    known = words_of(next(iter(PLATFORMS.values())), name=release.project.name, version=str(release.version))
    known |= {"epoch": str(release.epoch), "exe": ""} | {word: f"\x1f{word}\x1f" for word in _THERE}
    settings = (f"SLIPWAY_{word.upper()}={value}" for word, value in known.items())
    return Build(
        kind="command",
        name=part.name,
        folder=folder,
        what=f"{part.name} with {part.command[0]}",
        why="the project's own command makes it",
        settings=_words((*settings, f"SOURCE_DATE_EPOCH={release.epoch}", "TZ=UTC", "LC_ALL=C")),
        command=_words(filled(word, known) for word in part.command),
        outputs=tuple((place, _words((filled(file, known),))) for place, file in part.outputs.items()),
        programs=part.programs,
    )


def _python(part: PythonComponent, folder: str) -> Build:
    entry = part.entry or read_pyproject(part.path).scripts.get(part.script, "")
    match = ENTRY.fullmatch(entry)
    if match is None and part.form != "none":
        raise ConfigError(
            f"the source installer cannot start {part.script}: its entry is {entry!r}",
            key=f"component.{part.name}.entry",
            hint="name a function: entry = 'package.module:main'",
        )
    return Build(
        kind="python",
        name=part.name,
        folder=folder,
        what=f"{part.script} with pip",
        why=f"{part.name} is written in Python",
        programs=part.programs,
        module=match[1] if match else "",
        function=match[2] if match else "",
        requirements=shlex.join(("--requirement", part.requirements)) if part.requirements else "",
    )


def _words(texts: Iterable[str]) -> str:
    return " ".join(_word(text) for text in texts)


def _word(text: str) -> str:
    """One word for a shell, in which marked names are variables."""
    pieces = _MARK.split(text)
    spoken = (f'"$b_{piece}"' if number % 2 else shlex.quote(piece) if piece else "" for number, piece in enumerate(pieces))
    return "".join(spoken) or "''"


def _oldest_rust(part: CargoComponent) -> str:
    if not (part.path / "Cargo.toml").is_file():
        return ""
    folders = dict.fromkeys((part.path, find_root(part.path)))
    found = (each for folder in folders for each in packages(folder) if each.name == part.package)
    return next((text for each in found if (text := each.text("rust-version"))), "")


def _oldest_python(part: PythonComponent) -> str:
    said = str(read_pyproject(part.path).facts.get("requires-python", ""))
    match = re.search(r">=\s*(\d+(?:\.\d+)*)", said)
    return match[1] if match else ""
