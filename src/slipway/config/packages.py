"""The tables of slipway.toml that say what is special in each format of packages, and how packages are signed and listed."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from slipway.config.forms import ONE_LINE, OPTIONAL_PACKAGE, Compression, Matches, Relation, Table, Word, Words, unique

USUAL: Final = ("deb", "rpm", "freebsd", "pkg", "msi")
_ORIGIN: Final = r"[a-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_.+-]*"
_GUID: Final = r"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_SUITE: Final = Matches(r"[a-z][a-z0-9-]*", "the name of a suite, such as 'bookworm'")
_TRIGGER: Final = Matches(
    r"(?:interest|activate)-(?:no)?await [!-~]+",
    "a trigger: interest-noawait, interest-await, activate-noawait or activate-await, and a name or a path",
)
_HINT: Final = Matches(r"[a-z][a-z0-9+.-]*(?: [^\n\r]*\S)?", "a tag of lintian, and perhaps what it is said about")


class DebSuiteTable(Table):
    """What is special in one suite of Debian or Ubuntu."""

    depends: list[Relation] = []
    """Packages that must be there besides, in this suite."""
    version: Annotated[str, Matches(r"|[~+][a-z0-9.+~]+", "'~' or '+', then small letters, digits and '.', as '~deb12u1'")] = ""
    """What versions end in, such as `~acme3`; slipway knows the suites of Debian and Ubuntu by itself."""


class DebArchitectureTable(Table):
    """What is special on one architecture of Debian."""

    depends: list[Relation] = []
    """Packages that must be there besides, on this architecture."""


_RPM_NAME: Final = r"[A-Za-z0-9_/][A-Za-z0-9._+/:-]*(?:\([^\s()]*\))*"
RpmRelation = Annotated[
    str,
    Matches(
        rf"{_RPM_NAME}(?: (?:<|<=|=|>=|>) [A-Za-z0-9:._+~^-]+)?",
        "a relation such as 'ca-certificates' or 'openssl-libs >= 1:3.0'",
    ),
]
_CAPABILITIES: Final = r"cap_[a-z_]+(?:,cap_[a-z_]+)*[=+][eip]+"
RpmCapabilities = Annotated[
    str, Matches(rf"{_CAPABILITIES}(?: {_CAPABILITIES})*", "capabilities such as 'cap_net_bind_service=ep' (cap_from_text(3))")
]


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
    pre_depends: list[Relation] = []
    """Packages that must be there before this one is even unpacked; rarely needed."""
    recommends: list[Relation] = []
    """Packages that are installed along unless the user objects."""
    suggests: list[Relation] = []
    """Packages that may be useful beside this one."""
    enhances: list[Relation] = []
    """Packages that this one makes more useful."""
    breaks: list[Relation] = []
    """Packages, mostly older ones, that do not work while this one is there."""
    conflicts: list[Relation] = []
    """Packages that cannot be there at the same time."""
    replaces: list[Relation] = []
    """Packages whose files this one may overwrite."""
    provides: list[Relation] = []
    """Names of packages that this one stands in for."""
    multi_arch: Literal["", "foreign", "same", "allowed"] = ""
    """Whether packages for other architectures may make use of this one (`foreign`), or have it beside their own (`same`)."""
    compression: Annotated[str, Compression(("gzip", "xz", "zstd"))] = "gzip"
    """How the package's files are compressed, perhaps with a level from 1 to 12 behind it, as in `xz:9`."""
    revision: Annotated[str, Matches(r"|[A-Za-z0-9+.~]+", "letters, digits, '+', '.' and '~', such as '1'")] = ""
    """The Debian revision: `"1"` makes `2.1.0-1` of the version 2.1.0. Without one the packages are native."""
    suites: Annotated[list[Annotated[str, _SUITE]], AfterValidator(unique)] = []
    """The suites to make a package for each, such as `["bookworm", "trixie"]`; one for all of them when empty."""
    suite: dict[Annotated[str, _SUITE], DebSuiteTable] = {}
    """What is special in a suite, by its name: `depends`, and `version`, in which the versions end (`~deb12u1`)."""
    architecture: dict[str, DebArchitectureTable] = {}
    """What is special on an architecture, by Debian's name for it: `depends`."""
    architecture_all: bool = False
    """Whether no file is for one kind of processor: one package, for `Architecture: all`, is made for all of Linux."""
    triggers: Annotated[list[Annotated[str, _TRIGGER]], AfterValidator(unique)] = []
    """Triggers of dpkg that the package waits for or sets off, such as `activate-noawait update-hello`."""
    overrides: dict[Annotated[str, _HINT], Annotated[str, ONE_LINE, Field(min_length=1)]] = {}
    """What lintian is not to say, and why: `"embedded-library *" = "the library is changed"`."""


class RpmTable(Table):
    """What RPM packages say beside the facts of the project."""

    package: Annotated[str, Matches(r"|[A-Za-z0-9][A-Za-z0-9._+-]*", "letters, digits, '.', '_', '+' and '-'")] = ""
    """The package's name; the project's name when empty."""
    release: Annotated[str, Matches(r"[A-Za-z0-9][A-Za-z0-9._+~^]*", "a release such as '1' or '1.el9'")] = "1"
    """How often this version has been packed; the part of the package's name after the version."""
    epoch: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """What counts more than the version when rpm decides which package is newer."""
    group: Annotated[str, ONE_LINE, Field(min_length=1)] = "Applications/System"
    """The group of packages that old systems sort it under."""
    vendor: Annotated[str, ONE_LINE] = ""
    """Who gives it out; not said when empty."""
    requires: list[RpmRelation] = []
    """What must be there beside what the programs tell themselves, such as `ca-certificates` or `openssl-libs >= 1:3.0`."""
    recommends: list[RpmRelation] = []
    """What is installed along unless the user objects."""
    suggests: list[RpmRelation] = []
    """What may be useful beside this package."""
    conflicts: list[RpmRelation] = []
    """What cannot be there at the same time."""
    obsoletes: list[RpmRelation] = []
    """Packages that an upgrade replaces by this one."""
    provides: list[RpmRelation] = []
    """Names that this package stands in for."""
    capabilities: dict[str, RpmCapabilities] = {}
    """What programs may do without being root: for a place in the distribution, such as `bin/hello`, a text of capabilities,
    such as `cap_net_bind_service=ep`."""
    compression: Annotated[str, Compression(("gzip", "xz", "zstd"))] = "gzip"
    """How the package's files are compressed, perhaps with a level from 1 to 12 behind it, as in `xz:9`."""


class FreebsdTable(Table):
    """What FreeBSD packages say beside the facts of the project."""

    package: Annotated[str, OPTIONAL_PACKAGE] = ""
    """The package's name; the project's name when empty."""
    origin: Annotated[str, Matches(rf"|{_ORIGIN}", "a category and a name such as 'net/hello'")] = ""
    """Where the ports tree has it or would have it, such as `net/hello`; `misc/` and its name when empty."""
    categories: Annotated[list[Word], AfterValidator(unique)] = []
    """The categories of the ports tree that it belongs to; the category of the origin when empty."""
    depends: dict[Word, Annotated[str, Matches(_ORIGIN, "an origin such as 'security/ca_root_nss'")]] = {}
    """Packages that must be there, each with its origin: `ca_root_nss = "security/ca_root_nss"`."""
    major: Annotated[str, Matches(r"|[1-9]\d*|\*", "a number such as '14', or '*'")] = ""
    """The major version of FreeBSD that packages are for, or `*` for every one that has what the programs need; read from the
    programs when empty."""
    compression: Annotated[str, Compression(("zstd", "xz"))] = "zstd"
    """How the package's files are compressed, perhaps with a level from 1 to 12 behind it, as in `xz:9`."""


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
    scopes: Annotated[list[Literal["machine", "user"]], Field(min_length=1), AfterValidator(unique)] = ["machine"]
    """For whom there are packages: for all users of a machine, for one user who need not be an administrator, or one for each."""
    version: Annotated[str, Matches(r"|\d{1,3}\.\d{1,3}\.\d{1,5}", "three numbers such as '24.4.1'")] = ""
    """The version as Windows Installer sees it, for releases whose own version has numbers that it cannot hold."""
    upgrade_code: Annotated[str, Matches(_GUID, "a GUID such as '2B3B1A4C-8B9E-4E62-9F57-0E0C4C6B5A11'")] = ""
    """By which Windows knows all releases of the package; made from the project's name when empty."""
    services: Literal["able", "all", "none"] = "able"
    """Which services become Windows services: those whose program shows that it can be one (`able`, with a warning for the
    others); all on trust, for programs that unpack themselves; or none."""
    service_account: str = ""
    """The account that services run as, such as `NT AUTHORITY\\LocalService`; LocalSystem when empty."""
    icon: str = ""
    """An icon file (.ico) that the list of installed programs shows."""


class SourcePackageTable(Table):
    """What the source package holds beside the committed files."""

    root: Word = "."
    """The folder whose committed files are the source, such as `..` when slipway.toml lies in a folder of its own."""
    vendored: bool = False
    """Whether a second source package holds all crates too, so that it builds without a network."""


class SignTable(Table):
    """With which keys what is released is signed. A key is named here by what is public of it; without any, nothing is signed.

    Secret keys and passphrases never stand in slipway.toml: variables of the environment give them, or private files that
    are named here.
    """

    gpg: Annotated[str, ONE_LINE] = ""
    """The OpenPGP key: a fingerprint, or what else names one key for gpg. Makes `FILE.sig` and `FILE.asc`."""
    gpg_file: str = ""
    """A private file with the armoured secret key; the variable SLIPWAY_GPG_KEY goes before it. gpg's keyring when empty."""
    minisign: Annotated[str, Matches(r"|RW[A-Za-z0-9+/]{54}", "the line of a minisign public key that starts with RW")] = ""
    """The minisign key: its public key. Makes `FILE.minisig`."""
    minisign_file: str = ""
    """The file of the secret key; the variable SLIPWAY_MINISIGN_KEY goes before it. `~/.minisign/minisign.key` when empty."""
    ssh: Annotated[str, Matches(r"|[a-z0-9@.-]+ [A-Za-z0-9+/]{40,}={0,3}(?: [^\n]*)?", "a public SSH key, as in a .pub file")] = (
        ""
    )
    """The SSH key: its public key. Makes `FILE.sshsig`, for the namespace `file`."""
    ssh_file: str = ""
    """The file of the secret key; the variable SLIPWAY_SSH_KEY goes before it. The SSH agent when empty."""
    authenticode: str = ""
    """The certificate that signs Windows programs and packages, with those above it: a PEM file."""
    authenticode_file: str = ""
    """The file of its secret key, PEM or PKCS#12; the variable SLIPWAY_AUTHENTICODE_KEY goes before it."""
    timestamp: Annotated[str, Matches(r"|https?://\S+", "a URL that starts with https:// or http://")] = ""
    """The RFC 3161 service that confirms when Windows files were signed; without it, their signatures end with the
    certificate, and with it, the bytes differ from run to run."""
    what: Annotated[list[Literal["checksums", "artifacts", "packages"]], AfterValidator(unique)] = [
        "checksums",
        "artifacts",
        "packages",
    ]
    """What is signed: `checksums` the lists SHA256SUMS, SHA512SUMS and B2SUMS, `artifacts` every file by one beside it,
    `packages` what is inside of deb and rpm packages, of Windows programs and of msi packages."""
    public_keys: Words = []
    """Files of public keys by which `validate-package` checks signatures; gpg's keyring as well when none of them is for
    OpenPGP."""


class SbomTable(Table):
    """What a release says about itself: its parts (a software bill of materials), its files, its licences, where it comes from.

    Without this table, none of it is written.
    """

    formats: Annotated[list[Literal["cyclonedx", "spdx"]], AfterValidator(unique)] = []
    """The formats of the list of parts: `cyclonedx` (1.6, JSON) and `spdx` (2.3, JSON)."""
    licenses: bool = True
    """Whether the licence of every crate is looked up in its source, which cargo fetches where it is not at hand."""
    manifests: bool = False
    """Whether every distribution gets a list of its files and a list of the licences in it."""
    provenance: bool = False
    """Whether a statement (in-toto, SLSA 1.0) says from which commit and which files the release was made, and by whom."""
    builder: Annotated[str, Matches(r"|[A-Za-z][A-Za-z0-9+.-]*:\S+", "a URI such as 'https://ci.example.org/release'")] = ""
    """The URI of who builds; when empty, what the environment of GitHub, GitLab, Forgejo or Jenkins says."""
    repository: Annotated[str, Matches(r"|https?://\S+", "a URL that starts with https:// or http://")] = ""
    """The URL of the source repository; the one of the git remote `origin` when empty."""
