"""OpenRC's scripts, made from what a project says about its services."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render
from slipway.services.placed import Placed
from slipway.services.scripts import refuse_newlines, started_before, word

FOLDER: Final = "/etc/init.d"
# {periodic} is where the scripts that cron runs lie: /etc/periodic on Alpine.
PERIODIC: Final = "/etc/periodic"
_TARGETS: Final = {"time-sync.target": "ntp-client", "remote-fs.target": "netmount", "nss-lookup.target": "dns"}


def openrc_file(
    spec: InstallSpec, service: Service, folders: Folders, *, periodic: str = PERIODIC, overrides: Path | None = None
) -> Placed:
    """The file that OpenRC starts a service by, or that cron runs where the service has a schedule."""
    if service.schedule:
        path = f"{periodic}/{service.schedule}/{service.name}"
        return Placed(path=path, text=_periodic(spec, service, folders, overrides), mode=0o755)
    return Placed(path=f"{FOLDER}/{service.name}", text=openrc_script(spec, service, folders, overrides), mode=0o755)


def openrc_script(spec: InstallSpec, service: Service, folders: Folders, overrides: Path | None = None) -> str:
    """Return the OpenRC script of a service installed in these folders."""
    arguments = [expand(text, folders) for text in service.arguments]
    pairs = [(name, expand(value, folders)) for name, value in sorted(service.environment.items())]
    refuse_newlines(service, "an OpenRC script", *arguments, *(value for _, value in pairs))
    return render(
        "installers/openrc/service.j2",
        overrides=overrides,
        name=service.name,
        title=service.name,
        summary=service.summary,
        account=account_of(spec, service),
        command=word(f"{folders.bin}/{service.binary}"),
        arguments=" ".join(map(word, arguments)),
        environment=[f"{name}={word(value)}" for name, value in pairs],
        after=started_before(service, _TARGETS),
        folders=[*_owned(service, folders), *([] if service.logs else [word(folders.logs)])],
        log=f"{folders.logs}/{service.name}.log",
        strict=service.hardening == "strict",
        privileged_ports=service.privileged_ports,
    )


def account_of(spec: InstallSpec, service: Service) -> str:
    """The user that a service runs as: its own, or else one that is called like the project."""
    account = service.user or re.sub(r"[^a-z0-9_-]+", "_", spec.name.lower()).lstrip("-0123456789")[:31]
    return account or "service"


def _periodic(spec: InstallSpec, service: Service, folders: Folders, overrides: Path | None) -> str:
    words = [f"{folders.bin}/{service.binary}", *(expand(text, folders) for text in service.arguments)]
    pairs = [f"{name}={expand(value, folders)}" for name, value in sorted(service.environment.items())]
    refuse_newlines(service, "an OpenRC script", *words, *pairs)
    return render(
        "installers/openrc/periodic.j2",
        overrides=overrides,
        name=service.name,
        summary=service.summary,
        schedule=service.schedule,
        account=account_of(spec, service),
        folders=_owned(service, folders),
        words=" ".join(map(word, [*(["env", *pairs] if pairs else []), *words])),
    )


def _owned(service: Service, folders: Folders) -> list[str]:
    wanted = (folders.state if service.state else "", folders.logs if service.logs else "")
    return [word(folder) for folder in wanted if folder]
