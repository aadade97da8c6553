"""The usual way to the same packages: tar, gzip, md5sum, dpkg-deb and sha256sum."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from slipway.model import Cell, Release


def archives(release: Release, out: Path, level: str) -> Sequence[Path]:
    """Reproducible tarballs of all distributions, and their SHA-256 sums."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for cell in release.cells:
        path = out / f"{release.name_of(cell)}.tar.gz"
        tar = ("tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{release.epoch}", "-cf", "-")
        with path.open("wb") as file:
            packer = subprocess.Popen(("gzip", "-n", level), stdin=subprocess.PIPE, stdout=file)
            subprocess.run((*tar, release.name_of(cell)), cwd=release.paths.dist, stdout=packer.stdin, check=True)
            packer.communicate()
        made.append(path)
    return _summed(made)


def debs(release: Release, out: Path, compression: str) -> Sequence[Path]:
    """Packages by dpkg-deb, with md5sums by md5sum, and their SHA-256 sums."""
    made = []
    for cell in release.cells:
        tree = out / f"tree-{cell.id}"
        _lay_out(release, cell, tree)
        path = out / f"{tree.name}.deb"
        options = ("--root-owner-group", f"-Z{compression}", "--build")
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch)}
        subprocess.run(("dpkg-deb", *options, tree, path), check=True, stdout=subprocess.DEVNULL, env=environment)
        shutil.rmtree(tree)
        made.append(path)
    return _summed(made)


def _lay_out(release: Release, cell: Cell, tree: Path) -> None:
    """dpkg-deb wants the files where they will be: hard links are the cheapest way there."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(release.staged(cell) / "lib", tree / "usr/lib", copy_function=os.link)
    control = tree / "DEBIAN"
    control.mkdir()
    names = sorted(str(path.relative_to(tree)) for path in (tree / "usr").rglob("*") if path.is_file())
    with (control / "md5sums").open("wb") as file:
        subprocess.run(("md5sum", *names), cwd=tree, stdout=file, check=True)
    fields = "Package: bench\nVersion: 1.0.0\nArchitecture: amd64\nMaintainer: Bench <bench@example.org>\nDescription: Bench\n"
    (control / "control").write_text(fields)


def _summed(made: Sequence[Path]) -> Sequence[Path]:
    subprocess.run(("sha256sum", *made), stdout=subprocess.DEVNULL, check=True)
    return made
