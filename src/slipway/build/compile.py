"""Run cargo once for one platform and put the binaries in their place."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slipway import console, process, tools
from slipway.build import cross, workspace
from slipway.build.executable import check_executable
from slipway.build.preflight import Preflight
from slipway.build.toolchain import Way
from slipway.build.workspace import Workspace
from slipway.errors import NetworkError, SlipwayError
from slipway.files import copy_hashed
from slipway.model import CargoComponent
from slipway.plain import ASIDE
from slipway.platforms import Platform

# What cargo says when another machine did not answer.
_NETWORK: Final = re.compile(
    r"network failure|Could(?:n't| not) (?:resolve host|connect)|failed to (?:download|fetch|query replaced source)"
    r"|download of \S+ failed|Timeout was reached|Connection (?:refused|timed out)|Operation timed out"
    r"|attempting to make an HTTP request|Unable to update"
)
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Compile some components of one workspace for one platform; `places` says where each binary goes."""

    project: str
    version: str
    epoch: int
    components: tuple[CargoComponent, ...]
    platform: Platform
    way: Way
    rustflags: tuple[str, ...]
    inherited: tuple[str, ...]
    toolchain: str
    target_dir: Path
    places: Mapping[str, Path]
    preflight: Preflight = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Check the machine, check the names, compile, check what came out, and only then put it in place."""
        self.preflight(self.platform.id)
        found = workspace.ask(self.components[0].path)
        for component in self.components:
            workspace.check(found, component)
        environment = self._environment(found)
        done = process.question(self._command(found), cwd=self.components[0].path, env=environment)
        if self.way.name == "cross":
            cross.refuse_missing_container(self.platform.id, self.way.image, done)
        if done.code != 0:
            raise _explain(self.platform.id, done)
        made = dict(_executables(done.answer))
        sources = {name: self._made(name, made) for name in self.places}
        for name, path in self.places.items():
            copy_hashed(sources[name], path, "sha256", mode=0o755)
            _warn_of_paths(path, {str(found.root), str(self.target_dir), str(workspace.cargo_home())})

    def _command(self, found: Workspace) -> list[str]:
        first = self.components[0]
        words = [*_STARTS[self.way.name](), "--target", self.way.target, "--profile", first.profile]
        for part in self.components:
            words += ["-p", part.package, *(word for name in part.binaries for word in ("--bin", name))]
        words += ["--features", ",".join(first.features)] if first.features else []
        words += [] if first.default_features else ["--no-default-features"]
        words += ["--locked"] if (found.root / "Cargo.lock").is_file() else []
        return [*words, "--message-format=json-render-diagnostics", *first.arguments]

    def _environment(self, found: Workspace) -> dict[str, str]:
        remaps = self._remaps(found)
        flags = [
            *(self.inherited or workspace.configured_flags(self.components[0].path, self.platform.triple)),
            *self.rustflags,
            *self.way.rustflags,
            # rustc strips ELF, PE and Mach-O by itself, so no other program has to be found for each of them.
            "-Cstrip=symbols",
            *(f"--remap-path-prefix={path}={name}" for path, name in remaps.items()),
        ]
        # C compilers get these split at blanks.
        c_flags = [f"-ffile-prefix-map={path}={name}" for path, name in remaps.items() if " " not in path]
        variables = {
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
            "CARGO_INCREMENTAL": "0",
            "CARGO_TARGET_DIR": str(self.target_dir),
            "CARGO_TERM_COLOR": "never",
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "TZ": "UTC",
            "LC_ALL": "C",
            "ZERO_AR_DATE": "1",
            f"{_variable(self.project)}_VERSION": self.version,
            **{name: _joined(name, c_flags) for name in ("TARGET_CFLAGS", "TARGET_CXXFLAGS")},
            **self.way.environment,
        }
        return {**variables, **_EXTRAS[self.way.name](self, tuple(variables))}

    def _remaps(self, found: Workspace) -> dict[str, str]:
        # The last prefix that fits wins, so the more special ones come later.
        sysroot = process.capture(["rustc", "--print", "sysroot"], cwd=self.components[0].path)
        sources = {f"{sysroot}/lib/rustlib/src/rust": "/rustc"} if sysroot else {}
        return {
            **sources,
            str(workspace.cargo_home()): "/cargo",
            str(found.root): f"/{self.project}",
            str(self.target_dir): "/target",
        }

    def _made(self, name: str, made: Mapping[str, Path]) -> Path:
        owner = next(part.name for part in self.components if name in part.binaries)
        if name not in made:
            raise SlipwayError(
                f"component {owner}: cargo did not make the binary {name}",
                hint=f"it made {', '.join(sorted(made)) or 'none'}; is a feature missing that the binary requires?",
            )
        path = self._outside(made[name])
        check_executable(path, self.platform, f"component {owner}, binary {name}")
        return path

    def _outside(self, path: Path) -> Path:
        # Inside cross's container the target folder is /target.
        inside = self.way.name == "cross" and path.is_relative_to("/target") and not path.exists()
        return self.target_dir / path.relative_to("/target") if inside else path


def _start_zig() -> list[str]:
    return [*(tools.command_of("cargo-zigbuild") or ("cargo-zigbuild",)), "zigbuild"]


_STARTS: Final = {
    "cargo": lambda: ["cargo", "build"],
    "mingw": lambda: ["cargo", "build"],
    "cross": lambda: ["cross", "build"],
    "zigbuild": _start_zig,
}


def _nothing(_step: Compile, _names: tuple[str, ...]) -> dict[str, str]:
    return {}


def _zig(step: Compile, _names: tuple[str, ...]) -> dict[str, str]:
    found = {"CARGO_ZIGBUILD_PYTHON_PATH": sys.executable}
    if step.platform.family == "macos" and sys.platform != "darwin":
        # zig brings what Apple's SDK would; an empty one keeps cargo-zigbuild from looking for another.
        empty = step.target_dir / "nosdk"
        for below in ("usr/lib", "System/Library/Frameworks"):
            (empty / below).mkdir(parents=True, exist_ok=True)
        found["SDKROOT"] = str(empty)
    return found


def _mingw(step: Compile, _names: tuple[str, ...]) -> dict[str, str]:
    triple = step.platform.triple.replace("-", "_")
    linker = str(tools.require("mingw").path)
    names = (f"CARGO_TARGET_{triple.upper()}_LINKER", f"CC_{triple}")
    return {name: linker for name in names if name not in os.environ}


def _cross(step: Compile, names: tuple[str, ...]) -> dict[str, str]:
    # The container sees only the variables that are named here; cross itself sets CARGO_TARGET_DIR.
    passed = [name for name in names if name != "CARGO_TARGET_DIR"] + ["RUST_LOG", f"{_variable(step.project)}_DEBUG"]
    # Beside the target folder: cross mounts that one into the container.
    folder = step.target_dir.with_name(f"{step.target_dir.name}-programs")
    return cross.environment(step.platform.triple, step.way.image, passed, folder)


_EXTRAS: Final = {"cargo": _nothing, "mingw": _mingw, "cross": _cross, "zigbuild": _zig}


def _executables(answer: str) -> Iterator[tuple[str, Path]]:
    for line in answer.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            yield message["target"]["name"], Path(message["executable"])


def _explain(platform: str, done: process.Result) -> SlipwayError:
    lines = done.output.splitlines()
    first = next((index for index, line in enumerate(lines) if line.startswith("error")), max(0, len(lines) - _SHOWN))
    text = "\n".join(f"    {line}" for line in lines[first : first + _SHOWN])
    if _NETWORK.search(done.output):
        return NetworkError(
            f"cargo could not fetch what {platform} needs\n{text}",
            hint="check the network and the proxy settings, or run cargo fetch where there is a network",
        )
    hint = f"the whole output is in {console.log_name()}"
    if "--locked" in text:
        hint = "bring Cargo.lock up to date (cargo update --workspace) and commit it"
    return SlipwayError(f"compiling for {platform} failed with exit code {done.code}\n{text}", hint=hint)


def _warn_of_paths(path: Path, folders: set[str]) -> None:
    data = path.read_bytes()
    for folder in sorted(folders):
        if f"{folder}/".encode() in data:
            console.warn(f"{path.name} contains the path {folder}, so it will differ when it is built elsewhere")


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _joined(name: str, flags: list[str]) -> str:
    said = os.environ.get(name) or os.environ.get(name.removeprefix("TARGET_"), "")
    return " ".join([*said.split(), *flags])
