"""Run cargo once for one platform and put the binaries in their place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway import process
from slipway.build import cross, workspace
from slipway.build.accept import accept
from slipway.build.diagnosis import explain
from slipway.build.invocation import Invocation
from slipway.build.preflight import Preflight
from slipway.errors import SlipwayError
from slipway.plain import ASIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Compile some components of one workspace for one platform; `places` says where each binary goes."""

    call: Invocation
    places: Mapping[str, Path]
    preflight: Preflight = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Check the machine, check the names, compile, check what came out, and only then put it in place."""
        call = self.call
        self.preflight(call.platform.id)
        folder = call.components[0].path
        found = workspace.ask(folder)
        for component in call.components:
            workspace.check(found, component)
        done = process.question(call.command(found), cwd=folder, env=call.environment(found))
        if call.way.name == "cross":
            cross.refuse_missing_container(call.platform.id, call.way.image, done)
        if done.code != 0:
            raise explain(call.platform.id, done)
        made = dict(_executables(done.answer))
        built = {name: self._made(name, made) for name in self.places}
        secrets = {str(found.root), str(call.target_dir), str(workspace.cargo_home())}
        accept(built, self.places, call.platform, paths=secrets)

    def _made(self, name: str, made: Mapping[str, Path]) -> Path:
        owner = next(part.name for part in self.call.components if name in part.binaries)
        if name not in made:
            raise SlipwayError(
                f"component {owner}: cargo did not make the binary {name}",
                hint=f"it made {', '.join(sorted(made)) or 'none'}; is a feature missing that the binary requires?",
            )
        return self._outside(made[name])

    def _outside(self, path: Path) -> Path:
        # Inside cross's container the target folder is /target.
        inside = self.call.way.name == "cross" and path.is_relative_to("/target") and not path.exists()
        return self.call.target_dir / path.relative_to("/target") if inside else path


def _executables(answer: str) -> Iterator[tuple[str, Path]]:
    for line in answer.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            yield message["target"]["name"], Path(message["executable"])
