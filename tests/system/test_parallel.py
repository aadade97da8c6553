"""Several platforms at once with real compilers: never more than the machine bears, never twice, and failures stay apart."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

import hello
import toolchains

pytestmark = pytest.mark.slow
LIBRARIES = ("red", "green", "blue", "white")
BOTH = "PLATFORMS=linux-amd64,linux-arm64"
TOML = """\
[project]
name = "paint"
summary = "Mix colours"
license = "Apache-2.0"
maintainer = "Paint Makers <makers@paint.example>"
platforms = ["linux-amd64", "linux-arm64"]

[version]
source = "value"
value = "1.2.3"

[component.programs]
kind = "cargo"
path = "rust"
package = "paint"
binaries = ["paint"]

[variant.complete]
components = ["*"]
"""
# Notes when a compiler of a library begins and ends, and for which target; slow enough to meet others.
WRAPPER = """\
#!/bin/sh
case "$*" in *"--crate-name "*"--emit"*) ;; *) exec "$@" ;; esac
case "$*" in *aarch64-unknown-linux*) target=arm64 ;; *) target=amd64 ;; esac
echo "begin $target $$" >>"$RECORD"
sleep "${PAUSE:-0.4}"
"$@"
code=$?
echo "end $target $$" >>"$RECORD"
exit $code
"""


def write(root: Path, dependencies: str = "") -> Path:
    """The project: a program that needs four libraries, which can be compiled side by side."""
    package = '[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n'
    needs = "".join(f'{name} = {{ path = "../{name}" }}\n' for name in LIBRARIES)
    members = ", ".join(f'"{name}"' for name in ("paint", *LIBRARIES))
    mixed = " + ".join(f"{name}::{name}()" for name in LIBRARIES)
    files = {
        "slipway.toml": TOML,
        "dodo.py": hello.DODO,
        "rustc-wrapper": WRAPPER,
        "rust/Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = [{members}]\n',
        "rust/paint/Cargo.toml": f"{package.format(name='paint')}[dependencies]\n{needs}{dependencies}",
        "rust/paint/src/main.rs": f'fn main() {{ println!("{{}}", {mixed}); }}\n',
        **{f"rust/{name}/Cargo.toml": package.format(name=name) for name in LIBRARIES},
        **{f"rust/{name}/src/lib.rs": f"pub fn {name}() -> i32 {{ 1 }}\n" for name in LIBRARIES},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "rustc-wrapper").chmod(0o755)
    return root


@pytest.fixture(scope="module")
def compilers() -> Mapping[str, str]:
    """The variables under which both platforms can be compiled here."""
    return toolchains.environment()


def doit(root: Path, compilers: Mapping[str, str], *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return hello.run(root, "doit", *words, **{**recorded(root, compilers), **environment})


def recorded(root: Path, compilers: Mapping[str, str]) -> dict[str, str]:
    return {**compilers, "RUSTC_WRAPPER": str(root / "rustc-wrapper"), "RECORD": str(root / "record")}


def most(root: Path) -> tuple[int, bool]:
    """How many compilers ran at once, and whether those of both platforms did."""
    running: list[str] = []
    peak, met = 0, False
    for line in (root / "record").read_text().splitlines():
        sign, target, _ = line.split()
        running.append(target) if sign == "begin" else running.remove(target)
        peak, met = max(peak, len(running)), met or len(set(running)) > 1
    return peak, met


def compiled(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {line.split(":")[1] for line in done.stderr.splitlines() if line.startswith(" run  compile-platform:")}


@pytest.mark.parametrize(("jobs", "meet"), [(1, False), (2, True), (3, True)])
def test_platforms_share_the_jobs_of_the_machine(tmp_path: Path, compilers: Mapping[str, str], jobs: int, meet: bool) -> None:
    root = write(tmp_path / "paint")
    done = doit(root, compilers, "-n", "2", "build-cross", BOTH, CARGO_BUILD_JOBS=str(jobs))
    assert done.returncode == 0, done.stderr
    assert most(root) == (jobs, meet)
    assert "jobserver" not in done.stderr + (root / "build.log").read_text()


def test_nothing_is_compiled_twice(tmp_path: Path, compilers: Mapping[str, str]) -> None:
    root = write(tmp_path / "paint")
    done = doit(root, compilers, "build-cross", BOTH)
    assert done.returncode == 0, done.stderr
    # There was no lock file; the one that cargo wrote belongs to what was compiled.
    assert "commit it" in done.stderr
    for words in (
        (BOTH,),
        (BOTH, "PARALLEL=true"),
        ("PLATFORMS=linux-arm64,linux-amd64",),
        ("PLATFORMS=all", "FAIL_FAST=true"),
        ("PLATFORMS=linux-arm64",),
    ):
        assert "nothing to do" in doit(root, compilers, "build-cross", *words).stderr, words
    # Even a Step that runs has cargo find everything as it was, with any number of jobs.
    (root / "record").unlink()
    assert doit(root, compilers, "-a", "build-cross", BOTH, "PARALLEL=true", CARGO_BUILD_JOBS="1").returncode == 0
    assert not (root / "record").exists()
    (root / "slipway.toml").write_text(TOML + '\n[platform.linux-arm64]\nrustflags = ["--cfg=matt"]\n')
    assert compiled(doit(root, compilers, "build-cross", BOTH, "PARALLEL=true")) == {"linux-arm64"}
    assert "arm64" in (root / "record").read_text()
    assert "amd64" not in (root / "record").read_text()
    lock = root / "rust/Cargo.lock"
    lock.write_text(lock.read_text() + "\n")
    assert compiled(doit(root, compilers, "build-cross", BOTH)) == {"linux-amd64", "linux-arm64"}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_compiler_behind(tmp_path: Path, compilers: Mapping[str, str], sign: signal.Signals) -> None:
    root = write(tmp_path / "paint")
    environment = {**os.environ, **recorded(root, compilers), "PAUSE": "60", "CARGO_BUILD_JOBS": "2"}
    command: list[str | Path] = [hello.BIN / "doit", "-n", "3", "build-cross", BOTH]
    with subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (not (root / "record").exists() or most(root)[0] < 2):
            time.sleep(0.1)
        assert most(root)[0] == 2
        run.send_signal(sign)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130, said
    deadline = time.monotonic() + 10
    while (left := _working_on(root)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def _working_on(root: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(root) in words or (process / "cwd").resolve().is_relative_to(root):
                found.append(words)
        except OSError:
            continue
    return found


@pytest.mark.req("S0-59")
def test_a_library_that_is_missing_for_one_platform_stops_that_one_alone(tmp_path: Path, compilers: Mapping[str, str]) -> None:
    needs = '[target.\'cfg(target_arch = "aarch64")\'.dependencies]\nopenssl-sys = "0.9"\n'
    root = write(tmp_path / "paint", needs)
    done = doit(root, compilers, "create-archives", BOTH, "PARALLEL=true", PAUSE="0")
    assert done.returncode == 1, done.stderr
    for words in (
        "compiling for linux-arm64 failed: the crate openssl-sys needs OpenSSL, which is not there for linux-arm64",
        "libssl-dev:arm64",
        "vendored",
        "left out: ",
        "create-archives:linux-arm64-complete.tar.gz",
        "failed: compile-platform:linux-arm64",
    ):
        assert words in done.stderr, done.stderr
    assert (root / "packages/paint-1.2.3-linux-amd64-complete.tar.gz").is_file()
    assert not list((root / "packages").glob("*arm64*"))
    assert not list((root / "packages").glob("checksums*"))


@pytest.mark.req("S0-59")
def test_an_unknown_binary_is_refused_with_those_that_there_are(tmp_path: Path, compilers: Mapping[str, str]) -> None:
    root = write(tmp_path / "paint")
    (root / "slipway.toml").write_text(TOML.replace('["paint"]', '["pant"]'))
    done = doit(root, compilers, "build-cross", BOTH)
    assert done.returncode == 2, done.stderr
    assert "component.programs: package paint makes no binary pant" in done.stderr
    assert "did you mean paint? cargo knows paint" in done.stderr
    assert done.stderr.count("cargo knows") == 1
    assert not (root / "record").exists()
