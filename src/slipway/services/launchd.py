"""What launchd has to know about services: property lists for daemons of the system and for agents of one user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render

ROOT: Final = "root"
# When macOS does such things itself: a Saturday, and the first of a month.
_TIMES: Final[Mapping[str, Mapping[str, int]]] = {
    "hourly": {"Minute": 15},
    "daily": {"Hour": 3, "Minute": 15},
    "weekly": {"Weekday": 6, "Hour": 3, "Minute": 15},
    "monthly": {"Day": 1, "Hour": 5, "Minute": 30},
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where launchd finds a program's services: `identifier` begins their labels, `logs` is the folder of their output.

    An agent runs as the user who is logged in, a daemon as a user of its own.
    """

    identifier: str
    folders: Folders
    logs: str
    agent: bool = False


def launchd_plist(spec: InstallSpec, service: Service, home: Home, overrides: Path | None = None) -> str:
    """Return the property list of a service, as launchd.plist(5) describes it."""
    words = (f"{home.folders.bin}/{service.binary}", *(expand(text, home.folders) for text in service.arguments))
    pairs = [(name, expand(value, home.folders)) for name, value in sorted(service.environment.items())]
    _refuse_control(service, *words, *service.sockets, *(value for _, value in pairs))
    user = "" if home.agent else daemon_user(spec, service)
    return render(
        "installers/launchd/service.plist.j2",
        overrides=overrides,
        label=label_of(service, home.identifier),
        command=words,
        environment=pairs,
        user="" if user == ROOT else user,
        folder=home.folders.state if service.state else "",
        enable=service.enable,
        times=_TIMES.get(service.schedule, {}),
        sockets=[dict(_socket(expand(text, home.folders))) for text in service.sockets],
        strict=service.hardening == "strict",
        log=f"{home.logs}/{service.name}.log",
    )


def starts_at_once(service: Service) -> bool:
    """Whether launchd starts a service when it learns of it; the others wait for their time or for a caller."""
    return not service.schedule and not service.sockets


def identifier_of(name: str, homepage: str) -> str:
    """What the labels of a project begin with: its homepage's host turned round, and its name."""
    host = (urlsplit(homepage).hostname or "local").removeprefix("www.")
    return ".".join((*reversed(host.split(".")), re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-")))


def label_of(service: Service, identifier: str) -> str:
    """The name under which launchd knows a service."""
    return f"{identifier}.{service.name}"


def plist_name(service: Service, identifier: str) -> str:
    """The file name of a service's property list, which is its label's."""
    return f"{label_of(service, identifier)}.plist"


def daemon_user(spec: InstallSpec, service: Service) -> str:
    """The user that a daemon runs as: its own, or one that is named like the project, as macOS names users of the system."""
    return service.user or "_" + (re.sub(r"[^a-z0-9]+", "_", spec.name.lower()).strip("_")[:30] or "service")


def _socket(text: str) -> Iterator[tuple[str, str]]:
    """The keys of one place to listen at: a path, a port, or a host and a port."""
    if text.startswith("/"):
        yield "SockPathName", text
        return
    host, _, port = text.rpartition(":")
    if host:
        yield "SockNodeName", host.strip("[]")
    yield "SockServiceName", port


def _refuse_control(service: Service, *texts: str) -> None:
    if any(_CONTROL.search(text) for text in texts):
        raise ConfigError(
            "a line break or another control character cannot stand in a property list",
            key=f"services.{service.name}",
            hint="write the value in one line",
        )
