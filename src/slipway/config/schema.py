"""The tables and keys of slipway.toml, each described once; the checks, the JSON schema and the reference page come from here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from slipway.platforms import DOCUMENTED

Format = Literal["tar.gz", "tar.xz", "tar.zst", "zip"]
Level = Literal["basic", "integration", "complete"]


@dataclass(frozen=True, slots=True)
class Matches:
    """A text of a certain form; `expected` completes the sentence "must be …"."""

    pattern: str
    expected: str

    def __call__(self, text: str) -> str:
        """Return the text, or refuse it."""
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"must be {self.expected}; {text!r} is not")
        return text

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


def _unique(items: list[str]) -> list[str]:
    if repeated := next((item for index, item in enumerate(items) if item in items[:index]), None):
        raise ValueError(f"names {repeated!r} twice")
    return items


_ONE_LINE: Final = Matches(r"[^\n\r]*", "one line")
_OPTIONAL_PACKAGE: Final = Matches(
    r"|[a-z0-9][a-z0-9+.-]+", "a Debian package name: two or more lower-case letters, digits, '+', '-' or '.'"
)
_PACKAGE: Final = r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?: \((?:<<|<=|=|>=|>>) [^()\s,|]+\))?"
Relation = Annotated[
    str, Matches(rf"{_PACKAGE}(?: \| {_PACKAGE})*", "a Debian relation such as 'ca-certificates' or 'libc6 (>= 2.31)'")
]
Word = Annotated[str, Field(min_length=1)]
Words = Annotated[list[Word], AfterValidator(_unique)]
TableName = Annotated[str, Matches(r"[a-z0-9][a-z0-9-]*", "a name of lower-case letters, digits and hyphens")]


class Table(BaseModel):
    """One table of slipway.toml: unknown keys are errors and nothing is converted."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        strict=True,
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


class ProjectTable(Table):
    """What the project is. All paths in slipway.toml are relative to the folder of slipway.toml."""

    name: Annotated[
        str, Matches(r"[a-z0-9][a-z0-9+.-]*", "lower-case letters, digits, '+', '.' and '-', and start with a letter or digit")
    ]
    """The project's name: every file that a release gives out starts with it."""
    summary: Annotated[str, _ONE_LINE, Field(min_length=1)]
    """What the project does, in one line."""
    description: str = ""
    """What the project does, in paragraphs; the summary when empty."""
    license: Annotated[str, _ONE_LINE] = ""
    """The licence as an SPDX expression, such as `MIT OR Apache-2.0`."""
    maintainer: Annotated[str, Matches(r"|[^<>\n]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>", "of the form 'Name <mail@example.org>'")] = ""
    """Who answers for the packages, as `Name <mail@example.org>`."""
    homepage: Annotated[str, Matches(r"|https?://\S+", "a URL that starts with https:// or http://")] = ""
    """The project's page on the web."""
    documents: Words = []
    """Files, such as README.md and LICENSE, that lie at the top of every distribution."""
    platforms: Annotated[Words, Field(min_length=1)] = list(DOCUMENTED)
    """The platforms to release for."""
    checksums: Annotated[list[Literal["sha256", "sha512", "md5"]], AfterValidator(_unique)] = ["sha256"]
    """The checksum files to write; sha256 is always among them."""
    compression: Annotated[int, Field(ge=1, le=12)] = 6
    """How hard to compress: from 1, fast, to 12, small."""


class VersionTable(Table):
    """Where the version comes from. The variable VERSION goes before all of this."""

    source: Literal["cargo", "file", "git", "value"] = "cargo"
    """`cargo` reads a Cargo.toml, `file` the first line of a file, `git` asks `git describe`, `value` takes `value`."""
    path: str = ""
    """The file that `cargo` and `file` read; `Cargo.toml` or `VERSION` when empty."""
    value: str = ""
    """The version itself, for `value`."""
    scheme: Literal["semver", "calver"] = "semver"
    """How versions are ordered: `semver` (2.1.0-rc.1) or `calver` (2024.04.1)."""
    tag: Annotated[str, Matches(r"[^{}\s]*\{version\}[^{}\s]*", "a tag with {version} in it once, such as 'v{version}'")] = (
        "v{version}"
    )
    """How the tag of a release is spelled."""


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
    """Files that any other command makes."""

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


ComponentTable = Annotated[CargoTable | TreeTable | CommandTable, Field(discriminator="kind")]


class VariantTable(Table):
    """A selection of components that is released on its own. Without any, there is one, `complete`, with all components."""

    components: Annotated[Words, Field(min_length=1)]
    """Names of components, or patterns such as `docs-*`; `*` is all of them."""
    summary: Annotated[str, _ONE_LINE] = ""
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
    """The container image for `cross`; its own choice when empty."""
    archives: Annotated[list[Format], AfterValidator(_unique)] = []
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
    summary: Annotated[str, _ONE_LINE] = ""
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


class DebTable(Table):
    """What Debian packages say beside the facts of the project."""

    package: Annotated[str, _OPTIONAL_PACKAGE] = ""
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
    variants: dict[str, Annotated[list[Level], AfterValidator(_unique)]] = {}
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
    test: TestTable = TestTable()
    """How the project is tested."""


KINDS: Final[dict[str, type[Table]]] = {"cargo": CargoTable, "tree": TreeTable, "command": CommandTable}
TABLES: Final[dict[str, type[Table]]] = {
    "project": ProjectTable,
    "version": VersionTable,
    "variant": VariantTable,
    "platform": PlatformTable,
    "service": ServiceTable,
    "install": InstallTable,
    "deb": DebTable,
    "test": TestTable,
}
NAMED: Final = ("component", "variant", "platform", "service")


def keys_of(table: type[Table]) -> tuple[str, ...]:
    """The keys of a table as slipway.toml spells them."""
    return tuple(field.alias or name for name, field in table.model_fields.items())
