"""`slipway toolchain` with a real compiler: libraries are accepted, refused, used and removed, and leave nothing half made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import toolchains
from slipway.build import wheels
from slipway.files import cache_dir
from slipway.platforms import PLATFORMS
from slipway.tools import TOOLS, find, is_old

pytestmark = pytest.mark.slow
FREEBSD, MUSL = PLATFORMS["freebsd-amd64"], PLATFORMS["linux-amd64-musl"]
MAIN = 'fn main() { println!("{} words", std::env::args().count()); }\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The compiler of the tests with an empty cache for slipway; `kept` is a sysroot with libraries that fit it."""

    folder: Path
    variables: Mapping[str, str]
    kept: Path

    def slipway(self, *words: str | Path, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "slipway", *words],
            cwd=self.folder,
            env={**self.variables, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def ready(self, platform: str) -> bool:
        rows = json.loads(self.slipway("toolchain", "list", "--json", platform).stdout)
        return bool(next(row["ready"] for row in rows if row["used"]))

    @property
    def files(self) -> set[str]:
        """What lies in the cache for Rust, but for links, locks and the script."""
        root = self.folder / "cache/slipway/rust"
        return {path.name for path in root.glob("*/*") if path.name not in {".lock", "rustc"}} | {
            str(path.relative_to(root).parts[-1]) for path in root.glob("*/lib/rustlib/*") if not path.is_symlink()
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    real = toolchains.environment()
    kept = next(home for home in (cache_dir() / "rust").iterdir() if (home / "lib/rustlib" / FREEBSD.triple).is_dir())
    # zig's libraries take minutes to make, and are no matter of this test.
    zig = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(cache_dir().parent / "zig")
    variables = {**real, "XDG_CACHE_HOME": str(tmp_path / "cache"), "ZIG_GLOBAL_CACHE_DIR": zig}
    return Machine(folder=tmp_path, variables=variables, kept=kept)


@pytest.mark.req("S0-59")
def test_a_library_from_a_folder_is_proved_used_and_removed(machine: Machine) -> None:
    assert not machine.ready(MUSL.id)
    said = machine.slipway("toolchain", "install", MUSL.id, "--std", machine.kept)
    assert said.stdout.startswith(f"1. copy Rust's standard library for {MUSL.triple} from {machine.kept} into ")
    assert machine.ready(MUSL.id)
    assert "nothing to do" in machine.slipway("toolchain", "install", MUSL.id).stderr

    _project(machine.folder)
    log, wrapper = machine.folder / "wrapped", machine.folder / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec "$@"\n')
    wrapper.chmod(0o755)
    machine.slipway("build-platform", f"RUST_TARGET={MUSL.triple}", RUSTC_WRAPPER=str(wrapper))
    program = machine.folder / "dist/platform" / MUSL.id / "hello"
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "1 words\n"
    assert f"--target {MUSL.triple}" in log.read_text()
    assert str(machine.folder).encode() not in program.read_bytes()

    machine.slipway("toolchain", "remove", MUSL.id)
    assert not machine.ready(MUSL.id)
    machine.slipway("toolchain", "remove", "--all")
    assert not (machine.folder / "cache/slipway/rust").exists()


def test_an_archive_is_accepted_with_its_digest_alone(machine: Machine) -> None:
    archive = machine.folder / f"rust-std-1.96.0-{FREEBSD.triple}.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        inside = f"{archive.name.removesuffix('.tar.gz')}/rust-std-{FREEBSD.triple}/lib/rustlib/{FREEBSD.triple}"
        tar.add(machine.kept / "lib/rustlib" / FREEBSD.triple, inside)
    install = ("toolchain", "install", FREEBSD.id, "--std", archive)
    assert "comes without a digest" in machine.slipway(*install, code=2).stderr
    assert "is not the file that was meant" in machine.slipway(*install, "--sha256", "0" * 64, code=4).stderr
    assert "holds no standard library for" in machine.slipway(*_for(MUSL.id, install), *_digest(archive), code=3).stderr
    assert machine.files <= {"lib"}
    archive.with_name(f"{archive.name}.sha256").write_text(f"{_digest(archive)[1]}  {archive.name}\n")
    machine.slipway(*install)
    assert machine.ready(FREEBSD.id)


def test_the_library_of_another_compiler_is_refused_with_both_versions(machine: Machine) -> None:
    own = {name: value for name, value in os.environ.items() if name != "RUSTUP_TOOLCHAIN"}
    other = Machine(folder=machine.folder, variables={**own, "XDG_CACHE_HOME": str(machine.folder / "cache")}, kept=machine.kept)
    said = other.slipway("toolchain", "install", FREEBSD.id, "--std", machine.kept, code=4).stderr
    assert f"the standard library for {FREEBSD.triple} in {machine.kept} was made by rustc 1." in said
    active = subprocess.run(
        ["rustc", "--version"], env=own, cwd=machine.folder, capture_output=True, text=True, check=True
    ).stdout
    assert f"the active compiler is {active.strip()}" in said
    assert other.files == set()


def test_a_damaged_library_is_refused_and_leaves_nothing(machine: Machine) -> None:
    broken = machine.folder / "broken/lib/rustlib" / FREEBSD.triple / "lib"
    shutil.copytree(machine.kept / "lib/rustlib" / FREEBSD.triple / "lib", broken)
    next(broken.glob("libcore-*.rlib")).write_bytes(b"!<arch>\n")
    said = machine.slipway("toolchain", "install", FREEBSD.id, "--std", machine.folder / "broken", code=4).stderr
    assert "the compiler cannot use the standard library" in said
    assert machine.files == set()


def test_what_a_killed_install_left_is_gone_after_the_next(machine: Machine) -> None:
    words = [sys.executable, "-m", "slipway", "toolchain", "install", "--build-std", "--yes", FREEBSD.id]
    child = subprocess.Popen(
        words, cwd=machine.folder, env=dict(machine.variables), stdin=subprocess.DEVNULL, start_new_session=True
    )
    root = machine.folder / "cache/slipway/rust"
    while not any(root.glob("*/.work-*/target")):
        assert child.poll() is None
        time.sleep(0.1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert not machine.ready(FREEBSD.id)
    machine.slipway("toolchain", "install", FREEBSD.id, "--std", machine.kept)
    assert machine.files == {"lib", FREEBSD.triple}


def test_libraries_that_were_built_name_no_folder_of_this_machine(machine: Machine) -> None:
    folders = [str(folder).encode() for folder in (cache_dir(), Path.home() / ".cargo")]
    for name in toolchains.BUILT:
        for path in (machine.kept / "lib/rustlib" / PLATFORMS[name].triple / "lib").iterdir():
            data = path.read_bytes()
            assert not [folder for folder in folders if folder in data], path


def test_the_pinned_wheels_are_fetched_and_then_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    find.cache_clear()
    wheels.install()
    for name in ("zig", "cargo-zigbuild"):
        found = find(name)
        assert found is not None
        assert found.path.is_relative_to(tmp_path)
        assert not is_old(TOOLS[name], found)
    find.cache_clear()


def _for(platform: str, words: tuple[str | Path, ...]) -> tuple[str | Path, ...]:
    return (*words[:2], platform, *words[3:])


def _digest(archive: Path) -> tuple[str, str]:
    return "--sha256", hashlib.sha256(archive.read_bytes()).hexdigest()


def _project(folder: Path) -> None:
    for name, text in {**toolchains.HELLO, "src/main.rs": MAIN}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(["cargo", "generate-lockfile", "--offline"], cwd=folder, check=True)
