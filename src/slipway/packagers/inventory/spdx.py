"""SPDX 2.3 in JSON: the same bytes for the same inventory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from slipway.licenses import own_references
from slipway.packagers.inventory.document import identified, laid_out, moment, tool_version
from slipway.packagers.inventory.parts import Inventory, License, Part

SUFFIX: Final = "spdx.json"
MEDIA_TYPE: Final = "application/spdx+json"
_UNKNOWN: Final = "NOASSERTION"
_PURPOSES: Final = {"release": "APPLICATION", "component": "APPLICATION", "files": "OTHER", "prebuilt": "FILE"}


def spdx(inventory: Inventory, epoch: int) -> bytes:
    """The document; its namespace follows from all else in it."""
    ids = _ids(inventory)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{inventory.root.name}-{inventory.root.version}",
        "creationInfo": {"created": moment(epoch), "creators": [f"Tool: slipway-{tool_version()}"]},
        "packages": [_package(part, ids[part.ref]) for part in inventory.parts],
        "relationships": list(_relationships(inventory, ids)),
    }
    if own := _own_licenses(inventory):
        document["hasExtractedLicensingInfos"] = own
    return laid_out({"documentNamespace": f"urn:uuid:{identified(document)}", **document})


def _ids(inventory: Inventory) -> Mapping[str, str]:
    """An identifier for every part: letters, digits, dots and hyphens (SPDX 2.3, 7.2)."""
    found: dict[str, str] = {}
    for part in inventory.parts:
        base = "SPDXRef-" + re.sub("[^A-Za-z0-9.]+", "-", f"{part.kind}-{part.name}-{part.version}").strip("-")
        twin = base in found.values()
        found[part.ref] = f"{base}-{sha256(part.ref.encode()).hexdigest()[:8]}" if twin else base
    return found


def _package(part: Part, identifier: str) -> Mapping[str, Any]:
    said = {
        "versionInfo": part.version,
        "homepage": part.download if part.kind == "release" else "",
        "summary": part.about,
        "checksums": [{"algorithm": "SHA256", "checksumValue": part.sha256}] if part.sha256 else [],
        "externalRefs": _references(part),
        "licenseComments": f"Its makers refer to {part.license.file} in its source." if part.license.file else "",
        "primaryPackagePurpose": _PURPOSES.get(part.kind, "LIBRARY"),
    }
    return {
        "SPDXID": identifier,
        "name": part.name,
        **{key: value for key, value in said.items() if value},
        "downloadLocation": _UNKNOWN if part.kind == "release" else part.download or _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _declared(part.license),
        "copyrightText": _UNKNOWN,
    }


def _references(part: Part) -> list[Mapping[str, str]]:
    if not part.purl:
        return []
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": part.purl}]


def _relationships(inventory: Inventory, ids: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    yield _related("SPDXRef-DOCUMENT", "DESCRIBES", ids[inventory.root.ref])
    for part in inventory.parts:
        kind = "CONTAINS" if part.kind == "release" else "DEPENDS_ON"
        yield from (_related(ids[part.ref], kind, ids[need]) for need in inventory.needs[part.ref])


def _related(one: str, kind: str, other: str) -> Mapping[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _declared(license_: License) -> str:
    return license_.expression or (_reference(license_.said) if license_.said else _UNKNOWN)


def _reference(said: str) -> str:
    return f"LicenseRef-{sha256(said.encode()).hexdigest()[:12]}"


def _own_licenses(inventory: Inventory) -> list[Mapping[str, str]]:
    """What the licences that are on no list are (SPDX 2.3, 10)."""
    found: dict[str, str] = {}
    for part in inventory.parts:
        if part.license.said:
            found[_reference(part.license.said)] = part.license.said
        for own in own_references(part.license.expression):
            found[own] = f"{own}: its text is in the source of {part.name} {part.version}"
    return [{"licenseId": key, "extractedText": text} for key, text in sorted(found.items()) if ":" not in key]
