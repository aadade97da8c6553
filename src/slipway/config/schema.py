"""The tables and keys of slipway.toml, each described once; the checks, the JSON schema and the reference page come from here."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from slipway.config.forms import ONE_LINE, Matches, Table, TableName, Word, Words, unique
from slipway.config.packages import (
    USUAL,
    DebTable,
    FreebsdTable,
    MsiTable,
    Package,
    PkgTable,
    RpmTable,
    SbomTable,
    SignTable,
    SourcePackageTable,
)
from slipway.config.pyproject import ENTRY
from slipway.platforms import DOCUMENTED

Format = Literal["tar.gz", "tar.xz", "tar.zst", "zip"]
Level = Literal["basic", "integration", "complete"]


class ProjectTable(Table):
    """What the project is. All paths in slipway.toml are relative to the folder of slipway.toml."""

    name: Annotated[
        str, Matches(r"[a-z0-9][a-z0-9+.-]*", "lower-case letters, digits, '+', '.' and '-', and start with a letter or digit")
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
    checksums: Annotated[list[Literal["sha256", "sha512", "md5"]], AfterValidator(unique)] = ["sha256"]
    """The checksum files to write; sha256 is always among them."""
    compression: Annotated[int, Field(ge=1, le=12)] = 6
    """How hard to compress: from 1, fast, to 12, small."""
    packages: Annotated[list[Package], AfterValidator(unique)] = list(USUAL)
    """The packages to make, each on the platforms that know it. The variable PACKAGE_FORMATS goes before this."""


class VersionTable(Table):
    """Where the version comes from. The variable VERSION goes before all of this."""

    source: Literal["cargo", "file", "git", "python", "value"] = "cargo"
    """`cargo` reads a Cargo.toml, `file` the first line of a file, `git` asks `git describe`, `python` reads a pyproject.toml
    (or the `__version__` in the file that it names), `value` takes `value`."""
    path: str = ""
    """The file that `cargo`, `file` and `python` read; `Cargo.toml`, `VERSION` or `pyproject.toml` when empty."""
    value: str = ""
    """The version itself, for `value`."""
    scheme: Literal["semver", "calver"] = "semver"
    """How versions are ordered: `semver` (2.1.0-rc.1) or `calver` (2024.04.1)."""
    tag: Annotated[str, Matches(r"[^{}\s]*\{version\}[^{}\s]*", "a tag with {version} in it once, such as 'v{version}'")] = (
        "v{version}"
    )
    """How the tag of a release is spelled."""


class SourceTable(Table):
    """Where the files of one platform come from when they were built elsewhere. Nothing is compiled for that platform here.

    What is taken is held to the same rule as what is compiled: a program for another platform is refused. In `source` and
    `files`, `{version}`, `{tag}`, `{platform}`, `{triple}`, `{family}`, `{arch}`, `{exe}` and `{name}` (of the project) are
    replaced. Archives are tar files, also packed with gzip, bzip2, xz or zstd, and zip files.
    """

    source: Word
    """A folder, an archive or a single file, relative to slipway.toml, or a URL that starts with `https://`."""
    sha256: Annotated[str, Matches(r"|[0-9a-fA-F]{64}", "64 hexadecimal digits, as sha256sum prints them")] = ""
    """The SHA-256 of the archive or the file; required for a URL and for an archive."""
    files: dict[str, Word] = {}
    """Which file is which: names from `binaries` or `outputs`, and a path or a pattern in the source that only one file
    matches. Without it a file is taken that has the binary's name, in whatever folder it lies."""


class CargoTable(Table):
    """Binaries that cargo builds. They are installed in `bin/`."""

    kind: Literal["cargo"]
    """This kind: cargo builds it."""
    path: Word = "."
    """The folder of the Cargo.toml, of a workspace or of one package."""
    package: str = ""
    """The cargo package; the component's name when empty."""
    binaries: Words = []
    """The binaries to take from the package; one with the name of the package when empty."""
    features: Words = []
    """The cargo features to switch on."""
    default_features: bool = True
    """Whether the package's default features stay on."""
    profile: Word = "release"
    """The cargo profile to build with."""
    arguments: list[str] = []
    """More arguments for `cargo build`."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` which, when they change, make a new build necessary."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms for which the binaries were built elsewhere, and where they come from."""


class TreeTable(Table):
    """Files that are copied: libraries, configuration, documentation."""

    kind: Literal["tree"]
    """This kind: it is copied."""
    path: Word
    """The folder to copy."""
    to: str
    """The folder in the distribution: below `bin/`, `lib/`, `share/` or `etc/NAME/`, or empty for the top."""
    include: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files to take, relative to `path`."""
    exclude: Words = []
    """Patterns of the files to leave out, relative to `path`."""


class CommandTable(Table):
    """Files that any other command makes, run once for each platform.

    In `command` and in the files of `outputs`, `{platform}`, `{triple}`, `{family}`, `{arch}`, `{exe}`, `{version}`, `{name}`
    (of the project), `{epoch}` (the time that files carry, in seconds) and `{out}` (a folder of the run's own, empty when it
    starts) are replaced; the command finds them as `SLIPWAY_PLATFORM` and so on too. `${HOME}` is left to a shell, and
    `{{word}}` stands for `{word}`.
    """

    kind: Literal["command"]
    """This kind: a command makes it."""
    path: Word = "."
    """The folder in which the command runs."""
    command: Annotated[list[Word], Field(min_length=1)]
    """The command and its arguments; no shell reads them."""
    outputs: Annotated[dict[str, Word], Field(min_length=1)]
    """Which file goes where: places in the distribution, such as `bin/tool`, and files below `path`."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` which, when they change, make a new run necessary."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms for which the files were made elsewhere, and where they come from."""


class PrebuiltTable(Table):
    """Binaries that are never built here, for any platform. They are installed in `bin/`."""

    kind: Literal["prebuilt"]
    """This kind: it was built elsewhere."""
    binaries: Words = []
    """The binaries to take; one with the name of the component when empty."""
    prebuilt: Annotated[dict[str, SourceTable], Field(min_length=1)]
    """Where the binaries of each platform come from."""


class PythonTable(Table):
    """A Python project: its wheel, and a program that brings its own Python, made by PyInstaller for this machine's platform."""

    kind: Literal["python"]
    """This kind: it is a Python project."""
    path: Word = "."
    """The folder of the pyproject.toml."""
    script: Annotated[str, Matches(r"|[A-Za-z0-9][A-Za-z0-9._+-]*", "the name of a program")] = ""
    """The console script, of `[project.scripts]`, that becomes the program; the component's name when empty."""
    entry: Annotated[str, Matches(rf"|{ENTRY}", "a function such as 'package.module:main'")] = ""
    """The function that the program runs, such as `package.module:main`; what the console script runs when empty."""
    form: Literal["onefile", "onedir", "none"] = "onefile"
    """The program: `onefile` is one file, which unpacks itself each time it starts; `onedir` is a folder in `lib/`, which
    starts faster, and a small script in `bin/`; `none` makes no program."""
    wheel: bool = True
    """Whether the wheel is released too."""
    python: str = ""
    """The Python to build with, such as `python3.12`; the one that runs slipway when empty."""
    requirements: str = ""
    """A requirements file below `path` that names everything the program needs, with versions (and hashes), also PyInstaller;
    when empty, pip takes the newest of what the project depends on."""
    collect: Words = []
    """Packages to take whole, with data and metadata: those that are only loaded by name. The project's own always are."""
    exclude: Words = []
    """Modules to leave out."""
    data: dict[str, str] = {}
    """More files for the program: files or folders below `path`, and the folder inside the program that each goes to."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` that the project is built from: the build sees a copy of these and nothing else."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms, by name, whose program is not made here: it was made on a machine of that platform before."""


ComponentTable = Annotated[CargoTable | TreeTable | CommandTable | PythonTable | PrebuiltTable, Field(discriminator="kind")]


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
    archives: Annotated[list[Format], AfterValidator(unique)] = []
    """The archives to make; `zip` on Windows, `tar.xz` on FreeBSD and `tar.gz` elsewhere when empty."""
    rustflags: list[Word] = []
    """More flags for the Rust compiler."""


class ServiceTable(Table):
    """A program that the system keeps running: systemd, launchd, rc.d or a Windows service.

    In `arguments` and `environment`, `{bin}`, `{lib}`, `{share}`, `{doc}`, `{config}` and `{state}` stand for the
    folders of an installation.
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


class InstallTable(Table):
    """What installers say and check."""

    health: list[Word] = []
    """The command that shows that an installation works, such as `["tool", "--version"]`."""
    download_url: Annotated[str, Matches(r"|https://\S+", "a URL that starts with https://")] = ""
    """The folder on the web from which the shell installer takes archives; `{version}` and `{tag}` are replaced."""


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
    test: TestTable = TestTable()
    """How the project is tested."""


KINDS: Final[dict[str, type[Table]]] = {
    "cargo": CargoTable,
    "tree": TreeTable,
    "command": CommandTable,
    "python": PythonTable,
    "prebuilt": PrebuiltTable,
}
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
    "test": TestTable,
}
NAMED: Final = ("component", "variant", "platform", "service")


def keys_of(table: type[Table]) -> tuple[str, ...]:
    """The keys of a table as slipway.toml spells them."""
    return tuple(field.alias or name for name, field in table.model_fields.items())
