"""How cargo is called: its words and its variables, the same for everybody who builds the same commit."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import sysroot, tools
from slipway.build import cross, workspace
from slipway.build.toolchain import Way
from slipway.build.workspace import Workspace
from slipway.components import CargoComponent
from slipway.config.crates import find_root
from slipway.platforms import Platform

# rustc strips ELF, PE and Mach-O by itself, so no other program has to be found for each of them.
_STRIPPED: Final = ("-Cstrip=symbols",)
_UNSTRIPPED: Final = {"keep": ("-Cstrip=none",), "separate": ("-Cstrip=none", "-Cdebuginfo=2")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of cargo for some components of one workspace and one platform."""

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
    symbols: str = ""

    def command(self, found: Workspace) -> list[str]:
        """The words of the call."""
        first = self.components[0]
        words = [*_STARTS[self.way.name](), "--target", self.way.target, "--profile", first.profile]
        for part in self.components:
            words += ["-p", part.package, *(word for name in part.binaries for word in ("--bin", name))]
        words += ["--features", ",".join(first.features)] if first.features else []
        words += [] if first.default_features else ["--no-default-features"]
        words += ["--locked"] if (found.root / "Cargo.lock").is_file() else []
        return [*words, "--message-format=json-render-diagnostics", *first.arguments]

    def environment(self, found: Workspace) -> dict[str, str]:
        """The variables of the call: no path of this machine and no time gets into what is made."""
        remaps = self._remaps(found)
        flags = [
            *(self.inherited or workspace.configured_flags(self.components[0].path, self.platform.triple)),
            *self.rustflags,
            *self.way.rustflags,
            *(_UNSTRIPPED.get(self.symbols, ()) or _STRIPPED),
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
        if self.way.toolchain.library:
            variables.update(sysroot.variables(self.components[0].path, self.platform.triple))
        return {**variables, **_EXTRAS[self.way.name](self, tuple(variables))}

    def _remaps(self, found: Workspace) -> dict[str, str]:
        # The last prefix that fits wins, so the more special ones come later.
        # Where the compiler's sources lie beside it, it names them by that path, and elsewhere by its commit.
        rustc = sysroot.compiler(self.components[0].path)
        return {
            **({f"{rustc.sysroot}/lib/rustlib/src/rust": f"/rustc/{rustc.commit or rustc.release}"} if rustc else {}),
            str(workspace.cargo_home()): "/cargo",
            str(found.root): f"/{self.project}",
            str(self.target_dir): "/target",
        }


def _start_zig() -> list[str]:
    return [*(tools.command_of("cargo-zigbuild") or ("cargo-zigbuild",)), "zigbuild"]


_STARTS: Final = {
    "cargo": lambda: ["cargo", "build"],
    "mingw": lambda: ["cargo", "build"],
    "cross": lambda: ["cross", "build"],
    "zigbuild": _start_zig,
}


def _nothing(_call: Invocation, _names: tuple[str, ...]) -> dict[str, str]:
    return {}


def _zig(call: Invocation, _names: tuple[str, ...]) -> dict[str, str]:
    zig = tools.command_of("zig") or ()
    # A program by its path, or a module of this Python: a standalone slipway has none.
    found = {"CARGO_ZIGBUILD_ZIG_PATH": zig[0]} if len(zig) == 1 else {"CARGO_ZIGBUILD_PYTHON_PATH": sys.executable}
    if call.platform.family == "macos" and sys.platform != "darwin":
        # zig brings what Apple's SDK would; an empty one keeps cargo-zigbuild from looking for another.
        empty = call.target_dir / "nosdk"
        for below in ("usr/lib", "System/Library/Frameworks"):
            (empty / below).mkdir(parents=True, exist_ok=True)
        found["SDKROOT"] = str(empty)
    return found


def _mingw(call: Invocation, _names: tuple[str, ...]) -> dict[str, str]:
    triple = call.platform.triple.replace("-", "_")
    linker = str(tools.require("mingw").path)
    names = (f"CARGO_TARGET_{triple.upper()}_LINKER", f"CC_{triple}")
    return {name: linker for name in names if name not in os.environ}


def _cross(call: Invocation, names: tuple[str, ...]) -> dict[str, str]:
    # The container sees only the variables that are named here; cross itself sets CARGO_TARGET_DIR.
    passed = [name for name in names if name != "CARGO_TARGET_DIR"] + ["RUST_LOG", f"{_variable(call.project)}_DEBUG"]
    # Beside the target folder: cross mounts that one into the container.
    folder = call.target_dir.with_name(f"{call.target_dir.name}-programs")
    root = find_root(call.components[0].path)
    return cross.environment(call.platform, call.way.image, passed, folder=folder, root=root)


_EXTRAS: Final = {"cargo": _nothing, "mingw": _mingw, "cross": _cross, "zigbuild": _zig}


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _joined(name: str, flags: list[str]) -> str:
    said = os.environ.get(name) or os.environ.get(name.removeprefix("TARGET_"), "")
    return " ".join([*said.split(), *flags])
