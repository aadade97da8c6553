"""Entries of debian/changelog, as policy 4.4 and deb-changelog(5) have them, from the commits since the last release."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from slipway.errors import ConfigError
from slipway.release.changelog import History
from slipway.release.commits import Change, changes_of, read_commits
from slipway.render import render
from slipway.version import Version

TEMPLATE: Final = "templates/notes/debian-changelog.j2"
_WIDTH: Final = 80
_MAINTAINER: Final = re.compile(r"[^<>\n]+ <[^<>@\s]+@[^<>\s]+>")
_ENTRY: Final = re.compile(r"\A(?P<package>\S+) \((?P<version>[^()\s]+)\)")


def debian_entry(
    history: History, version: str, maintainer: str, *, package: str = "", suite: str = "unstable", urgency: str = "medium"
) -> str:
    """The entry of one version; `version` is that of the package, such as `2019.01-1`.

    Its time is that of the commit, so the same commit gives the same entry on every day.
    """
    if not _MAINTAINER.fullmatch(maintainer):
        raise ConfigError(
            f"{maintainer!r} is no maintainer for a Debian changelog",
            key="project.maintainer",
            hint="as in Ada <ada@example.org>",
        )
    before = _before(history, version)
    span = f"refs/tags/{before}..HEAD" if before else "HEAD"
    changes = changes_of(read_commits(history.repository, span, paths=history.rules.paths))
    when = datetime.fromtimestamp(history.repository.time_of() or 0, UTC)
    return render(
        TEMPLATE,
        overrides=history.overrides,
        package=package or history.name,
        version=Version.parse(version, "debian").text,
        suite=suite,
        urgency=urgency,
        sections=_sections(changes) or [{"author": "", "lines": ["  * No changes."]}],
        maintainer=maintainer,
        date=format_datetime(when),
    )


def prepended(entry: str, changelog: str) -> str:
    """A debian/changelog with one more entry at its top; an entry of the same version there is replaced."""
    made, there = _ENTRY.match(entry), _ENTRY.match(changelog)
    if made and there and made["version"] == there["version"]:
        changelog = re.sub(r"\A.*?^ -- [^\n]*\n\s*", "", changelog, count=1, flags=re.DOTALL | re.MULTILINE)
    return f"{entry}\n{changelog}" if changelog.strip() else entry


def _before(history: History, version: str) -> str:
    """The tag of the release before: the last one that is older, by what upstream calls it."""
    upstream = Version.parse(version, "debian")
    older = [found for found in history.releases() if _as_debian(found) < _without_revision(upstream)]
    return history.rule.tag_of(str(older[0])) if older else ""


def _as_debian(version: Version) -> Version:
    return _without_revision(version) if version.scheme == "debian" else Version(version.deb, "debian")


def _without_revision(version: Version) -> Version:
    return Version(version.deb, "debian")


def _sections(changes: Iterable[Change]) -> list[Mapping[str, object]]:
    """The changes, oldest first; below the names of their authors when there are several."""
    by_author: dict[str, list[str]] = {}
    for change in reversed(list(changes)):
        by_author.setdefault(change.author, []).extend(_wrapped(change.commit.subject))
    if len(by_author) == 1:
        return [{"author": "", "lines": lines} for lines in by_author.values()]
    return [{"author": author, "lines": lines} for author, lines in by_author.items()]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        initial_indent="  * ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
