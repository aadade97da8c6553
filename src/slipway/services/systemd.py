"""Service units, with their sockets and timers, made from what a project says about its services."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError
from slipway.layout import PLACES, Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render

TEMPLATES: Final = "installers/systemd"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_HOMES: Final = ("/home/", "/root/", "/run/user/")
# Not every machine should do its work at the same moment.
_SPREAD: Final = {"hourly": "5min", "daily": "1h", "weekly": "6h", "monthly": "12h"}


def unit_files(
    spec: InstallSpec, service: Service, folders: Folders, *, user: bool = False, overrides: Path | None = None
) -> Mapping[str, str]:
    """The units of a service by their file names: the service, and the socket or the timer that starts it."""
    files = {unit_name(service): systemd_unit(spec, service, folders, user=user, overrides=overrides)}
    if service.sockets:
        files[f"{service.name}.socket"] = _socket(spec, service, folders, user, overrides)
    if service.schedule:
        files[f"{service.name}.timer"] = render(
            f"{TEMPLATES}/timer.j2",
            overrides=overrides,
            summary=_percent(service.summary),
            schedule=service.schedule,
            spread=_SPREAD[service.schedule],
        )
    return files


def unit_names(service: Service) -> tuple[str, ...]:
    """The file names of all units of a service."""
    return tuple(dict.fromkeys((unit_name(service), started_unit(service))))


def started_unit(service: Service) -> str:
    """The unit of a service that is enabled and started: its timer or its socket where it has one."""
    return f"{service.name}.{'timer' if service.schedule else 'socket' if service.sockets else 'service'}"


def unit_name(service: Service) -> str:
    """The file name of a service's systemd unit."""
    return f"{service.name}.service"


def systemd_unit(
    spec: InstallSpec, service: Service, folders: Folders, *, user: bool = False, overrides: Path | None = None
) -> str:
    """Return the systemd unit of a service installed in these folders, for the system or for one user."""
    places = _places(spec, service, folders, user=user)
    words = (f"{places.bin}/{_percent(service.binary)}", *(expand(_percent(text), places) for text in service.arguments))
    pairs = [f"{name}={expand(_percent(value), places)}" for name, value in sorted(service.environment.items())]
    writes = [expand(_percent(path), places) for path in service.writes]
    _refuse_newlines(service, *words, *pairs, *writes)
    _refuse_relative(service)
    started = started_unit(service)
    after = [*((started,) if service.sockets else ()), *service.after]
    return render(
        f"{TEMPLATES}/service.j2",
        overrides=overrides,
        name=_percent(spec.name),
        homepage=_percent(spec.homepage),
        service=service,
        summary=_percent(service.summary),
        after=[unit if "." in unit else f"{unit}.service" for unit in after],
        command=" ".join(_word(text.replace("$", "$$")) for text in words),
        environment=[_quoted(pair) for pair in pairs],
        # What is not there when the service starts is no reason not to start it.
        writes=[_word(f"-{path}") for path in writes] if service.hardening != "off" or not service.user else [],
        protect_home="read-only" if _at_home(folders.bin, *service.writes) else "yes",
        started=started if started != unit_name(service) else "",
        user=user,
    )


def _socket(spec: InstallSpec, service: Service, folders: Folders, user: bool, overrides: Path | None) -> str:
    places = _places(spec, service, folders, user=user)
    addresses = [expand(_percent(text), places) for text in service.sockets]
    _refuse_newlines(service, *addresses)
    return render(
        f"{TEMPLATES}/socket.j2",
        overrides=overrides,
        summary=_percent(service.summary),
        # A user may write in a folder of their own below /run.
        addresses=[re.sub(r"^(?:/var)?/run/", "%t/", text) if user else text for text in addresses],
    )


def _places(spec: InstallSpec, service: Service, folders: Folders, *, user: bool) -> Folders:
    """The folders as a unit spells them; a system service's state is where systemd makes it."""
    values = {field.name: _percent(folders.of(field.name)) for field in fields(Folders)}
    if service.state and not user:
        values["state"] = f"%S/{_percent(spec.name)}"
    if service.logs and not user:
        values["logs"] = f"%L/{_percent(spec.name)}"
    return Folders(**values)


def _at_home(*paths: str) -> bool:
    return any(path.startswith(_HOMES) for path in paths)


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refuse_newlines(service: Service, *texts: str) -> None:
    if any("\n" in text for text in (service.summary, *texts)):
        raise ConfigError(
            "a line break cannot stand in a service unit", key=f"services.{service.name}", hint="write the value in one line"
        )


def _refuse_relative(service: Service) -> None:
    for path in service.writes:
        if not path.startswith(("/", *(f"{{{place}}}" for place in PLACES))):
            raise ConfigError(
                f"{path} is no absolute path",
                key=f"services.{service.name}.writes",
                hint="begin it with / or with a folder of the installation such as {state}",
            )
