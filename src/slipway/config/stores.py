"""The tables of slipway.toml that say where files are published: stores, how to log in there, and the pointers in them."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.config.forms import ONE_LINE, Address, Matches, Table, Word
from slipway.environments import PUBLISHED

# The store that `local` has when nothing else is said.
SITE: Final = "site"
# The git remote, where a store is asked for: it keeps state, and its branches are pointers.
GIT: Final = "git"
# What the tokens of forges and clouds, and secret keys, look like.
_SECRET: Final = re.compile(r"\b(?:gh[pousr]_\w{16}|github_pat_\w{16}|glpat-[\w-]{16}|(?:AKIA|ASIA)[0-9A-Z]{12})|-----BEGIN ")
_SEGMENT: Final = r"(?!\.{1,2}(?:/|$))[^/\s{}\\]+"
_PLACE: Final = Matches(rf"|{_SEGMENT}(?:/{_SEGMENT})*", "a plain path such as 'files/hello', and without braces")
_REPOSITORY: Final = Matches(r"|[^\s/:@]+/[^\s/:@]+", "of the form OWNER/NAME")
_PROJECT: Final = Matches(r"|[^\s/:@]+(?:/[^\s/:@]+)+", "of the form GROUP/NAME")


def _no_secret(text: str) -> str:
    """Return the text, or refuse it without repeating it."""
    if _SECRET.search(text):
        raise ValueError("holds a secret itself; secrets never stand in slipway.toml: take this one back, then name where it is")
    return text


Hidden = Annotated[str, AfterValidator(_no_secret)]


class CredentialTable(Table):
    """Where the secret comes from that a store asks for, never the secret itself. One of these keys, or none.

    Without it, forges take the variable `GITHUB_TOKEN`, `GITLAB_TOKEN` or `GITEA_TOKEN`, and S3 what the tools of AWS would
    take: the environment, the profile `default`, the machine's role.
    """

    env: Annotated[Hidden, Matches(r"|[A-Z_][A-Z0-9_]*", "the name of a variable: capitals, digits and '_'")] = ""
    """The environment variable that holds it. For S3, `NAME` stands for `NAME_ACCESS_KEY_ID`, `NAME_SECRET_ACCESS_KEY` and,
    if it is there, `NAME_SESSION_TOKEN`."""
    file: Hidden = ""
    """A file that only its owner may read; a path that begins with `~` is below the home folder."""
    command: list[Annotated[Word, AfterValidator(_no_secret)]] = []
    """A command that prints it, such as `["vault", "read", "-field=token", "secret/release"]`; no shell reads it."""
    profile: Annotated[Hidden, ONE_LINE] = ""
    """The profile of AWS's configuration files, for S3."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = [key for key in ("env", "file", "command", "profile") if getattr(self, key)]
        if len(said) > 1:
            raise ValueError(f"says {' and '.join(said)}, and a secret comes from one place: leave the others out")
        return self


class DirTable(Table):
    """A folder of this machine, which any web server can serve."""

    kind: Literal["dir"]
    """This kind: it is a folder."""
    path: Word = PUBLISHED
    """The folder; relative to where `dist/` and `packages/` are made."""
    folder: Word = "{tag}"
    """The folder of a release in it, with `{version}` or `{tag}`."""
    url: Annotated[str, Address()] = ""
    """The address under which the public finds the folder."""


class S3Table(Table):
    """A bucket of Amazon S3, or of a server that speaks its language: Garage, MinIO, Ceph, R2 and others."""

    kind: Literal["s3"]
    """This kind: it is a bucket."""
    bucket: Annotated[str, Matches(r"|[A-Za-z0-9][A-Za-z0-9._-]{1,254}", "a bucket's name: letters, digits, '.' and '-'")] = ""
    """The bucket. Has to be said, here or in every environment."""
    prefix: Annotated[str, _PLACE] = ""
    """The folder of the bucket that holds everything."""
    folder: Word = "{tag}"
    """The folder of a release below `prefix`, with `{version}` or `{tag}`."""
    url: Annotated[str, Address()] = ""
    """The address under which the public finds what is below `prefix`."""
    endpoint: Annotated[str, Address()] = ""
    """The server's address; Amazon's own when empty."""
    region: Annotated[str, Matches(r"|[A-Za-z0-9-]+", "the name of a region, such as 'eu-central-1'")] = ""
    """The region; what AWS's configuration says when empty."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Where the bucket's name stands: in the `path` of an address, or in its host (`virtual`)."""
    checksums: Literal["auto", "when_required", "when_supported"] = "auto"
    """When requests carry checksums. `auto`: always at Amazon, elsewhere only where they have to, as many servers refuse them."""
    conditional: Literal["auto", "off"] = "auto"
    """Whether writes are made conditional on nothing being there; `off` for servers that fail on it: then slipway looks first."""
    credential: CredentialTable = CredentialTable()
    """Where the key comes from."""


class SshTable(Table):
    """A folder on a server that is reached by SSH, with rsync where both sides have it."""

    kind: Literal["ssh"]
    """This kind: it is a folder on a server."""
    host: Annotated[str, Matches(r"|[A-Za-z0-9\[][A-Za-z0-9.:_\]-]*", "the name of a server, without user and port")] = ""
    """The server. Has to be said, here or in every environment."""
    path: Annotated[str, Matches(r"|/[^\n{}]*[^\n{}/]", "a folder that starts with '/'")] = ""
    """The folder that the public sees. Has to be said, here or in every environment."""
    private: Annotated[str, Matches(r"|/[^\n{}]*[^\n{}/]", "a folder that starts with '/'")] = ""
    """Where files lie until they are complete, on the same file system; when empty, a closed folder in `path`."""
    folder: Word = "{tag}"
    """The folder of a release in `path`, with `{version}` or `{tag}`."""
    url: Annotated[str, Address()] = ""
    """The address under which the public finds `path`."""
    user: Annotated[str, Matches(r"|[A-Za-z_][A-Za-z0-9._-]*", "the name of a user")] = ""
    """The user on the server; what SSH's configuration says when empty."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """The port of the SSH server."""
    identity: str = ""
    """The file of the private key; the agent's and the usual ones when empty."""
    known_hosts: str = ""
    """The file with the server's public key; the user's own when empty. A server that is not in it is refused."""
    bandwidth: Annotated[str, Matches(r"|\d+(?:\.\d+)?[kKmMgG]?", "a number of KiB in a second, or such as '2m'")] = ""
    """How much is sent in a second at most: KiB, or with `k`, `m` or `g` behind the number. All there is when empty."""


class GithubTable(Table):
    """The releases of a repository at GitHub."""

    kind: Literal["github"]
    """This kind: it is GitHub."""
    repository: Annotated[str, _REPOSITORY] = ""
    """The repository, `OWNER/NAME`. Has to be said, here or in every environment."""
    api: Annotated[Word, Address()] = "https://api.github.com"
    """The address of the API; GitHub Enterprise has its own, `https://HOST/api/v3`."""
    public: bool = True
    """Whether everybody may see its releases; those of a private one are not checked through public addresses."""
    credential: CredentialTable = CredentialTable()
    """Where the token comes from."""


class GitlabTable(Table):
    """The releases, and the generic packages, of a project at GitLab."""

    kind: Literal["gitlab"]
    """This kind: it is GitLab."""
    repository: Annotated[str, _PROJECT] = ""
    """The project, `GROUP/NAME`. Has to be said, here or in every environment."""
    api: Annotated[Word, Address()] = "https://gitlab.com/api/v4"
    """The address of the API."""
    public: bool = True
    """Whether everybody may see its releases; those of a private one are not checked through public addresses."""
    credential: CredentialTable = CredentialTable()
    """Where the token comes from."""


class GiteaTable(Table):
    """The releases of a repository on a Gitea or Forgejo server."""

    kind: Literal["gitea"]
    """This kind: it is Gitea or Forgejo."""
    repository: Annotated[str, _REPOSITORY] = ""
    """The repository, `OWNER/NAME`. Has to be said, here or in every environment."""
    api: Annotated[str, Address()] = ""
    """The address of the API, such as `https://codeberg.org/api/v1`. Has to be said, here or in every environment."""
    public: bool = True
    """Whether everybody may see its releases; those of a private one are not checked through public addresses."""
    credential: CredentialTable = CredentialTable()
    """Where the token comes from."""


StoreTable = Annotated[
    DirTable | S3Table | SshTable | GithubTable | GitlabTable | GiteaTable,
    Field(discriminator="kind"),
]
STORES: Final[dict[str, type[Table]]] = {
    "dir": DirTable,
    "s3": S3Table,
    "ssh": SshTable,
    "github": GithubTable,
    "gitlab": GitlabTable,
    "gitea": GiteaTable,
}
FORGES: Final = ("github", "gitlab", "gitea")
# What must be said of a store before anything can be published there.
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "dir": (),
    "s3": ("bucket",),
    "ssh": ("host", "path"),
    "github": ("repository",),
    "gitlab": ("repository",),
    "gitea": ("repository", "api"),
}
PointerName = Annotated[str, Matches(r"[a-z0-9][a-z0-9.-]*", "a name of lower-case letters, digits, '.' and hyphens")]


class PointerTable(Table):
    """A name that stays, and leads to the newest release. Pointers move last, in the order of slipway.toml, and never back.

    A folder, a bucket or a server without any has the usual ones: `install.sh`, `install.ps1` and `index.html` are copies of the
    newest release's, and `latest` is a link to its folder (not in a bucket). A forge has its mark `latest`.
    """

    store: Word
    """The store that it is in; `git` is the git remote, where a branch is the pointer."""
    name: str = ""
    """The published name, such as `install.sh` or `downloads/latest`; the name of the table when empty."""
    form: Literal["", "redirect", "copy", "symlink", "ref", "latest"] = ""
    """What it is: a `redirect` of a bucket's website, a `copy` of a file, a `symlink` (folders and servers), a `ref`, the branch
    of a git remote, or a forge's mark `latest`. When empty, what fits: a copy for a file, a link or a redirect for a folder."""
    to: str = ""
    """Where it leads: a file such as `{folder}/install.sh`, or the release's folder, `{folder}/`, when empty."""
    prereleases: bool = False
    """Whether it also moves to pre-releases."""
