"""The sample project as finished packages, made without slipway's own packagers: what test-dist is tried on."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sample
from slipway.contents import Contents, File
from slipway.files import digest_file
from slipway.layout import Folders, destination
from slipway.manifest import Artifact, record, record_path
from slipway.model import Cell, Release

FOLDERS = Folders.packaged("hello", "hello")
Change = Callable[[tarfile.TarInfo], tarfile.TarInfo | None] | None
# The smallest installer that does all that a real one does.
INSTALL = r"""#!/bin/sh
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd) variant=complete prefix=/usr/local config=/etc/hello
while [ $# -gt 0 ]; do
    case $1 in
        --user) prefix=$HOME/.local config=$HOME/.config/hello ;;
        --variant) variant=$2 && shift ;;
        --dry-run) exit ;;
    esac
    shift
done
receipt=$prefix/share/hello/install-receipt list=$(mktemp)
[ ! -e "$receipt" ] || { rm "$list" && echo "nothing to do" && exit; }
folder() { [ -d "$1" ] || { folder "$(dirname "$1")" && mkdir "$1" && echo "$1" >>"$list"; }; }
tree=$(mktemp -d)
tar -xzf "$here/../hello-1.2.3-linux-amd64-$variant.tar.gz" -C "$tree" --strip-components=1 --no-same-owner
(cd "$tree" && find . -type f | sort) | while read -r file; do
    case $file in
        ./etc/hello/*) to=$config/${file#./etc/hello/} ;;
        ./bin/* | ./lib/* | ./share/*) to=$prefix/${file#./} ;;
        *) to=$prefix/share/doc/hello/${file#./} ;;
    esac
    folder "$(dirname "$to")" && cp -p "$tree/$file" "$to" && echo "$to" >>"$list"
done
folder "$(dirname "$receipt")" && rm -r "$tree" && cat "$list" >"$receipt" && rm "$list"
"""
UNINSTALL = r"""#!/bin/sh
set -eu
prefix=/usr/local
case "$*" in *--user*) prefix=$HOME/.local ;; esac
receipt=$prefix/share/hello/install-receipt
lines=$(cat "$receipt") && rm "$receipt"
echo "$lines" | sort -r | while read -r path; do
    if [ -d "$path" ]; then rmdir "$path"; else rm "$path"; fi
done
"""


def release(root: Path, **changes: Any) -> Release:
    """A release of the sample project for Linux whose installers lie ready; its changes are those of the project."""
    made = sample.release(root, project=sample.project(root / "project", **changes))
    write_installers(made)
    return made


def write_installers(made: Release, install: str = INSTALL, uninstall: str = UNINSTALL) -> None:
    """Write install.sh and its like."""
    made.paths.installers.mkdir(parents=True, exist_ok=True)
    for name, text in (("install.sh", install), ("install-hello-1.2.3.sh", install), ("uninstall-hello.sh", uninstall)):
        path = made.paths.installers / name
        path.write_text(text)
        path.chmod(0o755)


def pack(made: Release, cell: Cell, change: Change = None) -> Path:
    """Stage a cell and pack it; `change` may spoil what goes into a tar archive."""
    sample.stage(made, cell)
    return repack(made, cell, change)


def repack(made: Release, cell: Cell, change: Change = None) -> Path:
    """Pack a staged cell as it now is, with a contents file that says so."""
    folder = made.staged(cell)
    old = Contents.load(made.contents(cell))
    contents = replace(old, files=tuple(_looked_at(file, folder / file.path) for file in old.files))
    made.contents(cell).write_bytes(contents.dump())
    made.paths.packages.mkdir(parents=True, exist_ok=True)
    path = made.paths.packages / f"{made.name_of(cell)}.{cell.platform.archive}"
    (_pack_zip if path.suffix == ".zip" else _pack_tar)(path, made.staged(cell), contents, change)
    _record(made, cell, path, "archive")
    return path


def pack_deb(made: Release, cell: Cell, *, afterwards: str = "") -> Path:
    """Make a Debian package of a staged cell with dpkg-deb; `afterwards` are lines of its postinst."""
    tree = made.paths.root / "deb" / cell.id
    contents = Contents.load(made.contents(cell))
    for file in contents.files:
        # Debian wants documents in a folder that is named like the package.
        place = tree / destination(file.path, "hello", FOLDERS).lstrip("/").replace("/doc/hello/", "/doc/hello-greeter/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((made.staged(cell) / file.path).read_bytes())
        place.chmod(file.mode)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: hello-greeter\nVersion: 1.2.3\nArchitecture: all\n"
        "Maintainer: Hello <makers@hello.example>\nDescription: greet\n"
    )
    (tree / "DEBIAN/conffiles").write_text("/etc/hello/hello.toml\n")
    if afterwards:
        (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{afterwards}\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
    path = made.paths.packages / "hello-greeter_1.2.3_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True, capture_output=True)
    _record(made, cell, path, "deb")
    return path


def _looked_at(file: File, path: Path) -> File:
    return replace(file, size=path.stat().st_size, sha256=digest_file(path), md5=digest_file(path, "md5"))


def _record(made: Release, cell: Cell, path: Path, kind: str) -> None:
    artifact = Artifact(
        kind=kind,
        name=path.name,
        path=path.name,
        size=path.stat().st_size,
        digests={"sha256": digest_file(path)},
        media_type="application/octet-stream",
        platform=cell.platform.id,
        variant=cell.variant.name,
    )
    record(record_path(made, path.name), made.base, artifact)


def _pack_tar(path: Path, folder: Path, contents: Contents, change: Any) -> None:
    with tarfile.open(path, "w:gz" if path.name.endswith(".gz") else "w:xz") as archive:
        for file in contents.files:
            archive.add(folder / file.path, f"{folder.name}/{file.path}", filter=change)


def _pack_zip(path: Path, folder: Path, contents: Contents, change: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in contents.files:
            archive.write(folder / file.path, f"{folder.name}/{file.path}")
