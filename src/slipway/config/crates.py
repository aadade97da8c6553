"""What Cargo.toml files say about a project: packages, their facts and their binaries."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Package:
    """One cargo package; `shared` is what its workspace hands down."""

    folder: Path
    data: Mapping[str, Any]
    shared: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.text("name")

    def text(self, key: str) -> str:
        """A fact of the package, also when its workspace says it; empty when nobody does."""
        value = self._value(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A fact that is a list."""
        value = self._value(key)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    def _value(self, key: str) -> Any:
        value = self.data["package"].get(key)
        return self.shared.get(key) if isinstance(value, dict) and value.get("workspace") else value

    @property
    def binaries(self) -> tuple[str, ...]:
        """The programs that cargo builds with the default features; the one of `cargo run` comes first."""
        told = {entry["name"]: entry for entry in self.data.get("bin", []) if "name" in entry}
        features = self._default_features()
        names = [name for name, entry in told.items() if set(entry.get("required-features", [])) <= features]
        paths = {Path(entry["path"]) for entry in told.values() if "path" in entry}
        if self._discovers(bool(told)):
            names += [name for name, path in self._found() if name not in told and path not in paths]
        first = self.data["package"].get("default-run")
        return tuple(sorted(dict.fromkeys(names), key=lambda name: (name != first, name)))

    def _discovers(self, told: bool) -> bool:
        """Whether cargo looks for binaries by itself; in edition 2015 it does not once a binary is told."""
        usual = not told or self.text("edition") not in {"", "2015"}
        return bool(self.data["package"].get("autobins", usual))

    def _found(self) -> Iterator[tuple[str, Path]]:
        if (self.folder / "src/main.rs").is_file():
            yield self.name, Path("src/main.rs")
        for path in sorted(self.folder.glob("src/bin/*.rs")):
            yield path.stem, path.relative_to(self.folder)
        for path in sorted(self.folder.glob("src/bin/*/main.rs")):
            yield path.parent.name, path.relative_to(self.folder)

    def _default_features(self) -> frozenset[str]:
        features = self.data.get("features", {})
        found: set[str] = set()
        waiting = ["default"]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += features.get(name, [])
        return frozenset(found)


def packages(folder: Path) -> tuple[Package, ...]:
    """Return the packages of a folder's Cargo.toml: the one at the top first, then the members of its workspace."""
    data = read_manifest(folder / "Cargo.toml")
    workspace = data.get("workspace", {})
    shared = workspace.get("package", {})
    top = [Package(folder, data, shared)] if "package" in data else []
    left_out = {path for pattern in workspace.get("exclude", []) for path in folder.glob(pattern)}
    members = {path for pattern in workspace.get("members", []) for path in _members(folder, pattern)} - left_out - {folder}
    below = [Package(path, read_manifest(path / "Cargo.toml"), shared) for path in sorted(members)]
    return (*top, *(package for package in below if "package" in package.data))


def find_root(folder: Path) -> Path:
    """Return the outermost folder at or above that says `[workspace]`, or the folder itself; reads files only."""
    for place in (folder, *folder.parents):
        manifest = place / "Cargo.toml"
        if manifest.is_file() and "[workspace" in manifest.read_text(encoding="utf-8", errors="replace"):
            return place
    return folder


def read_manifest(file: Path) -> dict[str, Any]:
    """Read a Cargo.toml; raises ConfigError when that cannot be done."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no such file", file=file, hint="run this in the folder of a cargo or Python project"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file, hint="cargo metadata says more about it") from error


def _members(folder: Path, pattern: str) -> Iterator[Path]:
    found = folder.glob(pattern) if "*" in pattern or "?" in pattern or "[" in pattern else [folder / pattern]
    return (path for path in found if (path / "Cargo.toml").is_file())
