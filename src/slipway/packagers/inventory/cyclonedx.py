"""CycloneDX 1.6 in JSON (ECMA-424): the same bytes for the same inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slipway.packagers.inventory.document import identified, laid_out, moment, tool_version
from slipway.packagers.inventory.parts import Inventory, License, Part

SUFFIX: Final = "cdx.json"
MEDIA_TYPE: Final = "application/vnd.cyclonedx+json; version=1.6"
_TYPES: Final = {"release": "application", "component": "application", "files": "file", "prebuilt": "file"}


def cyclonedx(inventory: Inventory, epoch: int) -> bytes:
    """The document; its serial number follows from all else in it."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": moment(epoch),
            "tools": {"components": [{"type": "application", "name": "slipway", "version": tool_version()}]},
            "component": _component(inventory.root),
        },
        "components": [_component(part) for part in inventory.parts[1:]],
        "dependencies": [
            {"ref": part.ref, **({"dependsOn": list(needs)} if (needs := inventory.needs[part.ref]) else {})}
            for part in inventory.parts
        ],
    }
    return laid_out({"serialNumber": f"urn:uuid:{identified(document)}", **document})


def _component(part: Part) -> Mapping[str, Any]:
    said = {
        "description": part.about,
        "hashes": [{"alg": "SHA-256", "content": part.sha256}] if part.sha256 else [],
        "licenses": _licenses(part.license),
        "purl": part.purl,
        "externalReferences": _references(part),
    }
    named = {"type": _TYPES.get(part.kind, "library"), "bom-ref": part.ref, "name": part.name}
    version = {"version": part.version} if part.version else {}
    return {**named, **version, **{key: value for key, value in said.items() if value}}


def _licenses(license_: License) -> list[Mapping[str, Any]]:
    if license_.expression:
        return [{"expression": license_.expression}]
    name = license_.said or (f"see {license_.file} in its source" if license_.file else "")
    return [{"license": {"name": name}}] if name else []


def _references(part: Part) -> list[Mapping[str, str]]:
    if not part.download:
        return []
    kind = "website" if part.kind == "release" else "vcs" if part.download.startswith("git+") else "distribution"
    return [{"type": kind, "url": part.download}]
