"""What a project says about each format of its packages, as frozen data; a class per table of slipway.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

# What PACKAGE_FORMATS and `[project] packages` choose from.
Package = Literal["deb", "rpm", "freebsd", "pkg", "msi", "portable", "source"]
PACKAGES: Final[tuple[Package, ...]] = get_args(Package)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebSuite:
    """What is special in one suite of Debian: what packages need besides, and what their versions end in."""

    depends: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebRules:
    """What a Debian package says beside the project's own facts."""

    package: str = ""
    section: str = "utils"
    priority: str = "optional"
    depends: tuple[str, ...] = ()
    pre_depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    enhances: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    multi_arch: str = ""
    compression: str = "gzip"
    revision: str = ""
    suites: tuple[str, ...] = ()
    suite: Mapping[str, DebSuite] = field(default_factory=dict)
    architecture: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    architecture_all: bool = False
    triggers: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RpmRules:
    """What an RPM package says beside the project's own facts; `capabilities` are by place in a distribution."""

    package: str = ""
    release: str = "1"
    epoch: int = 0
    group: str = "Applications/System"
    vendor: str = ""
    requires: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    capabilities: Mapping[str, str] = field(default_factory=dict)
    compression: str = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreebsdRules:
    """What a FreeBSD package says beside the project's own facts."""

    package: str = ""
    origin: str = ""
    categories: tuple[str, ...] = ()
    depends: Mapping[str, str] = field(default_factory=dict)
    major: str = ""
    compression: str = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class PkgRules:
    """What a macOS package says beside the project's own facts."""

    identifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MsiRules:
    """What a Windows package says beside the project's own facts."""

    manufacturer: str = ""
    scopes: tuple[str, ...] = ("machine",)
    version: str = ""
    upgrade_code: str = ""
    services: str = "able"
    service_account: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """What the source package of a project holds; `root` is relative to the folder of slipway.toml."""

    root: str = "."
    vendored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRules:
    """With which keys what is released is signed; without any, nothing is.

    `gpg`, `minisign` and `ssh` name keys by what is public of them, `authenticode` is a file of certificates.
    """

    gpg: str = ""
    gpg_file: str = ""
    minisign: str = ""
    minisign_file: str = ""
    ssh: str = ""
    ssh_file: str = ""
    authenticode: str = ""
    authenticode_file: str = ""
    timestamp: str = ""
    what: tuple[str, ...] = ("checksums", "artifacts", "packages")
    public_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomRules:
    """Which lists of what is inside a release are written, and what is said about where it comes from."""

    formats: tuple[str, ...] = ()
    licenses: bool = True
    manifests: bool = False
    provenance: bool = False
    builder: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRules:
    """The project's container image, and how the container installer runs it; without an image there is no such installer.

    `volumes` maps the names of volumes to folders in the container. `health` is a command in the container, `health_path` a
    page that it answers with, `health_port` the port at which it answers.
    """

    image: str = ""
    digest: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    network: str = "bridge"
    health: tuple[str, ...] = ()
    health_path: str = ""
    health_port: int = 0
    health_timeout: int = 60


def target_port(port: str) -> int:
    """The port in the container that an entry of `ports` leads to."""
    return int(port.rpartition(":")[2].partition("/")[0])
