"""What a release says about itself, read as others read it: CycloneDX, SPDX, in-toto statements, lists of files and licences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.manifest import Manifest

_Object = Mapping[str, Any]
_LENGTHS: Final = {"md5": 32, "sha1": 40, "gitcommit": 40, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}
_PURL: Final = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[^\s@?#]+(?:@[^\s?#@]+)?(?:\?[^\s#]+)?(?:#\S+)?")
_SPDX_ID: Final = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
_OWN_LICENSE: Final = re.compile(r"(?<![:\w.-])LicenseRef-[A-Za-z0-9.-]+")
_STATEMENT: Final = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1"}
_FILE: Final = re.compile(r"(?P<mode>[0-7]{4})\t(?P<size>0|[1-9]\d*)\t(?P<sha256>[0-9a-f]{64})\t(?P<path>[^\t\r\n]+)")
_PART: Final = re.compile(r"[a-z]+(?:\t[^\t\r]+){4}")
_ESCAPES: Final = {"\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t"}


def cyclonedx_faults(path: Path, _contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a CycloneDX document; raises VerificationError when it cannot be read as one."""
    document = _read(path, {"bomFormat": "CycloneDX"})
    root = _object(_object(document, "metadata"), "component") if "metadata" in document or manifest else None
    parts = [*([root] if root else []), *_nested(document)]
    refs = [_text(part, "bom-ref") for part in parts if "bom-ref" in part or manifest]
    yield from _twice("bom-ref", refs)
    for part in parts:
        yield from _part_faults(_text(part, "name"), _hashes(part), str(part.get("purl", "")))
    edges = {_text(row, "ref"): _texts(row, "dependsOn") for row in _objects(document, "dependencies")}
    yield from _unknown(edges, refs)
    if manifest:
        yield from (f"it does not say what {ref} needs" for ref in sorted(set(refs) - set(edges)))
        yield from _identity_faults(document, "serialNumber", path)
        yield from _release_faults(root or {}, "version", manifest)


def spdx_faults(path: Path, _contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with an SPDX document; raises VerificationError when it cannot be read as one."""
    document = _read(path, {"SPDXID": "SPDXRef-DOCUMENT", "dataLicense": "CC0-1.0"})
    packages = _objects(document, "packages")
    ids = [_text(part, "SPDXID") for part in (*packages, *_objects(document, "files"))]
    yield from _twice("SPDXID", ids)
    yield from (f"{one} is no identifier of SPDX" for one in ids if _SPDX_ID.fullmatch(one) is None)
    for part in packages:
        sums = [(_text(row, "algorithm"), _text(row, "checksumValue")) for row in _objects(part, "checksums")]
        purls = [_text(row, "referenceLocator") for row in _objects(part, "externalRefs") if row.get("referenceType") == "purl"]
        for purl in purls or [""]:
            yield from _part_faults(_text(part, "name"), sums, purl)
    rows = _objects(document, "relationships")
    ends = [end for row in rows for end in (_text(row, "spdxElementId"), _text(row, "relatedSpdxElement"))]
    yield from _unknown({end: () for end in ends if not end.startswith("DocumentRef-")}, [*ids, "SPDXRef-DOCUMENT"])
    yield from _license_faults(document, packages)
    if manifest:
        yield from _identity_faults(document, "documentNamespace", path)
        described = [row["relatedSpdxElement"] for row in rows if row.get("relationshipType") == "DESCRIBES"]
        root = [part for part in packages if [part["SPDXID"]] == described]
        yield from _release_faults(root[0] if root else {}, "versionInfo", manifest)


def provenance_faults(path: Path, _contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a statement of provenance; raises VerificationError when it cannot be read as one."""
    document = _read(path, _STATEMENT)
    subjects = {_text(each, "name"): _digests(each) for each in _objects(document, "subject")}
    if not subjects:
        yield "it is about nothing"
    definition, details = (_object(_object(document, "predicate"), key) for key in ("buildDefinition", "runDetails"))
    _text(definition, "buildType")
    _text(_object(details, "builder"), "id")
    asked = _object(definition, "externalParameters")
    sources = _objects(definition, "resolvedDependencies")
    named = {**subjects, **{str(each.get("name") or each.get("uri", "")): _digests(each) for each in sources if "digest" in each}}
    yield from (fault for name, sums in named.items() for fault in _part_faults(name, sums.items(), ""))
    if manifest:
        yield from _release_faults(asked, "version", manifest)
        yield from _subject_faults(subjects, manifest, path.name)


def list_faults(path: Path, contents: Contents | None, _manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a list of the files of a distribution or of the licences in it."""
    of_licenses = path.name.endswith("-license-manifest.txt")
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    what, form = ("parts", _PART) if of_licenses else ("files", _FILE)
    head = re.fullmatch(rf"# (?P<name>.+): (?P<count>\d+) {what}", lines[0])
    if head is None or len(lines) < 3 or lines[-1] or not lines[1].startswith("# "):
        raise VerificationError(f"{path.name} is no list of {what}, or only a part of one")
    rows = lines[2:-1]
    if len(rows) != int(head["count"]):
        yield f"it has {len(rows)} {what}, and says that they are {head['count']}"
    if not path.name.startswith(f"{head['name']}-"):
        yield f"it is the list of {head['name']}"
    yield from (f"line {number} is none of such a list" for number, row in enumerate(rows, 3) if form.fullmatch(row) is None)
    if not of_licenses:
        yield from _file_faults([found for row in rows if (found := _FILE.fullmatch(row))], contents)


def _file_faults(rows: list[re.Match[str]], contents: Contents | None) -> Iterator[str]:
    found = {_unescaped(row["path"]): (int(row["mode"], 8), int(row["size"]), row["sha256"]) for row in rows}
    names = [_unescaped(row["path"]) for row in rows]
    if any(one >= other for one, other in pairwise(names)):
        yield "its files are not in order, or one is there twice"
    if contents:
        wanted = {file.path: (file.mode, file.size, file.sha256) for file in contents.files}
        yield from (f"{name} of the distribution is missing" for name in sorted(wanted.keys() - found.keys()))
        yield from (f"{name} is not among the distribution's files" for name in sorted(found.keys() - wanted.keys()))
        common = sorted(wanted.keys() & found.keys())
        yield from (f"what it says of {name} is not so" for name in common if wanted[name] != found[name])


def _subject_faults(subjects: Mapping[str, _Object], manifest: Manifest, own: str) -> Iterator[str]:
    wanted = {each.name: each.digests for each in manifest.artifacts if each.name != own and not each.signs}
    yield from (f"it is not about {name}" for name in sorted(wanted.keys() - subjects.keys()))
    yield from (f"it is about {name}, which the manifest does not know" for name in sorted(subjects.keys() - wanted.keys()))
    common = sorted(wanted.keys() & subjects.keys())
    yield from (f"its digests of {name} are not the manifest's" for name in common if dict(wanted[name]) != subjects[name])


def _release_faults(root: _Object, key: str, manifest: Manifest) -> Iterator[str]:
    if (root.get("name"), root.get(key)) != (manifest.name, manifest.version):
        yield f"it is about {root.get('name')} {root.get(key)}"


def _identity_faults(document: _Object, key: str, path: Path) -> Iterator[str]:
    """Documents made here are named after all else that they say."""
    rest = {name: value for name, value in document.items() if name != key}
    plain = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    if document.get(key) != f"urn:uuid:{uuid5(NAMESPACE_URL, f'slipway:{sha256(plain).hexdigest()}')}":
        yield f"it has been changed: its {key} is another document's"
    if not path.read_bytes().endswith(b"}\n"):
        yield "its end is missing"


def _license_faults(document: _Object, packages: Iterable[_Object]) -> Iterator[str]:
    told = {_text(row, "licenseId") for row in _objects(document, "hasExtractedLicensingInfos")}
    said = {own for part in packages for own in _OWN_LICENSE.findall(str(part.get("licenseDeclared", "")))}
    yield from (f"it does not say what {own} is" for own in sorted(said - told))


def _part_faults(name: str, sums: Iterable[tuple[str, Any]], purl: str) -> Iterator[str]:
    for algorithm, digest in sums:
        length = _LENGTHS.get(algorithm.lower().replace("-", ""))
        if not isinstance(digest, str) or re.fullmatch(r"[0-9a-fA-F]+", digest) is None or len(digest) != (length or len(digest)):
            yield f"the {algorithm} of {name} is no such digest"
    if purl and _PURL.fullmatch(purl) is None:
        yield f"{purl} is no package URL"


def _unknown(edges: Mapping[str, Iterable[str]], refs: Iterable[str]) -> Iterator[str]:
    named = {*edges, *(end for ends in edges.values() for end in ends)}
    yield from (f"it refers to {ref}, of which it says nothing" for ref in sorted(named - set(refs)))


def _twice(what: str, names: list[str]) -> Iterator[str]:
    yield from (f"it has the {what} {one} twice" for one, other in pairwise(sorted(names)) if one == other)


def _nested(holder: _Object) -> Iterator[_Object]:
    for part in _objects(holder, "components"):
        yield part
        yield from _nested(part)


def _hashes(part: _Object) -> list[tuple[str, str]]:
    return [(_text(row, "alg"), _text(row, "content")) for row in _objects(part, "hashes")]


def _digests(holder: _Object) -> dict[str, Any]:
    return dict(_object(holder, "digest"))


def _read(path: Path, head: Mapping[str, str]) -> _Object:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise VerificationError(f"{path.name} is no JSON: {error}") from error
    for key, value in head.items():
        if not isinstance(document, dict) or document.get(key) != value:
            raise VerificationError(f"{path.name} does not say {key}: {value}")
    assert isinstance(document, dict)
    return document


def _object(holder: _Object, key: str) -> _Object:
    if not isinstance(value := holder.get(key), dict):
        raise VerificationError(f"{key} is missing or no object")
    return value


def _objects(holder: _Object, key: str) -> list[_Object]:
    value = holder.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise VerificationError(f"{key} is no list of objects")
    return value


def _texts(holder: _Object, key: str) -> list[str]:
    value = holder.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise VerificationError(f"{key} is no list of texts")
    return value


def _text(holder: _Object, key: str) -> str:
    if not isinstance(value := holder.get(key), str) or not value:
        raise VerificationError(f"{key} is missing or no text")
    return value


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)
