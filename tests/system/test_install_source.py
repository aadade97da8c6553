"""install-NAME-source.sh: built by real tools, without a network where all crates are there, and installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from installer_lab import SHELLS, Ran, only, picture, run, shim

import sample
from slipway.components import CargoComponent, CommandComponent, PythonComponent
from slipway.files import digest_file
from slipway.installers.source import plan_source_installers
from slipway.manifest import Artifact, record, record_path
from slipway.model import Release, Variant
from slipway.rules import SourceRules

pytestmark = pytest.mark.slow

FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["greet"]\nresolver = "2"\n[workspace.package]\nrust-version = "1.56"\n',
    "greet/Cargo.toml": """\
[package]
name = "greet"
version = "1.2.3"
edition = "2021"
rust-version.workspace = true
[dependencies]
shout = "0.1"
""",
    "greet/src/main.rs": 'fn main() { println!("{}", shout::up("hello")); }\n',
    "vendor/shout/Cargo.toml": '[package]\nname = "shout"\nversion = "0.1.0"\nedition = "2021"\n',
    "vendor/shout/src/lib.rs": "pub fn up(text: &str) -> String { text.to_uppercase() }\n",
    "vendor/shout/.cargo-checksum.json": '{"files": {}, "package": null}',
    ".cargo/config.toml": """\
[source.crates-io]
replace-with = "vendored-sources"
[source.vendored-sources]
directory = "vendor"
""",
    "Cargo.lock": """\
version = 3

[[package]]
name = "greet"
version = "1.2.3"
dependencies = ["shout"]

[[package]]
name = "shout"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
""",
    "make-it.sh": """\
#!/bin/sh
set -e
cp src/hello "$1/made it"
echo "$SLIPWAY_PLATFORM $SLIPWAY_VERSION" >"$1/where"
""",
    "py/pyproject.toml": """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "hey"
version = "1.2.3"
[project.scripts]
hey = "hey:main"
""",
    # The smallest backend there can be: to fetch a real one would take a network.
    "py/backend.py": """\
import zipfile


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "hey-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as out:
        out.write("hey.py")
        out.writestr("hey-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\\nName: hey\\nVersion: 1.2.3\\n")
        out.writestr("hey-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        out.writestr("hey-1.2.3.dist-info/RECORD", "")
    return name
""",
    "py/hey.py": 'import sys\n\n\ndef main():\n    print("hey", *sys.argv)\n    return 3\n',
}


@dataclass(frozen=True)
class Lab:
    """A release with its source package, the source installer beside it, and a home."""

    release: Release
    home: Path

    @property
    def script(self) -> Path:
        return self.release.paths.installers / "install-hello-source.sh"

    @property
    def env(self) -> dict[str, str]:
        """Where rustup keeps the compiler; the home is another one."""
        real = Path.home()
        found = {"CARGO_HOME": str(real / ".cargo"), "RUSTUP_HOME": str(real / ".rustup")}
        return {name: os.environ.get(name, place) for name, place in found.items()}

    @property
    def path(self) -> str:
        return f"{Path(shutil.which('cargo') or '').parent}:/usr/local/bin:/usr/bin:/bin"

    def run(self, *words: str | Path, path: str = "", shell: tuple[str, ...] = ("sh",)) -> Ran:
        # In a network of its own, in which there is nobody else.
        alone = ("unshare", "--net", *shell)
        return run(self.script, *words, home=self.home, shell=alone, path=path or self.path, env=self.env)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    root = tmp_path_factory.mktemp("source")
    said = sample.project(root / "project", packages=("source",), source=SourceRules(vendored=True))
    for name, text in FILES.items():
        path = said.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (said.root / "make-it.sh").chmod(0o755)
    more = (
        CargoComponent(name="greet", path=said.root / "greet", package="greet", binaries=("greet",)),
        CommandComponent(
            name="programs",
            path=said.root,
            command=("./make-it.sh", "{out}"),
            outputs={"bin/hello": "{out}/made it", "bin/hello-server": "src/hello-server", "share/hello/where": "{out}/where"},
        ),
        PythonComponent(name="hey", path=said.root / "py", script="hey"),
    )
    parts = (*more, *(part for part in said.components if part.name != "programs"))
    variants = (
        Variant(name="complete", components=tuple(part.name for part in parts)),
        Variant(name="minimal", components=("programs", "config")),
    )
    made = sample.release(root, project=replace(said, components=parts, variants=variants))
    package = made.paths.packages / f"{made.base}-vendored.tar.gz"
    package.parent.mkdir(parents=True)
    with tarfile.open(package, "w:gz") as tar:
        tar.add(said.root, package.name.removesuffix(".tar.gz"))
    noted = Artifact(
        kind="source",
        name=package.name,
        path=package.name,
        size=package.stat().st_size,
        digests={"sha256": digest_file(package)},
        media_type="application/gzip",
    )
    record(record_path(made, package.name), made.base, noted)
    (step,) = plan_source_installers(made)
    step.run()
    return made


@pytest.fixture
def lab(release: Release, tmp_path: Path) -> Lab:
    home = tmp_path / "a home, 'quoted' & odd"
    home.mkdir()
    (home / ".profile").write_text("umask 022\n")
    return Lab(release, home)


def good(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err


def test_the_script_is_clean(lab: Lab) -> None:
    subprocess.run(["shellcheck", "--shell=sh", lab.script], check=True)


@pytest.mark.req("S0-57")
def test_built_without_a_network_installed_and_removed(lab: Lab) -> None:
    before = picture(lab.home)
    planned = good(lab.run("--user", "--dry-run")).out
    assert picture(lab.home) == before
    assert all(word in planned for word in ("greet with cargo", "hey with pip", "complete"))
    good(lab.run("--user"))
    bin_folder = lab.home / ".local/bin"
    assert subprocess.check_output([bin_folder / "greet"], text=True) == "HELLO\n"
    assert subprocess.check_output([bin_folder / "hello"], text=True) == "hello world 1.2.3\n"
    assert (lab.home / ".local/share/hello/where").read_text().split()[1] == "1.2.3"
    assert (lab.home / ".config/hello/hello.toml").stat().st_mode & 0o777 == 0o644
    assert "nothing to do" in good(lab.run("--user")).out
    good(run(lab.home / ".local/share/hello/uninstall.sh", home=lab.home))
    assert picture(lab.home) == before


def test_a_python_program_starts_from_wherever_it_is_linked_to(lab: Lab) -> None:
    good(lab.run("--user"))
    link = lab.home / "hey-there"
    link.symlink_to(".local/bin/hey")
    done = subprocess.run([link, "you"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "hey hey you\n")


def test_its_own_uninstall_and_the_scratch_folder(lab: Lab, tmp_path: Path) -> None:
    before, scratch = picture(lab.home), tmp_path / "scratch"
    good(lab.run("--user", "--variant", "minimal", "--build-dir", scratch))
    assert list(scratch.iterdir()) == []
    assert not (lab.home / ".local/bin/greet").exists()
    good(lab.run("--user", "--uninstall", "--purge"))
    assert picture(lab.home) == before


def test_build_only_gives_the_tree(lab: Lab, tmp_path: Path) -> None:
    before, made = picture(lab.home), tmp_path / "made here"
    good(lab.run("--build-only", made))
    assert picture(lab.home) == before
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert {"bin/greet", "bin/hello", "bin/hey", "etc/hello/hello.toml", "lib/hello/greetings.txt", "README.md"} <= found
    refused(lab.run("--build-only", made), 3, "not empty")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_builds_and_installs(lab: Lab, shell: str) -> None:
    before = picture(lab.home)
    good(lab.run("--user", "--variant", "minimal", shell=SHELLS[shell]))
    assert subprocess.check_output([lab.home / ".local/bin/hello"], text=True) == "hello world 1.2.3\n"
    good(lab.run("--user", "--uninstall", shell=SHELLS[shell]))
    assert picture(lab.home) == before


def test_json_is_the_document_of_the_installation(lab: Lab) -> None:
    said = json.loads(good(lab.run("--user", "--variant", "minimal", "--json")).out)
    assert (said["action"], said["result"], said["variant"]) == ("install", "done", "minimal")
    said = json.loads(lab.run("--user", "--variant", "none", "--json").out)
    assert (said["result"], said["code"]) == ("failed", 2)


def test_missing_and_old_tools_are_named_with_what_installs_them(lab: Lab, tmp_path: Path) -> None:
    tools = ("cat", "uname", "id", "mkdir", "rm", "sh", "sha256sum", "dash", "getconf", "tar", "gzip", "apt-get", "unshare", "ls")
    few = only(tmp_path / "few", *tools)
    refused(
        lab.run("--user", path=few, shell=("/bin/sh",)),
        3,
        "cargo cc python3 pip",
        "apt-get install -y cargo gcc libc6-dev python3",
    )
    old = shim(tmp_path / "old", "cargo", "echo 'cargo 1.41.1 (x 2020-01-01)'")
    refused(lab.run("--user", path=old), 3, "needs cargo 1.56 or newer; here is 1.41.1", "rustup.rs")


def test_with_yes_they_are_installed(lab: Lab, tmp_path: Path) -> None:
    """The package manager is not the real one, which would change this machine."""
    path = shim(tmp_path / "shims", "apt-get", f'echo "$*" >{tmp_path}/said')
    tools = ("cat", "uname", "id", "mkdir", "rm", "sh", "sha256sum", "getconf", "tar", "gzip", "unshare", "ls", "cc", "python3")
    few = only(tmp_path / "few", *tools)
    ran = lab.run("--user", "--yes", "--dry-run", path=f"{path.partition(':')[0]}:{few}", shell=("/bin/sh",))
    assert (ran.code, "cargo" in ran.err, (tmp_path / "said").exists()) == (0, True, False)
    lab.run("--user", "--yes", path=f"{path.partition(':')[0]}:{few}", shell=("/bin/sh",))
    assert (tmp_path / "said").read_text() == "install -y cargo\n"


def test_a_damaged_source_package_is_not_built(lab: Lab, tmp_path: Path) -> None:
    name = f"{lab.release.base}-vendored.tar.gz"
    bad = tmp_path / name
    bad.write_bytes((lab.release.paths.packages / name).read_bytes() + b"x")
    refused(lab.run("--user", "--from", bad), 4, "is not the archive of this release")


def test_a_source_package_that_is_nowhere_here_is_downloaded(lab: Lab, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    script = shutil.copy(lab.script, alone)
    handler = partial(SimpleHTTPRequestHandler, directory=lab.release.paths.packages)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        words = ("--user", "--variant", "minimal", "--base-url", f"http://127.0.0.1:{server.server_port}")
        good(run(script, *words, home=lab.home, path=lab.path, env=lab.env))
        server.shutdown()
    assert (lab.home / ".local/bin/hello").is_file()
    refused(run(script, "--user", "--force", home=lab.home, path=lab.path, env=lab.env), 6, "is neither beside this script")


def test_a_build_that_fails_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    before = picture(lab.home)
    path = shim(
        tmp_path / "shims", "cargo", 'case $1 in --version) echo "cargo 1.80.0" ;; *) echo no such luck >&2; exit 101 ;; esac'
    )
    refused(lab.run("--user", path=path), 1, "no such luck", "cargo failed")
    assert picture(lab.home) == before
