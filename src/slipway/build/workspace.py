"""What a cargo workspace says about itself: its root, its packages and binaries, its configured flags."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway import process
from slipway.components import CargoComponent
from slipway.errors import ConfigError, SlipwayError, did_you_mean

# Beside the sources, these decide what cargo makes.
ROOT_FILES: Final = ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config", ".cargo/config.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A cargo workspace: its folder and the binaries of each package."""

    root: Path
    packages: Mapping[str, tuple[str, ...]]


def ask(folder: Path) -> Workspace:
    """Ask cargo for the packages of a workspace; needs no network."""
    if not (folder / "Cargo.toml").is_file():
        raise ConfigError(f"{folder} has no Cargo.toml", key="component.path", hint="name the folder of the cargo workspace")
    done = process.question(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"], cwd=folder)
    if done.code != 0:
        raise SlipwayError(f"cargo cannot read {folder / 'Cargo.toml'}\n{done.output.rstrip()}", hint="mend the file named above")
    said: dict[str, Any] = json.loads(done.answer)
    binaries = {
        package["name"]: tuple(target["name"] for target in package["targets"] if "bin" in target["kind"])
        for package in said["packages"]
    }
    return Workspace(root=Path(said["workspace_root"]), packages=binaries)


def check(workspace: Workspace, component: CargoComponent) -> None:
    """Refuse a component whose package or binary the workspace does not have."""
    if component.package not in workspace.packages:
        raise _unknown(component, "package", component.package, workspace.packages)
    made = workspace.packages[component.package]
    for name in component.binaries:
        if name not in made:
            raise _unknown(component, f"package {component.package} makes no binary", name, made)


def configured_flags(folder: Path, triple: str) -> tuple[str, ...]:
    """The rustflags of the .cargo/config.toml files that hold for a folder, outermost first.

    cargo ignores them once the environment gives flags, so they are read here and given along.
    """
    configs = [config for file in _config_files(folder) for config in (tomllib.loads(file.read_text(encoding="utf-8")),)]
    targeted = [flag for config in configs for flag in _flags(config.get("target", {}).get(triple, {}))]
    return tuple(targeted or (flag for config in configs for flag in _flags(config.get("build", {}))))


def configured_jobs(folder: Path) -> int:
    """How many jobs the .cargo/config.toml files that hold for a folder want; the innermost counts, 0 means nothing is said."""
    said = [tomllib.loads(file.read_text(encoding="utf-8")).get("build", {}).get("jobs") for file in _config_files(folder)]
    return next((number for number in reversed(said) if isinstance(number, int)), 0)


def inherited_flags() -> tuple[str, ...]:
    """The flags of this process's environment, as cargo reads them."""
    encoded = os.environ.get("CARGO_ENCODED_RUSTFLAGS", "")
    return tuple(encoded.split("\x1f")) if encoded else tuple(os.environ.get("RUSTFLAGS", "").split())


def cargo_home() -> Path:
    """Where cargo keeps what it downloads."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def _config_files(folder: Path) -> Iterator[Path]:
    places = [cargo_home(), *(place / ".cargo" for place in reversed((folder, *folder.parents)))]
    seen: set[Path] = set()
    for place in places:
        file = next((path for path in (place / "config", place / "config.toml") if path.is_file()), None)
        if file is not None and file not in seen:
            seen.add(file)
            yield file


def _flags(table: Mapping[str, Any]) -> tuple[str, ...]:
    value = table.get("rustflags", ())
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def _unknown(component: CargoComponent, what: str, name: str, known: Mapping[str, object] | tuple[str, ...]) -> ConfigError:
    listed = ", ".join(sorted(known)) or "none"
    problem = f"{what} {name}" if what != "package" else f"the workspace {component.path} has no package {name}"
    return ConfigError(problem, key=f"component.{component.name}", hint=f"{did_you_mean(name, known)}cargo knows {listed}")
