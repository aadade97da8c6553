"""The services of a distribution as install.sh carries them: the files of every supervisor that it may meet."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from slipway.layout import PLACES, Folders, InstallSpec
from slipway.model import Service
from slipway.render import heredoc
from slipway.services import launchd, openrc, rcd
from slipway.services.systemd import started_unit, unit_files, unit_names

# What keeps services running on each family of systems.
SUPERVISORS: Final[Mapping[str, tuple[str, ...]]] = {
    "linux": ("systemd", "openrc"),
    "macos": ("launchd",),
    "freebsd": ("rcd",),
}
FOLDERS: Final = ("installers/systemd", "installers/openrc", "installers/launchd", "installers/rc.d")
# Letters that nobody writes: around the name of a folder that only the user's machine knows.
_BEGIN, _END = "\ue000", "\ue001"
_MARKS: Final = Folders(units="", **{role: f"{_BEGIN}{role}{_END}" for role in PLACES})


def service_texts(spec: InstallSpec, service: Service, platforms: Collection[str], overrides: Path | None) -> Mapping[str, Any]:
    """What the templates of install.sh have to know of a service; `platforms` are those that the script is for."""
    families = {platform.partition("-")[0] for platform in platforms}
    known = [name for family, names in SUPERVISORS.items() if family in families for name in names]
    return {
        "name": service.name,
        "binary": service.binary,
        "state": service.state,
        "logs": service.logs,
        "enable": service.enable,
        "command": _fill(_by_hand(service), "d"),
        "setups": [setup for name in known for setup in _SETUPS[name](spec, service, overrides)],
        "accounts": [{"supervisor": name, "user": user} for name in known if (user := _ACCOUNTS[name](spec, service)) != "root"],
    }


def _systemd(spec: InstallSpec, service: Service, overrides: Path | None) -> Iterator[Mapping[str, Any]]:
    names = [started_unit(service), *(name for name in unit_names(service) if name != started_unit(service))]
    for scope in ("system", "user"):
        units = unit_files(spec, service, _MARKS, user=scope == "user", overrides=overrides)
        files = [_file(name, f"$d_units/{name}", 0o644, text) for name, text in units.items()]
        yield {"supervisor": "systemd", "scope": scope, "names": names, "files": files}


def _openrc(spec: InstallSpec, service: Service, overrides: Path | None) -> Iterator[Mapping[str, Any]]:
    placed = openrc.openrc_file(spec, service, _MARKS, overrides=overrides)
    path = f"${{d_periodic}}{service.schedule}/{service.name}" if service.schedule else placed.path
    file = _file(service.name, path, placed.mode, placed.text)
    yield {"supervisor": "openrc", "scope": "system", "names": [] if service.schedule else [service.name], "files": [file]}


def _launchd(spec: InstallSpec, service: Service, overrides: Path | None) -> Iterator[Mapping[str, Any]]:
    identifier = launchd.identifier_of(spec.name, spec.homepage)
    name = launchd.plist_name(service, identifier)
    for scope in ("system", "user"):
        home = launchd.Home(identifier=identifier, folders=_MARKS, logs=_MARKS.logs, agent=scope == "user")
        file = _file(name, f"$d_plists/{name}", 0o644, launchd.launchd_plist(spec, service, home, overrides))
        yield {"supervisor": "launchd", "scope": scope, "names": [launchd.label_of(service, identifier)], "files": [file]}


def _rcd(spec: InstallSpec, service: Service, overrides: Path | None) -> Iterator[Mapping[str, Any]]:
    placed = rcd.rcd_file(spec, service, _MARKS, overrides=overrides)
    file = _file(service.name, placed.path, placed.mode, placed.text)
    yield {
        "supervisor": "rcd",
        "scope": "system",
        "names": [] if service.schedule else [rcd.script_name(service)],
        "files": [file],
    }


# How each supervisor runs a service: its files, and the names that it is started and stopped by, the one to enable first.
_SETUPS: Final = {"systemd": _systemd, "openrc": _openrc, "launchd": _launchd, "rcd": _rcd}
# The account that a service needs; systemd lends one where the project names none.
_ACCOUNTS: Final[Mapping[str, Callable[[InstallSpec, Service], str]]] = {
    "systemd": lambda _, service: service.user,
    "openrc": openrc.account_of,
    "launchd": launchd.daemon_user,
    "rcd": rcd.account_of,
}


def _file(name: str, path: str, mode: int, text: str) -> Mapping[str, str]:
    return {"name": name, "path": path, "mode": f"{mode:04o}", "text": _fill(text, "u")}


def _fill(text: str, prefix: str) -> str:
    """Protect a text for a here-document, and name in it the shell's variables that hold the folders."""
    text = heredoc(text)
    for role in PLACES:
        text = text.replace(f"{_BEGIN}{role}{_END}", f"${{{prefix}_{role}}}")
    return text


def _by_hand(service: Service) -> str:
    pairs = (f"{name}={_word(value)}" for name, value in sorted(service.environment.items()))
    return " ".join((*pairs, _word(f"{{bin}}/{service.binary}"), *map(_word, service.arguments)))


def _word(text: str) -> str:
    marked = re.sub(rf"\{{({'|'.join(PLACES)})\}}", rf"{_BEGIN}\1{_END}", text)
    return shlex.quote(text) if marked == text else f'"{marked}"'
