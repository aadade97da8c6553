"""Real compilers: what cargo and zig make through the compile Steps."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway import console, containers, sysroot, tools
from slipway.build import preflight
from slipway.build.cargo import plan_compile
from slipway.components import CargoComponent
from slipway.errors import ConfigError, GateError, NetworkError, SlipwayError
from slipway.model import PlatformSettings, Release
from slipway.platforms import PLATFORMS, host_platform
from slipway.version import Version

pytestmark = pytest.mark.slow
HOST = host_platform()
MAIN = """\
fn main() {
    let version = option_env!("HELLO_VERSION").unwrap_or("none");
    let given = std::env::args().nth(1);
    if given.as_deref() == Some("panic") { panic!("asked for at {}", file!()); }
    println!("hello {version} {}", util::name());
}
"""
LIB = 'pub fn name() -> String { std::env::var("WHO").expect("WHO is not set") }\n'


def write_workspace(root: Path, main: str = MAIN) -> Path:
    """A cargo workspace of a program and a library, with a lock file."""
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["hello", "util"]\n'
        '[profile.dist]\ninherits = "release"\nopt-level = 1\n',
        "Cargo.lock": 'version = 3\n[[package]]\nname = "hello"\nversion = "1.0.0"\ndependencies = ["util"]\n'
        '[[package]]\nname = "util"\nversion = "1.0.0"\n',
        "hello/Cargo.toml": '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2021"\n'
        '[dependencies]\nutil = { path = "../util" }\n'
        '[[bin]]\nname = "hello"\npath = "src/main.rs"\n[[bin]]\nname = "hello-server"\npath = "src/main.rs"\n',
        "hello/src/main.rs": main,
        "util/Cargo.toml": '[package]\nname = "util"\nversion = "1.0.0"\nedition = "2021"\n',
        "util/src/lib.rs": LIB,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def component(folder: Path, **changes: Any) -> CargoComponent:
    values: dict[str, Any] = {
        "name": "platform",
        "path": folder,
        "package": "hello",
        "binaries": ("hello", "hello-server"),
        "profile": "dist",
    }
    return CargoComponent(**(values | changes))


def release(root: Path, part: CargoComponent | None = None, **changes: Any) -> Release:
    """A release of one cargo component for this machine alone, unless something else is asked for."""
    settings = changes.pop("settings", {})
    part = part or component(write_workspace(root / "project" / "platform"))
    project = sample.project(root / "project", components=(part,), settings=settings)
    return sample.release(root, **({"project": project, "platforms": (HOST,)} | changes))


def build(made: Release) -> Path:
    """Compile for the one platform asked for, and return the program."""
    (platform,) = made.platforms
    next(step for step in plan_compile(made) if step.key == platform.id).run()
    return made.binary(platform, "hello")


def run(program: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def glibc_versions(program: Path) -> set[tuple[int, ...]]:
    """The versions of the C library's symbols that a program asks for."""
    read = subprocess.run(["readelf", "--version-info", "--wide", program], capture_output=True, text=True, check=True)
    return {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([0-9.]+)", read.stdout)}


@pytest.mark.req("S0-3", "S0-16")
def test_the_binaries_run_and_know_the_version_of_the_release(tmp_path: Path) -> None:
    made = release(tmp_path, version=Version("7.8.9"))
    program = build(made)
    said = run(program, WHO="you")
    assert (said.returncode, said.stdout) == (0, "hello 7.8.9 you\n")
    assert program.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in program.parent.iterdir()} == {"hello", "hello-server"}
    assert "no symbols" in subprocess.run(["nm", program], capture_output=True, text=True, check=False).stderr


@pytest.mark.req("S0-16")
def test_another_version_is_stamped_without_a_change_of_the_sources(tmp_path: Path) -> None:
    first = release(tmp_path, version=Version("1.0.0"))
    build(first)
    second = replace(first, version=Version("2.0.0-rc.1"))
    assert run(build(second), WHO="you").stdout == "hello 2.0.0-rc.1 you\n"
    settings = [next(s for s in plan_compile(made) if s.key == HOST.id).settings for made in (first, second)]
    assert settings[0] != settings[1]


def test_two_folders_at_two_times_give_the_same_bytes_and_hold_no_path(tmp_path: Path) -> None:
    places = tmp_path / "first", tmp_path / "a longer name for the second"
    programs = []
    for place in places:
        programs.append(build(release(place)))
        time.sleep(1.1)
    first, second = (program.read_bytes() for program in programs)
    assert first == second
    words = subprocess.run(["strings", "-a", programs[0]], capture_output=True, text=True, check=True).stdout
    home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    assert str(tmp_path) not in words
    assert home not in words
    assert "util/src/lib.rs" in words, "the test must be able to see paths"
    assert "hello/src/main.rs" in run(programs[0], "panic").stderr


@pytest.mark.req("S0-17")
def test_a_glibc_floor_holds_for_every_symbol(tmp_path: Path) -> None:
    floor = PlatformSettings(glibc="2.17")
    plain, floored = tmp_path / "plain", tmp_path / "floored"
    newest = max(glibc_versions(build(release(plain))))
    program = build(release(floored, settings={HOST.id: floor}))
    assert run(program, WHO="you").stdout == "hello 1.2.3 you\n"
    assert max(glibc_versions(program)) <= (2, 17) < newest


@pytest.mark.req("S0-59")
def test_everything_that_is_missing_is_told_at_once_before_work_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A toolchain with no standard library but this machine's own.
    shims = tmp_path / "shims"
    (shims / "root/lib/rustlib" / HOST.triple / "lib").mkdir(parents=True)
    (shims / "root/lib/rustlib" / HOST.triple / "lib/libstd-1.rlib").touch()
    rustc = shims / "rustc"
    facts = f"rustc 1.95.0\nrelease: 1.95.0\nhost: {HOST.triple}"
    rustc.write_text(f'#!/bin/sh\ncase "$*" in *sysroot*) echo {shims}/root;; *) echo "{facts}";; esac\n')
    rustc.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims), prepend=os.pathsep)
    sysroot.compiler.cache_clear()
    made = release(tmp_path)
    made = replace(made, platforms=tuple(PLATFORMS.values()), cross=False)
    step = next(step for step in plan_compile(made) if step.key == HOST.id)
    preflight.announce(PLATFORMS)
    try:
        with pytest.raises(GateError) as refused:
            step.run()
    finally:
        preflight.announce(())
        sysroot.compiler.cache_clear()
    assert refused.value.exit_code == 3
    for platform in (row for row in PLATFORMS.values() if not row.parts):
        told = f"{platform.triple} is missing: slipway toolchain install {platform.id}" in str(refused.value)
        assert told == (platform != HOST), platform.id
    assert not made.paths.dist.exists()
    assert not made.paths.state.exists()


def test_the_compilers_own_message_is_shown(tmp_path: Path) -> None:
    part = component(write_workspace(tmp_path / "w", main='fn main() { let x: u32 = "no"; }\n'))
    made = release(tmp_path, part)
    with pytest.raises(SlipwayError) as failed:
        build(made)
    assert failed.value.exit_code == 1
    assert "error[E0308]: mismatched types" in str(failed.value)
    assert "hello/src/main.rs:1:26" in str(failed.value)
    assert not made.paths.dist.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"binaries": ("hello", "hello-servr")}, ["hello-servr", "did you mean hello-server", "component.platform"]),
        ({"package": "helo"}, ["no package helo", "did you mean hello"]),
    ],
)
def test_a_name_that_cargo_does_not_know(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    part = component(write_workspace(tmp_path / "w"), **changes)
    with pytest.raises(ConfigError) as refused:
        build(release(tmp_path, part))
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_a_dependency_that_cannot_be_fetched_is_a_network_error(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path / "w")
    manifest = folder / "util/Cargo.toml"
    manifest.write_text(manifest.read_text() + '[dependencies]\nnowhere = { version = "1", registry = "gone" }\n')
    (folder / "Cargo.lock").unlink()
    (folder / ".cargo").mkdir()
    # Nothing listens on port 1.
    config = '[registries.gone]\nindex = "sparse+http://127.0.0.1:1/"\n[net]\nretry = 0\n[http]\nproxy = ""\n'
    (folder / ".cargo/config.toml").write_text(config)
    with pytest.raises(NetworkError) as failed:
        build(release(tmp_path, component(folder)))
    assert failed.value.exit_code == 42


def test_a_lock_file_that_is_out_of_date_is_refused(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path / "w")
    (folder / "Cargo.lock").write_text('version = 3\n[[package]]\nname = "hello"\nversion = "1.0.0"\n')
    with pytest.raises(SlipwayError, match=r"bring Cargo\.lock up to date"):
        build(release(tmp_path, component(folder)))


def test_the_projects_own_flags_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = 'fn main() { println!("{} {} {}", cfg!(from_config), cfg!(from_settings), cfg!(from_user)); }\n'
    folder = write_workspace(tmp_path / "w", main="#![allow(unexpected_cfgs)]\n" + main)
    (folder / ".cargo").mkdir()
    (folder / ".cargo/config.toml").write_text('[build]\nrustflags = ["--cfg", "from_config"]\n')
    settings = {HOST.id: PlatformSettings(rustflags=("--cfg=from_settings",))}
    assert run(build(release(tmp_path, component(folder), settings=settings))).stdout == "true true false\n"
    # cargo lets the environment replace the configuration file.
    monkeypatch.setenv("RUSTFLAGS", "--cfg from_user")
    assert run(build(release(tmp_path, component(folder), settings=settings))).stdout == "false true true\n"


def test_features_are_chosen(tmp_path: Path) -> None:
    main = 'fn main() { println!("{} {}", cfg!(feature = "usual"), cfg!(feature = "extra")); }\n'
    folder = write_workspace(tmp_path / "w", main=main)
    manifest = folder / "hello/Cargo.toml"
    manifest.write_text(manifest.read_text() + '[features]\ndefault = ["usual"]\nusual = []\nextra = []\n')
    part = component(folder, features=("extra",), default_features=False)
    assert run(build(release(tmp_path, part))).stdout == "false true\n"


def test_a_binary_whose_feature_is_off_is_named(tmp_path: Path) -> None:
    folder = write_workspace(tmp_path / "w")
    manifest = folder / "hello/Cargo.toml"
    text = manifest.read_text().replace('name = "hello-server"', 'name = "hello-server"\nrequired-features = ["server"]')
    manifest.write_text(text + "[features]\nserver = []\n")
    with pytest.raises(SlipwayError, match=r"hello-server"):
        build(release(tmp_path, component(folder)))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_under_a_final_name(tmp_path: Path, stop: signal.Signals) -> None:
    main = "fn main() {}\n"
    folder = write_workspace(tmp_path / "w", main=main)
    # The build script waits, so that the signal surely comes during the build.
    (folder / "hello/build.rs").write_text(
        'fn main() { std::fs::write(std::env::var("STARTED").unwrap(), "").unwrap();'
        " std::thread::sleep(std::time::Duration::from_secs(20)); }\n"
    )
    started = tmp_path / "started"
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = [sys.argv[2], sys.argv[3]]\n"
        "import test_build as t\n"
        "root = Path(sys.argv[1])\n"
        "t.build(t.release(root, t.component(root / 'w')))\n"
    )
    tests = Path(__file__).parent
    child = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path, tests, tests.parent], env={**os.environ, "STARTED": str(started)}
    )
    try:
        deadline = time.monotonic() + 180
        while not started.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert started.exists()
        child.send_signal(stop)
        assert child.wait(60) != 0
    finally:
        child.kill()
        child.wait()
    assert not (tmp_path / "out/dist").exists()


def test_a_project_in_a_folder_with_blanks_and_other_letters(tmp_path: Path) -> None:
    assert run(build(release(tmp_path / "été à la mer")), WHO="you").stdout == "hello 1.2.3 you\n"


def test_the_build_log_holds_the_command_and_the_compilers_words(tmp_path: Path) -> None:
    made = release(tmp_path)
    with console.logging_to(made.paths.log):
        build(made)
    log = made.paths.log.read_text()
    assert "cargo build --target" in log
    assert "Compiling hello v1.0.0" in log
    assert '"reason"' not in log


@pytest.mark.req("S0-17")
def test_zig_is_found_without_anything_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cargo = shutil.which("cargo")
    assert cargo is not None
    monkeypatch.setenv("PATH", f"{Path(cargo).parent}:/usr/bin:/bin")
    made = release(tmp_path, settings={HOST.id: PlatformSettings(tool="zigbuild")})
    assert run(build(made), WHO="you").stdout == "hello 1.2.3 you\n"


@pytest.mark.req("S0-16", "S0-32")
def test_cross_gets_the_variables_that_its_container_must_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in that notes how it is called and lets cargo do the work.
    shims, called = tmp_path / "shims", tmp_path / "called"
    shims.mkdir()
    scripts = {
        "cross": f'[ "$1" = --version ] && exec echo cross 0.2.5\n(echo "$@"; env) > {called}\nexec cargo "$@"\n',
        "docker": "echo 27.0 amd64\n",
    }
    for name, text in scripts.items():
        (shims / name).write_text("#!/bin/sh\n" + text)
        (shims / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(shims), prepend=os.pathsep)
    monkeypatch.setenv("CROSS_BUILD_ENV_PASSTHROUGH", "OWN")
    monkeypatch.setenv("CROSS_CONTAINER_OPTS", "-e THEIRS")
    tools.find.cache_clear()
    containers.engine.cache_clear()
    try:
        made = release(tmp_path, cross=True, settings={HOST.id: PlatformSettings(cross_image="local/image")})
        assert run(build(made), WHO="you").stdout == "hello 1.2.3 you\n"
    finally:
        tools.find.cache_clear()
        containers.engine.cache_clear()
    line, *variables = called.read_text().splitlines()
    said = dict(text.split("=", 1) for text in variables if "=" in text)
    assert line.startswith(f"build --target {HOST.triple} --profile dist")
    assert said["CROSS_BUILD_ENV_PASSTHROUGH"] == "OWN"
    passed = set(said["CROSS_CONTAINER_OPTS"].split()) - {"-e"}
    expected = {"THEIRS", "HELLO_VERSION", "HELLO_DEBUG", "RUST_LOG", "SOURCE_DATE_EPOCH", "CARGO_ENCODED_RUSTFLAGS"}
    assert expected <= passed
    assert "CARGO_TARGET_DIR" not in passed
    assert said[f"CROSS_TARGET_{HOST.triple.upper().replace('-', '_')}_IMAGE"] == "local/image"
    assert said["CROSS_CONTAINER_ENGINE"] == "docker"
