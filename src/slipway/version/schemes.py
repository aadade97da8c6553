"""The families of versions: how each is read, in which order it comes, and what follows in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from slipway.errors import UsageError
from slipway.version.orders import Key, dpkg_key, nix_key, prerelease_of, semver_key

_IDENTIFIER: Final = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_PRE: Final = rf"(?:-(?P<pre>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
_BUILD: Final = r"(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
# What nightly builds have: `2.90.0pre20240411`, perhaps with a commit behind.
_NIGHTLY: Final = r"pre(?P<nightly>(?:0|[1-9]\d*)(?:[._-][0-9A-Za-z]+)*)"
_NIX: Final = r"""
    (?=\d+(?:[.-]|pre|\Z))          # a short commit, such as 12ab34c, is no version
    (?P<core>\d+(?:\.\d+)*(?!\d))
    (?:[.-]?(?P<pre>(?:alpha|beta|rc|dev|pre)(?![A-Za-z])[0-9A-Za-z._+-]*)|(?P<rest>[0-9A-Za-z._+-]*))
    (?<=[0-9A-Za-z])"""
_DEBIAN: Final = r"""
    (?=\d+\Z|.*[.:~+-])
    (?:(?P<epoch>\d+):)?
    (?P<upstream>
        (?P<core>\d[0-9A-Za-z.+]*)
        (?:~(?P<pre>(?!(?:deb|ubuntu|bpo)\d)[0-9A-Za-z.+~]+)|[0-9A-Za-z.+~]*)
        (?:-[0-9A-Za-z.+~]+)*?      # only the last hyphen begins the revision
    )
    (?:-(?P<revision>[0-9A-Za-z.+~]+))?"""
_UNKNOWN: Final = "give it: VERSION=…"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one family of versions is read and ordered, and what comes next in it.

    The pattern's `core` are the numbers, `pre` what makes a pre-release, `build` what does not count. `between` spells the
    state some commits after a version; `first` is the first version that a project has, and `untagged` its state before that.
    """

    expects: str
    pattern: re.Pattern[str]
    key: Callable[[re.Match[str]], Key]
    succeed: Callable[[re.Match[str], str], str]
    between: Callable[[re.Match[str], int, str], str]
    untagged: str
    first: str = ""


def _semver_next(match: re.Match[str], kind: str) -> str:
    major, minor, patch = (int(number) for number in match["core"].split("."))
    # A pre-release is followed by its own release: 2.0.0-rc.1 is on the way to major 2.0.0, 2.1.0-rc.1 to minor 2.1.0.
    waiting = bool(prerelease_of(match))
    if kind == "major":
        return f"{major + (not (waiting and minor == patch == 0))}.0.0"
    if kind == "minor":
        return f"{major}.{minor + (not (waiting and patch == 0))}.0"
    return f"{major}.{minor}.{patch + (not waiting)}"


def _calver_next(match: re.Match[str], kind: str) -> str:
    core = str(match["core"])
    if kind != "patch":
        raise UsageError(f"the {kind} version after {core} comes from the calendar", hint="give it: VERSION=2026.11")
    return core if prerelease_of(match) else _one_more(core)


def _nix_next(match: re.Match[str], kind: str) -> str:
    if match["rest"]:
        raise UsageError(f"nothing is counted after {match.string}, which names a commit", hint=_UNKNOWN)
    if match["pre"] and not match["pre"].startswith("pre"):
        raise UsageError(
            f"the scheme nix sorts {match.string} after {match['core']}",
            hint=f"before a release comes {match['core']}pre1; or set version.scheme to semver or calver in slipway.toml",
        )
    return _count(match["core"], kind, waiting=bool(match["pre"]))


def _debian_next(match: re.Match[str], kind: str) -> str:
    upstream = match["core"] if match["pre"] else match["upstream"]
    if not re.fullmatch(r"\d+(?:\.\d+)+", upstream, re.ASCII):
        raise UsageError(f"nobody knows what comes after {match.string}", hint=_UNKNOWN)
    epoch = f"{match['epoch']}:" if match["epoch"] else ""
    return f"{epoch}{_count(upstream, kind, waiting=bool(match['pre']))}{'-1' if match['revision'] else ''}"


def _count(core: str, kind: str, *, waiting: bool) -> str:
    """What follows some numbers, or their pre-release: as in semver when they are three, else as in calver."""
    text = f"{core}-pre" if waiting else core
    for name in ("semver", "calver"):
        if (match := SCHEMES[name].pattern.fullmatch(text)) is not None:
            return SCHEMES[name].succeed(match, kind)
    raise UsageError(f"nobody knows what comes after {core}", hint=_UNKNOWN)


def _one_more(core: str) -> str:
    parts = core.split(".")
    if len(parts) < 3:
        return f"{core}.1"
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1).zfill(len(parts[-1]))])


def _between(match: re.Match[str], commits: int, build: str) -> str:
    if pre := prerelease_of(match):
        return f"{match['core']}-{pre}.dev.{commits}+{build}"
    return f"{_count(match['core'], 'patch', waiting=False)}-dev.{commits}+{build}"


def _nix_between(match: re.Match[str], commits: int, build: str) -> str:
    if match["rest"] or match["pre"]:
        return f"{match.string}.{commits}.{build}"
    return f"{_nix_next(match, 'patch')}pre{commits}.{build}"


def _debian_between(match: re.Match[str], commits: int, build: str) -> str:
    epoch = f"{match['epoch']}:" if match["epoch"] else ""
    revision = f"-{match['revision']}" if match["revision"] else ""
    if match["pre"]:
        return f"{epoch}{match['upstream']}.dev.{commits}+{build}{revision}"
    following = _count(match["upstream"], "patch", waiting=False)
    return f"{epoch}{following}~dev.{commits}+{build}{revision}"


SCHEMES: Final[Mapping[str, Scheme]] = {
    "semver": Scheme(
        expects="three numbers and perhaps a pre-release, such as 2.1.0, 2.1.0-rc.1 or 2.1.0+build",
        pattern=re.compile(rf"(?P<core>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){{2}}){_PRE}{_BUILD}", re.ASCII),
        key=semver_key,
        succeed=_semver_next,
        between=_between,
        untagged="0.0.0-dev+{build}",
        first="0.1.0",
    ),
    "calver": Scheme(
        expects="a year, a month and perhaps more numbers, such as 2024.04, 26.11, 2024.04.1-rc.1 or 2.90.0pre20240411",
        pattern=re.compile(rf"(?P<core>\d+(?:\.\d+){{1,3}})(?:{_NIGHTLY}|{_PRE}){_BUILD}", re.ASCII),
        key=semver_key,
        succeed=_calver_next,
        between=_between,
        untagged="0.0-dev+{build}",
    ),
    "nix": Scheme(
        expects="numbers and words between dots, such as 2.90.0, 24.11.715880.b75693fb46bf or 26.11pre1032806.bbb4df715cb6",
        pattern=re.compile(_NIX, re.ASCII | re.VERBOSE),
        key=nix_key,
        succeed=_nix_next,
        between=_nix_between,
        untagged="0.0pre0.{build}",
    ),
    "debian": Scheme(
        expects="an upstream version and perhaps an epoch and a revision, such as 2019.01-1, 1:2.1.0-1 or 2.1.0~rc.1-1",
        pattern=re.compile(_DEBIAN, re.ASCII | re.VERBOSE),
        key=dpkg_key,
        succeed=_debian_next,
        between=_debian_between,
        untagged="0.0~dev+{build}",
    ),
}
