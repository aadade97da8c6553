"""The tables of slipway.toml that say what is special in each format of packages, and how packages are signed and listed."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from slipway.config.forms import OPTIONAL_PACKAGE, Matches, Relation, Table, Word, unique

Package = Literal["deb", "rpm", "freebsd", "pkg", "msi", "portable", "source"]
USUAL: Final = ("deb", "rpm", "freebsd", "pkg", "msi")


class DebTable(Table):
    """What Debian packages say beside the facts of the project."""

    package: Annotated[str, OPTIONAL_PACKAGE] = ""
    """The package's name; the project's name when empty."""
    section: Word = "utils"
    """The section of the Debian archive."""
    priority: Literal["required", "important", "standard", "optional", "extra"] = "optional"
    """The priority among Debian packages."""
    depends: list[Relation] = []
    """Packages that must be there, such as `ca-certificates` or `libc6 (>= 2.31)`."""
    recommends: list[Relation] = []
    """Packages that are installed along unless the user objects."""
    suggests: list[Relation] = []
    """Packages that may be useful beside this one."""
    conflicts: list[Relation] = []
    """Packages that cannot be there at the same time."""
    replaces: list[Relation] = []
    """Packages whose files this one may overwrite."""
    provides: list[Relation] = []
    """Names of packages that this one stands in for."""
    compression: Literal["gzip", "xz", "zstd"] = "gzip"
    """How the package's files are compressed."""


class RpmTable(Table):
    """What RPM packages say beside the facts of the project."""

    package: Annotated[str, OPTIONAL_PACKAGE] = ""
    """The package's name; the project's name when empty."""
    compression: Literal["gzip", "xz", "zstd"] = "gzip"
    """How the package's files are compressed."""


class FreebsdTable(Table):
    """What FreeBSD packages say beside the facts of the project."""

    package: Annotated[str, OPTIONAL_PACKAGE] = ""
    """The package's name; the project's name when empty."""
    compression: Literal["zstd", "xz"] = "zstd"
    """How the package's files are compressed."""


class PkgTable(Table):
    """What macOS packages say beside the facts of the project."""

    identifier: Annotated[
        str, Matches(r"|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "a reverse domain name such as 'org.example.tool'")
    ] = ""
    """By which macOS knows the package; made from the homepage and the project's name when empty."""


class MsiTable(Table):
    """What Windows packages say beside the facts of the project."""

    manufacturer: str = ""
    """Who makes it; the maintainer's name when empty."""


class SourcePackageTable(Table):
    """What the source package holds beside the committed files."""

    vendored: bool = False
    """Whether a second source package holds all crates too, so that it builds without a network."""


class SignTable(Table):
    """With which keys what is released is signed. Without any, nothing is signed."""

    gpg: str = ""
    """The OpenPGP key: a fingerprint, or what else names one key for gpg."""


class SbomTable(Table):
    """Which lists of what is inside a release (software bills of materials) are written."""

    formats: Annotated[list[Literal["cyclonedx", "spdx"]], AfterValidator(unique)] = []
    """The formats of the lists."""
