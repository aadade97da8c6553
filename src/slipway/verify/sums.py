"""Check a list of digests that somebody made, as sha256sum and its like write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest

_BLAKE: Final = ("B2SUMS", ".blake2b")
SUFFIXES: Final = (*_BLAKE, "MD5SUMS", "SHA1SUMS", "SHA256SUMS", "SHA512SUMS", ".md5", ".sha1", ".sha256", ".sha512")
_ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_LINE: Final = re.compile(r"([0-9a-fA-F]+) [ *](.+)")
_TAGGED: Final = re.compile(r"[A-Z0-9-]+ \((.+)\) = ([0-9a-fA-F]+)")


def sums_faults(path: Path, _artifact: Artifact | None, _dist: Path, _manifest: Manifest | None) -> Iterator[str]:
    """Say what the files of a list are not; names count from its folder, or from the one above where they begin with its name."""
    lines = [line for line in path.read_text("utf-8", "replace").removesuffix("\n").split("\n") if line]
    if not lines:
        yield "it lists nothing"
    for line in lines:
        yield from _line_faults(path, line)


def _line_faults(path: Path, line: str) -> Iterator[str]:
    plain, tagged = _LINE.fullmatch(line), _TAGGED.fullmatch(line)
    digest, name = (plain[1], plain[2]) if plain else (tagged[2], tagged[1]) if tagged else (line, path.stem)
    algorithm = _ALGORITHMS.get(len(digest)) if re.fullmatch(r"[0-9a-fA-F]+", digest) else None
    if algorithm == "sha512" and path.name.endswith(_BLAKE):
        algorithm = "blake2b"
    parts = PurePosixPath(name).parts
    parts = parts[1:] if len(parts) > 1 and parts[0] == path.parent.name else parts
    file = path.parent.joinpath(*parts)
    if algorithm is None:
        yield f"it has a line that is none of a list of digests: {line[:60]}"
    elif ".." in parts or name.startswith("/"):
        yield f"it lists {name}, which is outside of its folder"
    elif not file.is_file():
        yield f"it lists {name}, which is not there"
    elif digest_file(file, algorithm) != digest.lower():
        yield f"{name} has another {algorithm} digest than it says"
