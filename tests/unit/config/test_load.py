"""slipway.toml: what it may say, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components import CargoComponent, CommandComponent, TreeComponent
from slipway.config.load import load_project
from slipway.model import InstallRules, Service, TestRules, Variant, VersionRule
from slipway.platforms import DOCUMENTED

Write = Callable[[str], Path]
SMALLEST = """\
[project]
name = "hello"
summary = "Greet whoever asks"

[component.hello]
kind = "cargo"
"""


@pytest.mark.req("S0-4", "S0-31", "S0-53")
def test_the_smallest_file_means_everything_for_six_platforms(write: Write, root: Path) -> None:
    project = load_project(write(SMALLEST))
    assert (project.name, project.summary, project.description) == ("hello", "Greet whoever asks", "Greet whoever asks")
    assert (project.file, project.root) == (root / "slipway.toml", root)
    assert tuple(row.id for row in project.platforms) == DOCUMENTED
    assert project.components == (CargoComponent(name="hello", path=root, package="hello", binaries=("hello",)),)
    assert [(variant.name, variant.components) for variant in project.variants] == [("complete", ("hello",))]
    assert project.version == VersionRule(path=root / "Cargo.toml")
    assert (project.checksums, project.compression, project.documents, project.services) == (("sha256",), 6, (), ())
    assert (project.install, project.tests) == (InstallRules(), TestRules())


def test_a_relative_file_gives_absolute_paths(write: Write, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(SMALLEST)
    monkeypatch.chdir(root)
    assert load_project(Path("slipway.toml")).root == root


def test_components_of_all_kinds(write: Write, root: Path) -> None:
    project = load_project(
        write(
            SMALLEST
            + """
package = "hello"
binaries = ["hi", "hi-server"]
default-features = false

[component.config]
kind = "tree"
path = "config"
to = "etc/hello/"
exclude = ["*.bak"]

[component.manual]
kind = "command"
path = "docs"
command = ["make", "man"]
outputs = { "share/man/man1/hello.1" = "hello.1", "bin/hello-help" = "help.sh", "NOTES" = "n" }
"""
        )
    )
    outputs = {"share/man/man1/hello.1": "hello.1", "bin/hello-help": "help.sh", "NOTES": "n"}
    assert project.components == (
        CargoComponent(name="hello", path=root, package="hello", binaries=("hi", "hi-server"), default_features=False),
        TreeComponent(name="config", path=root / "config", to="etc/hello", exclude=("*.bak",)),
        CommandComponent(name="manual", path=root / "docs", command=("make", "man"), outputs=outputs),
    )


@pytest.mark.req("S0-4")
def test_a_variant_selects_by_name_and_by_pattern(write: Write) -> None:
    trees = "".join(f'[component.{name}]\nkind = "tree"\npath = "docs"\nto = ""\n' for name in ("docs-api", "docs-user", "extra"))
    project = load_project(
        write(
            SMALLEST
            + trees
            + """
[variant.complete]
components = ["*"]
[variant.minimal]
summary = "Small"
components = ["docs-*", "hello"]
"""
        )
    )
    complete, minimal = project.variants
    assert complete.components == ("hello", "docs-api", "docs-user", "extra")
    assert minimal == Variant(name="minimal", components=("hello", "docs-api", "docs-user"), summary="Small")


def test_platforms_may_be_written_by_any_name(write: Write) -> None:
    text = SMALLEST.replace("[component", 'platforms = ["darwin-arm64", "x86_64-unknown-linux-musl"]\n[component')
    project = load_project(write(text + '[platform.macos-aarch64]\nmacos = "11.0"\narchives = ["zip"]\n'))
    assert [row.id for row in project.platforms] == ["linux-amd64-musl", "macos-arm64"]
    macos = project.on(project.platforms[1])
    assert (macos.macos, macos.archives, macos.tool) == ("11.0", ("zip",), "auto")


def test_services_installing_and_tests(write: Write, root: Path) -> None:
    project = load_project(
        write(
            SMALLEST
            + """
[service.hello]
arguments = ["--state", "{state}"]
environment = { HOME = "{lib}" }
[install]
health = ["hello", "--version"]
download-url = "https://hello.example/{tag}"
[deb]
depends = ["libc6 (>= 2.31) | musl", "libssl3:any"]
[test]
basic = ["hello --help"]
files = "tests"
[test.variants]
complete = ["basic"]
"""
        )
    )
    service = Service(
        name="hello", binary="hello", summary="hello", arguments=("--state", "{state}"), environment={"HOME": "{lib}"}
    )
    assert project.services == (service,)
    assert project.install.health == ("hello", "--version")
    assert project.install.download_url == "https://hello.example/{tag}"
    assert project.deb.depends == ("libc6 (>= 2.31) | musl", "libssl3:any")
    assert (project.tests.files, project.tests.basic) == (root / "tests", ("hello --help",))
    assert project.tests.variants == {"complete": ("basic",)}


@pytest.mark.req("S0-51")
def test_sha256_is_always_among_the_checksums(write: Write) -> None:
    project = load_project(write(SMALLEST.replace("[component", 'checksums = ["md5"]\n[component')))
    assert project.checksums == ("sha256", "md5")


@pytest.mark.parametrize("to", ["", "bin", "lib", "lib/hello", "share/doc/hello/", "etc/hello", "etc/hello/conf.d"])
def test_places_of_a_tree(write: Write, to: str) -> None:
    project = load_project(write(SMALLEST + f'[component.docs]\nkind = "tree"\npath = "docs"\nto = "{to}"\n'))
    assert project.components[1] == TreeComponent(name="docs", path=project.root / "docs", to=to.rstrip("/"))
