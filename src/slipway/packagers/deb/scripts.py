"""What makes a Debian package's services run: maintainer scripts, and the packages that they need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec, first_command
from slipway.packagers.systemd import Units, kept_folders
from slipway.render import render
from slipway.services.sysusers import sysusers, tmpfiles

# As debhelper's dh_installsysusers has it; nothing asks for systemd-tmpfiles, which the unit does without.
_ACCOUNTS: Final = "systemd | systemd-standalone-sysusers | systemd-sysusers"
_SCRIPTS: Final = ("postinst", "prerm", "postrm")


def service_needs(spec: InstallSpec, folders: Folders) -> tuple[str, ...]:
    """The packages that the maintainer scripts need."""
    return (_ACCOUNTS,) if sysusers(spec, folders) else ()


def maintainer_scripts(spec: InstallSpec, folders: Folders, overrides: Path) -> Mapping[str, bytes]:
    """The scripts that services and the first configuration need, and those for which the project has templates of its own."""
    own = {name for name in _SCRIPTS if (overrides / f"templates/deb/{name}.j2").is_file()}
    command, units = first_command(spec, folders), Units.of(spec)
    names = {*own, *(("postinst", "postrm") if command else ()), *(_SCRIPTS if spec.services else ())}
    context = {
        "name": spec.name,
        "units": units.every,
        "lasting": units.lasting,
        "enabled": units.enabled,
        "offered": units.offered,
        "accounts": f"{spec.name}.conf" if sysusers(spec, folders) else "",
        "tmpfiles": f"{spec.name}.conf" if tmpfiles(spec, folders) else "",
        "state": folders.state,
        "kept": kept_folders(spec, folders),
        "folder": folders.units,
        "configure": command,
    }
    return {name: render(f"templates/deb/{name}.j2", overrides=overrides, **context).encode() for name in sorted(names)}
