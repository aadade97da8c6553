"""The one list of artifacts, from which checksums, installers, publishing and validation all read.

Whoever makes an artifact also writes its record: one small file in the state folder. The manifest is collected from
the records, so no artifact is read again to be hashed, and running one stage keeps what the others made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from slipway.binaries import Binary
from slipway.errors import VerificationError
from slipway.files import HashingWriter, write_atomic
from slipway.model import Project, Release
from slipway.plain import from_plain, to_plain

SCHEMA: Final = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file that a release gives to users; `path` is relative to the packages folder.

    Of a signature, `signs` is the name of the file that it signs.
    """

    kind: str
    name: str
    path: str
    size: int
    digests: Mapping[str, str]
    media_type: str
    platform: str = ""
    variant: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    signs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One program or library of a component for one platform; `path` is its place in a distribution."""

    path: str
    platform: str
    component: str
    size: int
    sha256: str
    facts: Binary


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The artifacts of one release, sorted by path, and what the binaries in them are, sorted by platform and path."""

    name: str
    version: str
    epoch: int
    artifacts: tuple[Artifact, ...]
    binaries: tuple[Built, ...] = ()
    schema: int = SCHEMA

    def dump(self) -> bytes:
        """The JSON form, the same bytes for the same artifacts."""
        return json.dumps(to_plain(self), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest; raises VerificationError when it cannot be read or is not one."""
        found = _read(path, cls, "manifest", "make it again: doit package-all")
        if found.schema != SCHEMA:
            raise VerificationError(
                f"{path} is a manifest of schema {found.schema}, and this slipway reads schema {SCHEMA}",
                hint="use the slipway that wrote it, or make it again: doit package-all",
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An artifact, and the release that it was made for."""

    release: str
    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The programs and libraries that one component delivered for one platform, and the release that they were built for."""

    release: str
    binaries: tuple[Built, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an artifact goes, and where it is noted; `path` is relative to the packages folder."""

    kind: str
    path: str
    media_type: str
    target: Path
    record: Path
    release: str
    digests: tuple[str, ...]

    @classmethod
    def of(cls, release: Release, kind: str, name: str, media_type: str, *, folder: str = "") -> Self:
        """The place of an artifact with this file name, in a folder of packages/ or at the top of it."""
        path = f"{folder}/{name}" if folder else name
        return cls(
            kind=kind,
            path=path,
            media_type=media_type,
            target=release.paths.packages / path,
            record=record_path(release, name),
            release=release.base,
            digests=digest_names(release.project),
        )

    @property
    def name(self) -> str:
        """The file name of the artifact."""
        return self.target.name

    @property
    def outputs(self) -> tuple[Path, Path]:
        """The artifact and its record: the outputs of the Step that makes it."""
        return self.target, self.record

    def writer(self) -> HashingWriter:
        """The file to write the artifact into."""
        return HashingWriter(self.target, *self.digests)

    def note(
        self,
        size: int,
        digests: Mapping[str, str],
        *,
        platform: str = "",
        variant: str = "",
        tools: Mapping[str, str] | None = None,
    ) -> Artifact:
        """Write the record of the artifact, which lies in its place now; returns what it says."""
        made = Artifact(
            kind=self.kind,
            name=self.name,
            path=self.path,
            size=size,
            digests=digests,
            media_type=self.media_type,
            platform=platform,
            variant=variant,
            tools=tools or {},
        )
        record(self.record, self.release, made)
        return made


def digest_names(project: Project) -> tuple[str, ...]:
    """The digests that every artifact gets: SHA-256 and those that the project asks for."""
    return tuple(dict.fromkeys(("sha256", *project.checksums)))


def records_dir(release: Release) -> Path:
    """The folder of the records."""
    return release.paths.state / "artifacts"


def record_path(release: Release, name: str) -> Path:
    """Where the record of an artifact with this file name goes; an output of the Step that makes the artifact."""
    return records_dir(release) / f"{name}.json"


def record(path: Path, release: str, artifact: Artifact) -> None:
    """Write the record of an artifact made for a release such as `provisioning-2.1.0`."""
    made = Record(release=release, artifact=artifact)
    _write(path, made)


def record_built(path: Path, release: str, binaries: Iterable[Built]) -> None:
    """Write what a component's programs for a platform are; an output of the Step that builds them."""
    _write(path, Delivered(release=release, binaries=tuple(sorted(binaries, key=lambda each: each.path))))


def load_built(path: Path) -> Delivered:
    """Read what a component's programs are; raises VerificationError when the file does not say it."""
    return _read(path, Delivered, "record of binaries", f"remove {path} and run again")


def recorded(paths: Iterable[Path]) -> dict[str, Binary]:
    """What programs and libraries are, by their SHA-256, as far as the records of what was built are there."""
    return {each.sha256: each.facts for path in paths if path.is_file() for each in load_built(path).binaries}


def load_record(path: Path) -> Record:
    """Read a record; raises VerificationError when it is not one."""
    return _read(path, Record, "record of an artifact", f"remove {path} and run again")


def collect(
    records: Path,
    packages: Path,
    head: Manifest,
    *,
    planned: Mapping[str, Collection[str]],
    digests: Collection[str],
    facts: Iterable[Path] = (),
) -> Manifest:
    """Complete a manifest without artifacts from the records of its release.

    A record counts when its artifact is there and has all the digests that are asked for. `planned` names, by kind,
    the files that the whole matrix makes; an artifact of such a kind under another name is left from before
    slipway.toml changed, and is passed over. `facts` are the records of what was built, as far as there are any.
    """
    base = f"{head.name}-{head.version}"
    found = [load_record(path) for path in sorted(records.glob("*.json"))]
    mine = [each.artifact for each in found if each.release == base and each.artifact.name in _names(planned, each)]
    whole = (each for each in mine if _is_there(packages, each) and set(digests) <= set(each.digests))
    there = sorted(whole, key=lambda each: each.path)
    _refuse_twins(there)
    delivered = [load_built(path) for path in facts if path.is_file()]
    built = (each for made in delivered if made.release == base for each in made.binaries)
    return replace(head, artifacts=tuple(there), binaries=tuple(sorted(built, key=lambda each: (each.platform, each.path))))


def _names(planned: Mapping[str, Collection[str]], made: Record) -> Collection[str]:
    return planned.get(made.artifact.kind, (made.artifact.name,))


def _is_there(packages: Path, artifact: Artifact) -> bool:
    path = packages / artifact.path
    return path.is_file() and path.stat().st_size == artifact.size


def _refuse_twins(artifacts: Iterable[Artifact]) -> None:
    seen: dict[str, str] = {}
    for artifact in artifacts:
        if (other := seen.setdefault(artifact.name, artifact.path)) != artifact.path:
            raise VerificationError(
                f"two artifacts have the name {artifact.name}: {other} and {artifact.path}",
                hint="a release has one folder for all files: give one of them another name in slipway.toml",
            )


def _write(path: Path, made: Record | Delivered) -> None:
    write_atomic(path, json.dumps(to_plain(made), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def _read(path: Path, kind: type[T], what: str, hint: str) -> T:
    try:
        return from_plain(kind, json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise VerificationError(f"there is no {path}", hint=hint) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise VerificationError(f"{path} is not a {what}: {error}", hint=hint) from error


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest, derived from the dataclasses."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "slipway manifest",
        **_schema_of(Manifest),
        "$defs": {kind.__name__: _schema_of(kind) for kind in (Artifact, Built, Binary)},
    }


_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "str": {"type": "string"},
    "int": {"type": "integer", "minimum": 0},
    "Mapping[str, str]": {"type": "object", "additionalProperties": {"type": "string"}},
    "bool": {"type": "boolean"},
    "tuple[str, ...]": {"type": "array", "items": {"type": "string"}},
    "Mapping[str, tuple[str, ...]]": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    "Binary": {"$ref": "#/$defs/Binary"},
    **{
        f"tuple[{name}, ...]": {"type": "array", "items": {"$ref": f"#/$defs/{name}"}} for name in ("Artifact", "Built", "Binary")
    },
}
_NARROWER: Final[Mapping[str, Mapping[str, Any]]] = {
    "schema": {"const": SCHEMA},
    "name": {"minLength": 1, "pattern": "^[^/]+$"},
    "path": {"minLength": 1, "pattern": "^[^/]"},
    "sha256": {"pattern": "^[0-9a-f]{64}$"},
    "format": {"enum": ["elf", "macho", "pe"]},
    "signed": {"enum": ["", "none", "adhoc", "other", "invalid"]},
    "digests": {
        "required": ["sha256"],
        "properties": {"sha256": {"pattern": "^[0-9a-f]{64}$"}, "md5": {"pattern": "^[0-9a-f]{32}$"}},
    },
}


def _schema_of(kind: type[Artifact | Built | Binary | Manifest]) -> dict[str, Any]:
    names = [each.name for each in fields(kind)]
    return {
        "description": (kind.__doc__ or "").strip(),
        "type": "object",
        "additionalProperties": False,
        "required": names,
        "properties": {each.name: {**_TYPES[str(each.type)], **_NARROWER.get(each.name, {})} for each in fields(kind)},
    }
