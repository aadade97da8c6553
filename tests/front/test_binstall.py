"""`slipway binstall`, as a maintainer and as CI call it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import hello

CARGO = '[package]\nname = "hello"\nversion = "1.2.3"\nedition = "2021"\n'
PART = '[component.hello]\nkind = "cargo"\npath = "."\n\n[component.library]'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    toml = hello.TOML.replace('path = "src"\ncommand', 'path = "."\ncommand').replace("[component.library]", PART)
    toml = toml.replace('outputs = { "bin/hello" = "hello", ', "outputs = { ")
    toml = toml.replace("[install]\n", '[install]\ndownload-url = "https://hello.example/{tag}"\n')
    folder = hello.write(tmp_path / "hello", dodo=False, toml=toml)
    (folder / "Cargo.toml").write_text(CARGO)
    (folder / "src/main.rs").write_text("fn main() {}\n")
    return folder


def test_what_is_printed_is_what_the_check_wants(project: Path) -> None:
    stale = hello.run(project, "slipway", "binstall", "--check")
    assert stale.returncode == 4
    assert "Cargo.toml has no [package.metadata.binstall]" in stale.stderr
    said = hello.run(project, "slipway", "binstall")
    assert said.returncode == 0, said.stderr
    (project / "Cargo.toml").write_text(CARGO + said.stdout)
    assert set(tomllib.loads(said.stdout)["package"]["metadata"]["binstall"]["overrides"]) == {
        "x86_64-unknown-linux-gnu",
        "aarch64-apple-darwin",
        "x86_64-pc-windows-gnu",
        "x86_64-unknown-freebsd",
    }
    good = hello.run(project, "slipway", "binstall", "--check")
    assert (good.returncode, good.stdout) == (0, "1 Cargo.toml says where the archives are\n")


def test_without_an_address_there_is_nothing_to_say(project: Path) -> None:
    toml = project / "slipway.toml"
    toml.write_text(toml.read_text().replace('download-url = "https://hello.example/{tag}"\n', ""))
    done = hello.run(project, "slipway", "binstall")
    assert done.returncode == 2
    assert "install.download-url" in done.stderr
