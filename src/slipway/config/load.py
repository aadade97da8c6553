"""From slipway.toml to the Project that the rest of slipway works on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.components import (
    CargoComponent,
    CommandComponent,
    Component,
    Prebuilt,
    PrebuiltComponent,
    PythonComponent,
    TreeComponent,
)
from slipway.config.checks import VERSION_FILES, Draft, check, selected
from slipway.config.faults import Fault, config_error
from slipway.config.forms import Table
from slipway.config.lines import key_lines
from slipway.config.overlays import environments_of
from slipway.config.packages import DebTable
from slipway.config.parts import CargoTable, CommandTable, ComponentTable, PrebuiltTable, PythonTable, TreeTable
from slipway.config.read import parse_text, read_tables
from slipway.config.release import ChangelogTable, ReleaseTable
from slipway.config.schema import InstallTable, PlatformTable, ProjectTable, SlipwayFile, TestTable, VersionTable
from slipway.licenses import normalised
from slipway.model import InstallRules, PlatformSettings, Project, Service, TestRules, Variant, VersionRule
from slipway.platforms import PLATFORMS, Platform, find_platform
from slipway.rules import (
    ChangelogRules,
    ContainerRules,
    DebRules,
    DebSuite,
    FragmentRules,
    FreebsdRules,
    MsiRules,
    PkgRules,
    ReleaseRules,
    RpmRules,
    SbomRules,
    SignRules,
    SourceRules,
    Stamp,
)

_EVERYTHING = ("complete", "Everything")


def load_project(file: Path) -> Project:
    """Read slipway.toml; raises one ConfigError that tells every fault with its line."""
    file = file.absolute()
    text, data = parse_text(file)
    tables, faults = read_tables(data)
    if tables is not None:
        faults += _cross_checks(file, data, tables, faults)
    if faults or tables is None:
        raise config_error(file, faults, key_lines(text))
    return _project(file, tables)


def _cross_checks(file: Path, data: Mapping[str, Any], tables: SlipwayFile, faults: list[Fault]) -> list[Fault]:
    """Check the parts that could be read; what follows only from a fault that is told already would be noise."""
    project = data.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    draft = Draft(
        tables=tables,
        root=file.parent,
        name=name if isinstance(name, str) else tables.project.name,
        components=_names(data, "component"),
        platforms=_names(data, "platform"),
        stores=_names(data, "store"),
        environments=_names(data, "environment"),
        pointers=_names(data, "pointer"),
    )
    told = {fault.path[: 1 if fault.path[0] == "version" else 2] for fault in faults if fault.path[0] != "platform"}
    return [fault for fault in check(draft) if not {fault.path[:1], fault.path[:2]} & told]


def _names(data: Mapping[str, Any], table: str) -> tuple[str, ...]:
    found = data.get(table)
    return tuple(found) if isinstance(found, dict) else ()


def _project(file: Path, tables: SlipwayFile) -> Project:
    root, said = file.parent, tables.project
    return Project(
        file=file,
        root=root,
        name=said.name,
        summary=said.summary,
        description=said.description.strip() or said.summary,
        license=normalised(said.license),
        maintainer=said.maintainer,
        homepage=said.homepage,
        documents=tuple(_below(root, text) for text in said.documents),
        components=tuple(_component(root, name, part) for name, part in tables.component.items()),
        variants=_variants(tables),
        platforms=_platforms(said),
        settings={find_platform(name).id: _settings(part) for name, part in tables.platform.items()},
        services=tuple(_service(name, part) for name, part in tables.service.items()),
        version=_version(root, tables.version),
        install=_install(root, tables.install),
        deb=_deb(tables.deb),
        rpm=RpmRules(**_fields(tables.rpm)),
        freebsd=FreebsdRules(**_fields(tables.freebsd)),
        pkg=PkgRules(**_fields(tables.pkg)),
        msi=MsiRules(**_fields(tables.msi)),
        source=SourceRules(**_fields(tables.source)),
        sign=SignRules(**_fields(tables.sign)),
        sbom=SbomRules(**_fields(tables.sbom)),
        container=ContainerRules(**_fields(tables.container)),
        release=_release(tables.release),
        changelog=_changelog(tables.changelog),
        fragments=FragmentRules(**_fields(tables.fragments)),
        environments=environments_of(tables),
        packages=tuple(said.packages),
        symbols=said.symbols,
        tests=_tests(root, tables.test),
        checksums=tuple(dict.fromkeys(("sha256", *said.checksums))),
        compression=said.compression,
    )


def _fields(table: Table) -> dict[str, Any]:
    """The fields of a table, frozen."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table}


def _deb(table: DebTable) -> DebRules:
    suites = {name: DebSuite(**_fields(part)) for name, part in table.suite.items()}
    needs = {name: tuple(part.depends) for name, part in table.architecture.items()}
    return DebRules(**_fields(table) | {"suite": suites, "architecture": needs})


def _release(table: ReleaseTable) -> ReleaseRules:
    return ReleaseRules(**_fields(table) | {"stamps": tuple(Stamp(**_fields(stamp)) for stamp in table.stamps)})


def _changelog(table: ChangelogTable) -> ChangelogRules:
    return ChangelogRules(**_fields(table) | {"groups": {name: tuple(types) for name, types in table.groups.items()}})


def _below(root: Path, text: str) -> Path:
    return Path(root, text).resolve() if ".." in Path(text).parts else root / text


def _component(root: Path, name: str, part: ComponentTable) -> Component:
    fields = {key: value for key, value in _fields(part).items() if key != "kind"}
    fields |= {"name": name, "path": _below(root, getattr(part, "path", "."))}
    if "prebuilt" in fields:
        fields["prebuilt"] = {find_platform(row).id: Prebuilt(**_fields(table)) for row, table in fields["prebuilt"].items()}
    if isinstance(part, CargoTable):
        package = part.package or name
        return CargoComponent(**fields | {"package": package, "binaries": tuple(part.binaries or [package])})
    if isinstance(part, TreeTable):
        return TreeComponent(**fields | {"to": part.to.removesuffix("/")})
    if isinstance(part, PythonTable):
        return PythonComponent(**fields | {"script": part.script or name})
    if isinstance(part, PrebuiltTable):
        return PrebuiltComponent(**fields | {"binaries": tuple(part.binaries or [name])})
    assert isinstance(part, CommandTable)
    return CommandComponent(**fields)


def _variants(tables: SlipwayFile) -> tuple[Variant, ...]:
    names = tuple(tables.component)
    if not tables.variant:
        return (Variant(name=_EVERYTHING[0], components=names, summary=_EVERYTHING[1]),)
    return tuple(
        Variant(name=name, components=selected(variant.components, names), summary=variant.summary)
        for name, variant in tables.variant.items()
    )


def _platforms(said: ProjectTable) -> tuple[Platform, ...]:
    wanted = {find_platform(name).id for name in said.platforms}
    return tuple(row for row in PLATFORMS.values() if row.id in wanted)


def _settings(part: PlatformTable) -> PlatformSettings:
    said = {kind: level for kind, _, level in (text.partition(":") for text in part.archives)}
    levels = {kind: int(level) for kind, level in said.items() if level}
    return PlatformSettings(**_fields(part) | {"archives": tuple(said), "levels": levels})


def _service(name: str, part: Any) -> Service:
    return Service(**_fields(part) | {"name": name, "binary": part.binary or name, "summary": part.summary or name})


def _version(root: Path, rule: VersionTable) -> VersionRule:
    path = root / (rule.path or VERSION_FILES.get(rule.source, "Cargo.toml"))
    return VersionRule(source=rule.source, path=path, value=rule.value, scheme=rule.scheme, tag=rule.tag)


def _install(root: Path, table: InstallTable) -> InstallRules:
    files = {key: tuple(_below(root, text) for text in getattr(table, key)) for key in ("completions", "manuals")}
    return InstallRules(**_fields(table) | files)


def _tests(root: Path, rules: TestTable) -> TestRules:
    levels = {name: tuple(levels) for name, levels in rules.variants.items()}
    return TestRules(**_fields(rules) | {"files": root / rules.files if rules.files else None, "variants": levels})
