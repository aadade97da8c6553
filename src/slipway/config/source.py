"""The version of a run: from the VERSION variable, or from where slipway.toml says that it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from slipway.config.pyproject import find_version
from slipway.errors import ConfigError, UsageError
from slipway.git import Repository
from slipway.model import VersionRule
from slipway.version import SCHEMES, Version, from_python, from_tag

_DESCRIBED: Final = re.compile(r"(?P<tag>.+)-(?P<commits>\d+)-(?P<hash>g[0-9a-f]{4,64})(?P<dirty>-dirty)?")
_COMMIT: Final = re.compile(r"(?P<hash>[0-9a-f]{4,64})(?P<dirty>-dirty)?")


def read_version(rule: VersionRule, root: Path, wanted: str | None) -> Version:
    """Return the version of a run; `wanted` is the VERSION variable, and empty means that it is not set.

    What `git describe` says becomes a version between two releases: `v2.1.0-3-gabc1234` is `2.1.1-dev.3+gabc1234`,
    and a commit without any tag is `0.0.0-dev+abc1234`.
    """
    if wanted and wanted.strip():
        return spell(wanted.strip(), rule)
    return _SOURCES[rule.source](rule, root)


def spell(text: str, rule: VersionRule) -> Version:
    """Read a version, a tag or what `git describe` printed."""
    if (told := _DESCRIBED.fullmatch(text)) is not None:
        return _between(told["tag"], int(told["commits"]), told["hash"], dirty=bool(told["dirty"]), rule=rule)
    bare = from_tag(_strip_tag(text, rule.tag), rule.scheme)
    commit = _COMMIT.fullmatch(text)
    if commit is not None and (commit["dirty"] or SCHEMES[rule.scheme].pattern.fullmatch(bare) is None):
        return _untagged(commit, rule)
    return Version.parse(bare, rule.scheme)


def _untagged(commit: re.Match[str], rule: VersionRule) -> Version:
    build = commit["hash"] + (".dirty" if commit["dirty"] else "")
    return Version.parse(SCHEMES[rule.scheme].untagged.replace("{build}", build), rule.scheme)


def _between(tag: str, commits: int, commit: str, *, dirty: bool, rule: VersionRule) -> Version:
    version = Version.parse(from_tag(_strip_tag(tag, rule.tag), rule.scheme), rule.scheme)
    if commits == 0 and not dirty:
        return version
    return version.after(commits, f"{commit}.dirty" if dirty else commit)


def _strip_tag(text: str, template: str) -> str:
    prefix, suffix = template.split("{version}")
    if text.startswith(prefix) and text.endswith(suffix) and len(text) > len(prefix + suffix):
        return text.removeprefix(prefix).removesuffix(suffix)
    return text


def _from_value(rule: VersionRule, _root: Path) -> Version:
    return Version.parse(rule.value, rule.scheme)


def _from_file(rule: VersionRule, root: Path) -> Version:
    lines = _read(root / rule.path).splitlines()
    if not lines or not lines[0].strip():
        raise ConfigError("the first line holds no version", file=root / rule.path, line=1, hint="write it there: 2.1.0")
    return _explained(lines[0].strip(), rule, root / rule.path)


def _from_python(rule: VersionRule, _root: Path) -> Version:
    text, file = find_version(rule.path)
    return _explained(from_python(text), rule, file)


def _from_git(rule: VersionRule, root: Path) -> Version:
    if (told := Repository(root).describe(rule.tag.replace("{version}", "[0-9]*"))) is None:
        raise ConfigError(
            f"git cannot describe {root}: it is no git checkout, has no commit yet, or git refuses it (git status says why)",
            hint="give the version, VERSION=2.1.0, or set version.source in slipway.toml",
        )
    # A commit may look like a version of Debian, such as 1234567890; what has a tag is never told as the commit alone.
    commit = _COMMIT.fullmatch(told)
    return spell(told, rule) if commit is None else _untagged(commit, rule)


def _from_cargo(rule: VersionRule, root: Path) -> Version:
    manifest = root / rule.path
    data = _toml(manifest)
    found = data.get("package", {}).get("version") if "package" in data else _shared(data)
    if isinstance(found, Mapping):
        manifest, found = _workspace_version(manifest, data)
    if not isinstance(found, str):
        raise ConfigError(
            "there is no package.version and no workspace.package.version",
            file=manifest,
            hint="set version.path in slipway.toml to the Cargo.toml that holds the version, or another version.source",
        )
    return _explained(found, rule, manifest)


def _workspace_version(manifest: Path, data: Mapping[str, Any]) -> tuple[Path, Any]:
    """Find the version that a member takes from its workspace, as cargo does: by package.workspace, or upwards."""
    if "workspace" in data:
        return manifest, _shared(data)
    named = data["package"].get("workspace")
    folders = [manifest.parent / named] if named else manifest.parent.parents
    for folder in folders:
        if (above := folder / "Cargo.toml").is_file() and "workspace" in (found := _toml(above)):
            return above, _shared(found)
    raise ConfigError("version.workspace is true, but no folder above holds the workspace", file=manifest)


def _shared(data: Mapping[str, Any]) -> Any:
    return data.get("workspace", {}).get("package", {}).get("version")


def _explained(text: str, rule: VersionRule, file: Path) -> Version:
    try:
        return spell(text, rule)
    except UsageError as error:
        raise ConfigError(error.message, file=file, hint=error.hint) from error


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}", file=file) from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the version cannot be read: {error}", file=file, hint="check version.path in slipway.toml") from error


_SOURCES: Final[Mapping[str, Callable[[VersionRule, Path], Version]]] = {
    "cargo": _from_cargo,
    "file": _from_file,
    "git": _from_git,
    "python": _from_python,
    "value": _from_value,
}
