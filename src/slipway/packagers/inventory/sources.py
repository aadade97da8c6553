"""The sources of crates on this machine: cargo's cache, checkouts of git, vendored folders."""

from __future__ import annotations

import os
import re
import tarfile
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from slipway.config.crates import Package, packages, read_manifest
from slipway.errors import ConfigError
from slipway.files import digest_file
from slipway.licenses import normalised
from slipway.packagers.inventory.lock import Crate
from slipway.packagers.inventory.parts import License

_HEAD: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*\[package\][^\n]*\n(?P<body>.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_LONG: Final = re.compile(r'''(?m)(?<= )"""(?:\\.|[^\\])*?"""$''', re.DOTALL)
_SAID: Final = re.compile(r'^(license|license-file) *= *"([^"\\]*)" *\r?$', re.MULTILINE)
_TEXT: Final = re.compile(r"(?i)(?:un)?licen[cs]e|copying|copyright|notice")
_SKIPPED: Final = re.compile(r"(?i)\.(?:rs|toml|py|sh|spdx|tmpl)$")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where cargo keeps the sources of crates: its own folder, and the folders that a workspace vendored crates into."""

    home: Path
    vendored: tuple[Path, ...] = ()

    @classmethod
    def of(cls, workspace: Path) -> Sources:
        """The sources that cargo reads for a workspace."""
        home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        return cls(home, tuple(_vendored(workspace)))

    def licenses(self, crates: Iterable[Crate]) -> dict[Crate, License]:
        """The licences of those crates whose sources are here."""
        registries = sorted(self.home.glob("registry/src/*")), sorted(self.home.glob("registry/cache/*"))
        found = {crate: self._license(crate, *registries) for crate in crates}
        return {crate: license_ for crate, license_ in found.items() if license_ is not None}

    def _license(self, crate: Crate, unpacked: list[Path], packed: list[Path]) -> License | None:
        name = f"{crate.name}-{crate.version}"
        for folder in (place / each for place in self.vendored for each in (name, crate.name)):
            if (folder / "Cargo.toml").is_file() and _is(folder, crate):
                return of_folder(folder)
        if crate.source.startswith("git+"):
            return self._checked_out(crate)
        archives = [path for place in packed if (path := place / f"{name}.crate").is_file()]
        if len(archives) > 1:
            # Two registries may have crates of one name.
            archives = [path for path in archives if digest_file(path) == crate.checksum]
            unpacked = [place for place in unpacked if place.name in {path.parent.name for path in archives}]
        if folders := [place / name for place in unpacked if (place / name / "Cargo.toml").is_file()]:
            return of_folder(folders[0])
        return next((_of_archive(path, name) for path in archives if digest_file(path) == crate.checksum), None)

    def _checked_out(self, crate: Crate) -> License | None:
        commit = crate.source.partition("#")[2]
        for checkout in sorted(self.home.glob(f"git/checkouts/*/{commit[:7]}*")) if commit else ():
            for package in _packages_below(checkout):
                if package.name == crate.name and package.text("version") == crate.version:
                    return of_package(package)
        return None


def of_folder(folder: Path) -> License:
    """The licence that a crate's own Cargo.toml names, and the files of its folder that look like licence texts."""
    text = (folder / "Cargo.toml").read_text(encoding="utf-8", errors="replace")
    return _license(_facts(text), _names(folder))


def of_package(package: Package) -> License:
    """The licence of a package that may take it from its workspace."""
    said = {key: package.text(key) for key in ("license", "license-file")}
    return _license(said, _names(package.folder))


def of_text(said: str, *, file: str = "", texts: Iterable[str] = ()) -> License:
    """The licence that a text means."""
    expression = normalised(said)
    return License(expression=expression, said="" if expression else said.strip(), file=file, texts=tuple(texts))


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _license(facts: Mapping[str, Any], names: Iterable[str]) -> License:
    said, file = (value if isinstance(value := facts.get(key), str) else "" for key in ("license", "license-file"))
    texts = sorted({*(name for name in names if _TEXT.match(name) and not _SKIPPED.search(name)), *([file] if file else [])})
    return of_text(said, file="" if said else file, texts=texts)


def _facts(text: str) -> Mapping[str, Any]:
    """What the [package] table says, read without the rest of the file where that can be done safely."""
    head = _HEAD.match(text)
    body = _LONG.sub("0", head["body"]) if head else ""
    # Without texts of several lines, every line that begins like a key is one.
    if head and '"""' not in body and "'''" not in body:
        found: dict[str, str] = dict(_SAID.findall(body))
        if found or "license" not in body:
            return found
    try:
        return _table(tomllib.loads(text), "package")
    except ValueError:
        return {}


def _of_archive(path: Path, name: str) -> License | None:
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            inside = [PurePosixPath(member.name) for member in archive.getmembers()]
            file = archive.extractfile(f"{name}/Cargo.toml")
            text = file.read().decode("utf-8", "replace") if file else ""
    except (tarfile.TarError, OSError, EOFError, KeyError, zlib.error):
        return None
    return _license(_facts(text), (each.name for each in inside if len(each.parts) == 2))


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return value if isinstance(value := data.get(key), dict) else {}


def _is(folder: Path, crate: Crate) -> bool:
    facts = _table(read_manifest(folder / "Cargo.toml"), "package")
    return (facts.get("name"), facts.get("version")) == (crate.name, crate.version)


def _packages_below(folder: Path) -> Iterator[Package]:
    """Every package of a checkout: a workspace may leave some out."""
    if (folder / "Cargo.toml").is_file():
        yield from packages(folder)
    for path in sorted(folder.rglob("Cargo.toml")):
        try:
            yield from packages(path.parent)
        except ConfigError:
            continue


def _vendored(workspace: Path) -> Iterator[Path]:
    """The folders that replace registries, as `cargo vendor` writes them into the configuration."""
    for name in ("config", "config.toml"):
        file = workspace / ".cargo" / name
        if file.is_file():
            sources = _table(read_manifest(file), "source")
            folders = (_table(sources, source).get("directory") for source in sources)
            yield from (workspace / folder for folder in folders if isinstance(folder, str))
