"""What a FreeBSD package does besides putting files in place: accounts, rc.d scripts, configuration that outlives it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec
from slipway.packagers.entries import Entry
from slipway.packagers.freebsd.manifest import Doings
from slipway.packagers.payload import made_file
from slipway.render import render
from slipway.services.rcd import account_of, rcd_script, script_name

SAMPLE: Final = ".sample"


def rc_scripts(spec: InstallSpec, folders: Folders, config: Collection[str]) -> tuple[Entry, ...]:
    """The rc.d scripts of a distribution; `config` are the places of its configuration files."""
    return tuple(
        made_file(
            f"{folders.units}/{script_name(service)}", rcd_script(spec, service, folders, required=config).encode(), "unit", 0o555
        )
        for service in spec.services
    )


def doings_of(spec: InstallSpec, folders: Folders, samples: Collection[str], overrides: Path) -> Doings:
    """What the package does; `samples` are the files that configuration is copied from."""
    accounts = sorted({account_of(spec, service) for service in spec.services} - {"root"})
    owned = owned_folders(spec, folders)
    services = [(script_name(service), service.summary) for service in spec.services]
    context = {
        "accounts": accounts,
        "summary": f"{spec.name} services",
        "home": next(iter(owned), "/nonexistent"),
        "samples": sorted(samples),
        "services": services,
    }
    needed = {
        "pre-install": bool(accounts),
        "post-install": bool(samples),
        "pre-deinstall": bool(samples or services),
        "message": bool(services),
    }
    texts = {
        name: render(f"templates/freebsd/{name}.j2", overrides=overrides, **context) for name, wanted in needed.items() if wanted
    }
    message = texts.pop("message", "")
    return Doings(accounts=tuple(accounts), folders=owned, scripts=texts, message=message)


def owned_folders(spec: InstallSpec, folders: Folders) -> Mapping[str, str]:
    """The folder of state, where a service needs one, and the user that it belongs to: that of the first service."""
    users = [account_of(spec, service) for service in spec.services if service.state]
    return {folders.state: users[0]} if users else {}
