"""Join the programs of two platforms into one file that runs on both: macOS's universal binaries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.build.accept import Delivery, accept
from slipway.build.cargo import STAGE, platforms_of
from slipway.build.rule import Rule
from slipway.components import CargoComponent
from slipway.errors import SlipwayError
from slipway.files import write_atomic
from slipway.model import Release
from slipway.platforms import Platform, parts_of
from slipway.signing import MachOError, fat
from slipway.steps import Step, unique


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Join the binaries that were built for the parts of a platform; `built` has them for each place of the delivery."""

    built: Mapping[str, tuple[Path, ...]]
    delivery: Delivery
    rule: Rule

    def __call__(self) -> None:
        """Join all, check what came out, and only then put it in place."""
        with tempfile.TemporaryDirectory() as folder:
            joined = {to: self._joined(to, Path(folder) / to) for to in self.delivery.places}
            accept(joined, (self.delivery,), self.rule)

    def _joined(self, to: str, target: Path) -> Path:
        try:
            write_atomic(target, fat.join([path.read_bytes() for path in self.built[to]]), mode=0o755)
        except MachOError as error:
            row = self.rule.platform
            what = f"component {self.delivery.component}: {to} of {' and '.join(row.parts)}"
            raise SlipwayError(f"{what} cannot be joined for {row.id}: {error.message}", hint=error.hint) from error
        return target


def plan_joins(release: Release) -> tuple[Step, ...]:
    """One Step per cargo component and platform that has parts; the Steps that build for the parts make its inputs."""
    parts = [part for part in release.project.components if isinstance(part, CargoComponent)]
    joined = [platform for platform in platforms_of(release) if platform.parts]
    return unique(
        _step(release, row, part, key=f"{row.id}.{part.name}" if len(parts) > 1 else row.id)
        for row in joined
        for part in parts
        if row.id not in part.prebuilt
    )


def _step(release: Release, platform: Platform, part: CargoComponent, *, key: str) -> Step:
    places = [f"bin/{name}" for name in part.binaries]
    built = {to: tuple(release.made(row, to) for row in parts_of(platform)) for to in places}
    delivery = Delivery.of(release, platform, part.name, places)
    rule = Rule.of(release, platform)
    return Step(
        stage=STAGE,
        key=key,
        doc=f"Join {part.name} of {' and '.join(platform.parts)} for {platform.id}",
        run=Join(built=built, delivery=delivery, rule=rule),
        inputs=tuple(path for paths in built.values() for path in paths),
        outputs=delivery.outputs,
        needs=rule.needs,
    )
