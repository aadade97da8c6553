"""Find out what is inside a release, from what the project and its lock files say; nothing is built for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from slipway import console, process
from slipway.components import CargoComponent, Component, PrebuiltComponent, PythonComponent, TreeComponent, filled, words_of
from slipway.config.crates import find_root
from slipway.download import is_url, shown
from slipway.errors import SlipwayError
from slipway.files import write_atomic
from slipway.model import Release
from slipway.packagers.inventory.lock import FILE, Crate, Lock
from slipway.packagers.inventory.members import Members
from slipway.packagers.inventory.parts import Inventory, License, Part, component_ref
from slipway.packagers.inventory.requirements import required
from slipway.packagers.inventory.sources import Sources, of_package, of_text
from slipway.platforms import PLATFORMS
from slipway.steps import Step

# One registry, by the two ways in which cargo reads it.
_CRATES_IO: Final = ("registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/")
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherInventory:
    """Write the inventory of a release; with `licenses` the licence of every crate is in it, or the Step fails."""

    name: str
    version: str
    license: str
    homepage: str
    summary: str
    components: tuple[Component, ...]
    elsewhere: Mapping[str, tuple[Part, ...]]
    licenses: bool
    target: Path

    def __call__(self) -> None:
        """Gather and write."""
        write_atomic(self.target, self.inventory().dump())

    def inventory(self) -> Inventory:
        """Gather; raises ConfigError for a lock file that cannot be read, SlipwayError when a licence cannot be looked up."""
        own = of_text(self.license)
        ref = f"{self.name}@{self.version}"
        root = Part(
            ref=ref,
            kind="release",
            name=self.name,
            version=self.version,
            download=self.homepage,
            about=self.summary,
            license=own,
        )
        gathered = _Gathered(root)
        workspaces = {find_root(part.path) for part in self.components if isinstance(part, CargoComponent)}
        crates = {folder: _Workspace.of(folder) for folder in sorted(workspaces)}
        for part in self.components:
            gathered.component(part, self.elsewhere.get(part.name, ()))
            if isinstance(part, CargoComponent):
                gathered.crates(part, crates[find_root(part.path)])
        for workspace in crates.values():
            gathered.add_crates(workspace, licensed=self.licenses)
        return Inventory.of(root, gathered.parts, gathered.needs)


def plan_gathering(release: Release) -> Step:
    """Plan the inventory that all lists are written from."""
    project = release.project
    run = GatherInventory(
        name=project.name,
        version=str(release.version),
        license=project.license,
        homepage=project.homepage,
        summary=project.summary,
        components=project.components,
        elsewhere={part.name: tuple(built_elsewhere(release, part)) for part in project.components},
        licenses=project.sbom.licenses,
        target=inventory_path(release),
    )
    files = described_in(project.components)
    return Step(
        stage="package-binaries",
        key="any.inventory",
        doc="Find out what is inside",
        run=run,
        inputs=tuple(path for path in files if path.is_file()),
        outputs=(run.target,),
        late=tuple(path for path in files if not path.is_file()),
    )


def inventory_path(release: Release) -> Path:
    """Where the inventory of a release is kept."""
    return release.paths.state / "inventory" / f"{release.base}.json"


def built_elsewhere(release: Release, part: Component) -> Iterator[Part]:
    """The files of a component that were built elsewhere, one for each platform."""
    name, version = release.project.name, str(release.version)
    for row, table in () if isinstance(part, TreeComponent) else part.prebuilt.items():
        words = {**words_of(PLATFORMS[row], name=name, version=version), "tag": release.project.version.tag_of(version)}
        source = filled(table.source, words)
        yield Part(
            ref=f"{component_ref(f'{name}@{version}', part.name)}/{row}",
            kind="prebuilt",
            name=f"{part.name}-{row}",
            version=version,
            sha256=table.sha256.lower(),
            download=public_url(source) if is_url(source) else "",
            platform=row,
            about=f"{part.name} for {row}, built elsewhere",
        )


def described_in(components: Iterable[Component]) -> tuple[Path, ...]:
    """The files that say what components are made of, as far as they can be known before anything is built."""
    parts = tuple(components)
    roots = {find_root(part.path) for part in parts if isinstance(part, CargoComponent)}
    named = (part.path / part.requirements for part in parts if isinstance(part, PythonComponent) and part.requirements)
    return tuple(sorted({*(path for root in roots for path in _of_workspace(root)), *named}))


def _of_workspace(root: Path) -> Iterator[Path]:
    configs = (root / ".cargo" / name for name in ("config", "config.toml"))
    yield from (root / FILE, *Members.of(root).files, *(path for path in configs if path.is_file()))


@dataclass(frozen=True, slots=True)
class _Workspace:
    """One cargo workspace, and the crates that were found to be needed."""

    root: Path
    lock: Lock
    members: Members
    used: dict[Crate, tuple[Crate, ...]]

    @classmethod
    def of(cls, root: Path) -> _Workspace:
        return cls(root, Lock.read(root / FILE), Members.of(root), {})

    def reach(self, package: str) -> Crate:
        member = self.lock.member(package)
        self.used.update(self.lock.reached([member], self._only_tested))
        return member

    def _only_tested(self, crate: Crate) -> frozenset[str]:
        return frozenset() if crate.source else self.members.only_tested(crate.name)

    def licenses(self, *, foreign: bool) -> Mapping[Crate, License]:
        """The licences of path packages and, unless they are not asked for, of all others."""
        own = {crate: self.members.found.get(crate.name) for crate in self.used if not crate.source}
        found = {crate: of_package(package) for crate, package in own.items() if package is not None}
        return {**found, **(self._looked_up() if foreign else {})}

    def _looked_up(self) -> Mapping[Crate, License]:
        sources, wanted = Sources.of(self.root), [crate for crate in self.used if crate.source]
        found = sources.licenses(wanted)
        if missing := [crate for crate in wanted if crate not in found]:
            self._fetch(missing)
            found |= sources.licenses(missing)
        if missing := [crate for crate in wanted if crate not in found]:
            raise self._unknown(missing, "cargo fetch --locked does not bring them")
        return found

    def _fetch(self, missing: list[Crate]) -> None:
        if shutil.which("cargo") is None:
            raise self._unknown(missing, "cargo, which would fetch them, is not installed")
        console.log(f"fetching the sources of {len(missing)} crates for their licences")
        try:
            process.run(["cargo", "fetch", "--locked"], cwd=self.root)
        except SlipwayError as error:
            raise self._unknown(missing, error.message) from error

    def _unknown(self, missing: list[Crate], why: str) -> SlipwayError:
        names = sorted(f"{crate.name} {crate.version}" for crate in missing)
        shown_names = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        return SlipwayError(
            f"the sources of these crates are not here, so nobody can say what their licences are: {shown_names}\n{why}",
            hint=f"run cargo fetch --locked in {self.root} where there is a network, vendor the crates, "
            "or leave their licences out: licenses = false in [sbom]",
        )


class _Gathered:
    """The parts found so far, and which needs which."""

    def __init__(self, root: Part) -> None:
        self.root = root
        self.parts: list[Part] = []
        self.needs: dict[str, set[str]] = {root.ref: set()}

    def component(self, part: Component, sources: Iterable[Part]) -> None:
        """Add a component, what was built elsewhere of it, and what its requirements name."""
        made = [name for name in part.programs if name != part.name]
        ref = component_ref(self.root.ref, part.name)
        found = [*sources]
        if isinstance(part, PythonComponent) and part.requirements:
            found += required(part.path / part.requirements)
        self._add(
            Part(
                ref=ref,
                kind="files" if isinstance(part, TreeComponent) else "component",
                name=part.name,
                version=self.root.version,
                about=f"{part.KIND} component{' with ' if made else ''}{', '.join(made)}",
                license=License() if isinstance(part, PrebuiltComponent) else self.root.license,
            ),
            (each.ref for each in found),
        )
        self.needs[self.root.ref].add(ref)
        for each in found:
            self._add(each, ())

    def crates(self, part: CargoComponent, workspace: _Workspace) -> None:
        """Let a component need its package."""
        self.needs[component_ref(self.root.ref, part.name)].add(self._ref(workspace.reach(part.package)))

    def add_crates(self, workspace: _Workspace, *, licensed: bool) -> None:
        """Add every crate that a workspace's components need."""
        licenses = workspace.licenses(foreign=licensed)
        for crate, needs in workspace.used.items():
            made = Part(
                ref=self._ref(crate),
                kind="crate",
                name=crate.name,
                version=crate.version,
                purl=purl(crate),
                sha256=crate.checksum,
                download=_download(crate),
                license=licenses.get(crate, License()),
            )
            self._add(made, (self._ref(each) for each in needs))

    def _ref(self, crate: Crate) -> str:
        return purl(crate) or f"{self.root.ref}/crate/{crate.name}@{crate.version}"

    def _add(self, part: Part, needs: Iterable[str]) -> None:
        self.parts.append(part)
        self.needs.setdefault(part.ref, set()).update(needs)


@cache
def purl(crate: Crate) -> str:
    """The package URL of a crate (purl specification, type cargo); empty for a path package, which no registry has."""
    if not crate.source:
        return ""
    where = {"git": "vcs_url", "registry": "repository_url", "sparse": "repository_url"}
    kind, _, url = crate.source.partition("+")
    base = f"pkg:cargo/{quote(crate.name, safe='')}@{quote(crate.version, safe='')}"
    if crate.source in _CRATES_IO:
        return base
    place = _commit(crate) if kind == "git" else public_url(url)
    return f"{base}?{where.get(kind, 'download_url')}={quote(place, safe=':/')}"


def public_url(url: str) -> str:
    """A URL without names, passwords and what stands behind a question mark, which may be secret too."""
    return shown(url.partition("?")[0])


def _download(crate: Crate) -> str:
    if crate.source in _CRATES_IO:
        return f"https://crates.io/api/v1/crates/{crate.name}/{crate.version}/download"
    return _commit(crate) if crate.source.startswith("git+") else ""


def _commit(crate: Crate) -> str:
    """A commit as SPDX spells it (SPDX 2.3, 7.7): `git+https://host/repository@commit`."""
    place, _, commit = crate.source.partition("#")
    plain = public_url(place)
    return f"{plain}@{commit}" if commit else plain
