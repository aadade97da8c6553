"""Plan and run the components that any other command builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway import process
from slipway.build.cargo import STAGE, platforms_of, source_files
from slipway.build.executable import check_executable
from slipway.errors import SlipwayError
from slipway.files import copy_hashed, remove_tree
from slipway.model import CommandComponent, Release
from slipway.platforms import Platform
from slipway.steps import Step, unique


def plan_commands(release: Release) -> tuple[Step, ...]:
    """One Step per platform and command component."""
    parts = [part for part in release.project.components if isinstance(part, CommandComponent)]
    inputs = {part.name: source_files(release, part.path, part.inputs) for part in parts}
    return unique(_step(release, platform, part, inputs[part.name]) for platform in platforms_of(release) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run a component's command for one platform; `places` says where each file that it makes goes.

    In the command and in the names of the files made, `{platform}`, `{triple}`, `{exe}`, `{version}`, `{name}` and
    `{out}` are replaced. A file made is looked for below the component's folder; `{out}/…` is the folder of its own
    that every run gets empty (also SLIPWAY_OUT), and the right place where several platforms are built at once.
    """

    project: str
    version: str
    epoch: int
    component: CommandComponent
    platform: Platform
    scratch: Path
    places: Mapping[str, Path]

    def __call__(self) -> None:
        """Run the command, check that it made everything, and only then put the files in place."""
        remove_tree(self.scratch)
        self.scratch.mkdir(parents=True)
        part = self.component
        process.run([self._filled(word) for word in part.command], cwd=part.path, env=self._environment())
        made = {to: self._made(to, file) for to, file in part.outputs.items()}
        for to, path in self.places.items():
            copy_hashed(made[to], path, mode=_mode(to, made[to]))
        remove_tree(self.scratch)

    def _words(self) -> Mapping[str, str]:
        row = self.platform
        return {
            "platform": row.id,
            "triple": row.triple,
            "exe": row.exe,
            "version": self.version,
            "name": self.project,
            "out": str(self.scratch),
        }

    def _filled(self, text: str) -> str:
        for word, value in self._words().items():
            text = text.replace(f"{{{word}}}", value)
        return text

    def _environment(self) -> dict[str, str]:
        said = {f"SLIPWAY_{word.upper()}": value for word, value in self._words().items()}
        return {**said, "SLIPWAY_FAMILY": self.platform.family, "SOURCE_DATE_EPOCH": str(self.epoch), "TZ": "UTC", "LC_ALL": "C"}

    def _made(self, to: str, file: str) -> Path:
        path = self.component.path / self._filled(file)
        owner = f"component {self.component.name}"
        if not path.is_file():
            raise SlipwayError(
                f"{owner}: the command ended well, but {path} is not there for {to} on {self.platform.id}",
                hint=f"correct component.{self.component.name}.outputs, or the command: {' '.join(self.component.command)}",
            )
        check_executable(path, self.platform, owner)
        return path


def _step(release: Release, platform: Platform, part: CommandComponent, inputs: tuple[Path, ...]) -> Step:
    places = {to: release.made(platform, to) for to in part.outputs}
    run = RunCommand(
        project=release.project.name,
        version=str(release.version),
        epoch=release.epoch,
        component=part,
        platform=platform,
        scratch=release.paths.state / "scratch" / f"{platform.id}.{part.name}",
        places=places,
    )
    return Step(
        stage=STAGE,
        key=f"{platform.id}.{part.name}",
        doc=f"Run the command of {part.name} for {platform.id}",
        run=run,
        inputs=inputs,
        outputs=tuple(places.values()),
    )


def _mode(to: str, made: Path) -> int:
    return 0o755 if to.startswith("bin/") or made.stat().st_mode & 0o100 else 0o644
