"""The changelog of a project, from what its commits say: all versions, or a part of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slipway.errors import GateError
from slipway.git import Repository
from slipway.model import Project, VersionRule
from slipway.release.chapters import Chapter, count_people, day, group, read_chapters, version_of
from slipway.release.commits import read_commits
from slipway.release.links import Links, links_of
from slipway.render import render
from slipway.rules import ChangelogRules
from slipway.version import Version

TEMPLATE = "templates/notes/changelog.md.j2"


@dataclass(frozen=True, slots=True)
class History:
    """A project as its repository tells it: what a changelog, notes and the next version are made from."""

    repository: Repository
    name: str
    rule: VersionRule
    rules: ChangelogRules = field(default_factory=ChangelogRules)
    overrides: Path | None = None

    @classmethod
    def of(cls, project: Project, rules: ChangelogRules | None = None) -> History:
        """The history of a project; without rules, those that fit most projects."""
        return cls(Repository(project.root), project.name, project.version, rules or ChangelogRules(), project.root)

    @property
    def links(self) -> Links:
        """The pages of the repository: where slipway.toml says, else where the remote is."""
        return links_of(self.rules.repository or self.repository.remote_url(self.rules.remote), self.rules.forge)

    def releases(self, ref: str = "HEAD") -> list[Version]:
        """The versions whose tags are in the history of a commit, the highest first; tags of packaging do not count."""
        tags = self.repository.tags(merged=self.repository.commit_of(ref)) if self.repository.commit_of(ref) else ()
        found = {version for tag in tags if (version := version_of(tag.name, self.rule)) is not None}
        return sorted(found, key=lambda version: version.key, reverse=True)

    def tag_before(self, version: Version | None, ref: str = "HEAD") -> str:
        """The tag of the release before a version, or before what comes; a release is not compared with pre-releases."""
        older = [found for found in self.releases(ref) if version is None or found < version]
        if version is not None and not version.is_prerelease:
            older = [found for found in older if not found.is_prerelease]
        return self.rule.tag_of(str(older[0])) if older else ""


def write_changelog(history: History, *, version: str = "", since: str = "", until: str = "HEAD") -> str:
    """The changelog in Markdown, the newest version first; a preview is this text and nothing more.

    Without `since`, a tag, it tells everything. `version` is what the changes that have no tag yet will be released as.
    """
    with _quick():
        chapters = read_chapters(history.repository, history.rule, history.rules, history.links, _span(since, until))
        if chapters and not chapters[0].tag and version:
            chapters[0].name, chapters[0].date = version, day(chapters[0].commits[0].time)
            chapters[0].compare = history.links.compare(chapters[0].previous, history.rule.tag_of(version))
        links = [f"[{chapter.name}]: {chapter.compare}" for chapter in chapters if chapter.compare]
        facts = {"title": history.rules.title, "name": history.name}
        return render(TEMPLATE, overrides=history.overrides, chapters=chapters, links=links, **facts)


def chapter_of(history: History, version: str, *, until: str = "") -> Chapter:
    """What one version changed since the one before; where its tag is not made yet, up to `until` or the present commit."""
    read, tag = Version.parse(version, history.rule.scheme), history.rule.tag_of(version)
    end = until or (f"refs/tags/{tag}" if history.repository.commit_of(f"refs/tags/{tag}") else "HEAD")
    before = history.tag_before(read, end)
    start = f"refs/tags/{before}" if before else ""
    rules, span = history.rules, _span(start, end)
    commits = read_commits(history.repository, span, first_parent=rules.first_parent, paths=rules.paths)
    if not commits:
        raise GateError(
            f"there are no commits between {before or 'the beginning'} and {tag}",
            hint="is it the right branch, and the right tag?",
        )
    found = Chapter(version, tag, commits)
    found.groups = group(commits, rules, history.links)
    found.previous, found.compare = before, history.links.compare(before, tag)
    if rules.contributors:
        older = read_commits(history.repository, start) if start else []
        count_people([found], {person for commit in older for person in commit.people})
    return found


def oneline(history: History, *, since: str = "", until: str = "HEAD") -> str:
    """The commits in a line each, as `git log --oneline` has them; without `since`, those after the last release."""
    start = since or history.tag_before(None, until)
    pieces = history.repository.log("%h %s", _span(start, until), paths=history.rules.paths)
    return b"".join(pieces).decode("utf-8", "replace").replace("\0", "\n")


def _span(since: str, until: str) -> str:
    return f"{since}..{until}" if since else until


@contextmanager
def _quick() -> Iterator[None]:
    """Let Python not look for garbage meanwhile: there are many thousand small records, and no rings among them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
