"""The description of a package that wixl compiles: its folders, its components with their files, its services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway import console
from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec
from slipway.packagers.entries import Entry
from slipway.packagers.msi.facts import Facts
from slipway.packagers.msi.ids import derived, file_names, identifier
from slipway.packagers.msi.service import argument_line, described, is_able
from slipway.packagers.msi.spelling import spelled
from slipway.render import render

TEMPLATES: Final = "templates/msi"
ICON: Final = "product.ico"
_HELP: Final = "A newer release of {} is installed. Remove it first to go back to this one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component: a file, its place in the tables, and whether it is kept as its user left it."""

    id: str
    guid: str
    directory: str
    file: str
    name: str
    source: str
    kept: bool
    services: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What a package consists of; `directories` are below INSTALLDIR, each after the one that holds it.

    With the component `holder`, all folders are made, and taken away when they are empty; those in `kept` are for what services
    write. `configure` is what a first installation runs: the `file` of a program, and its `arguments`.
    """

    facts: Facts
    directories: tuple[Mapping[str, str], ...]
    parts: tuple[Part, ...]
    on_path: str
    holder: str
    kept: tuple[Mapping[str, str], ...] = ()
    configure: Mapping[str, str] | None = None
    icon: str = ""

    @property
    def code(self) -> str:
        """The product code: another one for every release, platform, scope and variant."""
        return derived(self.facts.upgrade_code, "product", self.facts.version, self.facts.variant)


def product_of(facts: Facts, spec: InstallSpec, entries: Iterable[Entry], icon: str = "") -> Product:
    """Lay out a package; the file of each of `entries` is expected at `source_of` its position.

    Raises ConfigError when a service's program is not among the entries, or is none for a service.
    """
    files = tuple(entries)
    names = _names(files)
    services = _services(facts, spec, files)
    parts = tuple(
        Part(
            id=identifier("c", entry.path),
            guid=derived(facts.upgrade_code, "component", entry.path),
            directory=_directory(entry.path.rpartition("/")[0]),
            file=identifier("f", entry.path),
            name=names[entry.path],
            source=source_of(number),
            kept=entry.role == "config",
            services=services.get(entry.path, ()),
        )
        for number, entry in enumerate(files)
    )
    return Product(
        facts=facts,
        directories=tuple(_directories(files, names)),
        parts=parts,
        on_path=next((part.id for part, entry in zip(parts, files, strict=True) if entry.role == "bin"), ""),
        holder=next((part.id for part in parts if not part.kept), ""),
        kept=tuple(_kept(facts, spec)) if services else (),
        configure=_configure(facts, spec, files),
        icon=icon,
    )


def source_of(number: int) -> str:
    """Where the file of an entry lies for wixl: below the folder that it runs in, under a name that any system can hold."""
    return f"files/{number:05}"


def wxs(product: Product, overrides: Path) -> str:
    """The text for wixl."""
    facts = product.facts
    text = render(
        f"{TEMPLATES}/product.wxs.j2",
        overrides=overrides,
        facts=facts,
        version=facts.product_version,
        product_code=product.code,
        user=facts.scope == "user",
        newer=_HELP.format(facts.title.replace("[", "[\\[]")),
        properties=_properties(product),
        icon=product.icon,
        folder=next(iter(file_names([facts.name]).values())),
        directories=product.directories,
        components=product.parts,
        holder=product.holder,
        path_component=product.on_path,
        kept=product.kept,
        configure=product.configure,
    )
    return spelled(text)


def _properties(product: Product) -> Mapping[str, str]:
    """What the list of installed programs shows; files always make room for the package's own, older or newer."""
    facts = product.facts
    said = {
        "ARPCOMMENTS": f"{facts.summary.rstrip('.')}. Version {facts.version}.",
        "ARPCONTACT": facts.contact,
        "ARPHELPLINK": facts.homepage,
        "ARPURLINFOABOUT": facts.homepage,
        "ARPNOMODIFY": "1",
        "ARPPRODUCTICON": ICON if product.icon else "",
        "LICENSE": facts.license,
        "REINSTALLMODE": "amus",
        "RELEASEVERSION": facts.version,
    }
    return {name: value for name, value in said.items() if value}


def _names(files: Iterable[Entry]) -> Mapping[str, str]:
    """The name of every file and folder in the spelling of the tables, by path."""
    below: dict[str, set[str]] = {}
    for entry in files:
        path = entry.path
        while path:
            path, _, name = path.rpartition("/")
            below.setdefault(path, set()).add(name)
    return {
        f"{folder}/{name}".lstrip("/"): spelled for folder, names in below.items() for name, spelled in file_names(names).items()
    }


def _directories(files: Iterable[Entry], names: Mapping[str, str]) -> Iterable[Mapping[str, str]]:
    placed = {entry.path for entry in files}
    for path in sorted(names.keys() - placed):
        yield {"id": _directory(path), "parent": _directory(path.rpartition("/")[0]), "name": names[path]}


def _kept(facts: Facts, spec: InstallSpec) -> Iterable[Mapping[str, str]]:
    """The folders of state and of logs, each in a component of its own, by which it goes when it is empty."""
    state, logs = (any(getattr(service, key) for service in spec.services) for key in ("state", "logs"))
    for name, used in (("state", state), ("logs", logs)):
        if used:
            directory, guid = f"{name.upper()}DIR", derived(facts.upgrade_code, "component", name)
            yield {"id": f"c.{name}", "guid": guid, "directory": directory}


def _configure(facts: Facts, spec: InstallSpec, files: Iterable[Entry]) -> Mapping[str, str] | None:
    folders = Folders.windows(spec.name, user=facts.scope == "user")
    program, *words = spec.configure or ("",)
    path = next((each.path for each in files if each.path.casefold() == f"bin/{program}.exe".casefold()), "")
    return {"file": identifier("f", path), "arguments": argument_line(words, folders)} if path else None


def _directory(path: str) -> str:
    return identifier("d", path) if path else "INSTALLDIR"


def _services(facts: Facts, spec: InstallSpec, files: Iterable[Entry]) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """The services by the path of their program; a user's package has none."""
    programs = {entry.path.casefold(): entry for entry in files}
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for service in spec.services if facts.scope == "machine" and facts.services != "none" else ():
        key = f"service.{service.name}"
        if service.schedule:
            console.warn(
                f"the Windows package leaves the service {service.name} out: Windows Installer has nothing for what runs "
                f"{service.schedule}; install.ps1 makes a scheduled task of it"
            )
            continue
        if (entry := programs.get(f"bin/{service.binary}.exe".casefold())) is None:
            raise ConfigError(f"bin/{service.binary}.exe is not in the distribution", key=key, hint="name its program")
        if facts.services == "all" or is_able(entry, service.name):
            found[entry.path] = (*found.get(entry.path, ()), described(spec, service, facts.service_account))
    return found
