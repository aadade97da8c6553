"""The tables for Cargo.toml, held to what cargo-binstall documents of its own: keys, formats, the words of its templates."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import CargoComponent
from slipway.errors import ConfigError, VerificationError
from slipway.installers.binstall import crates, require_current, table_text
from slipway.model import InstallRules, PlatformSettings, Release, Variant
from slipway.platforms import PLATFORMS
from slipway.rules import SignRules

KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
OVERRIDE = {"pkg-url", "pkg-fmt", "bin-dir", "signing", "disabled-strategies"}
FORMATS = {"tar", "tbz2", "tgz", "txz", "tzstd", "zip", "bin"}
WORDS = {"name", "repo", "target", "version", "bin", "binary-ext", "archive-format", "archive-suffix", "subcrate", "url"}


def release(root: Path, *, url: str = "https://hello.example/{tag}", **changes: Any) -> Release:
    """The sample as a crate in a workspace, of which the second variant alone has the programs."""
    folder = root / "project"
    for path, text in {
        "crate/Cargo.toml": '[workspace]\nmembers = ["cli"]\n',
        "crate/cli/Cargo.toml": '[package]\nname = "hello-cli"\nversion = "1.2.3"\n',
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    part = CargoComponent(name="programs", path=folder / "crate", package="hello-cli", binaries=("hello",))
    values: dict[str, Any] = {
        "components": (part,),
        "variants": (Variant(name="papers", components=()), Variant(name="full", components=("programs",))),
        "install": InstallRules(download_url=url),
        "platforms": (PLATFORMS["linux-amd64"], PLATFORMS["windows-amd64"], PLATFORMS["macos-universal"]),
    }
    return sample.release(root, project=sample.project(folder, **(values | changes)))


def written(made: Release) -> dict[str, Any]:
    """The one crate's table, as it is read back from what is printed."""
    (crate,) = crates(made)
    found: dict[str, Any] = tomllib.loads(table_text(crate.metadata))["package"]["metadata"]["binstall"]
    assert found == crate.metadata
    return found


def test_each_target_has_the_place_of_its_archive_and_of_the_programs_in_it(tmp_path: Path) -> None:
    rows = written(release(tmp_path))["overrides"]
    assert rows["x86_64-unknown-linux-gnu"] == {
        "pkg-url": "https://hello.example/v{ version }/hello-{ version }-linux-amd64-full.tar.gz",
        "pkg-fmt": "tgz",
        "bin-dir": "hello-{ version }-linux-amd64-full/bin/{ bin }{ binary-ext }",
    }
    assert rows["x86_64-pc-windows-gnu"]["pkg-url"].endswith("windows-amd64-full.zip")
    assert set(rows) == {"x86_64-unknown-linux-gnu", "x86_64-pc-windows-gnu", "universal2-apple-darwin"}


def test_only_what_cargo_binstall_documents_is_said(tmp_path: Path) -> None:
    found = written(release(tmp_path, sign=SignRules(minisign=KEY)))
    assert set(found) == {"signing", "overrides"}
    assert found["signing"] == {"algorithm": "minisign", "pubkey": KEY, "file": "{ url }.minisig"}
    for row in found["overrides"].values():
        assert set(row) <= OVERRIDE
        assert row["pkg-fmt"] in FORMATS
        assert set(re.findall(r"\{ (.*?) \}", "".join(row.values()))) <= WORDS
        assert row["bin-dir"].startswith(row["pkg-url"].rpartition("/")[2].removesuffix(".tar.gz").removesuffix(".zip"))


@pytest.mark.parametrize(
    ("archives", "told"),
    [
        (("tar.xz",), ("tar.xz", "txz")),
        (("tar.zst", "tar.gz"), ("tar.gz", "tgz")),
        (("tar.zst",), ("tar.zst", "tzstd")),
        (("7z",), None),
    ],
)
def test_the_archive_is_one_that_it_can_unpack(tmp_path: Path, archives: tuple[str, ...], told: tuple[str, str] | None) -> None:
    made = release(tmp_path, settings={"linux-amd64": PlatformSettings(archives=archives)})
    row = written(made)["overrides"].get("x86_64-unknown-linux-gnu")
    assert (row and (row["pkg-url"].partition("-full.")[2], row["pkg-fmt"])) == told


def test_an_address_with_the_file_in_it_is_filled(tmp_path: Path) -> None:
    rows = written(release(tmp_path, url="https://hello.example/get?file={file}&v={version}"))["overrides"]
    address = "https://hello.example/get?file=hello-{ version }-linux-amd64-full.tar.gz&v={ version }"
    assert rows["x86_64-unknown-linux-gnu"]["pkg-url"] == address


def test_without_signed_artifacts_there_is_no_key(tmp_path: Path) -> None:
    rules = SignRules(minisign=KEY, what=("checksums",))
    assert "signing" not in written(release(tmp_path, sign=rules))


def test_a_stale_table_is_found(tmp_path: Path) -> None:
    made = release(tmp_path)
    manifest = tmp_path / "project/crate/cli/Cargo.toml"
    with pytest.raises(VerificationError, match=r"cli/Cargo.toml has no \[package.metadata.binstall\]"):
        require_current(made)
    (crate,) = crates(made)
    manifest.write_text(manifest.read_text() + table_text(crate.metadata) + "\n")
    assert require_current(made) == 1
    moved = replace(made, project=replace(made.project, install=InstallRules(download_url="https://other.example/{tag}")))
    with pytest.raises(VerificationError, match=r"pkg-url is https://hello.example/.* and not https://other.example"):
        require_current(moved)


@pytest.mark.parametrize(("changes", "says"), [({"url": ""}, "download"), ({"components": ()}, "cargo builds none")])
def test_where_there_is_nothing_to_say_that_is_said(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        crates(release(tmp_path, **changes))
