"""The table of docs/platforms.md: written from what the system test measured, compared in what does not change by chance."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from slipway.platforms import PLATFORMS

PAGE: Final = Path(__file__).parents[1] / "docs" / "platforms.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
HEAD: Final = ("platform", "target", "way", "with", "seconds", "size of all programs", "runs on", "how it was run")
# What differs from run to run.
CHANGING: Final = (3, 4, 5)
RUN: Final[Mapping[str, str]] = {
    "linux-amd64": "here, and in a container with glibc 2.31",
    "linux-arm64": "qemu-aarch64",
    "linux-amd64-musl": "here, and in an empty container",
    "linux-arm64-musl": "qemu-aarch64",
    "macos-amd64": "read with llvm-objdump",
    "macos-arm64": "read with llvm-objdump",
    "macos-universal": "both halves taken out with llvm-lipo",
    "windows-amd64": "wine",
    "freebsd-amd64": "read with readelf",
}

COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "rustc": ("rustc", "--version"),
    "zig": (sys.executable, "-m", "ziglang", "version"),
    "cargo-zigbuild": ("cargo-zigbuild", "--version"),
    "mingw gcc": ("x86_64-w64-mingw32-gcc", "-dumpversion"),
}
TOOLS: Final[Mapping[str, Sequence[str]]] = {
    "zigbuild": ("rustc", "cargo-zigbuild", "zig"),
    "mingw": ("rustc", "mingw gcc"),
    "cargo": ("rustc",),
    "joined": (),
}


@dataclass(frozen=True)
class Row:
    """One platform."""

    platform: str
    target: str
    way: str
    tools: str
    seconds: str
    size: str
    floor: str
    run: str

    def __str__(self) -> str:
        return f"| {' | '.join(astuple(self))} |"


def check(rows: Sequence[Row]) -> None:
    """Compare the page with the rows; UPDATE_PLATFORMS=1 writes them into it."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *map(str, rows)]
    if os.environ.get("UPDATE_PLATFORMS"):
        text = "".join(f"{line}\n" for line in lines)
        PAGE.write_text(before + BEGIN + text + END + after)
        return
    assert _lasting(old.splitlines()) == _lasting(lines)


def _lasting(lines: Iterable[str]) -> list[list[str]]:
    cells = (line.split("|")[1:-1] for line in lines)
    return [[cell.strip() for place, cell in enumerate(row) if place not in CHANGING] for row in cells]


def row(platform: str, project: Path, seconds: float | None, environment: Mapping[str, str]) -> Row:
    """What compiling the project for a platform came to; `environment` has the compilers."""
    found = PLATFORMS[platform]
    records = sorted((project / ".slipway/binaries").glob(f"{platform}.*.json"))
    binaries = [each for path in records for each in json.loads(path.read_text())["binaries"]]
    way = _way(platform, project, environment)
    return Row(
        platform=f"`{platform}`",
        target=f"`{found.triple}`",
        way=way,
        tools=", ".join(f"{name} {_version(name, environment)}" for name in TOOLS[way]),
        seconds=f"{seconds:.0f}" if seconds else "",
        size=f"{sum(each['size'] for each in binaries) / 1e6:.1f} MB",
        floor=_floor(found.family, found.libc, {each["facts"]["glibc"] or each["facts"]["minimum"] for each in binaries}),
        run=RUN[platform],
    )


def _way(platform: str, project: Path, environment: Mapping[str, str]) -> str:
    if PLATFORMS[platform].parts:
        return "joined"
    listed = _answer(environment, sys.executable, "-m", "slipway", "toolchain", "list", "--json", cwd=project)
    return next(str(each["way"]) for each in json.loads(listed) if each["platform"] == platform and each["used"])


def _floor(family: str, libc: str, measured: set[str]) -> str:
    newest = max(filter(None, measured), key=lambda text: [int(word) for word in text.split(".")], default="")
    linux = "any Linux" if libc == "musl" else f"glibc {newest}"
    return {"linux": linux, "macos": f"macOS {newest}", "windows": "Windows", "freebsd": f"FreeBSD {newest}".rstrip()}[family]


def _version(tool: str, environment: Mapping[str, str]) -> str:
    said = _answer(environment, *COMMANDS[tool])
    found = re.search(r"\d+(?:\.\d+)*", said)
    assert found, said
    return found.group()


def _answer(environment: Mapping[str, str], *words: str, cwd: Path | None = None) -> str:
    return subprocess.run(words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout
