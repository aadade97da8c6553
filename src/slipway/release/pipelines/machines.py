"""On which machine each platform is built and tested, as data for each service that runs pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from slipway.components import CargoComponent, PythonComponent, TreeComponent
from slipway.errors import UsageError
from slipway.model import Project
from slipway.platforms import Platform, select_platforms
from slipway.tools import TOOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What a service offers: the machine with Linux that everything is built on, and machines that are a platform themselves.

    The names are labels of GitHub's runners, tags of GitLab's, labels of Jenkins' agents; an empty one is whichever is free.
    """

    linux: str
    own: Mapping[str, str] = field(default_factory=dict)


SERVICES: Final = {
    "github": Machines(
        linux="ubuntu-24.04",
        own={
            "linux-amd64": "ubuntu-24.04",
            "linux-arm64": "ubuntu-24.04-arm",
            "macos-amd64": "macos-15-intel",
            "macos-arm64": "macos-15",
            "windows-amd64": "windows-2025",
        },
    ),
    "gitlab": Machines(linux="", own={"linux-amd64": ""}),
    "jenkins": Machines(linux="linux", own={"linux-amd64": "linux"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work for some platforms on one machine; `packages` are the Debian packages that it needs there."""

    machine: str
    platforms: tuple[Platform, ...]
    packages: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The platforms as PLATFORMS takes them."""
        return ",".join(row.id for row in self.platforms)


@dataclass(frozen=True, slots=True)
class Park:
    """The machines for one project; `chosen` says where platforms are built for which the user named a machine."""

    service: str
    project: Project
    chosen: Mapping[str, str] = field(default_factory=dict)

    def building(self) -> tuple[Job, ...]:
        """One job for each platform."""
        return tuple(self._job(self._builder(row), (row,)) for row in self.project.platforms)

    def compiling(self) -> tuple[Job, ...]:
        """One job for each machine, since whoever waits for all of them need not wait for many."""
        machines: dict[str, list[Platform]] = {}
        for row in self.project.platforms:
            machines.setdefault(self._builder(row), []).append(row)
        _require_collectable(self.project, machines)
        return tuple(self._job(machine, rows) for machine, rows in machines.items())

    def testing(self) -> tuple[Job, ...]:
        """One job for each platform whose distributions can be installed and run in containers of one of the machines."""
        own = SERVICES[self.service].own
        machines = {
            row: self.chosen.get(row.id, own.get(row.id.removesuffix("-musl")))
            for row in self.project.platforms
            if row.family == "linux"
        }
        return tuple(Job(machine=machine, platforms=(row,)) for row, machine in machines.items() if machine is not None)

    def packing(self) -> tuple[str, ...]:
        """The Debian packages that packing and signing everything needs."""
        project = self.project
        windows = any(row.family == "windows" for row in project.platforms)
        wanted = {
            "wixl": windows and "msi" in project.packages,
            "gpg": bool(project.sign.gpg),
            "minisign": bool(project.sign.minisign),
            "osslsigncode": windows and bool(project.sign.authenticode),
        }
        return _debian(name for name, needed in wanted.items() if needed)

    def _job(self, machine: str, rows: Sequence[Platform]) -> Job:
        windows = any(row.family == "windows" and compiles(self.project, row) for row in rows)
        return Job(machine=machine, platforms=tuple(rows), packages=_debian(["mingw"] if windows else []))

    def _builder(self, row: Platform) -> str:
        if row.id in self.chosen:
            return self.chosen[row.id]
        offered = SERVICES[self.service]
        reason = _must_be_at_home(self.project, row)
        if not reason:
            return offered.linux
        if row.id not in offered.own:
            raise UsageError(
                f"{row.id} cannot be built on Linux for another processor or system: {reason}",
                hint=f"name a machine that is one: --runner {row.id}=NAME; or say where its programs are built: "
                "[component.….prebuilt]",
            )
        return offered.own[row.id]


def read_choices(words: Iterable[str], project: Project) -> dict[str, str]:
    """Read `PLATFORM=MACHINE`; the platform may be a family, or `all`."""
    found: dict[str, str] = {}
    for word in words:
        names, equals, machine = word.partition("=")
        if not equals or not machine.strip():
            raise UsageError(f"--runner {word} makes no sense", hint="write --runner PLATFORM=NAME, as in linux-arm64=my-runner")
        found |= {row.id: machine.strip() for row in select_platforms(names, project.platforms)}
    return found


def compiles(project: Project, row: Platform) -> bool:
    """Whether Rust is compiled for a platform, and not all of it taken from elsewhere."""
    return any(isinstance(part, CargoComponent) and row.id not in part.prebuilt for part in project.components)


def makes_programs(project: Project) -> bool:
    """Whether the project consists of more than files that are copied."""
    return any(not isinstance(part, TreeComponent) for part in project.components)


def _must_be_at_home(project: Project, row: Platform) -> str:
    """Why a platform can only be built on a machine that is one; empty when any Linux will do."""
    for part in _python_programs(project, row):
        return f"the program of the Python project {part.name} is made on the platform that it is for"
    if project.on(row).tool == "cargo" and row.family != "windows" and compiles(project, row):
        return f'platform.{row.id}.tool is "cargo"'
    return ""


def _python_programs(project: Project, row: Platform) -> tuple[PythonComponent, ...]:
    parts = (part for part in project.components if isinstance(part, PythonComponent))
    return tuple(part for part in parts if part.form != "none" and row.id not in part.prebuilt)


def _require_collectable(project: Project, machines: Mapping[str, Sequence[Platform]]) -> None:
    if len(machines) < 2:
        return
    for rows in machines.values():
        for part in _python_programs(project, rows[0]):
            if part.form == "onedir":
                raise UsageError(
                    f"the program of {part.name} is a folder (form = onedir), which cannot be packed on another machine",
                    hint=f'say form = "onefile" in [component.{part.name}], or release fewer platforms',
                )


def _debian(tools: Iterable[str]) -> tuple[str, ...]:
    """The Debian packages that bring some tools."""
    commands = (TOOLS[name].install["apt"] for name in tools)
    return tuple(dict.fromkeys(word for command in commands for word in command.removeprefix("apt-get install ").split()))
