"""A tiny project for tests: two shell scripts as binaries, a library, a configuration file, a service. No compiler needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slipway.components import CommandComponent, TreeComponent
from slipway.contents import Contents, File
from slipway.files import digest_file
from slipway.model import Cell, InstallRules, Paths, Project, Release, Service, TestRules, Variant, VersionRule
from slipway.platforms import DOCUMENTED, PLATFORMS
from slipway.rules import DebRules
from slipway.version import Version

EPOCH = 1_767_225_600  # 2026-01-01T00:00:00Z
FILES = {
    "bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.2.3\n"),
    "bin/hello-server": (0o755, "#!/bin/sh\nexec sleep 1000\n"),
    "lib/hello/greetings.txt": (0o644, "good morning\ngood evening\n"),
    "share/doc/hello/user/start.md": (0o644, "# Start\n\nRun `hello`.\n"),
    "etc/hello/hello.toml": (0o644, '# Change me.\nname = "world"\n'),
    "README.md": (0o644, "# hello\n"),
    "LICENSE": (0o644, "Apache-2.0\n"),
}


def project(root: Path, **changes: Any) -> Project:
    """The sample project; its sources are written below `root`."""
    sources = {
        "src/hello": FILES["bin/hello"],
        "src/hello-server": FILES["bin/hello-server"],
        "lib/greetings.txt": FILES["lib/hello/greetings.txt"],
        "docs/user/start.md": FILES["share/doc/hello/user/start.md"],
        "config/hello.toml": FILES["etc/hello/hello.toml"],
        "README.md": FILES["README.md"],
        "LICENSE": FILES["LICENSE"],
    }
    for name, (mode, text) in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    values: dict[str, Any] = {
        "file": root / "slipway.toml",
        "root": root,
        "name": "hello",
        "summary": "Greet whoever asks",
        "description": "A program that greets.\n\nIt does nothing else.",
        "license": "Apache-2.0",
        "maintainer": "Hello Makers <makers@hello.example>",
        "homepage": "https://hello.example",
        "documents": (root / "README.md", root / "LICENSE"),
        "components": (
            CommandComponent(
                name="programs",
                path=root / "src",
                command=("true",),
                outputs={"bin/hello": "hello", "bin/hello-server": "hello-server"},
            ),
            TreeComponent(name="library", path=root / "lib", to="lib/hello"),
            TreeComponent(name="docs", path=root / "docs", to="share/doc/hello"),
            TreeComponent(name="config", path=root / "config", to="etc/hello"),
        ),
        "variants": (
            Variant(name="complete", components=("programs", "library", "docs", "config")),
            Variant(name="minimal", components=("programs", "config")),
        ),
        "platforms": tuple(PLATFORMS[name] for name in DOCUMENTED),
        "settings": {},
        "services": (
            Service(
                name="hello-server",
                binary="hello-server",
                summary="Greets over the network",
                arguments=("--config", "{config}/hello.toml"),
                environment={"HELLO_STATE": "{state}"},
            ),
        ),
        "version": VersionRule(source="value", value="1.2.3"),
        "install": InstallRules(health=("hello", "--version")),
        "deb": DebRules(),
        "tests": TestRules(basic=("hello",), integration=("hello you",), complete=("hello all",)),
        "checksums": ("sha256",),
        "compression": 6,
        "packages": ("deb", "rpm", "freebsd", "pkg", "msi", "portable"),
    }
    return Project(**(values | changes))


def release(root: Path, **changes: Any) -> Release:
    """A release of the sample project whose outputs go below `root`/out."""
    said = changes.pop("project", None) or project(root / "project")
    values: dict[str, Any] = {
        "project": said,
        "version": Version("1.2.3"),
        "paths": Paths.under(root / "out"),
        "platforms": said.platforms,
        "variants": said.variants,
        "epoch": EPOCH,
    }
    return Release(**(values | changes))


def stage(made: Release, cell: Cell) -> Contents:
    """Lay out one distribution by hand, as the dist trade would: the folder and its contents file."""
    folder = made.staged(cell)
    files = []
    for name, (mode, text) in sorted(FILES.items()):
        if cell.variant.name == "minimal" and name.startswith(("lib/", "share/")):
            continue
        path = folder / (name + cell.platform.exe if name.startswith("bin/") else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        files.append(
            File(
                path=str(path.relative_to(folder).as_posix()),
                mode=mode,
                size=path.stat().st_size,
                sha256=digest_file(path),
                md5=digest_file(path, "md5"),
            )
        )
    contents = Contents(name=made.name_of(cell), platform=cell.platform.id, variant=cell.variant.name, files=tuple(files))
    made.contents(cell).write_bytes(contents.dump())
    return contents


def cell(made: Release, name: str) -> Cell:
    """The cell with this id, such as `linux-amd64-complete`."""
    return next(found for found in made.matrix if found.id == name)
