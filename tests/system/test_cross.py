"""CROSS=true with the real `cross`, a real engine and an image that is made here."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import hello
import toolchains
from slipway import containers
from slipway.files import cache_dir

pytestmark = pytest.mark.slow
CROSS = "0.2.5"
IMAGE = "local/cross-x86_64"
TOML = """\
[project]
name = "hello"
summary = "Greet whoever asks"
license = "Apache-2.0"
maintainer = "Hello Makers <makers@hello.example>"
platforms = ["linux-amd64"]

[version]
source = "value"
value = "1.2.3"

[component.programs]
kind = "cargo"
path = "rust"
package = "hello"
binaries = ["hello"]

[variant.complete]
components = ["*"]

[platform.linux-amd64]
cross-image = "local/cross-x86_64"
"""
FILES = {
    "slipway.toml": TOML,
    "dodo.py": hello.DODO,
    "rust/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["hello", "util"]\n',
    "rust/Cargo.lock": 'version = 3\n[[package]]\nname = "hello"\nversion = "1.0.0"\ndependencies = ["util"]\n'
    '[[package]]\nname = "util"\nversion = "1.0.0"\n',
    "rust/hello/Cargo.toml": '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2021"\n'
    '[dependencies]\nutil = { path = "../util" }\n',
    "rust/hello/build.rs": """\
fn main() {
    let container = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| std::path::Path::new(path).exists());
    println!("cargo:rustc-env=BUILT_IN={}", if container { "a container" } else { "the open" });
}
""",
    "rust/hello/src/main.rs": """\
fn main() {
    println!("hello {} built in {}", env!("HELLO_VERSION"), env!("BUILT_IN"));
    util::check(std::env::args().count());
}
""",
    "rust/util/Cargo.toml": '[package]\nname = "util"\nversion = "1.0.0"\nedition = "2021"\n',
    "rust/util/src/lib.rs": 'pub fn check(words: usize) { assert!(words < 2, "too many words, says {}", file!()); }\n',
}


@pytest.fixture(scope="session")
def cross() -> Path:
    """The folder of the `cross` program, compiled once and kept in slipway's cache."""
    home = cache_dir() / "tools" / f"cross-{CROSS}"
    if not (home / "bin/cross").is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as aside:
            words = ["cargo", "install", "cross", "--version", CROSS, "--locked", "--root", f"{aside}/root"]
            # Half the time of an optimised program, and this one only starts others.
            quick = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off"}
            subprocess.run([*words, "--target-dir", f"{aside}/target"], env={**os.environ, **quick}, check=True)
            Path(aside, "root").rename(home)
    return home / "bin"


@pytest.fixture(scope="session")
def image(engine: containers.Engine) -> str:
    """A Debian with a C compiler, made once and kept in slipway's cache."""
    if not engine.image_id(IMAGE):
        tar = cache_dir() / "images" / "cross-x86_64.tar"
        if not tar.is_file():
            tar.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=tar.parent) as aside:
                made = Path(aside) / "root.tar"
                lean = "--dpkgopt=path-exclude=/usr/share/{doc,man,locale}/*"
                words = ["mmdebstrap", "--variant=minbase", "--include=gcc,libc6-dev", lean, "bookworm", str(made)]
                subprocess.run(words, check=True)
                made.replace(tar)
        engine.run("import", tar, IMAGE)
    return IMAGE


# What Debian's own compiler needs of a Debian that is not in the compiler's folder.
LIBRARIES = ("libcurl4", "libedit2", "libgit2-1.5", "libsqlite3-0", "libssh2-1", "libssl3", "libxml2", "libz3-4")


@pytest.fixture(scope="session")
def compiler() -> dict[str, str]:
    """The variables of a compiler that has the standard library for arm64, and that rustup knows nothing of."""
    return toolchains.environment()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


# cross may ask rustup to install something. That would change the compiler of everybody on this machine.
GUARD = """#!/bin/sh
case "$*" in *add*|*install*|*update*|*default*|*uninstall*|*remove*) echo "$*" >>{noted}; exit 1;; esac
exec {rustup} "$@"
"""


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Path]:
    """The folder of a rustup that installs nothing; the test fails when it was asked to."""
    rustup, folder, noted = shutil.which("rustup"), tmp_path / "guard", tmp_path / "asked of rustup"
    assert rustup is not None
    folder.mkdir()
    (folder / "rustup").write_text(GUARD.format(noted=shlex.quote(str(noted)), rustup=rustup))
    (folder / "rustup").chmod(0o755)
    yield folder
    assert not noted.exists(), noted.read_text()


def build(project: Path, *path: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Compile for Linux with cross."""
    places = ":".join([*map(str, path), str(hello.BIN), os.environ["PATH"]])
    # cross would have rustup fetch the sources of the standard library, which this build does not need.
    settings = {"PATH": places, "CROSS_CUSTOM_TOOLCHAIN": "1", **environment}
    return hello.run(project, "doit", "build-platform", "RUST_TARGET=x86_64-unknown-linux-gnu", "CROSS=true", **settings)


@pytest.mark.req("S0-16", "S0-32")
@pytest.mark.usefixtures("image")
def test_cross_builds_in_a_container(project: Path, cross: Path, guard: Path) -> None:
    done = build(project, guard, cross)
    assert done.returncode == 0, done.stderr
    program = project / "dist/platform/linux-amd64/hello"
    said = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "hello 1.2.3 built in a container\n")
    failed = subprocess.run([program, "word"], capture_output=True, text=True, check=False)
    assert "too many words, says" in failed.stderr
    data = program.read_bytes()
    for folder in (project, Path.home(), cache_dir()):
        assert f"{folder}/".encode() not in data
    assert "warning" not in (project / "build.log").read_text()
    again = build(project, guard, cross)
    assert "nothing to do" in again.stderr
    (project / "rust/util/src/lib.rs").write_text("pub fn check(_: usize) {}\n")
    assert build(project, guard, cross).returncode == 0
    assert subprocess.run([program, "word"], capture_output=True, check=False).returncode == 0


@pytest.mark.req("S0-16")
@pytest.mark.usefixtures("engine")
def test_an_image_made_here_compiles_for_another_processor(
    project: Path, cross: Path, guard: Path, compiler: dict[str, str]
) -> None:
    (project / "slipway.toml").write_text(TOML.partition("[platform")[0].replace("amd64", "arm64"))
    words = ["toolchain", "image", "linux-arm64", *(word for name in LIBRARIES for word in ("--package", name))]
    made = hello.run(project, "slipway", *words)
    assert made.returncode == 0, made.stderr
    assert "is here already" in hello.run(project, "slipway", *words).stderr
    # Nothing names the image: cross finds it.
    settings = {**compiler, "PATH": f"{compiler['PATH'].partition(':')[0]}:{guard}:{cross}:{compiler['PATH']}"}
    words = ["build-platform", "RUST_TARGET=aarch64-unknown-linux-gnu", "CROSS=true"]
    done = hello.run(project, "slipway", *words, **settings)
    assert done.returncode == 0, done.stderr
    program = project / "dist/platform/linux-arm64/hello"
    said = subprocess.run(
        ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", program], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "hello 1.2.3 built in a container\n")
    first = program.read_bytes()
    other = project.with_name("elsewhere") / "hello"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("dist", ".slipway"))
    assert hello.run(other, "slipway", *words, **settings).returncode == 0
    assert (other / "dist/platform/linux-arm64/hello").read_bytes() == first


@pytest.mark.req("S0-16")
@pytest.mark.usefixtures("image")
def test_the_projects_own_cross_toml_is_honoured(project: Path, cross: Path, guard: Path) -> None:
    (project / "slipway.toml").write_text(TOML.partition("[platform")[0])
    own = f'[build.env]\npassthrough = ["GREETING"]\n[target.x86_64-unknown-linux-gnu]\nimage = "{IMAGE}"\n'
    (project / "rust/Cross.toml").write_text(own)
    (project / "rust/hello/build.rs").write_text(
        'fn main() { println!("cargo:rustc-env=BUILT_IN={}", std::env::var("GREETING").unwrap()); }\n'
    )
    done = build(project, guard, cross, GREETING="peace")
    assert done.returncode == 0, done.stderr
    said = subprocess.run([project / "dist/platform/linux-amd64/hello"], capture_output=True, text=True, check=False)
    assert said.stdout == "hello 1.2.3 built in peace\n"
    (project / "rust/Cross.toml").write_text(own.replace(IMAGE, "registry.invalid/none:1"))
    failed = build(project, guard, cross, GREETING="peace")
    assert "registry.invalid/none:1" in failed.stderr
    assert "slipway toolchain image linux-amd64" in failed.stderr


@pytest.mark.usefixtures("image")
def test_a_compiler_that_does_not_start_in_the_image_is_told(
    project: Path, cross: Path, guard: Path, compiler: dict[str, str]
) -> None:
    # The image has nothing of what Debian's cargo is linked to.
    done = build(project, compiler["PATH"].partition(":")[0], guard, cross)
    assert done.returncode == 1, done.stderr
    assert "this machine's compiler does not start in cross's container for linux-amd64: lib" in done.stderr
    assert "--package NAME" in done.stderr


def test_an_image_that_is_nowhere_is_named(project: Path, cross: Path, guard: Path, engine: containers.Engine) -> None:
    (project / "slipway.toml").write_text(TOML.replace(IMAGE, "registry.invalid/none:1"))
    done = build(project, guard, cross)
    assert done.returncode in {1, 3}, done.stderr
    assert "registry.invalid/none:1" in done.stderr
    assert "cross-image" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "dist").exists()


def test_no_engine_is_told_before_anything_is_compiled(project: Path, cross: Path, guard: Path, tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in containers.ENGINES:
        (shims / name).write_text("#!/bin/sh\necho no engine >&2\nexit 1\n")
        (shims / name).chmod(0o755)
    cargo = shutil.which("cargo")
    assert cargo is not None
    # Without the folders of the system's own programs no engine can be started here either.
    done = build(project, PATH=f"{shims}:{guard}:{cross}:{hello.BIN}:{Path(cargo).parent}:/usr/bin:/bin")
    assert done.returncode == 3, done.stderr
    assert "cross needs a container engine" in done.stderr
    assert "systemctl start docker" in done.stderr
    assert not (project / "dist").exists()
    assert not list((project / ".slipway").glob("target/*"))
