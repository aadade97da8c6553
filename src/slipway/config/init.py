"""The first slipway.toml of a project, written from what its Cargo.toml or its pyproject.toml says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from slipway import process
from slipway.config.crates import Package, packages
from slipway.config.pyproject import FILE, PythonProject, find_version, read_pyproject
from slipway.errors import ConfigError
from slipway.licenses import normalised
from slipway.platforms import host_platform

_DOCUMENTS: Final = ("readme", "license", "licence", "copying", "unlicense", "notice", "changelog", "changes", "news")
_NAME: Final = re.compile(r"[^<>\n]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>")


def starting_file(folder: Path, *, replace: bool = False) -> str:
    """Return a slipway.toml for the cargo project, or else the Python project, in a folder; it works as it is.

    Raises ConfigError when there is neither, when nothing in it makes a program, and, unless `replace`, when there is a
    slipway.toml already.
    """
    if (there := folder / "slipway.toml").exists() and not replace:
        raise ConfigError(
            "exists already", file=there, hint="slipway init --force replaces it; --dry-run shows what would be written"
        )
    if (folder / FILE).is_file() and not (folder / "Cargo.toml").is_file():
        return _joined(_python_blocks(read_pyproject(folder)))
    found = packages(folder)
    if not (makers := tuple(package for package in found if package.binaries)):
        raise ConfigError(
            "no package in it has a binary",
            file=folder / "Cargo.toml",
            hint="slipway releases programs: add src/main.rs, or describe other parts in a slipway.toml by hand",
        )
    blocks = (
        _project(folder, makers),
        _version(folder, found, makers),
        *map(_component, makers),
        _MORE,
        _install(makers),
        _PUBLISHING,
    )
    return _joined((_HEADER, *blocks))


def _joined(blocks: Iterable[Iterable[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


_HEADER: Final = (
    "# How this project is released. Every key: docs/reference/slipway.toml.md of slipway.",
    '# All six platforms are released; to choose, add to [project]: platforms = ["linux-amd64", "macos-arm64"]',
)


_MORE: Final = (
    '# Other files come as components too: kind = "tree" copies a folder (path) to a place such as',
    '# to = "share/NAME" or "etc/NAME", kind = "command" makes files by any program.',
)

_PUBLISHING: Final = (
    "# Releases are published into the folder published/ until [environment.NAME] says where else:",
    "# docs/environments.md of slipway.",
)


def _project(folder: Path, makers: tuple[Package, ...]) -> list[str]:
    main = makers[0]
    name = _slug(main.name if len(makers) == 1 or main.folder == folder else folder.resolve().name)
    summary = " ".join(main.text("description").split()).rstrip(".")
    lines = ["[project]", f"name = {_text(name)}"]
    lines.append(f"summary = {_text(summary)}" if summary else f"summary = {_text(name)}  # what it does, in one line")
    lines += _known("license", normalised(main.text("license")), "an SPDX expression such as MIT")
    lines += _known("maintainer", _maintainer(main.texts("authors")), "Name <mail>; packages need it")
    lines += _known("homepage", next(_pages(main), ""), "https://…")
    if documents := _documents(folder):
        lines.append(f"documents = {_list(documents)}  # at the top of every archive")
    return lines


def _known(key: str, value: str, missing: str) -> list[str]:
    return [f"{key} = {_text(value)}" if value else f'# {key} = ""  # {missing}']


def _pages(package: Package) -> Iterator[str]:
    return (text for key in ("homepage", "repository") if re.fullmatch(r"https?://\S+", text := package.text(key)))


def _documents(folder: Path) -> list[str]:
    wanted = [path.name for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(_DOCUMENTS)]
    return sorted(wanted, key=lambda name: (not name.lower().startswith("readme"), name))


def _version(folder: Path, found: tuple[Package, ...], makers: tuple[Package, ...]) -> list[str]:
    """Say where the version stands, unless it stands where slipway looks first: in the Cargo.toml at the top."""
    main = makers[0]
    if not main.text("version"):
        return ["[version]", 'source = "git"  # no Cargo.toml says it']
    top = next((package for package in found if package.folder == folder), None)
    if (top is not None and top.text("version")) or main.shared.get("version"):
        return []
    return ["[version]", f"path = {_text((main.folder / 'Cargo.toml').relative_to(folder).as_posix())}"]


def _component(package: Package) -> list[str]:
    name = _slug(package.name)
    lines = [f"[component.{name}]", 'kind = "cargo"']
    if name != package.name:
        lines.append(f"package = {_text(package.name)}")
    if package.binaries != (package.name,):
        lines.append(f"binaries = {_list(package.binaries)}")
    return lines


def _install(makers: tuple[Package, ...]) -> list[str]:
    return ["[install]", f"health = {_list((makers[0].binaries[0], '--version'))}  # shows that an installation works"]


def _python_blocks(found: PythonProject) -> list[Iterable[str]]:
    if not (scripts := tuple(found.scripts)):
        raise ConfigError(
            "there is no console script in [project.scripts]",
            file=found.folder / FILE,
            hint="slipway releases programs: add one, or describe other parts in a slipway.toml by hand",
        )
    parts = [_python_component(script, wheel=index == 0) for index, script in enumerate(scripts)]
    health = ["[install]", f"health = {_list((scripts[0], '--version'))}  # shows that an installation works"]
    return [_HEADER[:1], _python_project(found), _python_version(found), *parts, _MORE, health, _PUBLISHING]


def _python_project(found: PythonProject) -> list[str]:
    facts, name = found.facts, _slug(str(found.facts["name"]))
    summary = " ".join(str(facts.get("description", "")).split()).rstrip(".")
    license_ = facts.get("license")
    people = [f"{each.get('name')} <{each.get('email')}>" for each in facts.get("authors", []) if isinstance(each, dict)]
    pages = [url for url in dict(facts.get("urls", {})).values() if re.fullmatch(r"https?://\S+", str(url))]
    return [
        "[project]",
        f"name = {_text(name)}",
        f"summary = {_text(summary)}" if summary else f"summary = {_text(name)}  # what it does, in one line",
        *_known("license", normalised(license_) if isinstance(license_, str) else "", "an SPDX expression such as MIT"),
        *_known("maintainer", _maintainer(people), "Name <mail>; packages need it"),
        *_known("homepage", next(iter(pages), ""), "https://…"),
        *([f"documents = {_list(documents)}  # at the top of every archive"] if (documents := _documents(found.folder)) else []),
        "# A program that brings its own Python is made on the platform that it is for.",
        f"platforms = {_list([host_platform().id])}",
    ]


def _python_version(found: PythonProject) -> list[str]:
    try:
        find_version(found.folder / FILE)
    except ConfigError:
        return ["[version]", 'source = "git"  # pyproject.toml does not say it']
    return ["[version]", 'source = "python"']


def _python_component(script: str, *, wheel: bool) -> list[str]:
    name = _slug(script)
    lines = [f"[component.{name}]", 'kind = "python"']
    lines += [f"script = {_text(script)}"] if name != script else []
    return lines if wheel else [*lines, "wheel = false  # one component releases it"]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(_text(item) for item in items)}]"


def _maintainer(authors: Iterable[str]) -> str:
    """The first author that is named with an address, else whom git knows as the author of commits."""
    name, mail = ((process.capture(["git", "config", f"user.{key}"]) or "").strip() for key in ("name", "email"))
    return next(filter(_NAME.fullmatch, (*authors, f"{name} <{mail}>")), "")
