"""What the tests of install.sh share: releases with real archives, clean homes, and pictures of folders."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.files import digest_file
from slipway.installers import plan_installers
from slipway.manifest import Artifact, record, record_path
from slipway.model import Cell, Release
from slipway.platforms import PLATFORMS
from slipway.version import Version

LINUX = (PLATFORMS["linux-amd64"], PLATFORMS["linux-arm64"])
SHELLS = {
    "dash": ("dash",),
    "busybox ash": ("busybox", "ash"),
    "bash": ("bash",),
    "bash --posix": ("bash", "--posix"),
    "ksh93": ("ksh93",),
    "mksh": ("mksh",),
    "yash": ("yash",),
    "posh": ("posh",),
    "zsh --emulate sh": ("zsh", "--emulate", "sh"),
}
# For tests: the fast ones ask the shell that is everywhere, the slow ones all.
EVERY_SHELL = [
    pytest.param(("sh",), id="sh"),
    *(pytest.param(argv, id=name, marks=pytest.mark.slow) for name, argv in SHELLS.items()),
]
Picture = dict[str, tuple[str, int, bytes]]


@dataclass(frozen=True)
class Kit:
    """A made release: its archives, and its scripts beside them as users have them."""

    release: Release

    @property
    def install(self) -> Path:
        return self.release.paths.installers / "install.sh"

    @property
    def uninstall(self) -> Path:
        return self.release.paths.installers / f"uninstall-{self.release.project.name}.sh"

    def archive(self, variant: str = "complete") -> Path:
        names = [self.release.name_of(cell) for cell in self.release.cells if cell.id == f"{machine()}-{variant}"]
        return self.release.paths.packages / f"{names[0]}.tar.gz"


def machine() -> str:
    """The id of the platform of this machine, as install.sh sees it."""
    return {"x86_64": "linux-amd64", "aarch64": "linux-arm64"}[os.uname().machine]


@contextmanager
def files_of(changes: Mapping[str, tuple[int, str] | None]) -> Iterator[None]:
    """Let the sample have other files for a while; None takes one away."""
    before = dict(sample.FILES)
    sample.FILES.update({name: value for name, value in changes.items() if value is not None})
    for name in (name for name, value in changes.items() if value is None):
        del sample.FILES[name]
    try:
        yield
    finally:
        sample.FILES.clear()
        sample.FILES.update(before)


def make(root: Path, version: str = "1.2.3", files: Mapping[str, tuple[int, str] | None] | None = None, **changes: Any) -> Kit:
    """Make a release of the sample for Linux, with archives and scripts."""
    said = sample.project(root / "project", **{"platforms": LINUX, **changes})
    release = replace(sample.release(root, project=said), version=Version(version))
    with files_of(files or {}):
        for cell in release.cells:
            pack(release, cell)
    for step in plan_installers(release):
        step.run()
    return Kit(release)


def pack(release: Release, cell: Cell) -> None:
    """Stage and pack one distribution with Python's own tarfile."""
    sample.stage(release, cell)
    name = release.name_of(cell)
    path = release.paths.packages / f"{name}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        tar.add(release.staged(cell), name)
    put_record(release, cell, path.name, size=path.stat().st_size, sha256=digest_file(path))


def put_record(release: Release, cell: Cell, name: str, *, size: int, sha256: str) -> None:
    """Write an archive's record, as the packers do."""
    made = Artifact(
        kind="archive",
        name=name,
        path=name,
        size=size,
        digests={"sha256": sha256},
        media_type="application/gzip",
        platform=cell.platform.id,
        variant=cell.variant.name,
    )
    record(record_path(release, name), release.base, made)


@dataclass(frozen=True)
class Ran:
    """How a script ended and what it said."""

    code: int
    out: str
    err: str


def run(
    script: Path | str | None,
    *arguments: str | Path,
    home: Path,
    shell: Sequence[str] = ("sh",),
    path: str = "/usr/local/bin:/usr/bin:/bin",
    stdin: bytes | None = None,
    uid: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run a script in an environment of nothing but HOME, PATH and `env`."""
    done = subprocess.run(
        [*shell, *([] if script is None else [str(script)]), *map(str, arguments)],
        env={"HOME": str(home), "PATH": path, **(env or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        cwd=cwd or home,
        timeout=120,
        check=False,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def picture(*folders: Path) -> Picture:
    """Every file below some folders with its kind, mode and bytes."""
    found: Picture = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            kind = "link" if path.is_symlink() else "dir" if path.is_dir() else "file"
            data = str(path.readlink()).encode() if kind == "link" else path.read_bytes() if kind == "file" else b""
            found[str(path)] = (kind, path.lstat().st_mode & 0o7777, data)
    return found


def shim(folder: Path, name: str, body: str) -> str:
    """Put a program before the real ones; returns the PATH to run with. `$real` in its body is the PATH behind it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\nreal=/usr/bin:/bin\n{body}\n")
    program.chmod(0o755)
    return f"{folder}:/usr/local/bin:/usr/bin:/bin"


def only(folder: Path, *names: str) -> str:
    """A PATH with these programs and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        real = next(Path(place) / name for place in ("/usr/bin", "/bin") if (Path(place) / name).exists())
        (folder / name).symlink_to(real)
    return str(folder)
