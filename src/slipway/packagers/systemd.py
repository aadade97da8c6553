"""What packages for Linux add for systemd: the units of services, and the lists of the accounts and folders that they need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.layout import Folders, InstallSpec, first_command
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file
from slipway.services.systemd import started_unit, unit_files, unit_name, unit_names
from slipway.services.sysusers import sysusers, tmpfiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The units of a distribution: those that are `enabled`, or are `offered` to be, start the others.

    An upgrade restarts what is `lasting`; what runs at certain times is left to come to its end.
    """

    every: tuple[str, ...]
    enabled: tuple[str, ...]
    offered: tuple[str, ...]
    lasting: tuple[str, ...]

    @classmethod
    def of(cls, spec: InstallSpec) -> Units:
        """Sort the units of a distribution's services; a socket stands before its service, as it has to be started."""
        ending = {unit_name(service) for service in spec.services if service.schedule}
        every = tuple(name for service in spec.services for name in reversed(unit_names(service)))
        return cls(
            every=every,
            enabled=tuple(started_unit(service) for service in spec.services if service.enable),
            offered=tuple(started_unit(service) for service in spec.services if not service.enable),
            lasting=tuple(name for name in every if name not in ending),
        )


def service_files(spec: InstallSpec, folders: Folders, overrides: Path | None = None) -> Iterator[Entry]:
    """The systemd units of a distribution, and the lists of the accounts and folders that they need."""
    for service in spec.services:
        for name, text in unit_files(spec, service, folders, overrides=overrides).items():
            yield made_file(f"{folders.units}/{name}", text.encode(), "unit")
    for kind, text in (("sysusers", sysusers(spec, folders)), ("tmpfiles", tmpfiles(spec, folders))):
        if text:
            yield made_file(list_path(kind, spec.name), text.encode())


def kept_folders(spec: InstallSpec, folders: Folders) -> tuple[str, ...]:
    """The folders of what services and the first configuration write, which no package manager knows."""
    asked = " ".join(spec.configure)
    used = {
        folders.config: bool(first_command(spec, folders)),
        folders.state: "{state}" in asked or any(each.state for each in spec.services),
        folders.logs: "{logs}" in asked or any(each.logs for each in spec.services),
    }
    return tuple(folder for folder, wanted in used.items() if wanted)


def list_path(kind: str, name: str) -> str:
    """Where the list of accounts (sysusers) or folders (tmpfiles) of a project goes."""
    # Named like the project: the variants take each other's place.
    return f"/usr/lib/{kind}.d/{name}.conf"
