"""Cargo.lock: which crates a workspace is made of, where each comes from, and which needs which."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.config import lines
from slipway.errors import ConfigError

FILE: Final = "Cargo.lock"
_HINT: Final = "cargo generate-lockfile writes a new one; cargo says more about what is wrong"
_NEED: Final = re.compile(r"(?P<name>\S+)(?: (?P<version>\S+))?(?: \((?P<source>.*)\))?")
_AT_LINE: Final = re.compile(r" ?\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """One package of a lock; a path package has no `source`. `checksum` is the SHA-256 of the `.crate` file."""

    name: str
    version: str
    source: str = ""
    checksum: str = ""

    @property
    def id(self) -> tuple[str, str, str]:
        """What cargo tells packages apart by."""
        return self.name, self.version, self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All crates of a lock, and what each of them needs."""

    file: Path
    crates: Mapping[tuple[str, str, str], Crate]
    needs: Mapping[tuple[str, str, str], tuple[Crate, ...]]

    @classmethod
    def read(cls, file: Path) -> Lock:
        """Read a lock of any version from 1 to 4; raises ConfigError, with the line, for what is none."""
        try:
            text = file.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except FileNotFoundError as error:
            raise ConfigError(
                "is missing: nothing says which crates are linked", file=file, hint="cargo generate-lockfile writes it: commit it"
            ) from error
        except (OSError, ValueError) as error:
            found = _AT_LINE.search(str(error))
            said = _AT_LINE.sub("", str(error))
            raise ConfigError(f"cannot be read: {said}", file=file, line=int(found[1]) if found else None, hint=_HINT) from error
        return _Reader(file, text, data).lock()

    def member(self, name: str) -> Crate:
        """The path package with a name; raises ConfigError when there is none."""
        found = next((each for each in self.crates.values() if each.name == name and not each.source), None)
        if found is None:
            raise ConfigError(f"does not know the package {name}", file=self.file, hint="cargo update --workspace adds it")
        return found

    def reached(self, roots: Iterable[Crate], left_out: Callable[[Crate], frozenset[str]]) -> dict[Crate, tuple[Crate, ...]]:
        """The crates that some crates need, and what each of those needs.

        `left_out` gives the names of what a crate needs for its tests only.
        """
        found: dict[Crate, tuple[Crate, ...]] = {}
        waiting = list(roots)
        while waiting:
            crate = waiting.pop()
            if crate not in found:
                names = left_out(crate)
                found[crate] = tuple(each for each in self.needs[crate.id] if each.name not in names)
                waiting += found[crate]
        return found


class _Reader:
    """One walk over the tables of a lock."""

    def __init__(self, file: Path, text: str, data: Mapping[str, Any]) -> None:
        self.file, self.text, self.data = file, text, data

    def lock(self) -> Lock:
        """Read every package, then what each needs, for which all must be known."""
        # Version 1 keeps the workspace's own package apart, and all checksums in a table at the end.
        tables = self._tables()
        sums = self._metadata()
        crates = [(path, table, self._crate(path, table, sums)) for path, table in tables]
        self.known = {crate.id: crate for _, _, crate in crates}
        self.named: dict[str, list[Crate]] = {}
        for crate in self.known.values():
            self.named.setdefault(crate.name, []).append(crate)
        needs = {crate.id: tuple(self._needs(path, table)) for path, table, crate in crates}
        return Lock(file=self.file, crates=self.known, needs=needs)

    def _tables(self) -> list[tuple[lines.Path, Mapping[str, Any]]]:
        packages = self.data.get("package", [])
        if not isinstance(packages, list):
            raise self._fault(("package",), "package is no array of tables")
        root: list[tuple[lines.Path, Any]] = [(("root",), self.data["root"])] if "root" in self.data else []
        tables = root + [(("package", index), table) for index, table in enumerate(packages)]
        for path, table in tables:
            if not isinstance(table, dict):
                raise self._fault(path, f"{path[0]} is no table")
        return tables

    def _metadata(self) -> Mapping[str, Any]:
        found = self.data.get("metadata", {})
        if not isinstance(found, dict):
            raise self._fault(("metadata",), "metadata is no table")
        return found

    def _crate(self, path: lines.Path, table: Mapping[str, Any], sums: Mapping[str, Any]) -> Crate:
        name, version = self._text(path, table, "name"), self._text(path, table, "version")
        source = self._text(path, table, "source") if "source" in table else ""
        if "checksum" in table:
            checksum = self._text(path, table, "checksum")
        else:
            checksum = str(sums.get(f"checksum {name} {version} ({source})", ""))
        if checksum not in {"", "<none>"} and re.fullmatch("[0-9a-f]{64}", checksum) is None:
            raise self._fault((*path, "checksum"), f"the checksum of {name} is not 64 hexadecimal digits")
        return Crate(name=name, version=version, source=source, checksum=checksum.removeprefix("<none>"))

    def _text(self, path: lines.Path, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value or re.search(r"\s", value):
            raise self._fault((*path, key), f"a package has no {key}")
        return value

    def _needs(self, path: lines.Path, table: Mapping[str, Any]) -> Iterable[Crate]:
        needs = table.get("dependencies", [])
        if not isinstance(needs, list):
            raise self._fault((*path, "dependencies"), "dependencies is no array")
        for index, need in enumerate(needs):
            yield self._one((*path, "dependencies", index), need)

    def _one(self, path: lines.Path, need: object) -> Crate:
        # The version is left out where the name is enough, the source where both are (since version 2).
        said = _NEED.fullmatch(need) if isinstance(need, str) else None
        found = self.named.get(said["name"], []) if said else []
        if said and said["version"]:
            found = [each for each in found if each.version == said["version"]]
        if said and len(found) > 1:
            found = [each for each in found if _same(each.source, said["source"] or "")]
        if len(found) != 1:
            raise self._fault(path, f"{need!r} is {'none' if not found else 'more than one'} of the packages")
        return found[0]

    def _fault(self, path: lines.Path, message: str) -> ConfigError:
        line = lines.line_of(lines.key_lines(self.text), path)
        return ConfigError(message, file=self.file, line=line, hint=_HINT)


def _same(source: str, said: str) -> bool:
    """Whether a need means a source: it may leave out the commit behind `#`."""
    return source == said or source.partition("#")[0] == said
