"""What Cargo.toml has to say so that cargo-binstall finds a release's archives, whose names do not carry Rust's targets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.components import CargoComponent
from slipway.config.crates import packages, read_manifest
from slipway.errors import ConfigError, VerificationError
from slipway.installers.getting import address_of
from slipway.installers.origin import download_url
from slipway.model import Cell, Release

TABLE: Final = "package.metadata.binstall"
# How cargo-binstall calls the archives that it can unpack, the best first.
FORMATS: Final = {"tar.gz": "tgz", "zip": "zip", "tar.xz": "txz", "tar.zst": "tzstd", "tar": "tar"}
_VERSION: Final = "{ version }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """A Cargo.toml, and what its table `package.metadata.binstall` has to be."""

    file: Path
    metadata: Mapping[str, Any]

    def differences(self) -> Iterator[str]:
        """Say what of the table in the file is missing or different."""
        told = read_manifest(self.file).get("package", {}).get("metadata", {}).get("binstall")
        if told is None:
            yield f"{self.file} has no [{TABLE}]"
            return
        wanted, found = _flat(self.metadata), _flat(told)
        for key in sorted(wanted | found):
            if wanted.get(key) != found.get(key):
                yield f"{self.file}: {TABLE}.{key} is {found.get(key, 'not there')!s} and not {wanted.get(key, 'gone')!s}"


def crates(release: Release) -> tuple[Crate, ...]:
    """Every crate whose programs are in an archive of the release, with its table.

    Raises ConfigError when there is none, or nothing says from where archives are downloaded.
    """
    project = release.project
    if not download_url(release):
        raise ConfigError(
            "nothing says from where archives are downloaded",
            file=project.file,
            key="install.download-url",
            hint='say it, such as download-url = "https://hello.example/releases/{tag}"',
        )
    parts = (part for part in project.components if isinstance(part, CargoComponent))
    found = tuple(
        Crate(file=_manifest(part), metadata=metadata(release, cells)) for part in parts if (cells := _cells(release, part))
    )
    if not found:
        raise ConfigError("cargo builds none of the programs", file=project.file, hint="cargo-binstall is for crates alone")
    return found


def metadata(release: Release, cells: tuple[Cell, ...]) -> Mapping[str, Any]:
    """The table for a crate whose programs are in the archives of these distributions."""
    rows = {cell.platform.triple: _place(release, cell) for cell in cells}
    signing = {"signing": _signing(release)} if _is_signed(release) else {}
    return {**signing, "overrides": {triple: row for triple, row in rows.items() if row}}


def table_text(data: Mapping[str, Any]) -> str:
    """The table as Cargo.toml has it."""
    lines: list[str] = []
    if signing := data.get("signing"):
        lines += [f"[{TABLE}.signing]", *_pairs(signing), ""]
    for triple, row in data["overrides"].items():
        lines += [f"[{TABLE}.overrides.{triple}]", *_pairs(row), ""]
    return "\n".join(lines).rstrip()


def require_current(release: Release) -> int:
    """Compare every crate's Cargo.toml; raises VerificationError when one is stale, returns how many there are."""
    found = crates(release)
    if faults := [fault for crate in found for fault in crate.differences()]:
        raise VerificationError("\n".join(faults), hint="put in what slipway binstall prints")
    return len(found)


def _cells(release: Release, part: CargoComponent) -> tuple[Cell, ...]:
    """The distributions with a crate's programs: of each platform the first variant that has them."""
    variant = next((each for each in release.project.variants if part.name in each.components), None)
    rows = release.project.platforms
    return () if variant is None else tuple(Cell(platform=row, variant=variant) for row in rows)


def _manifest(part: CargoComponent) -> Path:
    mine = (package for package in packages(part.path) if package.name == part.package)
    return next((package.folder for package in mine), part.path) / "Cargo.toml"


def _place(release: Release, cell: Cell) -> Mapping[str, str]:
    """Where an archive is, and its programs in it; nothing when cargo-binstall can unpack none of the archives."""
    made = release.project.on(cell.platform).archives or (cell.platform.archive,)
    suffix = next((suffix for suffix in FORMATS if suffix in made), None)
    if suffix is None:
        return {}
    install, tag = release.project.install, release.project.version.tag_of(_VERSION)
    folder = install.download_url.replace("{tag}", tag).replace("{version}", _VERSION)
    name = f"{release.project.name}-{_VERSION}-{cell.id}"
    return {
        "pkg-url": address_of(folder, f"{name}.{suffix}"),
        "pkg-fmt": FORMATS[suffix],
        "bin-dir": f"{name}/bin/{{ bin }}{{ binary-ext }}",
    }


def _is_signed(release: Release) -> bool:
    return bool(release.project.sign.minisign) and "artifacts" in release.project.sign.what


def _signing(release: Release) -> Mapping[str, str]:
    return {"algorithm": "minisign", "pubkey": release.project.sign.minisign, "file": "{ url }.minisig"}


def _pairs(row: Mapping[str, str]) -> Iterator[str]:
    return (f"{key} = {json.dumps(value)}" for key, value in row.items())


def _flat(data: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found
