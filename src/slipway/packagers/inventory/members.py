"""The path packages of a workspace: their folders, and what they need for their tests only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.config.crates import Package, packages, read_manifest
from slipway.errors import ConfigError

_USED: Final = ("dependencies", "build-dependencies", "build_dependencies")
_TESTED: Final = ("dev-dependencies", "dev_dependencies")


@dataclass(frozen=True, slots=True)
class Members:
    """The path packages by name, and what the workspace says about dependencies for all of them."""

    root: Path
    found: Mapping[str, Package]
    shared: Mapping[str, Any]

    @classmethod
    def of(cls, root: Path) -> Members:
        """Read the members of a workspace, and all packages that they name by their paths."""
        try:
            return cls._read(root)
        except (AttributeError, TypeError, KeyError) as error:
            hint = "cargo metadata says more about it"
            raise ConfigError("it or a package of it is none that cargo reads", file=root / "Cargo.toml", hint=hint) from error

    @classmethod
    def _read(cls, root: Path) -> Members:
        data = read_manifest(root / "Cargo.toml")
        workspace = data.get("workspace", {})
        found = {each.name: each for each in packages(root)}
        waiting = [(root, data), *((each.folder, each.data) for each in found.values())]
        shared = workspace.get("dependencies", {})
        waiting.append((root, {"dependencies": shared}))
        while waiting:
            folder, tables = waiting.pop()
            for path in _paths(folder, tables):
                package = Package(path, read_manifest(path / "Cargo.toml"), workspace.get("package", {}))
                if "package" in package.data and package.name not in found:
                    found[package.name] = package
                    waiting.append((path, package.data))
        return cls(root, found, shared)

    @property
    def files(self) -> tuple[Path, ...]:
        """The Cargo.toml of the workspace and of every package."""
        return tuple(sorted({self.root / "Cargo.toml", *(each.folder / "Cargo.toml" for each in self.found.values())}))

    def only_tested(self, name: str) -> frozenset[str]:
        """The names of the packages that one needs for its tests, and for nothing else."""
        if (package := self.found.get(name)) is None:
            return frozenset()
        return frozenset(self._names(package, _TESTED)) - frozenset(self._names(package, _USED))

    def _names(self, package: Package, kinds: tuple[str, ...]) -> Iterator[str]:
        for table in _tables(package.data, kinds):
            for key, value in table.items():
                handed = isinstance(value, dict) and value.get("workspace")
                told = self.shared.get(key) if handed else value
                yield str(told.get("package", key)) if isinstance(told, dict) else key


def _tables(data: Mapping[str, Any], kinds: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for place in (data, *data.get("target", {}).values()):
        yield from (place[kind] for kind in kinds if isinstance(place.get(kind), dict))


def _paths(folder: Path, data: Mapping[str, Any]) -> Iterator[Path]:
    tables = (*_tables(data, (*_USED, *_TESTED, "replace")), *data.get("patch", {}).values())
    for told in (value for table in tables for value in table.values()):
        if isinstance(told, dict) and isinstance(path := told.get("path"), str) and (folder / path / "Cargo.toml").is_file():
            yield Path(folder, path).resolve() if ".." in Path(path).parts else folder / path
