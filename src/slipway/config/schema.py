"""The tables and keys of slipway.toml, each described once; the checks, the JSON schema and the reference page come from here."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from slipway.config.container import ContainerTable
from slipway.config.environments import EnvironmentTable
from slipway.config.forms import ONE_LINE, Compression, Matches, Table, TableName, Word, Words, unique, unique_kinds
from slipway.config.packages import (
    USUAL,
    DebTable,
    FreebsdTable,
    MsiTable,
    PkgTable,
    RpmTable,
    SbomTable,
    SignTable,
    SourcePackageTable,
)
from slipway.config.parts import ComponentTable
from slipway.config.release import ChangelogTable, FragmentsTable, ReleaseTable
from slipway.config.stores import PointerName, PointerTable, StoreTable
from slipway.platforms import DOCUMENTED
from slipway.rules import Package

Format = Annotated[str, Compression(("tar.gz", "tar.xz", "tar.zst", "tar.br", "7z", "zip", "tar"), without=("tar",))]
Level = Literal["basic", "integration", "complete"]
_HTTPS: Final = Matches(r"|https://\S+", "a URL that starts with https://")


class ProjectTable(Table):
    """What the project is. All paths in slipway.toml are relative to the folder of slipway.toml."""

    name: Annotated[
        str,
        Matches(
            r"[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+])?",
            "lower-case letters, digits, '+', '.' and '-', start with a letter or digit and not end with '.' or '-'",
        ),
    ]
    """The project's name: every file that a release gives out starts with it."""
    summary: Annotated[str, ONE_LINE, Field(min_length=1)]
    """What the project does, in one line."""
    description: str = ""
    """What the project does, in paragraphs; the summary when empty."""
    license: Annotated[str, ONE_LINE] = ""
    """The licence as an SPDX expression, such as `MIT OR Apache-2.0`."""
    maintainer: Annotated[str, Matches(r"|[^<>\n]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>", "of the form 'Name <mail@example.org>'")] = ""
    """Who answers for the packages, as `Name <mail@example.org>`."""
    homepage: Annotated[str, Matches(r"|https?://\S+", "a URL that starts with https:// or http://")] = ""
    """The project's page on the web."""
    documents: Words = []
    """Files, such as README.md and LICENSE, that lie at the top of every distribution."""
    platforms: Annotated[Words, Field(min_length=1)] = list(DOCUMENTED)
    """The platforms to release for."""
    checksums: Annotated[list[Literal["sha256", "sha512", "blake2b", "md5"]], AfterValidator(unique)] = ["sha256"]
    """The checksum files to write; sha256 is always among them."""
    compression: Annotated[int, Field(ge=1, le=12)] = 6
    """How hard to compress: from 1, fast, to 12, small."""
    packages: Annotated[list[Package], AfterValidator(unique)] = list(USUAL)
    """The packages to make, each on the platforms that know it. The variable PACKAGE_FORMATS goes before this."""
    symbols: Literal["", "strip", "keep", "separate"] = ""
    """What becomes of the symbols that debuggers need: `strip` takes them out of every program, `keep` leaves them in,
    `separate` moves them into a package of their own; when empty, cargo strips what it compiles and other programs stay as
    they are. The variable SYMBOLS goes before this."""


class VersionTable(Table):
    """Where the version comes from. The variable VERSION goes before all of this."""

    source: Literal["cargo", "file", "git", "python", "value"] = "cargo"
    """`cargo` reads a Cargo.toml, `file` the first line of a file, `git` asks `git describe`, `python` reads a pyproject.toml
    (or the `__version__` in the file that it names), `value` takes `value`."""
    path: str = ""
    """The file that `cargo`, `file` and `python` read; `Cargo.toml`, `VERSION` or `pyproject.toml` when empty."""
    value: str = ""
    """The version itself, for `value`."""
    scheme: Literal["semver", "calver", "nix", "debian"] = "semver"
    """How versions are ordered: `semver` (2.1.0-rc.1), `calver` (2024.04.1), `nix` as its `compareVersions` does
    (24.11.715880.b75693fb46bf) or `debian` as dpkg does (2019.01-1)."""
    tag: Annotated[str, Matches(r"[^{}\s]*\{version\}[^{}\s]*", "a tag with {version} in it once, such as 'v{version}'")] = (
        "v{version}"
    )
    """How the tag of a release is spelled."""


class VariantTable(Table):
    """A selection of components that is released on its own. Without any, there is one, `complete`, with all components."""

    components: Annotated[Words, Field(min_length=1)]
    """Names of components, or patterns such as `docs-*`; `*` is all of them."""
    summary: Annotated[str, ONE_LINE] = ""
    """What the variant is for, in one line."""


class PlatformTable(Table):
    """What is special on one platform. All of it is optional."""

    tool: Literal["auto", "cargo", "zigbuild", "cross"] = "auto"
    """What compiles Rust for the platform; `auto` takes what is there."""
    glibc: Annotated[str, Matches(r"|\d+\.\d+", "two numbers such as '2.28'")] = ""
    """The oldest GNU C library that the binaries have to run on, such as `2.28`."""
    macos: Annotated[str, Matches(r"|\d+(?:\.\d+){0,2}", "numbers such as '11.0'")] = ""
    """The oldest macOS that the binaries have to run on, such as `11.0`."""
    cross_image: str = ""
    """The container image for `cross`; when empty, what Cross.toml says, else one that slipway made here, else cross's own."""
    archives: Annotated[list[Format], AfterValidator(unique_kinds)] = []
    """The archives to make: `tar.gz`, `tar.xz`, `tar.zst`, `tar.br`, `7z`, `zip` or `tar`, and for each perhaps a level of its
    own, as in `tar.xz:9`; `zip` on Windows, `tar.xz` on FreeBSD and `tar.gz` elsewhere when empty."""
    rustflags: list[Word] = []
    """More flags for the Rust compiler."""


class ServiceTable(Table):
    """A program that the system keeps running, or runs at certain times: systemd, OpenRC, launchd, rc.d or a Windows service.

    In `arguments`, `environment`, `sockets` and `writes`, `{bin}`, `{lib}`, `{share}`, `{doc}`, `{config}`, `{state}` and
    `{logs}` stand for the folders of an installation.
    """

    binary: str = ""
    """The binary to run; the one with the service's name when empty."""
    summary: Annotated[str, ONE_LINE] = ""
    """What the service does, in one line; its name when empty."""
    arguments: list[str] = []
    """The arguments of the binary."""
    environment: dict[str, str] = {}
    """Environment variables for the binary."""
    user: Annotated[str, Matches(r"|[a-z_][a-z0-9_-]{0,30}", "a user name: lower-case letters, digits, '_' and '-'")] = ""
    """The system user that the service runs as; with systemd, one made for as long as it runs when empty."""
    state: bool = True
    """Whether the service keeps files of its own in `{state}`."""
    after: Words = []
    """What has to be started before: services of this file, or units such as `network-online.target`."""
    enable: bool = True
    """Whether installers switch the service on."""
    logs: bool = False
    """Whether the service writes files of its own in `{logs}`."""
    notify: bool = False
    """Whether the service tells systemd when it is ready (sd_notify)."""
    hardening: Literal["off", "basic", "strict"] = "basic"
    """How far systemd shuts the service in: `off` not at all, `basic` as most services bear it, `strict` as far as it goes."""
    privileged_ports: bool = False
    """Whether the service listens on a port below 1024 without being root."""
    writes: list[Word] = []
    """Folders and files, besides its state and its logs, that the service may write."""
    sockets: list[Word] = []
    """Where systemd listens for the service and starts it when somebody calls: `8080`, `127.0.0.1:8080`, `/run/hello.sock`."""
    schedule: Literal["", "hourly", "daily", "weekly", "monthly"] = ""
    """How often the program is run, when it is no daemon but ends by itself."""


class InstallTable(Table):
    """What installers do besides putting files in place."""

    health: list[Word] = []
    """The command that shows that an installation works, such as `["tool", "--version"]`."""
    configure: list[Word] = []
    """The command that a first installation runs once, such as `["tool", "init", "{config}"]`."""
    download_url: Annotated[str, _HTTPS] = ""
    """The folder on the web from which installers take archives; `{version}`, `{tag}` and `{file}` are replaced."""
    mirrors: list[Annotated[str, _HTTPS]] = []
    """Other such folders, which are tried in turn when the first one fails."""
    signature: Literal["auto", "require", "off"] = "auto"
    """Whether installers check the archive's signature: `auto` where a program for it is there, `require` always, `off` never."""
    completions: Words = []
    """Files with completions for shells: `NAME.bash`, `_NAME` for zsh, `NAME.fish` and `NAME.nu`, where NAME is a program."""
    manuals: Words = []
    """Manual pages, such as `man/tool.1`; every installation puts them where `man` looks."""


class TestTable(Table):
    """How the project and its distributions are tested. Commands are lines for `sh`."""

    __test__ = False

    unit: list[Word] = []
    """Commands that test the source, run in the folder of slipway.toml."""
    basic: list[Word] = []
    """Commands that show that an installation starts."""
    integration: list[Word] = []
    """Commands that show that the parts of an installation work together."""
    complete: list[Word] = []
    """Commands that walk through a whole day's work."""
    files: str = ""
    """A folder of which a copy is the current folder of the commands."""
    image: Word = "debian:bookworm-slim"
    """The container image in which Linux distributions are installed and tested."""
    bootstrap: str = ""
    """The Debian suite, such as `bookworm`, from which mmdebstrap makes an image when `image` cannot be pulled."""
    variants: dict[str, Annotated[list[Level], AfterValidator(unique)]] = {}
    """The levels that a variant can be tested on, for variants that cannot do all three: `minimal = ["basic"]`."""


class SlipwayFile(Table):
    """Everything that slipway has to know about a project, in one file."""

    project: ProjectTable
    """What the project is."""
    version: VersionTable = VersionTable()
    """Where the version comes from."""
    component: Annotated[dict[TableName, ComponentTable], Field(min_length=1)]
    """The parts of a distribution, by name."""
    variant: dict[TableName, VariantTable] = {}
    """The selections of components to release, by name."""
    platform: dict[str, PlatformTable] = {}
    """What is special on a platform, by its name."""
    service: dict[TableName, ServiceTable] = {}
    """The programs that the system keeps running, by name."""
    install: InstallTable = InstallTable()
    """Where installers download from, and how they check an installation."""
    deb: DebTable = DebTable()
    """What Debian packages say."""
    rpm: RpmTable = RpmTable()
    """What RPM packages say."""
    freebsd: FreebsdTable = FreebsdTable()
    """What FreeBSD packages say."""
    pkg: PkgTable = PkgTable()
    """What macOS packages say."""
    msi: MsiTable = MsiTable()
    """What Windows packages say."""
    source: SourcePackageTable = SourcePackageTable()
    """What the source package holds."""
    sign: SignTable = SignTable()
    """With which keys what is released is signed."""
    sbom: SbomTable = SbomTable()
    """Which lists of what is inside are written."""
    container: ContainerTable = ContainerTable()
    """The container image, and how it is run."""
    test: TestTable = TestTable()
    """How the project is tested."""
    release: ReleaseTable = ReleaseTable()
    """How a release looks in git, and what its gates ask for."""
    changelog: ChangelogTable = ChangelogTable()
    """What of the history a changelog tells."""
    fragments: FragmentsTable = FragmentsTable()
    """Where notes on coming changes lie."""
    store: dict[TableName, StoreTable] = {}
    """Where files are published, by name."""
    pointer: dict[PointerName, PointerTable] = {}
    """The names that lead to the newest release, by name."""
    environment: dict[TableName, EnvironmentTable] = {}
    """The places to publish to, each with stores, by name."""


TABLES: Final[dict[str, type[Table]]] = {
    "project": ProjectTable,
    "version": VersionTable,
    "variant": VariantTable,
    "platform": PlatformTable,
    "service": ServiceTable,
    "install": InstallTable,
    "deb": DebTable,
    "rpm": RpmTable,
    "freebsd": FreebsdTable,
    "pkg": PkgTable,
    "msi": MsiTable,
    "source": SourcePackageTable,
    "sign": SignTable,
    "sbom": SbomTable,
    "container": ContainerTable,
    "test": TestTable,
    "release": ReleaseTable,
    "changelog": ChangelogTable,
    "fragments": FragmentsTable,
    "pointer": PointerTable,
    "environment": EnvironmentTable,
}
NAMED: Final = ("component", "variant", "platform", "service", "store", "pointer", "environment")


def keys_of(table: type[Table]) -> tuple[str, ...]:
    """The keys of a table as slipway.toml spells them."""
    return tuple(field.alias or name for name, field in table.model_fields.items())
