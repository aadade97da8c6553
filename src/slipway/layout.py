"""What installing means: which file of a distribution goes where, and what comes with it.

One InstallSpec per distribution. The shell installer, the packages and the service units are all made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from slipway.errors import ConfigError
from slipway.model import Cell, Release, Service

# The first part of a path in a distribution decides its role; `{name}` is the project's name. First match wins.
ROLES: Final = (
    ("bin/", "bin"),
    ("lib/", "lib"),
    ("share/doc/{name}/", "doc"),
    ("share/", "share"),
    ("etc/{name}/", "config"),
    ("", "doc"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders of one installation, by role."""

    bin: str
    lib: str
    share: str
    doc: str
    config: str
    state: str
    units: str

    @classmethod
    def under(cls, prefix: str, name: str, *, config: str, state: str, units: str) -> Folders:
        """The usual layout below a prefix such as /usr."""
        return cls(
            bin=f"{prefix}/bin",
            lib=f"{prefix}/lib",
            share=f"{prefix}/share",
            doc=f"{prefix}/share/doc/{name}",
            config=config,
            state=state,
            units=units,
        )

    @classmethod
    def packaged(cls, name: str, package: str) -> Folders:
        """Where a distribution's package manager puts files (Filesystem Hierarchy Standard 3.0).

        The documents' folder is named like the package (Debian policy 12.3).
        """
        usual = cls.under("/usr", name, config=f"/etc/{name}", state=f"/var/lib/{name}", units="/lib/systemd/system")
        return replace(usual, doc=f"/usr/share/doc/{package}")

    def of(self, role: str) -> str:
        """The folder of a role."""
        folder: str = getattr(self, role)
        return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallSpec:
    """What installing one distribution means."""

    name: str
    version: str
    summary: str
    homepage: str
    platform: str
    variant: str
    commands: tuple[str, ...]
    services: tuple[Service, ...]
    health: tuple[str, ...]

    @classmethod
    def of(cls, release: Release, cell: Cell) -> InstallSpec:
        """Derive the spec of a distribution from what the project says."""
        project = release.project
        parts = project.of(cell.variant)
        programs = [name for part in parts for name in part.programs]
        return cls(
            name=project.name,
            version=str(release.version),
            summary=project.summary,
            homepage=project.homepage,
            platform=cell.platform.id,
            variant=cell.variant.name,
            commands=tuple(name + cell.platform.exe for name in programs),
            services=project.services_of(cell.variant),
            health=project.install.health,
        )


def role_of(path: str, name: str) -> tuple[str, str]:
    """Return the role of a file of a distribution and its path below the role's folder."""
    for pattern, role in ROLES:
        if path.startswith(prefix := pattern.format(name=name)):
            return role, path.removeprefix(prefix)
    raise ConfigError(f"{path} has no place in an installation")


def destination(path: str, name: str, folders: Folders) -> str:
    """Return where a file of a distribution is installed."""
    role, below = role_of(path, name)
    return f"{folders.of(role)}/{below}"


def expand(text: str, folders: Folders) -> str:
    """Replace `{bin}`, `{config}` and the like by the folders of an installation."""
    values: Mapping[str, str] = {role: folders.of(role) for role in ("bin", "lib", "share", "doc", "config", "state")}
    for role, folder in values.items():
        text = text.replace(f"{{{role}}}", folder)
    return text
