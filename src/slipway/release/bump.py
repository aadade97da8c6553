"""The next version: from what the commits since the last release say, or from the kind of release that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from slipway.errors import GateError, UsageError
from slipway.release.changelog import History
from slipway.release.commits import Change, changes_of, read_commits
from slipway.version import SCHEMES, Version

_MONTH: Final = r"\.(?P<month>0?[1-9]|1[0-2])(?:\.\d+)*(?P<revision>-\d+)?\Z"
_CALENDARS: Final[Mapping[str, re.Pattern[str]]] = {
    "calver": re.compile(rf"(?P<year>\d{{4}}|\d{{2}}){_MONTH}", re.ASCII),
    "debian": re.compile(rf"(?P<year>\d{{4}}){_MONTH}", re.ASCII),
}
# How each scheme spells the pre-release N of a kind.
_SPELLINGS: Final[Mapping[str, str]] = {
    "semver": "{core}-{label}.{number}",
    "calver": "{core}-{label}.{number}",
    "nix": "{core}{label}{number}",
    "debian": "{core}~{label}.{number}",
}
_NUMBERED: Final = re.compile(r"(?P<label>[A-Za-z]+)(?P<dot>\.?)(?P<number>\d+)(?P<rest>.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Next:
    """The version that comes next, the one before it, and why it is that one."""

    version: Version
    before: Version | None
    reason: str


def next_version(history: History, *, kind: str = "", pre: str = "") -> Next:
    """Find the next version; `kind` is major, minor or patch, and `pre` the label of a pre-release such as `rc`.

    Without a kind, the commits since the last release decide: what breaks makes a major version, or a minor one below 1.0;
    features make a minor one, and all else a patch. Raises GateError when there is nothing new, and UsageError when the
    scheme cannot know what comes next.
    """
    released = history.releases()
    if not released:
        return _first(history, kind, pre)
    final = [version for version in released if not version.is_prerelease]
    wanted, reason = (kind, f"a {kind} release was asked for") if kind else _detected(history, final[0] if final else None)
    core = _core(history, released, final, wanted, asked=bool(kind))
    version = _numbered(core, pre, released) if pre else core
    if version <= released[0]:
        raise UsageError(
            f"{version} would not be newer than {released[0]}, which is released", hint="give a higher version: VERSION=…"
        )
    return Next(version, released[0], reason)


def _first(history: History, kind: str, pre: str) -> Next:
    scheme = SCHEMES[history.rule.scheme]
    if not scheme.first:
        raise UsageError(
            f"no tag such as {history.rule.tag_of('…')} says what the last version was", hint="give the first one: VERSION=…"
        )
    text = "1.0.0" if kind == "major" else scheme.first
    version = Version(text, history.rule.scheme)
    return Next(_numbered(version, pre, ()) if pre else version, None, "it is the first release")


def _detected(history: History, last: Version | None) -> tuple[str, str]:
    since = f"refs/tags/{history.rule.tag_of(str(last))}..HEAD" if last else "HEAD"
    rules = history.rules
    commits = read_commits(history.repository, since, first_parent=rules.first_parent, paths=rules.paths)
    changes = changes_of(commits, merges=rules.first_parent)
    if not commits:
        raise GateError(f"nothing has changed since {last}", hint="--release-type patch makes a release all the same")
    unstable = history.rule.scheme == "semver" and last is not None and last.numbers[0] == 0
    if broken := _one(changes, lambda change: bool(change.breaking)):
        return ("minor" if unstable else "major"), f"{broken.short} breaks something: {broken.breaking.splitlines()[0]}"
    if feature := _one(changes, lambda change: change.type == "feat"):
        return "minor", f"{feature.short} adds something: {feature.summary}"
    return "patch", "no commit adds or breaks anything"


def _one(changes: Sequence[Change], wanted: Callable[[Change], bool]) -> Change | None:
    return next(filter(wanted, changes), None)


def _core(history: History, released: Sequence[Version], final: Sequence[Version], kind: str, *, asked: bool) -> Version:
    """The version without a pre-release; never below the one that pre-releases have announced."""
    highest = released[0]
    if asked:
        return highest.next(kind)
    base = final[0] if final else highest
    found = _by_calendar(history, base) or _following(base, kind)
    return max(found, highest.next("patch"), key=lambda version: version.key) if highest.is_prerelease else found


def _following(version: Version, kind: str) -> Version:
    try:
        return version.next(kind)
    except UsageError:
        # Where the calendar says the rest, what was not foreseen is one more of the same month.
        return version.next("patch")


def _by_calendar(history: History, last: Version) -> Version | None:
    """The year and month of the present commit, spelled as in the last version; None when that month has a version."""
    match = _CALENDARS[last.scheme].match(last.text) if last.scheme in _CALENDARS else None
    if match is None or (seconds := history.repository.time_of()) is None:
        return None
    now = datetime.fromtimestamp(seconds, UTC)
    year = str(now.year)[-len(match["year"]) :]
    version = Version(f"{year}.{now.month:0{len(match['month'])}}{'-1' if match['revision'] else ''}", last.scheme)
    return version if version.numbers > last.numbers[:2] else None


def _numbered(core: Version, label: str, released: Sequence[Version]) -> Version:
    """The next pre-release of a version, numbered and spelled as those before it."""
    if not re.fullmatch(r"[A-Za-z]+", label):
        raise UsageError(f"{label!r} is no kind of pre-release", hint="usual are alpha, beta and rc")
    spelled = Version.parse(_spelled(core, label), core.scheme)
    if not spelled < core:
        raise UsageError(f"the scheme {core.scheme} sorts {spelled} after {core}", hint="with nix, pre-releases are called pre")
    earlier = [version for version in released if version.is_prerelease and version.numbers == core.numbers]
    for version in earlier:
        match = _NUMBERED.fullmatch(version.prerelease)
        if match and match["label"] == label:
            old, new = (f"{label}{match['dot']}{number}" for number in (match["number"], int(match["number"]) + 1))
            text = version.text.replace(old, new) if old in version.text else version.text.replace(old.replace(".", ""), new)
            return Version.parse(text, core.scheme)
    return spelled


def _spelled(core: Version, label: str) -> str:
    plain, hyphen, revision = core.text.partition("-") if core.scheme == "debian" else (core.text, "", "")
    return _SPELLINGS[core.scheme].format(core=plain, label=label, number=1) + hyphen + revision
