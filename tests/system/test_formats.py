"""7z archives, vendored sources and separated symbols, in the hands of other programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

import hello
import sample
from slipway.binaries import read_binary
from slipway.layout import InstallSpec
from slipway.model import Service
from slipway.packagers.entries import text_entry, with_folders
from slipway.packagers.portable import launchers
from slipway.packagers.sevenzip import write_7z
from slipway.platforms import PLATFORMS
from slipway.symbols import can_split, split, strip

pytestmark = pytest.mark.slow
TOML = """\
[project]
name = "tiny"
summary = "Say 42"
platforms = ["linux-amd64"]
packages = ["source"]
symbols = "separate"

[component.tiny]
kind = "cargo"
path = "code"

[source]
vendored = true
"""
CARGO = '[package]\nname = "tiny"\nversion = "0.3.0"\nedition = "2021"\n[dependencies]\nitoa = "=1.0.15"\n'
MAIN = 'fn main() { println!("{}", itoa::Buffer::new().format(42)); }\n'
# How the compiler calls it, in its old and its new way.
MANGLED = "4tiny4main"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "code/src").mkdir(parents=True)
    (folder / "code/Cargo.toml").write_text(CARGO)
    (folder / "code/src/main.rs").write_text(MAIN)
    (folder / "slipway.toml").write_text(TOML + '[version]\npath = "code/Cargo.toml"\n')
    (folder / ".gitignore").write_text("dist\npackages\nbuild.log\n")
    subprocess.run(["cargo", "generate-lockfile"], cwd=folder / "code", check=True, capture_output=True)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    done = hello.run(folder, "slipway", "package-all")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.req("S0-13")
def test_a_vendored_source_builds_without_a_network(project: Path, tmp_path: Path) -> None:
    with tarfile.open(project / "packages/tiny-0.3.0-vendored.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    tree = tmp_path / "tiny-0.3.0-vendored"
    environment = {**os.environ, "CARGO_HOME": str(tmp_path / "empty")}
    words = next(line for line in (tree / "BUILDING.md").read_text().splitlines() if line.startswith("cargo build"))
    assert "--offline" in words
    isolated = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", words]
    subprocess.run(isolated, cwd=tree, env=environment, check=True, capture_output=True)
    said = subprocess.run([tree / "code/target/release/tiny"], capture_output=True, text=True, check=True)
    assert said.stdout == "42\n"
    before = (project / "packages/tiny-0.3.0-vendored.tar.gz").read_bytes()
    (project / "packages/tiny-0.3.0-vendored.tar.gz").unlink()
    assert hello.run(project, "slipway", "package-all").returncode == 0
    assert (project / "packages/tiny-0.3.0-vendored.tar.gz").read_bytes() == before


def test_symbols_are_found_where_debuggers_look(project: Path, tmp_path: Path) -> None:
    with tarfile.open(project / "packages/tiny-0.3.0-linux-amd64-complete.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with tarfile.open(project / "packages/tiny-0.3.0-linux-amd64-symbols.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    program = tmp_path / "tiny-0.3.0-linux-amd64-complete/bin/tiny"
    sections = subprocess.run(["readelf", "-W", "-S", program], capture_output=True, text=True, check=True).stdout
    assert ".symtab" not in sections
    assert ".debug_info" not in sections
    assert ".gnu_debuglink" in sections
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    found = [path for path in (tmp_path / "tiny-0.3.0-linux-amd64-symbols").rglob("*") if path.is_file()]
    assert len(found) == 1
    if build_id := re.search(r"Build ID: ([0-9a-f]+)", notes):
        assert found[0].as_posix().endswith(f"usr/lib/debug/.build-id/{build_id[1][:2]}/{build_id[1][2:]}.debug")
    else:
        assert found[0].as_posix().endswith("/bin/tiny.debug")
    names = subprocess.run(["readelf", "-W", "-s", found[0]], capture_output=True, text=True, check=True).stdout
    assert MANGLED in names
    # Packing once more what lies there takes nothing from them.
    before = (project / "packages/tiny-0.3.0-linux-amd64-symbols.tar.xz").read_bytes()
    done = hello.run(project, "slipway", "package-binaries", "--format", "portable", "--strip")
    assert done.returncode == 0, done.stderr
    assert (project / "packages/tiny-0.3.0-linux-amd64-symbols.tar.xz").read_bytes() == before
    assert hello.run(project, "slipway", "validate-package").returncode == 0


@pytest.mark.parametrize(("mode", "named"), [("keep", True), ("strip", False)])
def test_symbols_are_kept_or_stripped_as_the_run_says(project: Path, mode: str, named: bool) -> None:
    done = hello.run(project, "slipway", "compile-platform", f"SYMBOLS={mode}")
    assert done.returncode == 0, done.stderr
    assert "still has its symbols" not in done.stderr
    program = project / "dist/platform/linux-amd64/tiny"
    assert (MANGLED.encode() in program.read_bytes()) is named


SOURCE = """\
#include <stdio.h>
static int hidden_name(int number) { volatile int kept = number; return kept; }
int main(int count, char **words) { return printf("%d\\n", hidden_name(count)) < 0; }
"""


@pytest.mark.req("S0-35")
@pytest.mark.parametrize(
    ("target", "platform", "splits"),
    [
        ("aarch64-linux-gnu.2.28", "linux-arm64", True),
        ("aarch64-macos.11.0-none", "macos-arm64", False),
        ("x86_64-windows-gnu", "windows-amd64", True),
        ("x86_64-freebsd", "freebsd-amd64", True),
    ],
)
def test_symbols_of_foreign_programs(tmp_path: Path, target: str, platform: str, splits: bool) -> None:
    (tmp_path / "x.c").write_text(SOURCE)
    words = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-gdwarf", "x.c", "-o", "program"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    row, program = PLATFORMS[platform], tmp_path / "program"
    assert can_split(row) is splits
    assert b"hidden_name" in program.read_bytes()
    stripped = Path(shutil.copy(program, tmp_path / "stripped"))
    strip(stripped, row)
    assert b"hidden_name" not in stripped.read_bytes()
    facts = read_binary(stripped)
    assert facts is not None
    assert (facts.stripped, facts.signed) == (True, "adhoc" if platform == "macos-arm64" else "none" if row.exe else "")
    if splits:
        place, kept = split(program, "bin/program")
        facts = read_binary(program)
        assert facts is not None
        assert (facts.stripped, place) == (True, "bin/program.debug")
        assert b"hidden_name" not in program.read_bytes()
        assert b"program.debug" in program.read_bytes()
        assert b"hidden_name" in kept.read_bytes()


@pytest.mark.req("S0-51")
def test_7zip_reads_what_is_written(tmp_path: Path) -> None:
    tree = {
        "top/a b.txt": (0o644, b"text\n" * 1000),
        "top/bin/run": (0o755, os.urandom(70_000)),
        "top/empty": (0o644, b""),
        "top/päth/日本": (0o644, b"x"),
        f"top/{'n' * 200}": (0o644, b"y" * 300_000),
    }
    entries = with_folders(text_entry(name, data, mode) for name, (mode, data) in tree.items())
    for compression in (1, 6, 12):
        path = tmp_path / f"{compression}.7z"
        with path.open("wb") as out:
            write_7z(out, entries, epoch=1_767_225_600, compression=compression)
        tested = subprocess.run(["7z", "t", path], capture_output=True, text=True, check=True).stdout
        assert "Everything is Ok" in tested
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        listed = subprocess.run(["7z", "l", "-slt", path], capture_output=True, text=True, check=True, env=environment)
        assert set(re.findall(r"^Modified = (\S+ \S{8})", listed.stdout, re.MULTILINE)) == {"2026-01-01 00:00:00"}
        assert listed.stdout.count("Attributes = D drwxr-xr-x") == 3
        assert listed.stdout.count("-rwxr-xr-x") == 1
        folder = tmp_path / f"out{compression}"
        subprocess.run(["7z", "x", f"-o{folder}", path], check=True, capture_output=True, env=environment)
        found = {
            path.relative_to(folder).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert found == tree


TELLS = """\
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
  for (int i = 1; i < count; i++) printf("[%s]\\n", words[i]);
  printf("%s %s\\n", getenv("HELLO_CONFIG_DIR"), getenv("TOLD"));
  return 3;
}
"""


@pytest.mark.req("S0-35")
def test_launchers_for_windows_start_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "tells.c").write_text(TELLS)
    home = tmp_path / "a stick & more"
    (home / "bin").mkdir(parents=True)
    words = ["-target", "x86_64-windows-gnu", str(tmp_path / "tells.c"), "-o", str(home / "bin/hello.exe")]
    subprocess.run([sys.executable, "-m", "ziglang", "cc", *words], check=True, capture_output=True)
    service = Service(
        name="s",
        binary="hello",
        summary="x",
        arguments=("a b", "100%", "{config}/x.toml", "c&d", ""),
        environment={"TOLD": "{state}/v & w"},
    )
    made = sample.release(tmp_path)
    spec = InstallSpec.of(made, sample.cell(made, "windows-amd64-complete"))
    for entry in launchers(replace(spec, services=(service,)), "windows", tmp_path):
        (home / entry.path).write_bytes(entry.data)
    environment = {**os.environ, "WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    done = subprocess.run(
        ["wine", "cmd", "/c", r".\start-s.cmd", "more"], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    subprocess.run(["wineserver", "--kill"], env=environment, check=False)
    folder = "Z:" + str(home).replace("/", "\\")
    assert done.stdout.splitlines()[-7:] == [
        "[a b]",
        "[100%]",
        f"[{folder}\\etc\\hello\\x.toml]",
        "[c&d]",
        "[]",
        "[more]",
        f"{folder}\\etc\\hello {folder}\\state\\v & w",
    ]
    assert done.returncode == 3
    assert (home / "state").is_dir()
