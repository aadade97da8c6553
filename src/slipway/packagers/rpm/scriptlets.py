"""The scriptlets of an RPM, as rpm's macros would have expanded them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec, first_command
from slipway.packagers.systemd import Units, kept_folders, list_path
from slipway.render import render
from slipway.services.sysusers import sysusers, tmpfiles, users_of

_TEMPLATES: Final[Mapping[str, str]] = {"PREIN": "pre", "POSTIN": "post", "POSTUN": "postun"}


def scriptlets(spec: InstallSpec, folders: Folders, overrides: Path) -> Mapping[str, str]:
    """The scriptlets that have something to do, by their tag."""
    units = Units.of(spec)
    context = {
        "name": spec.name,
        "units": units.every,
        "started": (*units.enabled, *units.offered),
        "lasting": units.lasting,
        "configure": first_command(spec, folders),
        "folder": folders.units,
        "accounts": sysusers(spec, folders).splitlines(),
        "users": users_of(spec),
        "state": folders.state,
        "kept": kept_folders(spec, folders),
        "folders": tmpfiles(spec, folders),
        "sysusers": list_path("sysusers", spec.name),
        "tmpfiles": list_path("tmpfiles", spec.name),
    }
    texts = {tag: render(f"templates/rpm/{name}.j2", overrides=overrides, **context) for tag, name in _TEMPLATES.items()}
    return {tag: text for tag, text in texts.items() if text.strip()}
