"""What makes a Debian package's services run: maintainer scripts, and the packages that they need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slipway.layout import Folders, InstallSpec
from slipway.render import render
from slipway.services.systemd import unit_name
from slipway.services.sysusers import sysusers, tmpfiles

# As debhelper's dh_installsysusers has it; nothing asks for systemd-tmpfiles, which the unit does without.
_ACCOUNTS: Final = "systemd | systemd-standalone-sysusers | systemd-sysusers"
_SCRIPTS: Final = ("postinst", "prerm", "postrm")


def service_needs(spec: InstallSpec, folders: Folders) -> tuple[str, ...]:
    """The packages that the maintainer scripts need."""
    return (_ACCOUNTS,) if sysusers(spec, folders) else ()


def maintainer_scripts(spec: InstallSpec, folders: Folders, overrides: Path) -> Mapping[str, bytes]:
    """The scripts that services need, and those for which the project has templates of its own."""
    own = {name for name in _SCRIPTS if (overrides / f"templates/deb/{name}.j2").is_file()}
    names = {*own, *(_SCRIPTS if spec.services else ())}
    context = {
        "units": [unit_name(service) for service in spec.services],
        "enabled": [unit_name(service) for service in spec.services if service.enable],
        "offered": [unit_name(service) for service in spec.services if not service.enable],
        "accounts": f"{spec.name}.conf" if sysusers(spec, folders) else "",
        "tmpfiles": f"{spec.name}.conf" if tmpfiles(spec, folders) else "",
        "keeps_state": any(service.state for service in spec.services),
        "state": folders.state,
        "folder": folders.units,
    }
    return {name: render(f"templates/deb/{name}.j2", overrides=overrides, **context).encode() for name in sorted(names)}
