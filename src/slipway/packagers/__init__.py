"""Packages: archives and the formats of package managers. A new format is a file here and a row in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from slipway.model import Release
from slipway.packagers import archive, deb, freebsd, inventory, msi, pkg, portable, rpm, source, symbols, wheel
from slipway.packagers.inventory import manifests
from slipway.steps import Step


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of package: how its Steps are planned, and which files the whole matrix makes."""

    kind: str
    plan: Callable[[Release], tuple[Step, ...]]
    names: Callable[[Release], tuple[str, ...]]
    stage: str = "package-binaries"


FORMATS: Final = (
    Format(archive.KIND, archive.plan_archives, archive.archive_names, "create-archives"),
    Format(deb.KIND, deb.plan_debs, deb.deb_names),
    Format(rpm.KIND, rpm.plan_rpms, rpm.rpm_names),
    Format(portable.KIND, portable.plan_portables, portable.portable_names),
    Format(source.KIND, source.plan_sources, source.source_names),
    Format(freebsd.KIND, freebsd.plan_freebsd, freebsd.freebsd_names),
    Format(pkg.KIND, pkg.plan_pkgs, pkg.pkg_names),
    Format(msi.KIND, msi.plan_msis, msi.msi_names),
    Format(symbols.KIND, symbols.plan_symbols, symbols.symbol_names),
    Format(wheel.KIND, wheel.plan_wheels, wheel.wheel_names),
    Format(inventory.KIND, inventory.plan_sboms, inventory.sbom_names),
    Format(manifests.KIND, manifests.plan_manifests, manifests.manifest_names, "create-archives"),
)


def planned_names(release: Release) -> Mapping[str, tuple[str, ...]]:
    """The file names of everything that the project can pack, by kind."""
    return {each.kind: each.names(release) for each in FORMATS}
