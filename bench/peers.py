"""The release tools that slipway is measured beside, each with the same programs, as its own documentation says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from slipway.model import Cell, Release

_GO: Final = {"macos": "darwin"}
_NFPM: Final = """\
name: {name}
arch: {arch}
platform: linux
version: 1.0.0
maintainer: Bench <bench@example.org>
description: Something to pack
license: Apache-2.0
mtime: 2026-01-01T00:00:00Z
contents:
  - {{ src: {folder}/lib/bench/app, dst: /usr/lib/bench/app, file_info: {{ mode: 0755 }} }}
  - {{ src: {folder}/README.md, dst: /usr/share/doc/{name}/README.md }}
  - {{ src: {folder}/LICENSE, dst: /usr/share/doc/{name}/LICENSE }}
"""
_GORELEASER: Final = """\
version: 2
project_name: app
gomod: {{ gobinary: "true" }}
builds:
{builds}
archives:
{archives}
{packages}checksum: {{ name_template: checksums.txt }}
changelog: {{ disable: true }}
"""
_BUILD: Final = """\
  - id: {variant}
    binary: app
    tool: {tool}
    no_main_check: true
    env: ["VARIANT={variant}", "PREBUILT={prebuilt}"]
    targets: [{targets}]
    mod_timestamp: "1767225600"
"""
_ARCHIVE: Final = """\
  - id: {variant}
    ids: [{variant}]
    name_template: "app-{variant}_{{{{ .Version }}}}_{{{{ .Os }}}}_{{{{ .Arch }}}}"
    formats: [tar.gz]
    format_overrides: [{{ goos: windows, formats: [zip] }}]
"""
_PACKAGE: Final = """\
  - id: {variant}
    ids: [{variant}]
    package_name: app-{variant}
    formats: [deb, rpm]
    maintainer: Bench <bench@example.org>
    description: Something to pack
    license: Apache-2.0
    mtime: "2026-01-01T00:00:00Z"
"""
_FAKE_GO: Final = """\
#!/bin/sh
while [ "$1" != -o ]; do shift; done
ln -f "$PREBUILT/${VARIANT}_${GOOS}_${GOARCH}" "$2"
"""


def nfpm(release: Release, out: Path, kind: str) -> Sequence[Path]:
    """One package of every Linux distribution, each by a process of its own, as its command line works."""
    made = []
    out.mkdir(parents=True, exist_ok=True)
    for cell in (cell for cell in release.cells if cell.platform.family == "linux"):
        path, settings = out / f"{cell.id}.{kind}", out / f"{cell.id}.yaml"
        name = f"bench-{cell.variant.name}"
        settings.write_text(_NFPM.format(name=name, arch=cell.platform.arch, folder=release.staged(cell)))
        _run(["nfpm", "package", "--config", settings, "--packager", kind, "--target", path], out)
        made.append(path)
    return made


def syft(archives: Sequence[Path], out: Path) -> Sequence[Path]:
    """A list of what is inside each archive."""
    out.mkdir(parents=True, exist_ok=True)
    made = [out / f"{path.name}.spdx.json" for path in archives]
    for archive, path in zip(archives, made, strict=True):
        _run(["syft", "-q", archive, "--output", f"spdx-json={path}"], out)
    return made


def prepare_goreleaser(release: Release, folder: Path, *, packages: bool) -> Path:
    """A repository with a tag whose programs are there already: a stand-in for the Go compiler links them."""
    project, prebuilt = folder / "goreleaser", folder / "prebuilt"
    for path in (project, prebuilt):
        path.mkdir(parents=True)
    for cell in release.cells:
        program = release.staged(cell) / f"lib/bench/app{cell.platform.exe}"
        shutil.copy(program, prebuilt / f"{cell.variant.name}_{_target(cell)}")
    for name in ("README.md", "LICENSE"):
        shutil.copy(release.staged(release.cells[0]) / name, project / name)
    (project / "fakego.sh").write_text(_FAKE_GO)
    (project / "fakego.sh").chmod(0o755)
    variants = [variant.name for variant in release.variants]
    targets = ", ".join(dict.fromkeys(_target(cell) for cell in release.cells))
    said = {"tool": project / "fakego.sh", "prebuilt": prebuilt, "targets": targets}
    builds = "".join(_BUILD.format(variant=name, **said) for name in variants)
    archives = "".join(_ARCHIVE.format(variant=name) for name in variants)
    nfpms = "nfpms:\n" + "".join(_PACKAGE.format(variant=name) for name in variants) if packages else ""
    (project / ".goreleaser.yaml").write_text(_GORELEASER.format(builds=builds, archives=archives, packages=nfpms))
    (project / ".gitignore").write_text("dist/\n")
    for line in ("init -q", "add -A", "-c user.name=b -c user.email=b@example.org commit -qm x", "tag v1.0.0"):
        subprocess.run(["git", *line.split()], cwd=project, check=True)
    return project


def goreleaser(project: Path) -> Sequence[Path]:
    """All archives and their checksums."""
    _run(["goreleaser", "release", "--snapshot", "--clean", "-p", "2", "--skip=publish"], project)
    found = json.loads((project / "dist/artifacts.json").read_text())
    return [project / each["path"] for each in found if each["type"] in {"Archive", "Linux Package"}]


def _target(cell: Cell) -> str:
    return f"{_GO.get(cell.platform.family, cell.platform.family)}_{cell.platform.arch}"


def _run(words: Sequence[str | Path], folder: Path) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed: {done.stderr[-2000:]}")
