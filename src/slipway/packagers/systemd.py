"""What packages for Linux add for systemd: the units of services, and the lists of the accounts and folders that they need."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.layout import Folders, InstallSpec
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file
from slipway.services.systemd import systemd_unit, unit_name
from slipway.services.sysusers import sysusers, tmpfiles


def service_files(spec: InstallSpec, folders: Folders) -> Iterator[Entry]:
    """The systemd units of a distribution, and the lists of the accounts and folders that they need."""
    for service in spec.services:
        yield made_file(f"{folders.units}/{unit_name(service)}", systemd_unit(spec, service, folders).encode(), "unit")
    for kind, text in (("sysusers", sysusers(spec, folders)), ("tmpfiles", tmpfiles(spec, folders))):
        if text:
            yield made_file(list_path(kind, spec.name), text.encode())


def list_path(kind: str, name: str) -> str:
    """Where the list of accounts (sysusers) or folders (tmpfiles) of a project goes."""
    # Named like the project: the variants take each other's place.
    return f"/usr/lib/{kind}.d/{name}.conf"
