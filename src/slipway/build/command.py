"""Plan and run the components that any other command builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slipway import process
from slipway.build.accept import Delivery, accept
from slipway.build.cargo import STAGE, platforms_of, source_files
from slipway.build.rule import Rule, paths_of
from slipway.components import CommandComponent, filled, words_of
from slipway.errors import SlipwayError
from slipway.files import remove_tree
from slipway.model import Release
from slipway.platforms import Platform
from slipway.steps import Step, unique


def plan_commands(release: Release) -> tuple[Step, ...]:
    """One Step per platform and command component."""
    parts = [part for part in release.project.components if isinstance(part, CommandComponent)]
    inputs = {part.name: source_files(release, part.path, part.inputs) for part in parts}
    return unique(
        _step(release, platform, replace(part, prebuilt={}), inputs[part.name])
        for platform in platforms_of(release)
        for part in parts
        if platform.id not in part.prebuilt
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run a component's command for one platform; `delivery` says where each file that it makes goes.

    In the command and in the names of the files made, the WORDS are replaced. A file made is looked for below the
    component's folder; `{out}/…` is the folder of its own that every run gets empty (also SLIPWAY_OUT), and the right
    place where several platforms are built at once.
    """

    project: str
    version: str
    epoch: int
    component: CommandComponent
    rule: Rule
    scratch: Path
    delivery: Delivery

    def __call__(self) -> None:
        """Run the command, check what it made, and only when all is right put the files in place."""
        remove_tree(self.scratch)
        self.scratch.mkdir(parents=True)
        part = self.component
        process.run([self._filled(word) for word in part.command], cwd=part.path, env=self._environment())
        made = {to: self._made(to, file) for to, file in part.outputs.items()}
        accept(made, (self.delivery,), self.rule, paths=paths_of((part.path, self.scratch, Path.home())))
        remove_tree(self.scratch)

    def _words(self) -> Mapping[str, str]:
        known = words_of(self.rule.platform, name=self.project, version=self.version)
        return {**known, "epoch": str(self.epoch), "out": str(self.scratch)}

    def _filled(self, text: str) -> str:
        return filled(text, self._words())

    def _environment(self) -> dict[str, str]:
        said = {f"SLIPWAY_{word.upper()}": value for word, value in self._words().items()}
        return {**said, "SOURCE_DATE_EPOCH": str(self.epoch), "TZ": "UTC", "LC_ALL": "C"}

    def _made(self, to: str, file: str) -> Path:
        path = self.component.path / self._filled(file)
        if not path.is_file():
            raise SlipwayError(
                f"component {self.component.name}: the command ended well, "
                f"but {path} is not there for {to} on {self.rule.platform.id}",
                hint=f"correct component.{self.component.name}.outputs, or the command: {' '.join(self.component.command)}",
            )
        return path


def _step(release: Release, platform: Platform, part: CommandComponent, inputs: tuple[Path, ...]) -> Step:
    delivery = Delivery.of(release, platform, part.name, part.outputs)
    run = RunCommand(
        project=release.project.name,
        version=str(release.version),
        epoch=release.epoch,
        component=part,
        rule=Rule.of(release, platform),
        scratch=release.paths.state / "scratch" / f"{platform.id}.{part.name}",
        delivery=delivery,
    )
    return Step(
        stage=STAGE,
        key=f"{platform.id}.{part.name}",
        doc=f"Run the command of {part.name} for {platform.id}",
        run=run,
        inputs=inputs,
        outputs=delivery.outputs,
        needs=run.rule.needs,
    )
