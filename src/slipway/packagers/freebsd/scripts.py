"""What a FreeBSD package does besides putting files in place: accounts, services, configuration that outlives it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec, first_command
from slipway.packagers.entries import Entry
from slipway.packagers.freebsd.manifest import Doings
from slipway.packagers.payload import made_file
from slipway.render import render
from slipway.services.rcd import account_of, rcd_file, script_name

SAMPLE: Final = ".sample"


def service_files(spec: InstallSpec, folders: Folders, config: Collection[str]) -> tuple[Entry, ...]:
    """The rc.d scripts and cron tables of a distribution; `config` are the places of its configuration files."""
    placed = (rcd_file(spec, service, folders, required=config) for service in spec.services)
    return tuple(made_file(each.path, each.text.encode(), "unit", each.mode) for each in placed)


def doings_of(spec: InstallSpec, folders: Folders, samples: Collection[str], overrides: Path) -> Doings:
    """What the package does; `samples` are the files that configuration is copied from."""
    accounts = sorted({account_of(spec, service) for service in spec.services} - {"root"})
    owned, command = owned_folders(spec, folders), first_command(spec, folders)
    services = [(script_name(service), service.summary) for service in spec.services if not service.schedule]
    context = {
        "name": spec.name,
        "accounts": accounts,
        "summary": f"{spec.name} services",
        "home": folders.state if folders.state in owned else "/nonexistent",
        "samples": sorted(samples),
        "services": services,
        "configure": command,
    }
    needed = {
        "pre-install": bool(accounts),
        "post-install": bool(samples or command),
        "pre-deinstall": bool(samples or services),
        "message": bool(services),
    }
    texts = {
        name: render(f"templates/freebsd/{name}.j2", overrides=overrides, **context) for name, wanted in needed.items() if wanted
    }
    message = texts.pop("message", "")
    return Doings(accounts=tuple(accounts), folders=owned, scripts=texts, message=message)


def owned_folders(spec: InstallSpec, folders: Folders) -> Mapping[str, str]:
    """The folders of state and of logs, where a service needs them, with the user of the first service that does."""
    found = ((folder, *_users(spec, key)) for folder, key in ((folders.state, "state"), (folders.logs, "logs")))
    return {folder: users[0] for folder, *users in found if users}


def _users(spec: InstallSpec, key: str) -> list[str]:
    return [account_of(spec, service) for service in spec.services if getattr(service, key)]
