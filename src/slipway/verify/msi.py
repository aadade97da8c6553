"""Check a package for Windows Installer from outside: its compound file, its tables, every file of its cabinet."""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.layout import Folders, destination, role_of
from slipway.manifest import Manifest
from slipway.verify.cabinet import Packed, cabinet_files
from slipway.verify.compound import Stream
from slipway.verify.compound import streams as streams_of
from slipway.verify.msitables import SUMMARY, Database, Row, database, plain_names, summary

_GUID: Final = re.compile(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,71}")
_TEMPLATE: Final = re.compile(r"(x64|Arm64|Intel)?;[0-9,]*")
_PROPERTIES: Final = ("ProductCode", "ProductName", "ProductVersion", "ProductLanguage", "Manufacturer")
# Columns that name a row of another table.
_REFERENCES: Final = (
    ("Component", "Directory_", "Directory", "Directory"),
    ("CreateFolder", "Component_", "Component", "Component"),
    ("CreateFolder", "Directory_", "Directory", "Directory"),
    ("Directory", "Directory_Parent", "Directory", "Directory"),
    ("Environment", "Component_", "Component", "Component"),
    ("FeatureComponents", "Component_", "Component", "Component"),
    ("FeatureComponents", "Feature_", "Feature", "Feature"),
    ("File", "Component_", "Component", "Component"),
    ("Registry", "Component_", "Component", "Component"),
    ("ServiceControl", "Component_", "Component", "Component"),
    ("ServiceInstall", "Component_", "Component", "Component"),
)
# What a table's rows need in order to be acted on.
_ACTIONS: Final = {
    "CreateFolder": ("CreateFolders", "RemoveFolders"),
    "Environment": ("WriteEnvironmentStrings", "RemoveEnvironmentStrings"),
    "File": ("InstallFiles", "RemoveFiles"),
    "Registry": ("WriteRegistryValues", "RemoveRegistryValues"),
    "ServiceControl": ("StartServices", "StopServices", "DeleteServices"),
    "ServiceInstall": ("InstallServices",),
    "Upgrade": ("FindRelatedProducts", "RemoveExistingProducts"),
}
_SIGNATURE: Final = "\x05DigitalSignature"
_NO_CODE: Final = b"{00000000-0000-0000-0000-000000000000}"
_REGISTRY_KEY, _KEPT = 0x4, 0x90
_BROKEN: Final = (struct.error, IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError)


def msi_faults(path: Path, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package.

    `contents` lists the files of its distribution where they are known; without a `manifest`, only what holds for any package
    is looked at. Raises VerificationError when the package cannot be read at all.
    """
    with path.open("rb") as file:
        try:
            yield from _faults(file, path.name, contents, manifest)
        except _BROKEN as error:
            raise VerificationError(f"its structure is broken: {error}") from error


def _faults(file: IO[bytes], name: str, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    streams = plain_names(streams_of(file))
    tables = database(streams)
    for table in ("Property", "Directory", "Component", "File", "Media", "Feature", "FeatureComponents"):
        if not tables.get(table):
            raise VerificationError(f"its table {table} is empty")
    properties = {_text(row, "Property"): _text(row, "Value") for row in tables["Property"]}
    yield from _summary_faults(streams)
    yield from _property_faults(properties)
    yield from _key_faults(tables)
    yield from _reference_faults(tables)
    yield from _action_faults(tables)
    packed = _packed(streams, tables)
    yield from _file_faults(tables, packed)
    if manifest is not None:
        yield from _release_faults(name, properties, manifest)
        yield from _code_faults(file, streams, properties)
    if manifest is not None and contents is not None:
        yield from _compared(tables, packed, contents, manifest.name)


def _summary_faults(streams: Mapping[str, Stream]) -> Iterator[str]:
    if SUMMARY not in streams:
        yield "it has no summary"
        return
    found = summary(streams[SUMMARY])
    if not _TEMPLATE.fullmatch(str(found.get(7, ""))):
        yield "its summary does not say for which processor it is"
    if not _GUID.fullmatch(str(found.get(9, ""))):
        yield "its summary has no package code"
    # The lowest version of Windows Installer, and how the files are kept.
    yield from ("its summary lacks a number that Windows Installer needs" for number in (14, 15) if number not in found)


def _property_faults(properties: Mapping[str, str]) -> Iterator[str]:
    yield from (f"it has no property {name}" for name in _PROPERTIES if not properties.get(name))
    for name in ("ProductCode", "UpgradeCode"):
        if name in properties and not _GUID.fullmatch(properties[name]):
            yield f"its {name} is no GUID: {properties[name]}"
    version = properties.get("ProductVersion", "")
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:\.\d+)?", version)
    if numbers is None or any(int(numbers[at]) > limit for at, limit in ((1, 255), (2, 255), (3, 65535))):
        yield f"its ProductVersion is not one that Windows Installer can compare: {version}"


def _key_faults(tables: Database) -> Iterator[str]:
    for table in ("Component", "Directory", "Feature", "File"):
        keys = [_text(row, table) for row in tables[table]]
        yield from (f"its table {table} has {key} twice" for key in _twice(keys))
        yield from (f"its table {table} has the key {key!r}" for key in keys if not _IDENTIFIER.fullmatch(key))
    codes = [_text(row, "ComponentId") for row in tables["Component"] if row["ComponentId"]]
    yield from (f"two components have the GUID {code}" for code in _twice(codes))
    yield from (f"the GUID of a component is none: {code}" for code in codes if not _GUID.fullmatch(code))


def _reference_faults(tables: Database) -> Iterator[str]:
    for table, column, other, key in _REFERENCES:
        known = {_text(row, key) for row in tables.get(other, ())}
        named = (_text(row, column) for row in tables.get(table, ()) if row[column] is not None)
        yield from (f"its table {table} names {each}, which is not in {other}" for each in named if each not in known)
    files = {_text(row, "File") for row in tables["File"]}
    for row in tables["Component"]:
        if row["KeyPath"] and not _int(row, "Attributes") & _REGISTRY_KEY and row["KeyPath"] not in files:
            yield f"the key file of the component {row['Component']} is not there"
    shown = {_text(row, "Component_") for row in tables["FeatureComponents"]}
    lost = (_text(row, "Component") for row in tables["Component"])
    yield from (f"the component {each} belongs to no feature: it is never installed" for each in lost if each not in shown)


def _action_faults(tables: Database) -> Iterator[str]:
    actions = {_text(row, "Action") for row in tables.get("InstallExecuteSequence", ())}
    for table, needed in _ACTIONS.items():
        if tables.get(table):
            yield from (f"it has a table {table}, and never runs {action}" for action in needed if action not in actions)


def _packed(streams: Mapping[str, Stream], tables: Database) -> tuple[Packed, ...]:
    """The files of all cabinets in the order of the media; raises VerificationError for one that is not within."""
    found: list[Packed] = []
    for row in sorted(tables["Media"], key=lambda row: _int(row, "DiskId")):
        name = _text(row, "Cabinet")
        if not name.startswith("#") or name[1:] not in streams:
            raise VerificationError(f"its cabinet {name or 'without a name'} is not within it")
        found += cabinet_files(streams[name[1:]])
        if len(found) != _int(row, "LastSequence"):
            raise VerificationError(f"its cabinets have {len(found)} files, and its media say {row['LastSequence']}")
    return tuple(found)


def _file_faults(tables: Database, packed: tuple[Packed, ...]) -> Iterator[str]:
    rows = sorted(tables["File"], key=lambda row: _int(row, "Sequence"))
    if [_int(row, "Sequence") for row in rows] != list(range(1, len(packed) + 1)):
        yield f"its {len(rows)} files are not numbered as the {len(packed)} of its cabinet are"
        return
    for row, each in zip(rows, packed, strict=True):
        if row["File"] != each.name:
            yield f"its file {row['File']} is where its cabinet has {each.name}"
        elif row["FileSize"] != each.size:
            yield f"its file {row['File']} has {each.size} bytes, and its table says {row['FileSize']}"


def _release_faults(name: str, properties: Mapping[str, str], manifest: Manifest) -> Iterator[str]:
    if not name.startswith(f"{manifest.name}-{manifest.version}-"):
        yield f"its name is not one of {manifest.name} {manifest.version}"
    if (said := properties.get("RELEASEVERSION", "")) != manifest.version:
        yield f"its release is {said or 'not said'}, not {manifest.version}"


def _code_faults(file: IO[bytes], streams: Mapping[str, Stream], properties: Mapping[str, str]) -> Iterator[str]:
    """The package code is derived from all other bytes; a signature, which comes later, is among those that it does not know."""
    code = str(summary(streams[SUMMARY]).get(9, "")).encode() if SUMMARY in streams else b""
    if not _GUID.fullmatch(code.decode()) or not _GUID.fullmatch(properties.get("ProductCode", "")) or _SIGNATURE in streams:
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = data.find(code)
        digest = hashlib.sha256(memoryview(data)[:place])
        digest.update(_NO_CODE)
        digest.update(memoryview(data)[place + len(code) :])
    if uuid.uuid5(uuid.UUID(properties["ProductCode"]), digest.hexdigest()) != uuid.UUID(code.decode()):
        yield "it has changed since it was made: its package code stands for other bytes"


def _compared(tables: Database, packed: Iterable[Packed], contents: Contents, name: str) -> Iterator[str]:
    """Hold the installed places and bytes against the distribution's."""
    digests = {each.name: each.sha256 for each in packed}
    folders = {_text(row, "Directory"): row for row in tables["Directory"]}
    parts = {_text(row, "Component"): row for row in tables["Component"]}
    found: dict[str, tuple[str, int]] = {}
    for row in tables["File"]:
        part = parts[_text(row, "Component_")]
        path = f"{_path(_text(part, 'Directory_'), folders)}/{_long(_text(row, 'FileName'))}".lstrip("/")
        if path in found:
            yield f"{path} is in it twice"
        found[path] = (digests[_text(row, "File")], _int(part, "Attributes"))
    places = Folders.under("", name, config=f"/etc/{name}", state="", logs="", units="")
    wanted = {destination(file.path, name, places).lstrip("/"): file for file in contents.files}
    yield from (f"{path} is not among the distribution's files" for path in sorted(found.keys() - wanted.keys()))
    for path, file in sorted(wanted.items()):
        digest, attributes = found.get(path, ("", 0))
        if digest != file.sha256:
            yield f"{file.path} of the distribution is not in it"
        elif role_of(file.path, name)[0] == "config" and attributes & _KEPT != _KEPT:
            yield f"{path} would be overwritten by an upgrade, or removed with the package"


def _path(directory: str, folders: Mapping[str, Row]) -> str:
    """The path of a folder below the package's own; raises VerificationError when it is not below it."""
    names: list[str] = []
    while directory != "INSTALLDIR":
        row = folders[directory]
        if not row["Directory_Parent"] or len(names) > len(folders):
            raise VerificationError(f"its folder {directory} is not below INSTALLDIR")
        names.append(_long(_text(row, "DefaultDir")))
        directory = _text(row, "Directory_Parent")
    return "/".join(reversed(names))


def _long(name: str) -> str:
    return name.partition("|")[2] or name


def _text(row: Row, column: str) -> str:
    return str(row[column] or "")


def _int(row: Row, column: str) -> int:
    value = row[column]
    return value if isinstance(value, int) else 0


def _twice(values: Iterable[str]) -> Iterator[str]:
    yield from sorted(value for value, count in Counter(values).items() if count > 1)
