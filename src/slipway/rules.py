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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A place in a file that says of which release it is: what matches `find`, in exactly one place, becomes `text`.

    Without `find`, `text` is the whole file. `text` may have `{version}`, `{tag}`, `{codename}` and the like.
    """

    file: str
    text: str
    find: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRules:
    """How a release looks in git, and what its gates ask for; `environment` is worked in when none is named.

    In the `detached` flow the commit that is released lies beside the branch, and a merge that changes no file links it back.
    `release_branch` is a template, such as `release-{major}.{minor}`; without it, releases are made from `branch`. `sign` is
    by which key of [sign] tags are signed. `forge` is the store that is asked for issues and CI, else the environment's first.
    `audit` are the commands that look for known weaknesses, else those that fit the project. `disk` is in GiB, `ci_patience`
    in minutes, `key_days` how long a key has to be good for. `rollback_checks` are commands that know whether users can go back.
    """

    environment: str = "local"
    flow: Literal["branch", "detached"] = "branch"
    remote: str = "origin"
    branch: str = "main"
    release_branch: str = ""
    codename: str = ""
    sign: Literal["auto", "gpg", "ssh", "none"] = "auto"
    tagger: str = ""
    tag_message: str = "{name} {version}"
    commit_message: str = "release: {name} {version}"
    notes_message: str = "release: release notes for {version}"
    merge_message: str = "release: merge release {version} back to {branch}"
    stamps: tuple[Stamp, ...] = ()
    forge: str = ""
    blocker: str = "release-blocker"
    milestone: str = "{version}"
    ci_checks: tuple[str, ...] = ()
    ci_patience: int = 60
    audit: tuple[str, ...] = ()
    rollback_checks: tuple[str, ...] = ()
    disk: int = 1
    key_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangelogRules:
    """What of the history a changelog tells, and in which order.

    `groups` are headings with the types of commits below them, `*` for all that have no other; `hidden` types are not told.
    `repository` is the page of the repository, else what the remote's URL says, and `forge` whose forms its links have.
    With `prereleases` each has a chapter of its own, else its changes stand in that of the release.
    """

    file: str = "CHANGELOG.md"
    title: str = "Changelog"
    groups: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "Features": ("feat",),
            "Fixes": ("fix",),
            "Performance": ("perf",),
            "Taken back": ("revert",),
            "Documentation": ("docs",),
            "Other changes": ("*",),
        }
    )
    breaking: str = "Breaking changes"
    hidden: tuple[str, ...] = ("build", "chore", "ci", "refactor", "style", "test")
    prereleases: bool = False
    first_parent: bool = False
    paths: tuple[str, ...] = ()
    contributors: bool = True
    repository: str = ""
    forge: Literal["", "github", "gitlab", "gitea"] = ""
    remote: str = "origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentRules:
    """Where notes on coming changes lie, one file each, and how they are gathered into the notes of a release.

    In the layout `names`, a file is called `<what>.<category>.md`; with `front-matter`, its first lines say what it is about.
    `categories` are what files say and the headings that they get, in order. `authors` is the file that knows whom credits
    name. `references` are the pages of issues and the like: `{"#": "https://…/issues/{}"}` for `#12`.

    `notes` is the file that they are gathered into, `{major}` being the first two numbers of the version; `heading` is its
    first line and `chapter` that of each version. A new file of notes gets the line `index_line` in the file `index`, below
    the line that `index_marker` stands in.
    """

    folder: str = "changes"
    layout: Literal["names", "front-matter"] = "names"
    categories: Mapping[str, str] = field(
        default_factory=lambda: {"added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed"}
    )
    authors: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    notes: str = "CHANGELOG.md"
    heading: str = "# Changes"
    chapter: str = "## {name} {version}{codename} ({date})"
    index: str = ""
    index_marker: str = "<!-- release notes -->"
    index_line: str = "- [{name} {major}]({file})"


def target_port(port: str) -> int:
    """The port in the container that an entry of `ports` leads to."""
    return int(port.rpartition(":")[2].partition("/")[0])
