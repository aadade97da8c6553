"""Where a project publishes to: environments, the stores that they consist of, and the pointers that users follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

Severity = Literal["error", "warn", "off"]
Form = Literal["redirect", "copy", "symlink", "ref", "latest"]
LOCAL: Final = "local"
# The folder of `local`, beside dist/ and packages/.
PUBLISHED: Final = "published"


@dataclass(frozen=True, slots=True)
class GateRule:
    """A question that is asked before the first write, and how much its answer counts by default.

    `free`, `asked` and `phrased` are for environments whose `confirm` is none, yes and phrase.
    """

    name: str
    doc: str
    free: Severity
    asked: Severity
    phrased: Severity


GATES: Final = (
    GateRule("clean", "nothing in the work tree is changed or new", "warn", "error", "error"),
    GateRule("tag-free", "the tag is free, or at this very commit, here and on the remote", "error", "error", "error"),
    GateRule("on-branch", "the commit is on the release's branch, on the remote too", "off", "warn", "error"),
    GateRule("tests", "the project's tests passed for this very commit", "off", "error", "error"),
    GateRule("test-dist", "the distributions passed test-dist as they are now", "off", "error", "error"),
    GateRule("validate-package", "the packages passed validate-package as they are now", "off", "error", "error"),
    GateRule("audit", "no dependency has a known weakness", "off", "warn", "error"),
    GateRule("issues", "no issue that blocks a release is open", "off", "warn", "error"),
    GateRule("milestone", "the milestone of the version has nothing open", "off", "off", "warn"),
    GateRule("ci", "the CI of the commit has passed; it is waited for", "off", "warn", "error"),
    GateRule("notes", "there are release notes for the version", "off", "warn", "error"),
    GateRule("disk", "there is room on this machine", "error", "error", "error"),
    GateRule("keys", "the keys that sign can be used, and stay valid for a while", "warn", "error", "error"),
    GateRule("approvals", "enough people have signed the plan", "error", "error", "error"),
)
GATE_NAMES: Final = tuple(gate.name for gate in GATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Where a secret comes from; the first of these that is set is asked. Without any, the store's own usual places are."""

    env: str = ""
    file: str = ""
    command: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirStore:
    """A folder that any web server can serve; `path` is absolute, or relative to the folder of the outputs."""

    KIND: ClassVar[str] = "dir"
    name: str
    path: str = PUBLISHED
    folder: str = "{tag}"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Store:
    """A bucket of an S3 server; `folder` lies below `prefix`."""

    KIND: ClassVar[str] = "s3"
    name: str
    bucket: str
    prefix: str = ""
    folder: str = "{tag}"
    url: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: str = "auto"
    checksums: str = "auto"
    conditional: str = "auto"
    credential: Credential = field(default_factory=Credential)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshStore:
    """A folder on a server that is reached by SSH; what is not complete yet lies in `private`, on the same file system."""

    KIND: ClassVar[str] = "ssh"
    name: str
    host: str
    path: str
    private: str = ""
    folder: str = "{tag}"
    url: str = ""
    user: str = ""
    port: int = 22
    identity: str = ""
    known_hosts: str = ""
    bandwidth: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubStore:
    """The releases of a GitHub repository, `OWNER/NAME`."""

    KIND: ClassVar[str] = "github"
    name: str
    repository: str
    api: str = "https://api.github.com"
    public: bool = True
    credential: Credential = field(default_factory=lambda: Credential(env="GITHUB_TOKEN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GitlabStore:
    """The releases and the generic packages of a GitLab project, `GROUP/NAME`."""

    KIND: ClassVar[str] = "gitlab"
    name: str
    repository: str
    api: str = "https://gitlab.com/api/v4"
    public: bool = True
    credential: Credential = field(default_factory=lambda: Credential(env="GITLAB_TOKEN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GiteaStore:
    """The releases of a repository, `OWNER/NAME`, of a Gitea or Forgejo server."""

    KIND: ClassVar[str] = "gitea"
    name: str
    repository: str
    api: str
    public: bool = True
    credential: Credential = field(default_factory=lambda: Credential(env="GITEA_TOKEN"))


ForgeStore = GithubStore | GitlabStore | GiteaStore
StoreRules = DirStore | S3Store | SshStore | GithubStore | GitlabStore | GiteaStore


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerRules:
    """A name that does not change and leads to the newest release: `to` is a file or a folder of it.

    A pointer that is not for `prereleases` stays where it is when one is published. One that is not `declared` is a usual one,
    which a release that has not what it would lead to goes without.
    """

    name: str
    store: str
    form: Form
    to: str = "{folder}/"
    prereleases: bool = False
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One place to publish to: its stores in order, and what has to be so before anything is written there.

    `optional` names the stores whose failure stays owed. `state` is the store that keeps the lease and the copy of the journal;
    empty means the git remote. `backups` are stores too, which stand by. `install` is for running the published install.sh
    before pointers move.
    """

    name: str
    stores: tuple[StoreRules, ...] = ()
    optional: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    pointers: tuple[PointerRules, ...] = ()
    state: str = ""
    colour: str = "blue"
    confirm: Literal["none", "yes", "phrase"] = "none"
    phrase: str = ""
    tag: Literal["push", "local", "none"] = "push"
    gates: Mapping[str, Severity] = field(default_factory=dict)
    approvals: int = 0
    approvers: str = ""
    rehearsal: str = ""
    install: bool = True

    def store(self, name: str) -> StoreRules:
        """The store of a name; raises KeyError when the environment has none."""
        return next(each for each in self.stores if each.name == name)


def usual_severity(gate: GateRule, environment: Environment) -> Severity:
    """How much a gate counts where slipway.toml says nothing: by what the environment asks for before the first write."""
    return {"none": gate.free, "yes": gate.asked, "phrase": gate.phrased}[environment.confirm]


def severity_of(gate: GateRule, environment: Environment) -> Severity:
    """How much a gate counts: as slipway.toml says, else as usual."""
    return environment.gates.get(gate.name, usual_severity(gate, environment))
