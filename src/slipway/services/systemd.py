"""Service units, made from what a project says about its services."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Final

from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_HOMES: Final = ("/home/", "/root/", "/run/user/")


def systemd_unit(spec: InstallSpec, service: Service, folders: Folders, *, user: bool = False) -> str:
    """Return the systemd unit of a service installed in these folders, for the system or for one user."""
    places = _places(spec, service, folders, user=user)
    words = (f"{places.bin}/{_percent(service.binary)}", *(expand(_percent(text), places) for text in service.arguments))
    pairs = [f"{name}={expand(_percent(value), places)}" for name, value in sorted(service.environment.items())]
    _refuse_newlines(service, *words, *pairs)
    return render(
        "installers/systemd/service.j2",
        name=_percent(spec.name),
        homepage=_percent(spec.homepage),
        service=service,
        summary=_percent(service.summary),
        after=[unit if "." in unit else f"{unit}.service" for unit in service.after],
        command=" ".join(_word(text.replace("$", "$$")) for text in words),
        environment=[_quoted(pair) for pair in pairs],
        protect_home="read-only" if folders.bin.startswith(_HOMES) else "yes",
        user=user,
    )


def unit_name(service: Service) -> str:
    """The file name of a service's systemd unit."""
    return f"{service.name}.service"


def _places(spec: InstallSpec, service: Service, folders: Folders, *, user: bool) -> Folders:
    """The folders as a unit spells them; a system service's state is where systemd makes it."""
    values = {field.name: _percent(folders.of(field.name)) for field in fields(Folders)}
    if service.state and not user:
        values["state"] = f"%S/{_percent(spec.name)}"
    if service.logs and not user:
        values["logs"] = f"%L/{_percent(spec.name)}"
    return Folders(**values)


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
