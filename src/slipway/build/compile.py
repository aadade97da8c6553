"""Run cargo once for one platform and put the binaries in their place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slipway import console, process
from slipway.build import cross, jobs, workspace
from slipway.build.accept import Delivery, accept
from slipway.build.diagnosis import explain
from slipway.build.invocation import Invocation
from slipway.build.preflight import Preflight
from slipway.build.rule import Rule, paths_of
from slipway.build.workspace import Workspace
from slipway.errors import SlipwayError
from slipway.plain import ASIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Compile some components of one workspace for one platform; `deliveries` say where each binary goes."""

    call: Invocation
    deliveries: tuple[Delivery, ...]
    rule: Rule
    preflight: Preflight = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Check the machine, check the names, compile, check what came out, and only then put it in place."""
        call = self.call
        self.preflight(call.platform.id)
        folder = call.components[0].path
        found = workspace.ask(folder)
        for component in call.components:
            workspace.check(found, component)
        self._lock(found)
        done = self._run(found)
        if call.way.name == "cross":
            cross.refuse_missing_container(call.platform.id, call.way.image, done)
        if done.code != 0:
            raise explain(call.platform, done)
        made = dict(_executables(done.answer))
        built = {to: self._made(to.removeprefix("bin/"), made) for each in self.deliveries for to in each.places}
        secrets = paths_of((found.root, call.target_dir, workspace.cargo_home(), Path.home()))
        accept(built, self.deliveries, self.rule, paths=secrets)

    def _lock(self, found: Workspace) -> None:
        # cargo would write it by itself, but then it would be an input that changes while it is used.
        with _locking:
            if (found.root / "Cargo.lock").is_file():
                return
            done = process.question(["cargo", "generate-lockfile"], cwd=found.root)
            if done.code != 0:
                raise explain(self.call.platform, done)
            console.warn(
                f"{found.root} had no Cargo.lock; cargo chose today's dependencies: commit it to get the same ones again"
            )

    def _run(self, found: Workspace) -> process.Result:
        call, apart = self.call, self.call.way.name == "cross"
        folder = call.components[0].path
        with jobs.job(apart=apart, said=workspace.configured_jobs(folder)) as lease:
            # A container cannot reach the jobserver; cross hands it every variable that begins with CARGO_.
            variables = {**call.environment(found), **lease.environment}
            return process.question(call.command(found), cwd=folder, env=variables, files=lease.files)

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


_locking: Final = threading.Lock()


def _executables(answer: str) -> Iterator[tuple[str, Path]]:
    for line in answer.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            yield message["target"]["name"], Path(message["executable"])
