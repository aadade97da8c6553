"""What a project says, as frozen data: the rest of slipway works on these and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from slipway.components import Component, PythonComponent, TreeComponent
from slipway.environments import PUBLISHED, Environment
from slipway.platforms import Platform, parts_of
from slipway.rules import (
    ChangelogRules,
    ContainerRules,
    DebRules,
    FragmentRules,
    FreebsdRules,
    MsiRules,
    PkgRules,
    ReleaseRules,
    RpmRules,
    SbomRules,
    SignRules,
    SourceRules,
)
from slipway.version import Version, to_tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A named selection of components."""

    name: str
    components: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """What a project says about one platform; empty means slipway's own choice.

    `levels` has the level of those archives that are not compressed as the project's others.
    """

    tool: str = "auto"
    glibc: str = ""
    macos: str = ""
    cross_image: str = ""
    archives: tuple[str, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    rustflags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program that the system keeps running.

    In `arguments`, `environment`, `sockets` and `writes`, `{bin}`, `{config}`, `{state}`, `{logs}` and the like stand for the
    folders of an installation. A service with a `schedule` is no daemon: it runs at those times and ends.
    """

    name: str
    binary: str
    summary: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    state: bool = True
    after: tuple[str, ...] = ()
    enable: bool = True
    logs: bool = False
    notify: bool = False
    hardening: str = "basic"
    privileged_ports: bool = False
    writes: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    schedule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRule:
    """Where the version comes from, how versions are ordered, and how a tag is spelled."""

    source: str = "cargo"
    path: Path = Path("Cargo.toml")
    value: str = ""
    scheme: str = "semver"
    tag: str = "v{version}"

    def tag_of(self, version: str) -> str:
        """The tag of the release of a version."""
        return self.tag.replace("{version}", to_tag(version, self.scheme))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRules:
    """What the installers do besides putting files in place.

    `configure` is the command that an installation begins its life with; `health` the one that shows that it works. What
    `completions` and `manuals` are for, their names tell.
    """

    health: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    download_url: str = ""
    mirrors: tuple[str, ...] = ()
    signature: str = "auto"
    completions: tuple[Path, ...] = ()
    manuals: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRules:
    """How the project and its distributions are tested; commands are shell lines."""

    __test__: ClassVar[bool] = False
    unit: tuple[str, ...] = ()
    basic: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    files: Path | None = None
    image: str = "debian:bookworm-slim"
    bootstrap: str = ""
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything that slipway.toml says; all paths are absolute."""

    file: Path
    root: Path
    name: str
    summary: str
    description: str
    license: str
    maintainer: str
    homepage: str
    documents: tuple[Path, ...]
    components: tuple[Component, ...]
    variants: tuple[Variant, ...]
    platforms: tuple[Platform, ...]
    settings: Mapping[str, PlatformSettings]
    services: tuple[Service, ...]
    version: VersionRule
    install: InstallRules
    deb: DebRules
    tests: TestRules
    checksums: tuple[str, ...]
    compression: int
    packages: tuple[str, ...] = ()
    symbols: str = ""
    rpm: RpmRules = field(default_factory=RpmRules)
    freebsd: FreebsdRules = field(default_factory=FreebsdRules)
    pkg: PkgRules = field(default_factory=PkgRules)
    msi: MsiRules = field(default_factory=MsiRules)
    source: SourceRules = field(default_factory=SourceRules)
    sign: SignRules = field(default_factory=SignRules)
    sbom: SbomRules = field(default_factory=SbomRules)
    container: ContainerRules = field(default_factory=ContainerRules)
    release: ReleaseRules = field(default_factory=ReleaseRules)
    changelog: ChangelogRules = field(default_factory=ChangelogRules)
    fragments: FragmentRules = field(default_factory=FragmentRules)
    environments: tuple[Environment, ...] = ()

    def of(self, variant: Variant) -> tuple[Component, ...]:
        """The components of a variant, in the order of slipway.toml."""
        return tuple(part for part in self.components if part.name in variant.components)

    def on(self, platform: Platform) -> PlatformSettings:
        """What the project says about a platform."""
        return self.settings.get(platform.id, PlatformSettings())

    def services_of(self, variant: Variant) -> tuple[Service, ...]:
        """The services whose binary the variant carries."""
        programs = {name for part in self.of(variant) for name in part.programs}
        return tuple(service for service in self.services if service.binary in programs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where one run reads and writes; all absolute."""

    root: Path
    dist: Path
    packages: Path
    installers: Path
    state: Path
    log: Path

    @classmethod
    def under(cls, root: Path) -> Paths:
        """The documented layout below a folder."""
        return cls(
            root=root,
            dist=root / "dist",
            packages=root / "packages",
            installers=root / "packages" / "installers",
            state=root / ".slipway",
            log=root / "build.log",
        )

    @property
    def shelf(self) -> Path:
        """The folder of files that are deflated already, for all archives and packages that hold them."""
        return self.state / "deflated"

    @property
    def published(self) -> Path:
        """The folder that `local` publishes to, unless slipway.toml says another."""
        return self.root / PUBLISHED

    @property
    def made(self) -> frozenset[Path]:
        """What slipway writes; never part of the sources, even when it lies among them."""
        return frozenset({self.dist, self.packages, self.installers, self.state, self.log, self.published})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One distribution: a platform and a variant."""

    platform: Platform
    variant: Variant

    @property
    def id(self) -> str:
        """`linux-amd64-complete`."""
        return f"{self.platform.id}-{self.variant.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one run is about: a project at a version, and the cells that were asked for."""

    project: Project
    version: Version
    paths: Paths
    platforms: tuple[Platform, ...]
    variants: tuple[Variant, ...]
    epoch: int
    cross: bool | None = None
    jobs: int = 1
    verbose: bool = False
    formats: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """`provisioning-2.1.0`."""
        return f"{self.project.name}-{self.version}"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The distributions that were asked for."""
        return self.cells_of(self.platforms)

    @property
    def matrix(self) -> tuple[Cell, ...]:
        """Every distribution that the project can have."""
        rows = (*self.project.platforms, *(row for row in self.platforms if row not in self.project.platforms))
        return tuple(Cell(platform=row, variant=variant) for row in rows for variant in self.project.variants)

    @property
    def compiled(self) -> tuple[Platform, ...]:
        """Every platform that programs are compiled for: the parts of those that are joined from parts."""
        return tuple({part.id: part for cell in self.matrix for part in parts_of(cell.platform)}.values())

    def cells_of(self, platforms: tuple[Platform, ...]) -> tuple[Cell, ...]:
        """The distributions of some platforms in the variants that were asked for."""
        return tuple(Cell(platform=row, variant=variant) for row in platforms for variant in self.variants)

    def name_of(self, cell: Cell) -> str:
        """`provisioning-2.1.0-linux-amd64-complete`: the folder and, with a suffix, every archive."""
        return f"{self.base}-{cell.id}"

    def staged(self, cell: Cell) -> Path:
        """The folder of a distribution."""
        return self.paths.dist / self.name_of(cell)

    def contents(self, cell: Cell) -> Path:
        """The file that lists a distribution's files with their digests."""
        return self.paths.dist / f"{self.name_of(cell)}.contents.json"

    def binary(self, platform: Platform, name: str) -> Path:
        """Where a compiled binary of a platform is put."""
        return self.paths.dist / "platform" / platform.id / f"{name}{platform.exe}"

    def folder_of(self, platform: Platform, part: PythonComponent) -> tuple[Path, Path]:
        """Where the folder that a Python program needs is put, and the file that lists what it holds."""
        files = self.paths.dist / "platform" / platform.id / "files" / "lib"
        return files / part.script, files / f"{part.script}.contents.json"

    def made(self, platform: Platform, to: str) -> Path:
        """Where a file that a command made for a platform waits for its place `to` in a distribution."""
        if to.startswith("bin/"):
            return self.binary(platform, to.removeprefix("bin/"))
        return self.paths.dist / "platform" / platform.id / "files" / to

    def facts_of(self, cell: Cell) -> tuple[Path, ...]:
        """The records of everything that is built for a distribution; those that nothing was built for are not there."""
        parts = self.project.of(cell.variant)
        return tuple(self.facts(cell.platform, part.name) for part in parts if not isinstance(part, TreeComponent))

    def symbols(self, platform: Platform, component: str) -> Path:
        """The list of what was taken out of a component's programs for a platform; the files lie in a folder beside it."""
        return self.paths.state / "symbols" / f"{platform.id}.{component}.json"

    def facts(self, platform: Platform, component: str) -> Path:
        """The record of what a component's programs for a platform are, read from the programs themselves."""
        return self.paths.state / "binaries" / f"{platform.id}.{component}.json"
