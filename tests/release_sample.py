"""A small, signed project with releases that are ready to be published, as machines that publish have it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keys

import hello

CANARIES = {
    "SLIPWAY_MINISIGN_KEY": "",  # set to the secret key when it is made
    "SAMPLE_TOKEN": "canary-4f6c1d-in-the-environment",
}
TOML = """\
[project]
name = "hello"
summary = "Greet whoever asks"
license = "Apache-2.0"
maintainer = "Hello Makers <makers@hello.example>"
homepage = "https://hello.example"
documents = ["README.md"]
platforms = ["linux-amd64"]
packages = []

[version]
source = "value"
value = "1.0.0"

[component.programs]
kind = "command"
path = "src"
command = ["sh", "-c", "cp hello hello-server \\"$SLIPWAY_OUT\\""]
outputs = {{ "bin/hello" = "hello", "bin/hello-server" = "hello-server" }}

[variant.complete]
components = ["*"]

[sign]
minisign = "{public}"
what = ["checksums"]
"""


@dataclass(frozen=True)
class Sample:
    """Where finished checkouts lie, one for each version; they are copied, and nobody works in them.

    The `target` decides how much is published: `all`, or `create-archives` for little.
    """

    root: Path
    target: str = "all"

    def build(self, version: str) -> Path:
        """The checkout with a finished version in packages/."""
        folder = self.root / version
        if not folder.exists():
            self._build(folder, version)
        return folder

    def _build(self, folder: Path, version: str) -> None:
        public = self._key()
        hello.write(folder, toml=TOML.format(public=public))
        (folder / ".gitignore").write_text("dist/\npackages/\n.slipway/\npublished/\nbuild.log\n")
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
        who = ("-c", "user.name=Mara", "-c", "user.email=mara@hello.example")
        for words in (("init", "-q", "-b", "main"), ("add", "--all"), (*who, "commit", "-q", "-m", "feat: greet")):
            subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **dates})
        done = hello.run(folder, "doit", self.target, f"VERSION={version}", INSTALLER_TYPES="shell", **self.secrets)
        assert done.returncode == 0, done.stderr

    def _key(self) -> str:
        place = self.root / "keys"
        if not place.exists():
            place.mkdir(parents=True)
            line, _ = keys.minisign(place)
            (place / "line").write_text(line)
        return (place / "line").read_text()

    @property
    def secrets(self) -> dict[str, str]:
        """The variables that hold secrets."""
        return {"SLIPWAY_MINISIGN_KEY": str(self.root / "keys" / "minisign.key"), "SAMPLE_TOKEN": CANARIES["SAMPLE_TOKEN"]}


@dataclass(frozen=True)
class Machine:
    """Somebody's machine: a home of its own, and checkouts of its own, to each of which more of slipway.toml is added."""

    home: Path
    sample: Sample
    toml: str
    origin: Path | None = None

    def checkout(self, version: str) -> Path:
        """This machine's checkout with a finished version."""
        folder = self.home / version
        if not folder.exists():
            shutil.copytree(self.sample.build(version), folder, symlinks=True)
            with (folder / "slipway.toml").open("a") as file:
                file.write(f"\n{self.toml}")
            if self.origin is not None:
                subprocess.run(["git", "remote", "add", "origin", self.origin], cwd=folder, check=True)
        return folder

    @property
    def env(self) -> Mapping[str, str]:
        """Its variables."""
        return {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            **self.sample.secrets,
        }

    def journal(self) -> list[dict[str, str]]:
        """All records that this machine knows."""
        found = sorted((self.home / "state").rglob("journal.jsonl"))
        return [json.loads(line) for path in found for line in path.read_text().splitlines()]
