"""Versions: the maintainer's own string, an order per scheme, a spelling per format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from slipway.errors import UsageError

KINDS: Final = ("major", "minor", "patch")
_PRE: Final = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_SUFFIX: Final = rf"(?:-(?P<pre>{_PRE}(?:\.{_PRE})*))?(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"

_PYTHON_LABELS: Final[Mapping[str, str]] = {"alpha": "a", "beta": "b", "rc": "rc"}
_PYTHON_PRE: Final = re.compile(
    r"(?:(?P<label>alpha|beta|rc)(?:\.?(?P<number>\d+))?)?(?:(?:^|\.)(?P<is_dev>dev)(?:\.?(?P<dev>\d+))?)?", re.ASCII
)
_PYTHON: Final = re.compile(
    r"v?(?P<core>\d+(?:\.\d+)*)(?:(?P<label>a|b|rc)(?P<number>\d+))?(?:\.dev(?P<dev>\d+))?(?:\+(?P<build>[a-z0-9.]+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the maintainer wrote it, read by a scheme."""

    text: str
    scheme: str = "semver"

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str, scheme: str = "semver") -> Version:
        """Read a version; raises UsageError, which says what the scheme expects, when that cannot be done."""
        version = cls(text, scheme)
        _match(version)
        return version

    def __lt__(self, other: Version) -> bool:
        return _order(self, other) < _order(other, self)

    def __le__(self, other: Version) -> bool:
        return _order(self, other) <= _order(other, self)

    def __gt__(self, other: Version) -> bool:
        return _order(self, other) > _order(other, self)

    def __ge__(self, other: Version) -> bool:
        return _order(self, other) >= _order(other, self)

    @property
    def prerelease(self) -> str:
        """`rc.1` of `2.1.0-rc.1`; empty for a release."""
        return _match(self)["pre"] or ""

    @property
    def is_prerelease(self) -> bool:
        """Whether the version comes before a release."""
        return bool(self.prerelease)

    @property
    def deb(self) -> str:
        """The upstream version of a Debian package: `1.2.0~rc.1`, because dpkg sorts `~` before the end."""
        return _tilde(self)

    @property
    def rpm(self) -> str:
        """The Version of an RPM: `1.2.0~rc.1`, because rpm sorts `~` before the end."""
        return _tilde(self)

    @property
    def python(self) -> str:
        """The version of a wheel: `1.2.0rc1`, in the normal form of PEP 440; raises UsageError when it has none."""
        match = _match(self)
        core = ".".join(str(int(number)) for number in match["core"].split("."))
        if (pre := _PYTHON_PRE.fullmatch(match["pre"] or "")) is None:
            raise UsageError(
                f"Python has no spelling for the version {self}",
                hint="pre-releases of Python projects are alpha.N, beta.N, rc.N and dev.N",
            )
        label = f"{_PYTHON_LABELS[pre['label']]}{int(pre['number'] or 0)}" if pre["label"] else ""
        dev = f".dev{int(pre['dev'] or 0)}" if pre["is_dev"] else ""
        build = f"+{re.sub('[-_]', '.', match['build']).lower()}" if match["build"] else ""
        return f"{core}{label}{dev}{build}"

    def next(self, kind: str) -> Version:
        """The version that a major, minor or patch release has after this one."""
        if kind not in KINDS:
            raise UsageError(f"unknown kind of release {kind!r}", hint=f"valid are {', '.join(KINDS)}")
        return Version(SCHEMES[self.scheme].succeed(_match(self), kind), self.scheme)

    def after(self, commits: int, build: str) -> Version:
        """The version of a state some commits after this one: later than this version, earlier than every one that may follow.

        `2.1.0` → `2.1.1-dev.3+BUILD`, `2.1.0-rc.1` → `2.1.0-rc.1.dev.3+BUILD`, `2024.04` → `2024.04.1-dev.3+BUILD`.
        """
        if pre := self.prerelease:
            return Version(f"{_match(self)['core']}-{pre}.dev.{commits}+{build}", self.scheme)
        return Version(f"{self.next('patch')}-dev.{commits}+{build}", self.scheme)


# What the versions of a suite's packages end in: what Debian and Ubuntu give to a version that is built once more for a suite.
# The numbers make the package of the later suite the newer one, and the tilde makes all of them older than the version itself.
SUITES: Final[Mapping[str, str]] = {
    "buster": "~deb10u1",
    "bullseye": "~deb11u1",
    "bookworm": "~deb12u1",
    "trixie": "~deb13u1",
    "forky": "~deb14u1",
    "duke": "~deb15u1",
    "unstable": "",
    "focal": "~ubuntu20.04.1",
    "jammy": "~ubuntu22.04.1",
    "noble": "~ubuntu24.04.1",
    "resolute": "~ubuntu26.04.1",
}


def debian_version(version: Version, revision: str, ending: str | None = None) -> str:
    """The version of a Debian package: `2.1.0`, `2.1.0-1` with a revision, `2.1.0-1~deb12u1` for a suite.

    `ending` is None where there are no suites. What is made for a suite has the revision 1 when no other is given: right
    behind `2.1.0` a tilde would make the release older than its own pre-releases, `2.1.0~rc.1`.
    """
    wanted = revision or ("" if ending is None else "1")
    return f"{version.deb}-{wanted}{ending or ''}" if wanted else version.deb


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one family of versions is read, and what comes next in it."""

    expects: str
    pattern: re.Pattern[str]
    succeed: Callable[[re.Match[str], str], str]
    first: str


def from_python(text: str) -> str:
    """Spell a version of PEP 440 as semver and calver do: `1.2.0rc1` is `1.2.0-rc.1`; what has no such spelling stays."""
    if (match := _PYTHON.fullmatch(text.strip().lower())) is None:
        return text
    names = {short: name for name, short in _PYTHON_LABELS.items()}
    parts = [f"{names[match['label'][:1]] if match['label'] != 'rc' else 'rc'}.{match['number']}"] if match["label"] else []
    parts += [f"dev.{match['dev']}"] if match["dev"] else []
    build = f"+{match['build']}" if match["build"] else ""
    return f"{match['core']}{'-' if parts else ''}{'.'.join(parts)}{build}"


def _semver_next(match: re.Match[str], kind: str) -> str:
    major, minor, patch = (int(number) for number in match["core"].split("."))
    # A pre-release is followed by its own release: 2.0.0-rc.1 is on the way to major 2.0.0, 2.1.0-rc.1 to minor 2.1.0.
    waiting = bool(match["pre"])
    if kind == "major":
        return f"{major + (not (waiting and minor == patch == 0))}.0.0"
    if kind == "minor":
        return f"{major}.{minor + (not (waiting and patch == 0))}.0"
    return f"{major}.{minor}.{patch + (not waiting)}"


def _calver_next(match: re.Match[str], kind: str) -> str:
    core = str(match["core"])
    if kind != "patch":
        raise UsageError(f"the {kind} version after {core} comes from the calendar", hint="give it: VERSION=2026.11")
    if match["pre"]:
        return core
    parts = core.split(".")
    if len(parts) < 3:
        return f"{core}.1"
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1).zfill(len(parts[-1]))])


SCHEMES: Final[Mapping[str, Scheme]] = {
    "semver": Scheme(
        expects="three numbers and perhaps a pre-release, such as 2.1.0, 2.1.0-rc.1 or 2.1.0+build",
        pattern=re.compile(rf"(?P<core>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){{2}}){_SUFFIX}", re.ASCII),
        succeed=_semver_next,
        first="0.0.0",
    ),
    "calver": Scheme(
        expects="a year, a month and perhaps more numbers, such as 2024.04, 26.11 or 2024.04.1-rc.1",
        pattern=re.compile(rf"(?P<core>\d+(?:\.\d+){{1,3}}){_SUFFIX}", re.ASCII),
        succeed=_calver_next,
        first="0.0",
    ),
}


def _match(version: Version) -> re.Match[str]:
    if (scheme := SCHEMES.get(version.scheme)) is None:
        raise UsageError(f"unknown version scheme {version.scheme!r}", hint=f"valid are {', '.join(SCHEMES)}")
    if (match := scheme.pattern.fullmatch(version.text)) is None:
        raise UsageError(f"{version.text!r} is not a {version.scheme} version", hint=f"{version.scheme} is {scheme.expects}")
    return match


def _order(version: Version, other: object) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """What versions are sorted by (semver.org 2.0.0, item 11); refuses versions of two schemes."""
    if not isinstance(other, Version) or version.scheme != other.scheme:
        raise TypeError(f"{version!r} and {other!r} have no common order")
    match = _match(version)
    numbers = tuple(int(number) for number in match["core"].split("."))
    parts = match["pre"].split(".") if match["pre"] else []
    before = tuple((False, int(part), "") if part.isdigit() else (True, 0, part) for part in parts)
    return numbers, not parts, before


def _tilde(version: Version) -> str:
    """Put `~` before a pre-release, whatever the scheme; a hyphen would start the package's own revision."""
    release, plus, build = version.text.partition("+")
    core, _, pre = release.partition("-")
    return f"{core}{'~' if pre else ''}{pre}{plus}{build}".replace("-", ".")
