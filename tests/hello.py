"""A small project with a slipway.toml, for tests of the command line; its programs are shell scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import sample

TOML = """\
[project]
name = "hello"
summary = "Greet whoever asks"
license = "Apache-2.0"
maintainer = "Hello Makers <makers@hello.example>"
homepage = "https://hello.example"
documents = ["README.md", "LICENSE"]
platforms = ["linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"]
packages = ["deb", "rpm", "freebsd", "pkg"]

[version]
source = "value"
value = "1.2.3"

[component.programs]
kind = "command"
path = "src"
command = ["sh", "-c", "cp hello hello-server \\"$SLIPWAY_OUT\\""]
outputs = { "bin/hello" = "hello", "bin/hello-server" = "hello-server" }

[component.library]
kind = "tree"
path = "lib"
to = "lib/hello"

[component.docs]
kind = "tree"
path = "docs"
to = "share/doc/hello"

[component.config]
kind = "tree"
path = "config"
to = "etc/hello"

[variant.complete]
components = ["*"]

[variant.minimal]
components = ["programs", "config"]

[service.hello-server]
binary = "hello-server"
summary = "Greets over the network"

[install]
health = ["hello", "--version"]

[test]
basic = ["hello"]
"""
DODO = "from slipway.doit import CONFIG as DOIT_CONFIG, standard_tasks\n\nglobals().update(standard_tasks())\n"
BIN = Path(sys.executable).parent


def write(folder: Path, *, dodo: bool = True, toml: str = TOML) -> Path:
    """Write the project; returns its folder."""
    sample.project(folder)
    (folder / "slipway.toml").write_text(toml)
    if dodo:
        (folder / "dodo.py").write_text(DODO)
    return folder


def run(folder: Path, program: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run doit or slipway of this environment in a folder."""
    return subprocess.run(
        [BIN / program, *words],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
