"""What slipway adds to a macOS package: property lists, the scripts of the installer, and the uninstaller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.layout import Folders, first_command
from slipway.model import Service
from slipway.packagers.entries import Entry, text_entry, with_folders
from slipway.packagers.payload import made_file
from slipway.packagers.pkg.product import Part, Product
from slipway.render import render
from slipway.services.launchd import ROOT, Home, daemon_user, label_of, launchd_plist, plist_name, starts_at_once


def additions(product: Product, part: Part, *, configuration: bool) -> tuple[Entry, ...]:
    """The property lists of the services and the uninstaller."""
    home = Home(identifier=product.identifier, folders=product.folders, logs=product.folders.logs)
    plists = (
        made_file(
            f"{home.folders.units}/{plist_name(service, home.identifier)}",
            launchd_plist(part.spec, service, home, product.overrides).encode(),
            "unit",
        )
        for service in part.spec.services
    )
    text = render("templates/pkg/uninstall.sh.j2", overrides=product.overrides, **_context(product, part, configuration))
    return (*plists, made_file(f"{home.folders.share}/{product.name}/uninstall.sh", text.encode(), "share", 0o755))


def scripts(product: Product, part: Part, payload: Iterable[Entry]) -> tuple[Entry, ...]:
    """preinstall and postinstall, and beside them the list of the files that the package brings."""
    files = tuple(entry for entry in payload if not entry.is_folder)
    context = _context(product, part, any(entry.role == "config" for entry in files))
    rendered = {
        name: render(f"templates/pkg/{name}.j2", overrides=product.overrides, **context) for name in ("preinstall", "postinstall")
    }
    made = [text_entry(f"./{name}", text.encode(), 0o755) for name, text in rendered.items()]
    listed = "".join(f"{entry.path.removeprefix('./')}\n" for entry in files)
    return with_folders((*made, text_entry("./files", listed.encode())))


def receipt_of(product: Product, part: Part) -> str:
    """The name of the receipt that an installation leaves behind."""
    return f"{product.identifier}.{part.architecture}"


def _context(product: Product, part: Part, configuration: bool) -> Mapping[str, Any]:
    folders, services = product.folders, part.spec.services
    owners = {daemon_user(part.spec, service) for service in services}
    return {
        "name": product.name,
        "receipt": receipt_of(product, part),
        "receipts": product.receipts,
        "labels": [label_of(service, product.identifier) for service in services],
        "services": [_started(product, part, service) for service in services],
        "users": sorted(owners - {ROOT}),
        "realname": f"{product.name} services",
        "keepers": sorted({daemon_user(part.spec, service) for service in services if service.state}),
        "loggers": sorted({daemon_user(part.spec, service) for service in services if service.logs}),
        "configure": first_command(part.spec, folders),
        "configured": f"{folders.state}/.configured",
        "configuration": configuration,
        "defaults": Folders.macos(product.name, packed=True).config,
        "installed": product.kept,
        "config": folders.config,
        "state": folders.state,
        "logs": product.folders.logs,
        "units": folders.units,
    }


def _started(product: Product, part: Part, service: Service) -> Mapping[str, Any]:
    return {
        "label": label_of(service, product.identifier),
        "user": daemon_user(part.spec, service),
        "log": f"{product.folders.logs}/{service.name}.log",
        "enable": service.enable,
        "at_once": starts_at_once(service),
    }
