"""What a Debian package holds beside the distribution's files: units, maintainer scripts, copyright and changelog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.layout import Folders, InstallSpec
from slipway.packagers.deb.control import Facts
from slipway.packagers.deb.copyright import copyright_text
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file
from slipway.render import render
from slipway.services.systemd import systemd_unit, unit_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Where the texts of a package come from."""

    license: str
    documents: tuple[Path, ...]
    overrides: Path
    epoch: int


def units(spec: InstallSpec, folders: Folders) -> tuple[Entry, ...]:
    """The systemd units of a distribution."""
    return tuple(
        made_file(f"{folders.units}/{unit_name(service)}", systemd_unit(spec, service, folders).encode(), "unit")
        for service in spec.services
    )


def papers(facts: Facts, spec: InstallSpec, said: Papers) -> tuple[Entry, ...]:
    """The copyright file and the changelog that policy 12 asks for; a version without a revision is native."""
    import deflate

    about = {"name": spec.name, "maintainer": facts.maintainer, "homepage": facts.homepage, "license": said.license}
    changes = bytes(deflate.gzip_compress(_changelog(facts, spec, said), 9))
    return (
        made_file(f"{facts.doc}/copyright", copyright_text(about, said.documents, said.epoch, said.overrides), "license"),
        made_file(f"{facts.doc}/changelog.gz", changes, "doc"),
    )


def maintainer_scripts(spec: InstallSpec, folders: Folders, overrides: Path) -> Mapping[str, bytes]:
    """postinst, prerm and postrm; a package without services needs none."""
    if not spec.services:
        return {}
    context = {
        "units": [unit_name(service) for service in spec.services],
        "enabled": [unit_name(service) for service in spec.services if service.enable],
        "offered": [unit_name(service) for service in spec.services if not service.enable],
        "users": service_users(spec),
        "keeps_state": any(service.state for service in spec.services),
        "state": folders.state,
        "folder": folders.units,
    }
    names = ("postinst", "prerm", "postrm")
    return {name: render(f"templates/deb/{name}.j2", overrides=overrides, **context).encode() for name in names}


def service_users(spec: InstallSpec) -> tuple[str, ...]:
    """The system users that the services run as; root is there already."""
    return tuple(sorted({service.user for service in spec.services} - {"", "root"}))


def _changelog(facts: Facts, spec: InstallSpec, said: Papers) -> bytes:
    from email.utils import formatdate

    text = render(
        "templates/deb/changelog.j2",
        overrides=said.overrides,
        package=facts.package,
        version=facts.version,
        release=spec.version,
        maintainer=facts.maintainer,
        date=formatdate(said.epoch).replace("-0000", "+0000"),
    )
    return text.encode()
