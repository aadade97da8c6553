"""What cross is given to work with, and what is said when its container does not come up."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

import sample
from slipway import containers, process, sysroot
from slipway.build import cross
from slipway.build.toolchain import choose
from slipway.components import CargoComponent
from slipway.errors import ConfigError, SlipwayError, UsageError
from slipway.model import PlatformSettings
from slipway.platforms import PLATFORMS

HOST = PLATFORMS["linux-amd64"]
MAC = PLATFORMS["macos-arm64"]
IMAGE_VARIABLE = "CROSS_TARGET_X86_64_UNKNOWN_LINUX_GNU_IMAGE"
RUSTUP = """#!/bin/sh
case "$*" in
"toolchain list") printf '%s\\n' "stable-x86_64-unknown-linux-gnu (active, default)" "nightly-x86_64-unknown-linux-gnu";;
*) echo "asked: $*"; exit 7;;
esac
"""
# Answers as an engine does that has one image, which slipway made for linux-amd64.
DOCKER = """#!/bin/sh
case "$*" in
"image ls"*label=slipway.cross=linux-amd64*) echo localhost/slipway-cross:linux-amd64-1;;
esac
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace; programs that are fakes come first on PATH, and an engine of our own answers."""
    for name, text in {"rustup": RUSTUP, "docker": DOCKER}.items():
        file = tmp_path / "own programs" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "own programs"), prepend=os.pathsep)
    for name in ("CROSS_CONFIG", "CROSS_CONTAINER_OPTS", "DOCKER_OPTS", "CROSS_BUILD_OPTS", IMAGE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    mine = containers.Engine(program="docker", version="27", arch="amd64", env={"DOCKER_HOST": "unix:///s"}, home=Path("/run"))
    monkeypatch.setattr(containers, "engine", lambda: mine)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/Cargo.toml").write_text('[workspace]\nmembers = ["a"]\n')
    return tmp_path / "work"


def compiler(tmp_path: Path, *, managed: bool) -> sysroot.Compiler:
    root = tmp_path / "toolchains" / "mine"
    for target in ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"):
        (root / "lib/rustlib" / target / "lib").mkdir(parents=True)
        (root / "lib/rustlib" / target / "lib" / "libstd-1.rlib").touch()
    if managed:
        (root / "lib/rustlib/multirust-channel-manifest.toml").touch()
    return sysroot.Compiler(
        program=root / "bin/rustc",
        sysroot=root,
        version="rustc 1.90.0",
        release="1.90.0",
        commit="",
        host="x86_64-unknown-linux-gnu",
        identity="1.90.0-0",
    )


def environment(place: Path, image: str = "", *passed: str) -> dict[str, str]:
    return cross.environment(HOST, image, passed, folder=place.parent / "shims", root=place)


def ask(found: dict[str, str], *words: str) -> tuple[int, str]:
    done = subprocess.run(["sh", "-c", 'exec rustup "$@"', "sh", *words], env=found, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_cross_sees_the_toolchains_that_are_there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # cross takes a name with "(active, default)" behind it for one that is not there, and rustup then updates the compiler.
    mine = compiler(place.parent, managed=True)
    monkeypatch.setattr(sysroot, "compiler", lambda _folder: mine)
    found = environment(place)
    assert ask(found, "toolchain", "list") == (0, "stable-x86_64-unknown-linux-gnu\nnightly-x86_64-unknown-linux-gnu\n")
    assert ask(found, "target", "list", "--toolchain", "a b") == (7, "asked: target list --toolchain a b\n")
    assert "CROSS_CUSTOM_TOOLCHAIN" not in found


def test_cross_takes_a_compiler_that_rustup_did_not_bring(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = compiler(place.parent, managed=False)
    monkeypatch.setattr(sysroot, "compiler", lambda _folder: mine)
    found = environment(place)
    code, said = ask(found, "toolchain", "list")
    assert (code, said.splitlines()[-1]) == (0, "mine")
    code, said = ask(found, "component", "list", "--toolchain", "mine")
    assert (code, said) == (0, "rust-std-aarch64-unknown-linux-gnu (installed)\nrust-std-x86_64-unknown-linux-gnu (installed)\n")
    assert found["CROSS_CUSTOM_TOOLCHAIN"] == "1"


def test_a_library_that_slipway_keeps_is_seen_in_the_container(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent / "a cache"))
    mine = compiler(place.parent, managed=True)
    (mine.home / "lib/rustlib/x86_64-unknown-freebsd/lib").mkdir(parents=True)
    (mine.home / "lib/rustlib/x86_64-unknown-freebsd/lib/libstd-1.rlib").touch()
    monkeypatch.setattr(sysroot, "compiler", lambda _folder=None: mine)
    row = PLATFORMS["freebsd-amd64"]
    found = cross.environment(row, "", (), folder=place.parent / "shims", root=place)
    words = shlex.split(found["CROSS_CONTAINER_OPTS"])
    assert f"RUSTC={mine.home}/rustc" in words
    assert f"{mine.home}:{mine.home}:ro" in words
    assert f"{mine.sysroot}:{mine.sysroot}:ro" in words
    assert found["CROSS_CUSTOM_TOOLCHAIN"] == "1"


def test_an_engine_of_our_own_is_reached_and_has_a_network(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSS_CONTAINER_OPTS", "--cpus 1")
    found = environment(place, "local/image", "TZ")
    assert found["DOCKER_HOST"] == "unix:///s"
    assert found["CROSS_CONTAINER_OPTS"] == "--cpus 1 -e TZ --network host"
    assert found["CROSS_BUILD_OPTS"] == "--network host"
    assert found[IMAGE_VARIABLE] == "local/image"


SAYS = {
    "nothing": ("", None),
    "another target": ('[target.aarch64-unknown-linux-gnu]\nimage = "theirs"\n', None),
    "variables": ('[target.x86_64-unknown-linux-gnu.env]\npassthrough = ["A"]\n', None),
    "image": ('[target.x86_64-unknown-linux-gnu]\nimage = "theirs"\n', ("theirs", "")),
    "image of newer versions": ('[target.x86_64-unknown-linux-gnu]\nimage = { name = "theirs" }\n', ("theirs", "")),
    "dockerfile": ('[target.x86_64-unknown-linux-gnu]\ndockerfile = "D"\n', ("", "D")),
    "dockerfile with settings": ('[target.x86_64-unknown-linux-gnu]\ndockerfile = { file = "D" }\n', ("", "D")),
    "dockerfile for all": ('[build]\ndockerfile = "D"\n', ("", "D")),
}


@pytest.mark.req("S0-16")
@pytest.mark.parametrize(("text", "said"), SAYS.values(), ids=SAYS.keys())
def test_what_the_projects_own_cross_toml_says_holds(place: Path, text: str, said: tuple[str, str] | None) -> None:
    (place / "Cross.toml").write_text(text)
    found = cross.configured(place, HOST.triple)
    assert (found and (found.image, found.dockerfile)) == said
    variables = environment(place)
    assert variables["CROSS_CONFIG"] == str(place / "Cross.toml")
    # Where it names no image for the target, one that slipway made is taken.
    assert variables.get(IMAGE_VARIABLE) == (None if said else "localhost/slipway-cross:linux-amd64-1")


def test_slipway_toml_wins_over_the_image_in_cross_toml(place: Path) -> None:
    (place / "Cross.toml").write_text(SAYS["image"][0])
    assert environment(place, "ours")[IMAGE_VARIABLE] == "ours"
    (place / "Cross.toml").write_text(SAYS["dockerfile"][0])
    with pytest.raises(ConfigError, match=r"platform\.linux-amd64\.cross-image: Cross\.toml builds the image"):
        environment(place, "ours")


def test_metadata_of_the_package_counts_below_cross_toml(place: Path) -> None:
    (place / "Cargo.toml").write_text(f'[package]\nname = "a"\n[package.metadata.cross.target.{HOST.triple}]\nimage = "meta"\n')
    assert cross.configured(place, HOST.triple) == cross.Configured(source="Cargo.toml", image="meta")
    (place / "Cross.toml").write_text(SAYS["image"][0])
    assert cross.configured(place, HOST.triple) == cross.Configured(source="Cross.toml", image="theirs")


def test_cross_config_names_another_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "Cross.toml").write_text(SAYS["image"][0])
    (place / "other.toml").write_text('[target.x86_64-unknown-linux-gnu]\nimage = "other"\n')
    monkeypatch.chdir(place)
    monkeypatch.setenv("CROSS_CONFIG", "other.toml")
    found = cross.configured(place, HOST.triple)
    assert found is not None
    assert found.image == "other"
    assert environment(place)["CROSS_CONFIG"] == str(place / "other.toml")
    monkeypatch.setenv("CROSS_CONFIG", "gone.toml")
    with pytest.raises(UsageError, match=r"CROSS_CONFIG=gone\.toml: there is no such file"):
        environment(place)


def test_a_broken_cross_toml_is_named(place: Path) -> None:
    (place / "Cross.toml").write_text("[target\n")
    with pytest.raises(ConfigError, match=r"Cross\.toml: .*line 1"):
        cross.configured(place, HOST.triple)


@pytest.mark.req("S0-16")
def test_a_target_with_an_image_in_cross_toml_is_compiled_with_cross(place: Path) -> None:
    part = CargoComponent(name="a", path=place, package="a", binaries=("a",))

    def chosen(**settings: PlatformSettings) -> tuple[str, str, str]:
        said = {name.replace("_", "-"): each for name, each in settings.items()}
        project = sample.project(place.parent / "project", components=(part,), settings=said)
        way = choose(sample.release(place.parent, project=project, cross=True), MAC)
        return way.name, way.image, way.cross_toml

    assert chosen() == ("zigbuild", "", "")
    (place / "Cross.toml").write_text(f'[target.{MAC.triple}]\nimage = "local/mac"\n')
    assert chosen() == ("cross", "", "local/mac")
    assert chosen(macos_arm64=PlatformSettings(cross_image="ours")) == ("cross", "ours", "")


FAILURES = {
    "image": (125, "docker: Error response from daemon: pull access denied for local/image\n", "the image cannot be had here"),
    "engine": (125, "docker: Error: failed to create shim task\n", "the engine says why"),
    "runtime": (126, "Error: runc: container_linux.go: OCI permission denied\n", "the engine says why"),
    "library": (
        127,
        "cargo: error while loading shared libraries: libgit2.so.1.5: cannot open\n",
        "libgit2.so.1.5 is missing there",
    ),
    "glibc": (1, "/rust/bin/cargo: /lib/libc.so.6: version `GLIBC_2.39' not found (required by x)\n", "GLIBC_2.39 is missing"),
    "no image": (0, "[cross] note: Falling back to `cargo` on the host.\n", "cross has no image for linux-amd64"),
}


@pytest.mark.req("S0-16")
@pytest.mark.parametrize(("code", "output", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_a_container_that_does_not_start_is_explained(code: int, output: str, message: str) -> None:
    with pytest.raises(SlipwayError, match=message) as refused:
        cross.refuse_missing_container("linux-amd64", "local/image", process.Result(code, output))
    assert "slipway toolchain image linux-amd64" in str(refused.value.hint)


@pytest.mark.parametrize(
    "output", ["error: no such crate\n", "./build-script-build: error while loading shared libraries: libx.so: cannot open\n"]
)
def test_a_compiler_that_fails_is_not_the_container(output: str) -> None:
    cross.refuse_missing_container("linux-amd64", "local/image", process.Result(101, output))
