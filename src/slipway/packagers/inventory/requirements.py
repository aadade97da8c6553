"""What a requirements file of Python names: packages, versions, digests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError
from slipway.packagers.inventory.parts import Part

_LINE: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*) *(?:\[[^\]]*\])? *(?:===? *(?P<version>[^\s;,\\]+))?")
_DIGEST: Final = re.compile(r"--hash=sha256:([0-9a-fA-F]{64})")


def required(file: Path) -> Iterator[Part]:
    """The packages of a requirements file; one that allows several files of a package has no digest of it."""
    try:
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file, hint="pip reads it as UTF-8 text: mend it") from error
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith(("#", "-")) or (said := _LINE.match(line)) is None:
            continue
        name = re.sub(r"[-_.]+", "-", said["name"]).lower()
        version = said["version"] or ""
        digests = _DIGEST.findall(line)
        purl = f"pkg:pypi/{name}" + (f"@{_encoded(version)}" if version else "")
        sha256 = digests[0].lower() if len(digests) == 1 else ""
        yield Part(ref=purl, kind="python", name=name, version=version, purl=purl, sha256=sha256)


def _encoded(version: str) -> str:
    return version.replace("+", "%2B").replace("!", "%21")
