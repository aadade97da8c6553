"""Programs for foreign systems, made by a real compiler and linker: the reader says what an independent reader says."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.binaries import Binary, oldest_system, read_binary
from slipway.build.rule import Rule, Subject, judge
from slipway.platforms import PLATFORMS

pytestmark = pytest.mark.slow
SOURCE = """\
#include <math.h>
#include <stdio.h>
int main(int argc, char **argv) { return printf("%f\\n", pow(argc, 1.5)) < 0; }
"""


@dataclass(frozen=True)
class Target:
    """What zig is told, and what has to come of it."""

    triple: str
    platform: str
    system: str
    options: tuple[str, ...] = ("-s",)
    libraries: int = 1


TARGETS = (
    Target("x86_64-linux-gnu.2.28", "linux-amd64", "2.2.5", ("-s", "-pie"), 2),
    Target("aarch64-linux-gnu.2.17", "linux-arm64", "2.17", ("-s", "-pie"), 2),
    Target("x86_64-linux-musl", "linux-amd64-musl", "", ("-s", "-fPIE", "-pie"), 0),
    Target("x86_64-macos.12.3-none", "macos-amd64", "12.3"),
    Target("aarch64-macos.11.0-none", "macos-arm64", "11.0"),
    Target("x86_64-windows-gnu", "windows-amd64", "6.0", libraries=8),
    Target("x86_64-freebsd", "freebsd-amd64", "14.0", ("-s", "-pie"), 2),
)
_FORMATS = {"elf": r"elf(64-(x86-64|littleaarch64))", "macho": r"Mach-O (arm64|64-bit x86-64)", "pe": r"COFF-(x86-64|ARM64)"}


def compiled(folder: Path, target: Target, *options: str) -> Path:
    (folder / "x.c").write_text(SOURCE)
    words = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-target",
        target.triple,
        *(options or target.options),
        "x.c",
        "-lm",
        "-o",
        "x",
    ]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=900)
    return folder / "x"


def told(path: Path) -> str:
    words = [
        "llvm-readobj",
        "--file-headers",
        "--needed-libs",
        "--version-info",
        "--macho-version-min",
        "--coff-imports",
        str(path),
    ]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def names(text: str, binary: Binary) -> set[str]:
    if binary.format == "pe":
        return set(re.findall(r"Import \{\n\s+Name: (\S+)", text))
    return set(re.search(r"NeededLibraries \[(.*?)\]", text, re.DOTALL)[1].split())  # type: ignore[index]


@pytest.mark.req("S0-53")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.platform)
def test_a_foreign_program_is_read_as_llvm_reads_it_and_keeps_the_rule(tmp_path: Path, target: Target) -> None:
    path, row = compiled(tmp_path, target), PLATFORMS[target.platform]
    found = read_binary(path)
    assert found is not None
    assert (found.family, found.arch, found.kind, found.stripped, found.pie) == (row.family, row.arch, "executable", True, True)
    assert (oldest_system(found), len(found.libraries)) == (target.system, target.libraries)
    text = told(path)
    assert re.search(f"Format: {_FORMATS[found.format]}", text), text
    assert set(found.libraries) == names(text, found)
    if found.format == "elf":
        needs = text.partition("VersionRequirements [")[2]
        assert {name for each in found.versions.values() for name in each} == set(re.findall(r"\bName: (\S+)", needs))
    if found.format == "macho":
        assert re.findall(r"Version: ([\d.]+)", text.partition("MinVersion")[2]) == [found.minimum]
        assert found.signed == ("adhoc" if found.arch == "arm64" else "none")
    rule = Rule(platform=row, glibc="2.28" if row.libc == "gnu" else "", macos="12.3" if row.family == "macos" else "")
    assert list(judge(Subject(binary=found, data=path.read_bytes(), rule=rule))) == []
    for other in PLATFORMS.values():
        if (other.family, other.arch) != (row.family, row.arch):
            (refusal,) = judge(Subject(binary=found, data=b"", rule=Rule(platform=other)))
            assert refusal.stops, other.id


@pytest.mark.parametrize(
    "target", [each for each in TARGETS if each.platform != "windows-amd64"], ids=lambda target: target.platform
)
def test_names_that_are_left_inside_are_seen(tmp_path: Path, target: Target) -> None:
    found = read_binary(compiled(tmp_path, target, "-g"))
    assert found is not None
    assert not found.stripped
