"""Versions: the maintainer's own string, an order per scheme, a spelling per format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from slipway.errors import UsageError
from slipway.version.orders import Key, prerelease_of
from slipway.version.schemes import SCHEMES

__all__ = ["KINDS", "SCHEMES", "SUITES", "Version", "debian_version", "from_python", "from_tag", "to_tag"]

KINDS: Final = ("major", "minor", "patch")
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_PYTHON_LABELS: Final[Mapping[str, str]] = {"alpha": "a", "beta": "b", "rc": "rc"}
_PYTHON_PRE: Final = re.compile(
    r"(?:(?P<label>alpha|beta|rc)(?:\.?(?P<number>\d+))?)?(?:(?:^|\.)(?P<is_dev>dev)(?:\.?(?P<dev>\d+))?)?", re.ASCII
)
_PYTHON: Final = re.compile(
    r"v?(?P<core>\d+(?:\.\d+)*)(?:(?P<label>a|b|rc)(?P<number>\d+))?(?:\.dev(?P<dev>\d+))?(?:\+(?P<build>[a-z0-9.]+))?", re.ASCII
)


# What no ref of git can have, as Debian spells it in tags (DEP-14); versions of Debian have none of the right side.
_IN_TAGS: Final = str.maketrans({"~": "_", ":": "%"})
_FROM_TAGS: Final = str.maketrans({"_": "~", "%": ":"})


def to_tag(text: str, scheme: str) -> str:
    """Spell a version as the name of a tag can hold it: `1:2.1.0~rc.1-1` is `1%2.1.0_rc.1-1`, and all else stays."""
    return text.translate(_IN_TAGS) if scheme == "debian" else text


def from_tag(text: str, scheme: str) -> str:
    """Take back what `to_tag` did."""
    return text.translate(_FROM_TAGS) if scheme == "debian" else text


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
        return self.key < _key(other, self)

    def __le__(self, other: Version) -> bool:
        return self.key <= _key(other, self)

    def __gt__(self, other: Version) -> bool:
        return self.key > _key(other, self)

    def __ge__(self, other: Version) -> bool:
        return self.key >= _key(other, self)

    @property
    def key(self) -> Key:
        """What versions of one scheme are sorted by; quicker than comparing them one by one."""
        match = _match(self)
        return SCHEMES[self.scheme].key(match)

    @property
    def is_valid(self) -> bool:
        """Whether the scheme can read it."""
        try:
            _match(self)
        except UsageError:
            return False
        return True

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that the version begins with: 2, 1 and 0 of `2.1.0-rc.1`."""
        found = _NUMBERS.match(_match(self)["core"])
        return tuple(int(number) for number in found[0].split(".")) if found else ()

    @property
    def prerelease(self) -> str:
        """`rc.1` of `2.1.0-rc.1`; empty for a release."""
        return prerelease_of(_match(self))

    @property
    def is_prerelease(self) -> bool:
        """Whether the version comes before a release."""
        return bool(self.prerelease)

    @property
    def deb(self) -> str:
        """The upstream version of a Debian package: `1.2.0~rc.1`, because dpkg sorts `~` before the end."""
        return str(_match(self)["upstream"]) if self.scheme == "debian" else _tilde(self)

    @property
    def rpm(self) -> str:
        """The Version of an RPM: `1.2.0~rc.1`, because rpm sorts `~` before the end."""
        return _tilde(self)

    @property
    def python(self) -> str:
        """The version of a wheel: `1.2.0rc1`, in the normal form of PEP 440; raises UsageError when it has none."""
        match = _match(self)
        core = ".".join(map(str, self.numbers))
        plain = _NUMBERS.fullmatch(match["core"]) and not match.groupdict().get("rest")
        if not plain or (pre := _PYTHON_PRE.fullmatch(self.prerelease)) is None:
            raise UsageError(
                f"Python has no spelling for the version {self}",
                hint="pre-releases of Python projects are alpha.N, beta.N, rc.N and dev.N",
            )
        label = f"{_PYTHON_LABELS[pre['label']]}{int(pre['number'] or 0)}" if pre["label"] else ""
        dev = f".dev{int(pre['dev'] or 0)}" if pre["is_dev"] else ""
        local = f"+{re.sub('[-_]', '.', build).lower()}" if (build := match.groupdict().get("build")) else ""
        return f"{core}{label}{dev}{local}"

    def next(self, kind: str) -> Version:
        """The version that a major, minor or patch release has after this one."""
        if kind not in KINDS:
            raise UsageError(f"unknown kind of release {kind!r}", hint=f"valid are {', '.join(KINDS)}")
        match = _match(self)
        return Version(SCHEMES[self.scheme].succeed(match, kind), self.scheme)

    def after(self, commits: int, build: str) -> Version:
        """The version of a state some commits after this one: later than this version, earlier than every one that may follow.

        `2.1.0` → `2.1.1-dev.3+BUILD`, `2.1.0-rc.1` → `2.1.0-rc.1.dev.3+BUILD`, `2024.04` → `2024.04.1-dev.3+BUILD`; with the
        scheme nix `2.90.1pre3.BUILD`, with debian `2.1.1~dev.3+BUILD-1`.
        """
        match = _match(self)
        return Version(SCHEMES[self.scheme].between(match, commits, build), self.scheme)


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
    behind `2.1.0` a tilde would make the release older than its own pre-releases, `2.1.0~rc.1`. A version of the scheme debian
    brings its own epoch and revision.
    """
    base = version.deb
    if version.scheme == "debian":
        base = version.text
        if _match(version)["revision"]:
            return f"{base}{ending or ''}"
    wanted = revision or ("" if ending is None else "1")
    return f"{base}-{wanted}{ending or ''}" if wanted else base


def from_python(text: str) -> str:
    """Spell a version of PEP 440 as semver and calver do: `1.2.0rc1` is `1.2.0-rc.1`; what has no such spelling stays."""
    if (match := _PYTHON.fullmatch(text.strip().lower())) is None:
        return text
    names = {short: name for name, short in _PYTHON_LABELS.items()}
    parts = [f"{names[match['label'][:1]] if match['label'] != 'rc' else 'rc'}.{match['number']}"] if match["label"] else []
    parts += [f"dev.{match['dev']}"] if match["dev"] else []
    build = f"+{match['build']}" if match["build"] else ""
    return f"{match['core']}{'-' if parts else ''}{'.'.join(parts)}{build}"


def _match(version: Version) -> re.Match[str]:
    return _read(version.text, version.scheme)


@lru_cache(maxsize=4096)
def _read(text: str, name: str) -> re.Match[str]:
    if (scheme := SCHEMES.get(name)) is None:
        raise UsageError(f"unknown version scheme {name!r}", hint=f"valid are {', '.join(SCHEMES)}")
    if (match := scheme.pattern.fullmatch(text)) is None:
        raise UsageError(f"{text!r} is not a {name} version", hint=f"{name} is {scheme.expects}")
    return match


def _key(other: object, version: Version) -> Key:
    """What another version is sorted by; refuses versions of two schemes."""
    if not isinstance(other, Version) or version.scheme != other.scheme:
        raise TypeError(f"{version!r} and {other!r} have no common order")
    return other.key


def deb_spellings(text: str) -> tuple[str, ...]:
    """How Debian packages may spell a version of which nobody says the scheme."""
    return tuple(dict.fromkeys(version.deb for version in _readings(text))) or (text,)


def rpm_spellings(text: str) -> tuple[str, ...]:
    """How RPM packages may spell a version of which nobody says the scheme."""
    return tuple(dict.fromkeys(version.rpm for version in _readings(text))) or (text,)


def _readings(text: str) -> list[Version]:
    return [Version(text, name) for name, scheme in SCHEMES.items() if scheme.pattern.fullmatch(text)]


def _tilde(version: Version) -> str:
    """Put `~` before a pre-release, whatever the scheme; a hyphen would start the package's own revision."""
    match = _match(version)
    said = match.groupdict()
    if version.scheme == "debian":
        return re.sub("-", ".", f"{said['upstream']}{'-' if said['revision'] else ''}{said['revision'] or ''}")
    pre, build = prerelease_of(match), said.get("build")
    text = f"{said['core']}{'~' if pre else ''}{pre}{said.get('rest') or ''}{'+' if build else ''}{build or ''}"
    return re.sub("[-_]", ".", text)
