"""Installing this machine's distribution, and removing it again: the scripts that users get, run here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from slipway import console, process
from slipway.errors import GateError, SlipwayError, UsageError
from slipway.files import write_atomic
from slipway.installers.unix import Source, download_url, install_script, source_of, templates, uninstall_script
from slipway.model import Cell, Release
from slipway.platforms import Platform, host_platform
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallHere:
    """Render install.sh for one distribution and run it on this machine."""

    source: Source
    download_url: str
    overrides: Path
    script: Path
    packages: Path
    prefix: str

    def __call__(self) -> None:
        """Install; raises SlipwayError with what the script said."""
        write_atomic(self.script, install_script((self.source,), self.download_url, self.overrides).encode(), mode=0o755)
        _run(self.script, "--from", str(self.packages), *_below(self.prefix))


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallHere:
    """Render uninstall.sh and run it on this machine."""

    name: str
    overrides: Path
    script: Path
    prefix: str

    def __call__(self) -> None:
        """Remove what the receipt lists; nothing installed is fine."""
        write_atomic(self.script, uninstall_script(self.name, self.overrides).encode(), mode=0o755)
        _run(self.script, *_below(self.prefix))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Say why this machine's distribution cannot be installed."""

    message: str
    hint: str

    def __call__(self) -> None:
        """Raise GateError."""
        raise GateError(self.message, hint=self.hint)


def plan_install(release: Release, prefix: str = "", *, remove: bool = False) -> tuple[Step, ...]:
    """Plan to install this machine's distribution in the first variant that was asked for, or to remove it."""
    scripts = release.paths.state / "host"
    if remove:
        run = UninstallHere(
            name=release.project.name, overrides=release.project.root, script=scripts / "uninstall.sh", prefix=prefix
        )
        return (_step("uninstall", f"Remove {release.project.name} from this machine", run),)
    here = _here(release.platforms)
    if here is None or here not in release.platforms:
        return (_step("install", "Install on this machine", _refusal(here, release)),)
    source = source_of(release, Cell(platform=here, variant=release.variants[0]))
    install = InstallHere(
        source=source,
        download_url=download_url(release),
        overrides=release.project.root,
        script=scripts / "install.sh",
        packages=release.paths.packages,
        prefix=prefix,
    )
    step = _step("install", f"Install {source.folder} on this machine", install)
    return (replace(step, inputs=(source.contents, source.record, *templates(release))),)


def _step(stage: str, doc: str, run: InstallHere | UninstallHere | Refuse) -> Step:
    return Step(stage=stage, key="host", doc=doc, run=run, always=True)


def _here(asked: Collection[Platform]) -> Platform | None:
    try:
        found = host_platform()
    except UsageError:
        return None
    joined = (row for row in asked if found.id in row.parts and found not in asked)
    return None if found.family == "windows" else next(joined, found)


def _refusal(here: Platform | None, release: Release) -> Refuse:
    machine = "this machine" if here is None else f"{here.id}, which is this machine,"
    names = ", ".join(row.id for row in release.platforms)
    return Refuse(
        message=f"{machine} is not among the platforms of this run: {names}",
        hint="install.sh installs on Linux, macOS and FreeBSD" if here is None else "run again with PLATFORMS=host",
    )


def _below(prefix: str) -> tuple[str, ...]:
    return ("--prefix", prefix) if prefix else ()


def _run(script: Path, *arguments: str) -> None:
    answer = process.run(("sh", script, *arguments), check=False)
    if answer.code != 0:
        raise SlipwayError(answer.output.rstrip(), hint=f"the whole output is in {console.log_name()}")
    console.say(answer.output.rstrip())
