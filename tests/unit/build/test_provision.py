"""The plan of `slipway toolchain install` and `remove`: what it says, and what it refuses, before anything is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import machine
from machine import program
from slipway import sysroot, toolchains, tools
from slipway.build import provision, standard_library, wheels
from slipway.build.provision import Wish, plan_empty, plan_install, plan_remove
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.platforms import PLATFORMS

ARM, MAC, FREEBSD = (PLATFORMS[name] for name in ("linux-arm64", "macos-arm64", "freebsd-amd64"))


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A PATH that holds a stable compiler without rustup and what the test puts into the folder."""
    monkeypatch.setattr(toolchains, "host_platform", lambda: PLATFORMS["linux-amd64"])
    folder = machine.empty(monkeypatch, tmp_path / "bin")
    machine.compiler(folder, tmp_path / "root", machine.HOST)
    yield folder
    machine.forget()


def managed(path: Path, root: Path, answer: str) -> None:
    """Let rustup manage the compiler; asked to add a target it runs `answer`."""
    program(path, "rustup", answer)
    (root / "lib/rustlib/multirust-channel-manifest.toml").touch()


def sources(root: Path) -> Path:
    library = root / "lib/rustlib/src/rust/library"
    (library / "std").mkdir(parents=True)
    (library / "std/Cargo.toml").touch()
    return library


def said(wish: Wish) -> list[str]:
    return [action.doc for action in plan_install(wish)]


@pytest.mark.req("S0-59")
def test_where_rustup_manages_the_compiler_it_adds_the_targets(path: Path, tmp_path: Path) -> None:
    managed(path, tmp_path / "root", f'echo "$@" >> {tmp_path}/asked')
    plan = plan_install(Wish(platforms=(ARM, MAC)))
    assert [action.doc for action in plan] == ["rustup target add aarch64-unknown-linux-gnu aarch64-apple-darwin"]
    assert not (tmp_path / "asked").exists()
    provision.carry_out(plan)
    assert (tmp_path / "asked").read_text() == "target add aarch64-unknown-linux-gnu aarch64-apple-darwin\n"


def test_what_is_there_is_not_installed_again(tmp_path: Path) -> None:
    machine.library(tmp_path / "root", ARM.triple)
    assert said(Wish(platforms=(ARM,))) == []


def test_without_rustup_the_library_is_built_from_the_sources_and_the_plan_says_what_is_allowed_for_it(tmp_path: Path) -> None:
    library = sources(tmp_path / "root")
    (line,) = said(Wish(platforms=(FREEBSD,)))
    assert line.startswith(f"build Rust's standard library for x86_64-unknown-freebsd from {library} into ")
    assert "RUSTC_BOOTSTRAP=1" in line


def test_a_nightly_compiler_needs_no_permission(path: Path, tmp_path: Path) -> None:
    machine.compiler(path, tmp_path / "root", release="1.97.0-nightly")
    machine.forget()
    sources(tmp_path / "root")
    assert "RUSTC_BOOTSTRAP" not in said(Wish(platforms=(FREEBSD,)))[0]


def test_when_rustup_reaches_no_network_the_sources_are_built(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed(path, tmp_path / "root", "echo 'error: could not download file from https://example.invalid' >&2; exit 1")
    plan = plan_install(Wish(platforms=(ARM,)))
    with pytest.raises(NetworkError, match="could not download") as refused:
        provision.carry_out(plan)
    assert refused.value.exit_code == 42
    assert "--std FOLDER" in str(refused.value)
    sources(tmp_path / "root")
    built = []
    monkeypatch.setattr(standard_library, "build", lambda _compiler, triples, _sources: built.append(triples))
    provision.carry_out(plan)
    assert built == [(ARM.triple,)]


def test_another_failure_of_rustup_is_no_matter_of_the_network(path: Path, tmp_path: Path) -> None:
    managed(path, tmp_path / "root", "echo 'error: toolchain does not support components' >&2; exit 1")
    sources(tmp_path / "root")
    with pytest.raises(SlipwayError, match="does not support components") as refused:
        provision.carry_out(plan_install(Wish(platforms=(ARM,))))
    assert refused.value.exit_code == 1


def test_zig_is_fetched_where_it_is_missing_or_old(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.library(tmp_path / "root", ARM.triple)
    monkeypatch.setattr(tools, "find_spec", lambda _name: None)
    (line,) = said(Wish(platforms=(ARM,)))
    assert line.startswith("fetch cargo-zigbuild 0.24.0 and ziglang 0.17.0 with pip into ")
    machine.forget()
    program(path, "zig", "echo 0.9.0")
    assert said(Wish(platforms=(ARM,)))
    machine.forget()
    program(path, "zig", "echo 0.15.0")
    assert said(Wish(platforms=(ARM,))) == []


def test_only_wheels_with_a_pinned_digest_are_accepted() -> None:
    lines = wheels.requirements().splitlines()
    assert [line.split()[0] for line in lines] == ["cargo-zigbuild==0.24.0", "ziglang==0.17.0"]
    assert all(word.startswith("--hash=sha256:") and len(word) == 78 for line in lines for word in line.split()[1:])


def test_cross_is_installed_only_when_asked_for(tmp_path: Path) -> None:
    machine.library(tmp_path / "root", ARM.triple)
    assert said(Wish(platforms=(ARM,))) == []
    (line,) = said(Wish(platforms=(ARM,), cross=True))
    assert line.startswith("cargo install cross --version 0.2.5 --locked, into ")


def test_a_half_installed_cross_is_none(path: Path, tmp_path: Path, _own_cache: Path) -> None:
    machine.library(tmp_path / "root", ARM.triple)
    program(path, "cargo", 'while [ "$1" != --root ]; do shift; done; mkdir -p "$2/bin"; echo half > "$2/bin/cross"; exit 1')
    with pytest.raises(SlipwayError):
        provision.carry_out(plan_install(Wish(platforms=(ARM,), cross=True)))
    assert list((_own_cache / "slipway/tools").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"std": "root", "build_std": True}, UsageError, "exclude each other"),
        ({"std": "nowhere"}, UsageError, "--std .*nowhere: there is no such"),
        ({"source": "nowhere", "build_std": True}, UsageError, "--source .*nowhere: there is no such"),
        ({"sha256": "00"}, UsageError, "--sha256 is the digest of an archive"),
        ({"std": "root", "sha256": "00"}, UsageError, "--sha256 is the digest of an archive"),
        ({"build_std": True}, GateError, r"comes without its sources\n.*--source FOLDER names those of Rust 1.95.0"),
        ({"source": "bin", "build_std": True}, GateError, "bin holds no sources"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    tmp_path: Path, change: dict[str, Any], error: type[SlipwayError], message: str
) -> None:
    given: dict[str, Any] = {
        name: tmp_path / value if isinstance(value, str) and name != "sha256" else value for name, value in change.items()
    }
    with pytest.raises(error, match=message):
        plan_install(Wish(platforms=(ARM,), **given))


def test_without_a_compiler_the_command_that_gets_one_is_named(path: Path) -> None:
    (path / "rustc").unlink()
    machine.forget()
    with pytest.raises(GateError, match=r"no Rust compiler that answers\n.*rustup") as refused:
        plan_install(Wish(platforms=(ARM,)))
    assert refused.value.exit_code == 3


def test_remove_removes_what_slipway_keeps_and_leaves_what_rustup_has(path: Path, tmp_path: Path) -> None:
    managed(path, tmp_path / "root", f'echo "$@" >> {tmp_path}/asked')
    machine.library(tmp_path / "root", ARM.triple)
    compiler = sysroot.compiler()
    assert compiler is not None
    for row in (MAC, FREEBSD):
        machine.library(compiler.home, row.triple)
    provision.carry_out(plan_remove(Wish(platforms=(ARM, MAC))))
    assert compiler.kept == {FREEBSD.triple}
    assert compiler.targets == {machine.HOST, ARM.triple}
    assert not (tmp_path / "asked").exists()
    provision.carry_out(plan_remove(Wish(platforms=(ARM, MAC)), rustup=True))
    assert (tmp_path / "asked").read_text() == "target remove aarch64-unknown-linux-gnu\n"


def test_remove_all_leaves_nothing_of_what_was_installed(tmp_path: Path, _own_cache: Path) -> None:
    for place in ("rust/1.95.0-0/lib", "tools/zigbuild/bin", "docker/keep"):
        (_own_cache / "slipway" / place).mkdir(parents=True)
    provision.carry_out(plan_empty())
    assert [path.name for path in (_own_cache / "slipway").iterdir()] == ["docker"]
    assert plan_empty() == ()


def test_the_command_says_the_numbered_plan_and_a_dry_run_stops_there(path: Path, tmp_path: Path) -> None:
    managed(path, tmp_path / "root", f": > {tmp_path}/ran")
    words = [sys.executable, "-m", "slipway", "toolchain", "install", "linux-arm64"]
    done = subprocess.run([*words, "--dry-run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1. rustup target add aarch64-unknown-linux-gnu\n"), done.stderr
    assert not (tmp_path / "ran").exists()
    done = subprocess.run(words, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert (tmp_path / "ran").exists()
