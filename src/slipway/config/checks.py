"""What the tables of slipway.toml have to agree on among each other, and with the files of the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from slipway.components import WORDS, words_in
from slipway.config import lines
from slipway.config.case import Case, Named
from slipway.config.companions import companion_faults
from slipway.config.container import container_faults
from slipway.config.debian import debian_faults
from slipway.config.faults import Fault, suggestion
from slipway.config.parts import CargoTable, CommandTable, ComponentTable, PrebuiltTable, PythonTable, TreeTable
from slipway.config.publishing import publishing_faults
from slipway.config.python import python_faults
from slipway.config.schema import SlipwayFile
from slipway.config.services import service_faults
from slipway.config.sources import source_faults
from slipway.errors import UsageError
from slipway.layout import ROLES
from slipway.licenses import normalised
from slipway.platforms import PLATFORMS, find_platform
from slipway.version import Version

# What can be said of a platform whose programs are joined from those of others.
_OF_JOINED: Final = {"archives", "macos"}
VERSION_FILES: Final = {"cargo": "Cargo.toml", "file": "VERSION", "python": "pyproject.toml"}


@dataclass(frozen=True, slots=True)
class Draft:
    """The tables that could be read, and all names in the file, also of parts that had faults."""

    tables: SlipwayFile
    root: Path
    name: str
    components: tuple[str, ...]
    platforms: tuple[str, ...]
    stores: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    pointers: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every component could be read."""
        return set(self.components) == set(self.tables.component)


def check(draft: Draft) -> Iterator[Fault]:
    """Run all checks."""
    for one in _CHECKS:
        yield from one(draft)


def binaries_of(name: str, part: ComponentTable) -> dict[str, str]:
    """The programs that a component puts in `bin/`, and the key that says so."""
    if isinstance(part, CargoTable):
        return dict.fromkeys(part.binaries or [part.package or name], "binaries" if part.binaries else "package")
    if isinstance(part, CommandTable):
        return {PurePosixPath(place).name: "outputs" for place in part.outputs if place.startswith("bin/")}
    if isinstance(part, PrebuiltTable):
        return dict.fromkeys(part.binaries or [name], "binaries")
    if isinstance(part, PythonTable) and part.form != "none":
        return {part.script or name: "script"}
    return {}


def selected(patterns: list[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that one of the patterns matches, in their own order."""
    return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))


def _license(draft: Draft) -> Iterator[Fault]:
    if (said := draft.tables.project.license) and not normalised(said):
        hint = "such as MIT OR Apache-2.0 (https://spdx.org/licenses); LicenseRef-NAME is a licence of your own"
        yield Fault(("project", "license"), f"{said!r} is no licence expression of SPDX", hint)


def _documents(draft: Draft) -> Iterator[Fault]:
    for index, text in enumerate(draft.tables.project.documents):
        if not (draft.root / text).is_file():
            yield Fault(("project", "documents", index), f"there is no file {text}", f"paths are relative to {draft.root}")
    names = [PurePosixPath(text).name for text in draft.tables.project.documents]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Fault(("project", "documents", index), f"two documents are called {name}", "they would overwrite each other")


def _platforms(draft: Draft) -> Iterator[Fault]:
    yield from _known_once({("project", "platforms", index): name for index, name in enumerate(draft.tables.project.platforms)})
    yield from _known_once({("platform", name): name for name in draft.platforms})
    for name, table in draft.tables.platform.items():
        if parts := PLATFORMS[found].parts if (found := _platform(name)) else ():
            where = " and ".join(f"[platform.{part}]" for part in parts)
            for key in sorted(table.model_fields_set - _OF_JOINED):
                path = ("platform", name, key.replace("_", "-"))
                yield Fault(path, f"nothing is compiled for {name} itself", f"say it in {where}")


def _known_once(names: Mapping[lines.Path, str]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for path, name in names.items():
        if (found := _platform(name)) is None:
            yield Fault(path, f"unknown platform {name!r}", suggestion(name, PLATFORMS))
        elif (other := seen.setdefault(found, name)) != name:
            yield Fault(path, f"{name} and {other} are the same platform", "leave one of them out")


def _platform(name: str) -> str | None:
    try:
        return None if name == "host" else find_platform(name).id
    except UsageError:
        return None


def _versions(draft: Draft) -> Iterator[Fault]:
    rule = draft.tables.version
    usual = VERSION_FILES.get(rule.source)
    if rule.source == "value":
        yield from _value(rule.value, rule.scheme)
    elif rule.value:
        yield Fault(("version", "value"), f"is not read when source is {rule.source!r}", "leave it out, or set source = 'value'")
    if usual is None and rule.path:
        yield Fault(("version", "path"), f"is not read when source is {rule.source!r}", "leave it out")
    if usual is not None and not (draft.root / (rule.path or usual)).is_file():
        yield Fault(
            ("version", "path"),
            f"there is no file {rule.path or usual} to read the version from",
            "name the file that holds the version, or set version.source to git or value",
        )


def _value(text: str, scheme: str) -> Iterator[Fault]:
    try:
        Version.parse(text, scheme)
    except UsageError as error:
        yield Fault(("version", "value"), error.message if text else "is missing", error.hint or "")


def _sources(draft: Draft) -> Iterator[Fault]:
    for name, part in draft.tables.component.items():
        if isinstance(part, PrebuiltTable):
            continue
        path, folder = ("component", name, "path"), draft.root / part.path
        if folder.is_file():
            yield Fault(path, f"{part.path} is a file, not a folder", "name its folder here, and the file in include")
        elif not folder.is_dir():
            yield Fault(path, f"there is no folder {part.path}", f"paths are relative to {draft.root}")
        elif isinstance(part, CargoTable) and not (folder / "Cargo.toml").is_file():
            yield Fault(path, f"there is no Cargo.toml in {part.path}", "name the folder that holds it")


def _python(draft: Draft) -> Iterator[Fault]:
    for name, part in draft.tables.component.items():
        if isinstance(part, PythonTable) and (folder := draft.root / part.path).is_dir():
            yield from python_faults(("component", name), part, folder)


def _words(draft: Draft) -> Iterator[Fault]:
    for name, part in draft.tables.component.items():
        if not isinstance(part, CommandTable):
            continue
        texts: dict[lines.Path, str] = {("command", index): text for index, text in enumerate(part.command)}
        for where, text in (texts | {("outputs", place): file for place, file in part.outputs.items()}).items():
            for word in words_in(text):
                if word not in WORDS:
                    hint = f"{suggestion(word, WORDS)}; for the braces themselves write {{{{{word}}}}}"
                    yield Fault(("component", name, *where), f"{{{word}}} stands for nothing", hint)


def _places(draft: Draft) -> Iterator[Fault]:
    for name, part in draft.tables.component.items():
        if isinstance(part, TreeTable) and (said := misplaced(part.to, draft.name, folder=True)):
            yield Fault(("component", name, "to"), said, _place_hint(draft.name))
        for place in part.outputs if isinstance(part, CommandTable) else ():
            if said := misplaced(place, draft.name, folder=False):
                yield Fault(("component", name, "outputs", place), said, _place_hint(draft.name))


def misplaced(place: str, name: str, *, folder: bool) -> str:
    """Say what is wrong with a place in the distribution; empty when nothing is."""
    parts = place.removesuffix("/").split("/") if folder else place.split("/")
    if folder and not place:
        return ""
    if "\\" in place or any(part in ("", ".", "..") for part in parts):
        return f"{place!r} is no plain path inside the distribution"
    roles = [pattern.format(name=name) for pattern, _ in ROLES if pattern]
    inside = f"{'/'.join(parts)}/" if folder else place
    at_top = not folder and len(parts) == 1
    return "" if at_top or any(inside.startswith(role) and inside != role[:-1] for role in roles) else f"{place!r} has no place"


def _place_hint(name: str) -> str:
    return f"use a path that starts with {', '.join(pattern.format(name=name) for pattern, _ in ROLES if pattern)}"


def _binaries(draft: Draft) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for name, part in draft.tables.component.items():
        for binary, key in binaries_of(name, part).items():
            if (other := owners.setdefault(binary, name)) != name:
                path = ("component", name, key) if getattr(part, key) else ("component", name)
                yield Fault(path, f"the binary {binary} is also made by component {other}", "every binary has one component")


def _outputs(draft: Draft) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for name, part in draft.tables.component.items():
        for place in part.outputs if isinstance(part, CommandTable) else ():
            if (other := owners.setdefault(place, name)) != name and not place.startswith("bin/"):
                path = ("component", name, "outputs", place)
                yield Fault(path, f"component {other} makes {place} too", "give one of them another place")


def _prebuilt(draft: Draft) -> Iterator[Fault]:
    for name, part in draft.tables.component.items():
        tables = {} if isinstance(part, TreeTable) else part.prebuilt
        yield from _known_once({("component", name, "prebuilt", row): row for row in tables})
        makes = part.outputs if isinstance(part, CommandTable) else binaries_of(name, part)
        for row, table in tables.items():
            yield from source_faults(("component", name, "prebuilt", row), table, tuple(makes))


def _variants(draft: Draft) -> Iterator[Fault]:
    for name, variant in draft.tables.variant.items():
        for index, pattern in enumerate(variant.components):
            if not selected([pattern], draft.components):
                what = "no component matches" if re.search(r"[*?\[]", pattern) else "unknown component"
                path = ("variant", name, "components", index)
                yield Fault(path, f"{what} {pattern!r}", suggestion(pattern, draft.components))


def _services(draft: Draft) -> Iterator[Fault]:
    yield from service_faults(draft.tables, _programs(draft))


def _companions(draft: Draft) -> Iterator[Fault]:
    yield from companion_faults(draft.tables.install, draft.root, _programs(draft))


def _programs(draft: Draft) -> list[str] | None:
    """The programs of all components; None when not all components could be read."""
    known = [binary for name, part in draft.tables.component.items() for binary in binaries_of(name, part)]
    return known if draft.whole else None


def _tests(draft: Draft) -> Iterator[Fault]:
    rules = draft.tables.test
    if rules.files and not (draft.root / rules.files).is_dir():
        yield Fault(("test", "files"), f"there is no folder {rules.files}", f"paths are relative to {draft.root}")
    names = tuple(draft.tables.variant) or ("complete",)
    for name in rules.variants:
        if name not in names:
            yield Fault(("test", "variants", name), f"unknown variant {name!r}", suggestion(name, names))


def _deb(draft: Draft) -> Iterator[Fault]:
    found = [_platform(name) for name in draft.tables.project.platforms]
    known = tuple(row.deb for name in found if name is not None and (row := PLATFORMS[name]).deb)
    yield from debian_faults(draft.tables.deb, draft.name, known)


def _msi(draft: Draft) -> Iterator[Fault]:
    if (icon := draft.tables.msi.icon) and not (draft.root / icon).is_file():
        yield Fault(("msi", "icon"), f"there is no file {icon}", f"paths are relative to {draft.root}")


def _sign(draft: Draft) -> Iterator[Fault]:
    table, needed = draft.tables.sign, {"gpg-file": "gpg", "minisign-file": "minisign", "ssh-file": "ssh"}
    for key, of in (needed | {"authenticode-file": "authenticode", "timestamp": "authenticode"}).items():
        if getattr(table, key.replace("-", "_")) and not getattr(table, of):
            yield Fault(("sign", key), f"is not read without {of}", f"name the key in {of}, or leave this out")
    named: dict[lines.Path, str] = {("sign", "public-keys", index): name for index, name in enumerate(table.public_keys)}
    named |= {("sign", "authenticode"): table.authenticode} if table.authenticode else {}
    for path, name in named.items():
        if not (draft.root / Path(name).expanduser()).is_file():
            yield Fault(path, f"there is no file {name}", f"paths are relative to {draft.root}")


def _rpm(draft: Draft) -> Iterator[Fault]:
    known = [f"bin/{binary}" for name, part in draft.tables.component.items() for binary in binaries_of(name, part)]
    for place in draft.tables.rpm.capabilities:
        if not place.startswith(("bin/", "lib/")):
            yield Fault(("rpm", "capabilities", place), f"{place} is no program", "name a place such as bin/hello")
        elif draft.whole and place.startswith("bin/") and place not in known:
            yield Fault(("rpm", "capabilities", place), f"no component makes {place}", suggestion(place, known))


def _container(draft: Draft) -> Iterator[Fault]:
    yield from container_faults(draft.tables.container)


def _publishing(draft: Draft) -> Iterator[Fault]:
    named = Named(stores=draft.stores, environments=draft.environments, pointers=draft.pointers)
    yield from publishing_faults(Case(draft.tables, draft.root, named))


_CHECKS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    _license,
    _documents,
    _platforms,
    _versions,
    _sources,
    _python,
    _words,
    _places,
    _binaries,
    _outputs,
    _prebuilt,
    _variants,
    _services,
    _companions,
    _tests,
    _deb,
    _rpm,
    _sign,
    _msi,
    _container,
    _publishing,
)
