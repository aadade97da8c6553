"""The scriptlets of an RPM, as rpm's macros would have expanded them, and the lists that systemd makes accounts from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file
from slipway.render import render
from slipway.services.systemd import systemd_unit, unit_name
from slipway.services.sysusers import sysusers, tmpfiles, users_of

_TEMPLATES: Final[Mapping[str, str]] = {"PREIN": "pre", "POSTIN": "post", "POSTUN": "postun"}


def service_files(spec: InstallSpec, folders: Folders) -> tuple[Entry, ...]:
    """The units of a distribution's services, and the lists of their accounts and folders."""
    units = ((f"{folders.units}/{unit_name(each)}", systemd_unit(spec, each, folders)) for each in spec.services)
    lists = ((_list("sysusers", spec.name), sysusers(spec, folders)), (_list("tmpfiles", spec.name), tmpfiles(spec, folders)))
    return tuple(made_file(path, text.encode(), "unit") for path, text in (*units, *lists) if text)


def scriptlets(spec: InstallSpec, folders: Folders, overrides: Path) -> Mapping[str, str]:
    """The scriptlets that have something to do, by their tag; a package without services has none."""
    if not spec.services:
        return {}
    context = {
        "units": [unit_name(service) for service in spec.services],
        "folder": folders.units,
        "accounts": sysusers(spec, folders).splitlines(),
        "users": users_of(spec),
        "state": folders.state,
        "folders": tmpfiles(spec, folders),
        "sysusers": _list("sysusers", spec.name),
        "tmpfiles": _list("tmpfiles", spec.name),
    }
    texts = {tag: render(f"templates/rpm/{name}.j2", overrides=overrides, **context) for tag, name in _TEMPLATES.items()}
    return {tag: text for tag, text in texts.items() if text.strip()}


def _list(kind: str, name: str) -> str:
    # Named like the project: the variants take each other's place.
    return f"/usr/lib/{kind}.d/{name}.conf"
