"""The history of a project in chapters, one for each version: which commits belong to which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Final

from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.commits import Change, Commit, changes_of, read_commits
from slipway.release.links import Links
from slipway.rules import ChangelogRules
from slipway.version import Version, from_tag

_BOTS: Final = ("[bot]", "-bot", "bot@")
UNRELEASED: Final = "Unreleased"
_EVERYTHING: Final = "*"
_EPOCH: Final = date(1970, 1, 1).toordinal()
_TIME: Final = 16  # more digits than the time of a commit has, with the spaces around


# What templates get is no dataclass, which they would be given as plain data: that takes longer than all the rest.
class Group:
    """The changes below one heading."""

    __slots__ = ("_commit", "changes", "title")

    def __init__(self, title: str, changes: list[Change], commit: str) -> None:
        self.title, self.changes, self._commit = title, changes, commit

    @property
    def text(self) -> str:
        """The changes as a list in Markdown."""
        where = self._commit
        return "\n".join([_line(change, where) for change in self.changes])

    def line(self, change: Change) -> str:
        """One change as an item of that list."""
        return _line(change, self._commit)


class Chapter:
    """What one version changed: groups of changes and who made them; without a version, what is not released yet."""

    __slots__ = ("commits", "compare", "date", "groups", "name", "new", "people", "previous", "tag")

    def __init__(self, version: str, tag: str, commits: Sequence[Commit]) -> None:
        self.name, self.tag, self.commits = version or UNRELEASED, tag, commits
        self.date = day(commits[0].time) if version and commits else ""
        self.groups: list[Group] = []
        self.people: set[str] = set()
        self.new: set[str] = set()
        self.previous = self.compare = ""

    @property
    def title(self) -> str:
        """The heading, as keepachangelog.com has it: `[2.1.0] - 2026-01-31`, in brackets when there is something to compare."""
        name = f"[{self.name}]" if self.compare else self.name
        return f"{name} - {self.date}" if self.date else name

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The groups, each as its heading and its text."""
        return [(group.title, group.text) for group in self.groups]

    @property
    def contributors(self) -> list[str]:
        """The names of those who took part."""
        return _names(self.people)

    @property
    def newcomers(self) -> list[str]:
        """The names of those who did so for the first time."""
        return _names(self.new)


def version_of(tag: str, rule: VersionRule) -> Version | None:
    """The version that a tag stands for, or None when it is no tag of a release, as `debian/2020.05-1` is none."""
    prefix, _, suffix = rule.tag.partition("{version}")
    if not tag.startswith(prefix) or not tag.endswith(suffix):
        return None
    version = Version(from_tag(tag[len(prefix) : len(tag) - len(suffix)], rule.scheme), rule.scheme)
    return version if version.is_valid else None


def read_chapters(
    repository: Repository, rule: VersionRule, rules: ChangelogRules, links: Links, *revisions: str
) -> list[Chapter]:
    """The chapters of some revisions, the newest version first, and before it what has no version yet."""
    commits = read_commits(repository, *(revisions or ("HEAD",)), first_parent=rules.first_parent)
    chapters = _split(commits, _marks(commits, rule, prereleases=rules.prereleases), rule)
    if rules.paths:
        wanted = {commit.hash for commit in _within(repository, rules, revisions)}
        for chapter in chapters:
            chapter.commits = [commit for commit in chapter.commits if commit.hash in wanted]
    _connect(chapters, links)
    table = _Table(rules, links)
    for chapter in chapters:
        chapter.groups = table.group(chapter.commits)
    return chapters


def group(commits: Sequence[Commit], rules: ChangelogRules, links: Links) -> list[Group]:
    """Put what commits changed below the headings of a table; what users have to mind stands first, whatever its type."""
    return _Table(rules, links).group(commits)


class _Table:
    """Which type of change stands below which heading, looked up once for all chapters."""

    def __init__(self, rules: ChangelogRules, links: Links) -> None:
        self.titles, self.breaking, self.where = [rules.breaking, *rules.groups], rules.breaking, links.commit
        named = {kind: title for title, kinds in rules.groups.items() for kind in kinds}
        self.others = named.pop(_EVERYTHING, "")
        self.hidden = frozenset(rules.hidden) - named.keys()
        self.place, self.merges = named, rules.first_parent

    def group(self, commits: Sequence[Commit]) -> list[Group]:
        found: dict[str, list[Change]] = {}
        for change in changes_of(commits, hidden=self.hidden, merges=self.merges):
            title = self.breaking if change.breaking else self.place.get(change.type, self.others)
            if title in found:
                found[title].append(change)
            elif title:
                found[title] = [change]
        return [Group(title, found[title], self.where) for title in self.titles if title in found]


def count_people(chapters: Sequence[Chapter], before: Iterable[str]) -> None:
    """Note in each chapter who took part, and who did so for the first time; `before` are people of older versions."""
    known = set(before)
    mails = {_person(text)[0] for text in known}
    for chapter in reversed(chapters):
        people = {person for commit in chapter.commits for person in commit.people}
        chapter.people = people
        # Somebody may have written under two names: the address decides.
        chapter.new = {text for text in people - known if _person(text)[0] not in mails}
        known |= people
        mails.update(_person(text)[0] for text in chapter.new)


def _names(people: Iterable[str]) -> list[str]:
    return sorted({name for _, name in map(_person, people) if name}, key=str.casefold)


@cache
def _person(text: str) -> tuple[str, str]:
    """The address and the name of somebody; both are empty for a program that commits."""
    name, _, rest = text.rpartition("<")
    mail = rest.rstrip(">").lower()
    return ("", "") if any(bot in text for bot in _BOTS) else (mail, name.strip() or mail)


def _marks(commits: Iterable[Commit], rule: VersionRule, *, prereleases: bool) -> dict[str, Version]:
    """The commits with tags of releases; where there are several, the highest counts."""
    marks: dict[str, Version] = {}
    for commit in commits:
        if commit.refs:
            found = [version for tag in commit.tags if (version := version_of(tag, rule)) is not None]
            found = found if prereleases else [version for version in found if not version.is_prerelease]
            if found:
                marks[commit.hash] = found[0] if len(found) == 1 else max(found, key=lambda version: version.key)
    return marks


def day(seconds: int) -> str:
    """The day of a time, in UTC."""
    return date.fromordinal(_EPOCH + seconds // 86400).isoformat()


def _split(commits: Sequence[Commit], marks: dict[str, Version], rule: VersionRule) -> list[Chapter]:
    """Give each commit to the first version that has it in its history."""
    if _has_merges(commits):
        size = len(commits[0].hash)
        left = {commit.about[:size]: commit for commit in commits}
        members: dict[str, Sequence[Commit]] = {name: _take(name, left) for name in reversed(marks)}
        unreleased: Sequence[Commit] = list(left.values())
    else:
        unreleased, members = _cut(commits, marks)
    chapters = [Chapter(str(version), rule.tag_of(str(version)), members[name]) for name, version in marks.items()]
    return [Chapter("", "", unreleased), *chapters] if unreleased else chapters


def _has_merges(commits: Sequence[Commit]) -> bool:
    """Whether any commit has two parents; their names are of one length, so the longest says it."""
    return max([len(commit[0]) for commit in commits]) > 2 * len(commits[0].hash) + _TIME if commits else False


def _cut(commits: Sequence[Commit], marks: Mapping[str, Version]) -> tuple[Sequence[Commit], dict[str, Sequence[Commit]]]:
    """A history without merges lies in one line, and is cut where the tags stand."""
    places = [number for number, commit in enumerate(commits) if commit.refs and commit.hash in marks]
    ends = [*places, len(commits)][1:]
    cut = {commits[start].hash: commits[start:end] for start, end in zip(places, ends, strict=True)}
    return commits[: places[0]] if places else commits, cut


def _take(name: str, left: dict[str, Commit]) -> list[Commit]:
    """Take a commit and all of its history out of what is left: the line of first parents, then what was merged into it."""
    taken, waiting = list[Commit](), [name]
    while waiting:
        name = waiting.pop()
        while (commit := left.pop(name, None)) is not None:
            taken.append(commit)
            _, _, parents = commit.about.split(" ", 2)
            name, _, merged = parents.partition(" ")
            if merged:
                waiting += merged.split()
    return taken


def _connect(chapters: Sequence[Chapter], links: Links) -> None:
    """Say of each chapter which one comes before it."""
    for chapter, before in pairwise(chapters):
        chapter.previous = before.tag
        chapter.compare = links.compare(before.tag, chapter.tag or "HEAD")


def _within(repository: Repository, rules: ChangelogRules, revisions: Sequence[str]) -> Iterable[Commit]:
    # git leaves commits with tags out too when they changed none of the paths: where chapters end was asked before.
    return read_commits(repository, *(revisions or ("HEAD",)), first_parent=rules.first_parent, paths=rules.paths)


_ESCAPED: Final = str.maketrans({"<": "&lt;", ">": "&gt;"})


def _line(change: Change, where: str) -> str:
    name, _, scope, summary, breaking, _, _ = change
    if breaking:
        summary = breaking
    if "<" in summary and "`" not in summary:
        summary = summary.translate(_ESCAPED)
    if "\n" in summary:
        summary = summary.replace("\n", "\n  ")
    if scope:
        summary = f"**{scope}**: {summary}"
    return f"- {summary} ([{name[:7]}]({where}{name}))" if where else f"- {summary} ({name[:7]})"
