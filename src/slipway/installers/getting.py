"""How users get a release from the web: the lines that they type, said when its installers are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.files import digest_file
from slipway.installers.origin import download_url
from slipway.installers.scripts import STAGE
from slipway.model import Release
from slipway.steps import Step

SHELL: Final = "install.sh"
POWERSHELL: Final = "install.ps1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SayHow:
    """Say with which lines users install what lies at an address."""

    title: str
    url: str
    scripts: tuple[Path, ...]

    def __call__(self) -> None:
        """Say it."""
        console.say("\n".join(f"      {line}" for line in self.lines()))

    def lines(self) -> tuple[str, ...]:
        """The lines, each script's with its digest."""
        return (f"Once {self.title} lies at {address_of(self.url, '')}, it is installed by one of", *self._commands())

    def _commands(self) -> Iterator[str]:
        for script in self.scripts:
            address, digest = address_of(self.url, script.name), digest_file(script)
            if script.name == SHELL:
                yield f"  curl --proto '=https' --tlsv1.2 -fsSL {address} | sh"
                yield f"  wget -qO- {address} | sh"
                yield "or, looked at before it runs, by"
                yield f"  curl -fsSLO {address} && echo '{digest}  {SHELL}' | sha256sum -c && sh {SHELL}"
            else:
                yield f"  irm {address} | iex"
                yield f"where {script.name} has the SHA-256 {digest}"


def address_of(url: str, file: str) -> str:
    """The address of a file below a folder on the web, or in its place where the address says `{file}`."""
    return url.replace("{file}", file) if "{file}" in url else f"{url.rstrip('/')}/{file}"


def plan_getting(release: Release, made: Iterable[Step]) -> tuple[Step, ...]:
    """Plan to say how the scripts that some Steps make are got, where the project says from where."""
    url = download_url(release)
    outputs = (path for step in made for path in step.outputs)
    scripts = tuple(path for path in outputs if path.name in (SHELL, POWERSHELL))
    if not url or not scripts:
        return ()
    run = SayHow(title=f"{release.project.name} {release.version}", url=url, scripts=scripts)
    return (Step(stage=STAGE, key="how-to-get", doc="Say how users get the installers", run=run, inputs=scripts),)
