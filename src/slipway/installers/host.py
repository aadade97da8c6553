"""Installing this machine's distribution, and removing it again: the scripts that users get, run here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from slipway import console, process
from slipway.errors import GateError, SlipwayError, UsageError
from slipway.files import write_atomic
from slipway.installers.origin import Origin, origin_of
from slipway.installers.unix import Source, install_script, source_of, templates, uninstall_script
from slipway.model import Cell, Release
from slipway.platforms import Platform, host_platform
from slipway.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallHere:
    """Run install.sh on this machine, for its distribution in one variant.

    It is the script that create-installers makes: of all distributions that were asked for, as far as they are packed.
    """

    sources: tuple[Source, ...]
    origin: Origin
    overrides: Path
    made: Path
    script: Path
    packages: Path
    variant: str
    prefix: str

    def __call__(self) -> None:
        """Install; raises SlipwayError with what the script said."""
        packed = (source for source in self.sources if source.contents.is_file() and source.record.is_file())
        text = install_script(packed, self.origin, self.overrides)
        script = _same(self.made, self.script, text)
        _run(script, "--from", str(self.packages), "--variant", self.variant, *_below(self.prefix))


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallHere:
    """Run the uninstaller on this machine."""

    name: str
    overrides: Path
    made: Path
    script: Path
    prefix: str

    def __call__(self) -> None:
        """Remove what the receipt lists; nothing installed is fine."""
        script = _same(self.made, self.script, uninstall_script(self.name, self.overrides))
        _run(script, *_below(self.prefix))


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
    if remove:
        return (_removal(release, prefix),)
    cell = chosen_here(release.cells)
    if cell is None:
        return (_step("install", "Install on this machine", _refusal(_here(release.platforms), release)),)
    origin = origin_of(release)
    run = InstallHere(
        sources=tuple(source_of(release, each) for each in release.cells if each.platform.family != "windows"),
        origin=origin_of(release),
        overrides=release.project.root,
        made=release.paths.installers / "install.sh",
        script=release.paths.state / "host" / "install.sh",
        packages=release.paths.packages,
        variant=cell.variant.name,
        prefix=prefix,
    )
    own = source_of(release, cell)
    step = _step("install", f"Install {own.folder} on this machine", run)
    return (replace(step, inputs=(own.contents, own.record, *origin.inputs, *templates(release))),)


def chosen_here(cells: Iterable[Cell]) -> Cell | None:
    """The first of some distributions that is for this machine."""
    rows = tuple(cells)
    here = _here(tuple(cell.platform for cell in rows))
    return next((cell for cell in rows if cell.platform == here), None)


def _removal(release: Release, prefix: str) -> Step:
    name = release.project.name
    run = UninstallHere(
        name=name,
        overrides=release.project.root,
        made=release.paths.installers / f"uninstall-{name}.sh",
        script=release.paths.state / "host" / "uninstall.sh",
        prefix=prefix,
    )
    return _step("uninstall", f"Remove {name} from this machine", run)


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


def _same(made: Path, own: Path, text: str) -> Path:
    """The script that was made for users, where it has this text; otherwise one of ours that has."""
    data = text.encode()
    if made.is_file() and made.read_bytes() == data:
        return made
    write_atomic(own, data, mode=0o755)
    return own


def _below(prefix: str) -> tuple[str, ...]:
    return ("--prefix", prefix) if prefix else ()


def _run(script: Path, *arguments: str) -> None:
    answer = process.run(("sh", script, *arguments), check=False)
    if answer.code != 0:
        raise SlipwayError(answer.output.rstrip(), hint=f"the whole output is in {console.log_name()}")
    console.say(answer.output.rstrip())
