"""The version of a run: the variable VERSION, Cargo.toml, a file, git or slipway.toml itself."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from slipway.config.source import read_version
from slipway.errors import ConfigError, UsageError
from slipway.model import VersionRule
from slipway.version import Version


def cargo(root: Path, path: str, text: str) -> VersionRule:
    file = root / path / "Cargo.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return VersionRule(path=file)


@pytest.mark.req("S0-30")
@pytest.mark.parametrize(
    ("wanted", "tag", "scheme", "found"),
    [
        ("2.1.0", "v{version}", "semver", "2.1.0"),
        ("v2.1.0", "v{version}", "semver", "2.1.0"),
        ("2.1.0-rc1", "v{version}", "semver", "2.1.0-rc1"),
        ("v2.1.0-rc1", "v{version}", "semver", "2.1.0-rc1"),
        (" v2.1.0\n", "v{version}", "semver", "2.1.0"),
        ("2.1.0", "{version}", "semver", "2.1.0"),
        ("release-2.1.0-final", "release-{version}-final", "semver", "2.1.0"),
        ("v2024.04", "v{version}", "calver", "2024.04"),
        ("v2.1.0-3-gabc1234", "v{version}", "semver", "2.1.1-dev.3+gabc1234"),
        ("2.1.0-3-gabc1234", "v{version}", "semver", "2.1.1-dev.3+gabc1234"),
        ("v2.1.0-rc.1-3-gabc1234-dirty", "v{version}", "semver", "2.1.0-rc.1.dev.3+gabc1234.dirty"),
        ("v2024.04-3-gabc1234", "v{version}", "calver", "2024.04.1-dev.3+gabc1234"),
        ("2.93.0-3-gabc1234", "{version}", "nix", "2.93.1pre3.gabc1234"),
        ("24.11.715880.b75693fb46bf", "{version}", "nix", "24.11.715880.b75693fb46bf"),
        ("2019.01-1", "{version}", "debian", "2019.01-1"),
        ("v1%2.1.0_rc.1-1", "v{version}", "debian", "1:2.1.0~rc.1-1"),
        ("v2.1.0-1-3-gabc1234", "v{version}", "debian", "2.1.1~dev.3+gabc1234-1"),
        ("abc1234", "v{version}", "semver", "0.0.0-dev+abc1234"),
        ("12ab34c-dirty", "v{version}", "nix", "0.0pre0.12ab34c.dirty"),
        ("12ab34c", "v{version}", "debian", "0.0~dev+12ab34c"),
        ("12ab34c-dirty", "v{version}", "debian", "0.0~dev+12ab34c.dirty"),
        ("abc1234-dirty", "v{version}", "calver", "0.0-dev+abc1234.dirty"),
    ],
)
def test_the_variable_goes_first(tmp_path: Path, wanted: str, tag: str, scheme: str, found: str) -> None:
    rule = VersionRule(source="value", value="9.9.9", tag=tag, scheme=scheme)
    assert read_version(rule, tmp_path, wanted) == Version(found, scheme)


@pytest.mark.req("S0-30")
@pytest.mark.parametrize("wanted", [None, "", "  "])
def test_an_empty_variable_is_not_set(tmp_path: Path, wanted: str | None) -> None:
    assert read_version(VersionRule(source="value", value="1.2.3"), tmp_path, wanted) == Version("1.2.3")


@pytest.mark.parametrize("wanted", ["2.1", "main", "vv2.1.0", "v"])
def test_a_variable_that_is_no_version_is_refused(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(UsageError, match="is not a semver version") as caught:
        read_version(VersionRule(), tmp_path, wanted)
    assert caught.value.exit_code == 2


def test_cargo_package(tmp_path: Path) -> None:
    rule = cargo(tmp_path, ".", '[package]\nname = "a"\nversion = "1.2.3"\n')
    assert str(read_version(rule, tmp_path, None)) == "1.2.3"


@pytest.mark.req("S0-30")
def test_cargo_workspaces(tmp_path: Path) -> None:
    top = cargo(tmp_path, ".", '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "2.1.0"\n')
    member = cargo(tmp_path, "crates/a", '[package]\nname = "a"\nversion.workspace = true\n')
    named = cargo(tmp_path / "elsewhere", "b", f'[package]\nname = "b"\nworkspace = "{tmp_path}"\nversion.workspace = true\n')
    both = cargo(
        tmp_path / "both",
        ".",
        '[package]\nname = "a"\nversion = { workspace = true }\n[workspace.package]\nversion = "3.0.0"\n',
    )
    for rule, found in ((top, "2.1.0"), (member, "2.1.0"), (named, "2.1.0"), (both, "3.0.0")):
        assert str(read_version(rule, tmp_path, None)) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[package]\nname = "a"\n', "there is no package.version"),
        ("[workspace]\n", "there is no package.version"),
        ('[package]\nname = "a"\nversion.workspace = true\n', "no folder above holds the workspace"),
        ('[package]\nversion = "1.2"\n', "'1.2' is not a semver version"),
        ("[package", "not TOML"),
    ],
)
def test_a_manifest_without_a_version(tmp_path: Path, text: str, told: str) -> None:
    rule = cargo(tmp_path, ".", text)
    with pytest.raises(ConfigError, match=re.escape(told)) as caught:
        read_version(rule, tmp_path, None)
    assert str(tmp_path / "Cargo.toml") in caught.value.message


def test_the_first_line_of_a_file(tmp_path: Path) -> None:
    rule = VersionRule(source="file", path=tmp_path / "VERSION")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_version(rule, tmp_path, None)
    rule.path.write_text("\n")
    with pytest.raises(ConfigError, match="holds no version"):
        read_version(rule, tmp_path, None)
    rule.path.write_text("v2.1.0 \nmore\n")
    assert str(read_version(rule, tmp_path, None)) == "2.1.0"
    rule.path.write_text("two\n")
    with pytest.raises(ConfigError, match=r"VERSION: 'two' is not a semver"):
        read_version(rule, tmp_path, None)


def git(root: Path, *words: str) -> str:
    settings = ("-c", "user.name=T", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *settings, *words], cwd=root, env=plain, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.req("S0-30", "S0-48")
def test_git_describes_the_checkout(tmp_path: Path) -> None:
    rule = VersionRule(source="git")
    with pytest.raises(ConfigError, match="no git checkout"):
        read_version(rule, tmp_path, None)
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    assert str(read_version(rule, tmp_path, None)) == f"0.0.0-dev+{git(tmp_path, 'rev-parse', '--short=10', 'HEAD')}"

    git(tmp_path, "tag", "v2.1.0")
    git(tmp_path, "tag", "-am", "later", "nightly")
    assert str(read_version(rule, tmp_path, None)) == "2.1.0"
    (tmp_path / "file").write_text("2")
    dirty = read_version(rule, tmp_path, None)
    assert re.fullmatch(r"2\.1\.1-dev\.0\+g[0-9a-f]{10}\.dirty", str(dirty))

    git(tmp_path, "commit", "-qam", "two")
    later = read_version(rule, tmp_path, None)
    assert re.fullmatch(r"2\.1\.1-dev\.1\+g[0-9a-f]{10}", str(later))
    assert Version("2.1.0") < later < Version("2.1.1")
    git(tmp_path, "tag", "v2.1.1-rc.1")
    assert str(read_version(rule, tmp_path, None)) == "2.1.1-rc.1"
