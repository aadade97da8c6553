"""What a project says about each format of its packages, as frozen data; a class per table of slipway.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# What PACKAGE_FORMATS and `[project] packages` choose from.
PACKAGES: Final = ("deb", "rpm", "freebsd", "pkg", "msi", "portable", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class DebRules:
    """What a Debian package says beside the project's own facts."""

    package: str = ""
    section: str = "utils"
    priority: str = "optional"
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    compression: str = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class RpmRules:
    """What an RPM package says beside the project's own facts."""

    package: str = ""
    compression: str = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreebsdRules:
    """What a FreeBSD package says beside the project's own facts."""

    package: str = ""
    compression: str = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class PkgRules:
    """What a macOS package says beside the project's own facts."""

    identifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MsiRules:
    """What a Windows package says beside the project's own facts."""

    manufacturer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """What the source package of a project holds."""

    vendored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRules:
    """With which keys what is released is signed; without any, nothing is."""

    gpg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomRules:
    """Which lists of what is inside a release are written."""

    formats: tuple[str, ...] = ()
