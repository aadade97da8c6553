"""The tables of slipway.toml for how a release looks in git, what its gates ask for, and what is told of its changes."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from slipway.config.forms import ONE_LINE, Address, Matches, Table, Word, Words, unique

_NAME: Final = r"(?![-/.])[^\s~^:?*\[\\]+"
_BRANCH: Final = Matches(_NAME, "the name of a branch")
_Message = Annotated[Word, ONE_LINE]


def _expression(text: str) -> str:
    """Return a regular expression, or refuse what is none."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return text


class StampTable(Table):
    """A place in a file that says of which release it is; `[[release.stamps]]`, once for each."""

    file: Word
    """The file, relative to slipway.toml."""
    text: str
    """What is written there, with `{name}`, `{version}`, `{tag}`, `{major}`, `{minor}` and `{codename}`."""
    find: Annotated[str, AfterValidator(_expression)] = ""
    """The regular expression of what it replaces, which has to match in exactly one place; the whole file when empty."""


class ReleaseTable(Table):
    """How a release looks in git, and what its gates ask for.

    In messages, `{name}`, `{version}`, `{tag}`, `{major}`, `{minor}` (the first two numbers of the version), `{codename}` and
    `{environment}` are replaced.
    """

    environment: Word = "local"
    """The environment that is worked in when none is named."""
    flow: Literal["branch", "detached"] = "branch"
    """Where the commit of a release lies: on the `branch`, or beside it (`detached`), with a merge that links it back."""
    remote: Word = "origin"
    """The git remote."""
    branch: Annotated[str, _BRANCH] = "main"
    """The branch that releases are made from."""
    release_branch: Annotated[str, Matches(rf"|{_NAME}", "the name of a branch, such as 'release-{major}'")] = ""
    """The branch that each series of releases has, such as `release-{major}.{minor}`; when empty, they are made from `branch`."""
    codename: Annotated[str, ONE_LINE] = ""
    """The name of the release, or of its series."""
    sign: Literal["auto", "gpg", "ssh", "none"] = "auto"
    """By which key of `[sign]` tags are signed; `auto` takes the one that is there, gpg first."""
    tagger: Annotated[str, Matches(r"|[^<>\n]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>", "of the form 'Name <mail@example.org>'")] = ""
    """Who tags and commits, as `Name <mail>`; whom git's configuration names when empty."""
    tag_message: Word = "{name} {version}"
    """The message of the tag."""
    commit_message: _Message = "release: {name} {version}"
    """The message of the commit that stamps the version."""
    notes_message: _Message = "release: release notes for {version}"
    """The message of the commit with the gathered release notes."""
    merge_message: _Message = "release: merge release {version} back to {branch}"
    """The message of the merge that links a detached release back to its branch, `{branch}`."""
    stamps: list[StampTable] = []
    """Places in files that say of which release they are."""
    forge: str = ""
    """The store that is asked for issues and for CI; when empty, the environment's first one that is a forge."""
    blocker: _Message = "release-blocker"
    """The label of issues that a release waits for."""
    milestone: _Message = "{version}"
    """The milestone that has to have nothing open."""
    ci_checks: Words = []
    """The checks of CI that have to have passed; all that the commit has when empty."""
    ci_patience: Annotated[int, Field(ge=0, le=1440)] = 60
    """How many minutes CI is waited for."""
    audit: list[Word] = []
    """Commands that look for known weaknesses, lines for `sh`; what fits the project when empty."""
    rollback_checks: list[Word] = []
    """Commands that know whether users can go back, lines for `sh`: they find the versions in `SLIPWAY_FROM` and `SLIPWAY_TO`."""
    disk: Annotated[int, Field(ge=0, le=100000)] = 1
    """How many GiB have to be free on this machine."""
    key_days: Annotated[int, Field(ge=0, le=3650)] = 14
    """For how many days more the keys that sign have to be valid."""


_NONE_TWICE = AfterValidator(unique)
Heading = Annotated[Word, ONE_LINE]


class ChangelogTable(Table):
    """What of the history a changelog tells, and in which order. Commits are read as Conventional Commits 1.0."""

    file: Word = "CHANGELOG.md"
    """The file that it is written to."""
    title: Heading = "Changelog"
    """Its first line."""
    groups: Annotated[dict[Heading, list[Word]], Field(min_length=1)] = {
        "Features": ["feat"],
        "Fixes": ["fix"],
        "Performance": ["perf"],
        "Taken back": ["revert"],
        "Documentation": ["docs"],
        "Other changes": ["*"],
    }
    """The headings in their order, and the types of commits below each; `*` is all that have no other heading."""
    breaking: Heading = "Breaking changes"
    """The heading of what breaks, which comes first."""
    hidden: Annotated[list[Word], _NONE_TWICE] = ["build", "chore", "ci", "refactor", "style", "test"]
    """The types of commits that are not told, unless they break something."""
    prereleases: bool = False
    """Whether pre-releases have chapters of their own; their changes stand in the chapter of the release otherwise."""
    first_parent: bool = False
    """Whether of a merged branch only the merge is told."""
    paths: Words = []
    """Files and folders: only commits that change something there are told. All when empty."""
    contributors: bool = True
    """Whether those who contributed are named."""
    repository: Annotated[str, Address()] = ""
    """The page of the repository, for links; what the URL of the git remote says when empty."""
    forge: Literal["", "github", "gitlab", "gitea"] = ""
    """What the repository's page is, for the form of links; what its address says when empty."""
    remote: Word = "origin"
    """The git remote whose URL says where the repository is."""


class FragmentsTable(Table):
    """Where notes on coming changes lie, one file each, and how they are gathered into the notes of a release."""

    folder: Word = "changes"
    """The folder with the notes."""
    layout: Literal["names", "front-matter"] = "names"
    """`names`: a file is called `WHAT.CATEGORY.md`; `front-matter`: its first lines say what it is about."""
    categories: Annotated[dict[Word, Heading], Field(min_length=1)] = {
        "added": "Added",
        "changed": "Changed",
        "fixed": "Fixed",
        "removed": "Removed",
    }
    """The categories in their order, and the heading of each."""
    authors: str = ""
    """The file that knows the people whom credits name."""
    references: dict[
        Word, Annotated[str, Matches(r"https?://[^\s]*\{\}[^\s]*", "a URL with {} in it, where the number goes")]
    ] = {}
    """The pages of issues and the like, by the mark before the number: `"#" = "https://code.example/hello/issues/{}"`."""
    notes: Word = "CHANGELOG.md"
    """The file that the notes are gathered into; `{major}` is the first two numbers of the version."""
    heading: Heading = "# Changes"
    """The first line of a new file."""
    chapter: Heading = "## {name} {version}{codename} ({date})"
    """The heading of each version."""
    index: str = ""
    """A file that lists the files of notes; a new one gets a line in it."""
    index_marker: Heading = "<!-- release notes -->"
    """The line of `index` below which new lines go has this in it."""
    index_line: Heading = "- [{name} {major}]({file})"
    """The line of a new file."""
