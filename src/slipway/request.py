"""From what was asked for to the Release that one run is about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from slipway import console
from slipway.build.machine import processors
from slipway.build.source_dir import taken_from
from slipway.config.cache import cached_project
from slipway.config.source import read_version
from slipway.errors import UsageError, did_you_mean
from slipway.git import Repository
from slipway.model import Paths, Project, Release, Variant
from slipway.platforms import Platform, find_platform, select_platforms
from slipway.publication.wish import Wish, wish_from
from slipway.rules import SignRules
from slipway.version import Version

NO_COMMIT_EPOCH: Final = 315_532_800  # 1980-01-01, the oldest time that every archive format can say

LAST_EPOCH: Final = 0xFFFF_FFFF  # early in 2106; the newest time that every archive format can say


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run: the release, and what only some targets ask for: `installers` are kinds, `validated` if they are checked.

    `version_is_said` is whether VERSION or RELEASE_TYPE says the version, and not the project.
    """

    release: Release
    rust_target: Platform
    tested: Release
    levels: tuple[str, ...]
    prefix: str
    installers: tuple[str, ...] = ()
    validated: bool = False
    environment: str = ""
    wish: Wish = field(default_factory=Wish)
    version_is_said: bool = False


def open_request(file: Path, variables: Mapping[str, Any], *, outputs: Path | None = None) -> Request:
    """Read the project and resolve the variables; `outputs` is the folder of dist/ and packages/."""
    paths = Paths.under((outputs or file.parent).resolve())
    project = cached_project(file.resolve(), paths.state)
    project = replace(project, symbols=variables.get("SYMBOLS", project.symbols))
    if variables.get("SIGN") is False:
        project = replace(project, sign=SignRules())
    if folder := variables.get("SOURCE_DIR"):
        project = taken_from(project, (project.root / folder).resolve())
    release = Release(
        project=project,
        version=_version(project, variables),
        paths=paths,
        platforms=select_platforms(variables.get("PLATFORMS", "all"), project.platforms),
        variants=select_variants(variables.get("VARIANTS", "all"), project),
        epoch=source_date_epoch(project.root, os.environ),
        cross=variables.get("CROSS"),
        jobs=jobs(variables),
        verbose=bool(variables.get("VERBOSE")),
        formats=variables.get("PACKAGE_FORMATS", ()),
    )
    return Request(
        release=release,
        rust_target=find_platform(variables.get("RUST_TARGET", "host")),
        tested=_tested(release, variables.get("DIST_VERSION")),
        levels=variables.get("TEST_TYPES", ("basic", "integration", "complete")),
        prefix=variables.get("PREFIX", ""),
        installers=variables.get("INSTALLER_TYPES", ()),
        validated=bool(variables.get("VALIDATE_INSTALLERS")),
        environment=variables.get("ENVIRONMENT", ""),
        wish=wish_from(variables),
        version_is_said=bool(variables.get("VERSION") or variables.get("RELEASE_TYPE")),
    )


def _version(project: Project, variables: Mapping[str, Any]) -> Version:
    """The version of the run: as VERSION says, the one that RELEASE_TYPE makes next, or as slipway.toml says."""
    wanted, kind = variables.get("VERSION"), variables.get("RELEASE_TYPE")
    if not kind:
        return read_version(project.version, project.root, wanted)
    if wanted:
        raise UsageError(
            f"VERSION={wanted} and RELEASE_TYPE={kind} both say the version", hint="give one of them; slipway next-version tells"
        )
    from slipway.publication.preparing import following

    found = following(project, kind=kind)
    console.say(f"the version is {found.version}: {found.reason}")
    return found.version


def jobs(variables: Mapping[str, Any]) -> int:
    """How many Steps run at once."""
    return processors() if variables.get("PARALLEL") else 1


def select_variants(text: str, project: Project) -> tuple[Variant, ...]:
    """Resolve a comma list of variant names, or `all`, in the order of slipway.toml."""
    names = [variant.name for variant in project.variants]
    wanted = {word.strip() for word in text.split(",") if word.strip()}
    for word in sorted(wanted - {*names, "all"}):
        raise UsageError(f"unknown variant {word!r}", hint=f"{did_you_mean(word, names)}valid are {', '.join(names)}, all")
    if not wanted:
        raise UsageError("VARIANTS names no variant", hint=f"valid are {', '.join(names)}, all")
    return tuple(variant for variant in project.variants if wanted & {variant.name, "all"})


def source_date_epoch(root: Path, environment: Mapping[str, str]) -> int:
    """The time that all files carry: SOURCE_DATE_EPOCH, else the commit's time, else 1980-01-01.

    https://reproducible-builds.org/specs/source-date-epoch/
    """
    if text := environment.get("SOURCE_DATE_EPOCH"):
        if not text.isascii() or not text.isdigit():
            raise UsageError(
                f"SOURCE_DATE_EPOCH={text} is not a number of seconds", hint="try SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)"
            )
        if len(text) > 10 or int(text) > LAST_EPOCH:
            raise UsageError(f"SOURCE_DATE_EPOCH={text} is a time that archives cannot say", hint=f"the last one is {LAST_EPOCH}")
        return max(int(text), NO_COMMIT_EPOCH)
    time = Repository(root).time_of()
    if time is None and _is_shut_checkout(root):
        console.warn(
            f"git cannot read {root} (git status says why), so files do not carry the time of the commit but 1980-01-01; "
            "SOURCE_DATE_EPOCH sets another"
        )
    return NO_COMMIT_EPOCH if time is None else time


def _is_shut_checkout(root: Path) -> bool:
    """Whether git refuses a checkout: git is not installed, or the folder belongs to another user, as often in containers."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return False
    return not Repository(root).is_readable


def _tested(release: Release, version: str | None) -> Release:
    if not version:
        return release
    return replace(release, version=read_version(release.project.version, release.project.root, version))
