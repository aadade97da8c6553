"""What a project says about one of its Windows packages, and its version as Windows Installer counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from slipway.errors import ConfigError
from slipway.model import Cell, Release
from slipway.packagers.msi.ids import upgrade_code
from slipway.version import Version

# The ProductVersion property: major and minor below 256, the build below 65536; the installer compares no fourth number.
_LIMITS: Final = (255, 255, 65535)
_CENTURY: Final = 2000
_HINT: Final = "set version in [msi] to three numbers below 256, 256 and 65536 that grow with every release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of one package; `scope` is machine or user, `version` the release's own and `said` what [msi] says instead."""

    title: str
    name: str
    version: str
    scheme: str
    said: str
    platform: str
    variant: str
    scope: str
    manufacturer: str
    contact: str
    homepage: str
    summary: str
    description: str
    license: str
    upgrade_code: str
    services: str
    service_account: str

    @property
    def product_version(self) -> str:
        """The version in numbers that Windows Installer can compare; raises ConfigError when there are none."""
        return product_version(self.version, self.scheme, self.said)


def file_name(release: Release, cell: Cell, scope: str) -> str:
    """`hello-1.2.3-windows-amd64-complete.msi`, with `-user` before the suffix for one user's."""
    return f"{release.name_of(cell)}{'-user' if scope == 'user' else ''}.msi"


def facts_of(release: Release, cell: Cell, scope: str) -> Facts:
    """Gather the facts; all variants have one upgrade code, so that they take each other's place."""
    project, rules = release.project, release.project.msi
    first = cell.variant == project.variants[0]
    return Facts(
        title=project.name if first else f"{project.name} ({cell.variant.name})",
        name=project.name,
        version=str(release.version),
        scheme=release.version.scheme,
        said=rules.version,
        platform=cell.platform.msi,
        variant=cell.variant.name,
        scope=scope,
        manufacturer=rules.manufacturer or re.sub(r"\s*<[^>]*>", "", project.maintainer).strip() or project.name,
        contact=project.maintainer,
        homepage=project.homepage,
        summary=" ".join(project.summary.split()),
        description=" ".join((cell.variant.summary or project.summary).split()),
        license=project.license,
        upgrade_code=upgrade_code(project.name, cell.platform.msi, scope, rules.upgrade_code),
        services=rules.services,
        service_account=rules.service_account,
    )


def product_version(text: str, scheme: str, said: str = "") -> str:
    """The ProductVersion of a release; raises ConfigError when it has none.

    What comes behind `-` and `+` falls away. The year of a calendar version counts from 2000: `2024.04.1` is `24.4.1`.
    """
    read = re.split(r"[-+]", said, maxsplit=1)[0].split(".") if said else Version.parse(text, scheme).numbers
    numbers = [int(part) for part in read]
    if scheme == "calver" and not said and _CENTURY <= numbers[0] <= _CENTURY + _LIMITS[0]:
        numbers[0] -= _CENTURY
    numbers += [0] * (len(_LIMITS) - len(numbers))
    if len(numbers) > len(_LIMITS) or any(number > limit for number, limit in zip(numbers, _LIMITS, strict=False)):
        raise ConfigError(f"Windows Installer cannot hold the version {said or text}", key="msi.version", hint=_HINT)
    return ".".join(str(number) for number in numbers)
