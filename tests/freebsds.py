"""FreeBSD packages for tests: made, taken apart with Python alone, and their versions compared as pkg-version(8) says."""

from __future__ import annotations

import io
import itertools
import json
import re
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import zstandard

import sample
from slipway.contents import Contents, File
from slipway.files import digest_file
from slipway.model import Release
from slipway.packagers.freebsd import plan_freebsd
from slipway.platforms import PLATFORMS
from slipway.version import Version


@dataclass(frozen=True)
class Pkg:
    """A package taken apart: the two manifests, and every member with its mode, owner and bytes."""

    path: Path
    names: list[str]
    compact: dict[str, Any]
    whole: dict[str, Any]
    members: dict[str, tuple[tarfile.TarInfo, bytes]]

    @classmethod
    def read(cls, path: Path) -> Pkg:
        members = {}
        with tarfile.open(fileobj=io.BytesIO(unpacked(path.read_bytes()))) as archive:
            for each in archive:
                file = archive.extractfile(each)
                members[each.name] = (each, file.read() if file else b"")
        compact, whole = (json.loads(members.pop(name)[1]) for name in ("+COMPACT_MANIFEST", "+MANIFEST"))
        return cls(path, ["+COMPACT_MANIFEST", "+MANIFEST", *members], compact, whole, members)

    def script(self, name: str) -> str:
        return unquote(self.whole["scripts"][name])


def unpacked(data: bytes) -> bytes:
    import lzma

    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.decompress(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def freebsd(root: Path, version: str = "1.2.3", **changes: Any) -> Release:
    """The sample release for FreeBSD alone, laid out."""
    made = sample.release(root, project=sample.project(root / "project", **changes), version=Version(version))
    made = replace(made, platforms=(PLATFORMS["freebsd-amd64"],))
    for cell in made.cells:
        sample.stage(made, cell)
    return made


def hold(made: Release, path: str, mode: int, data: bytes) -> None:
    """Put one more file into the complete distribution, or another one in the place of what is there."""
    cell = sample.cell(made, "freebsd-amd64-complete")
    contents, place = Contents.load(made.contents(cell)), made.staged(cell) / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    place.chmod(mode)
    file = File(path=path, mode=mode, size=len(data), sha256=digest_file(place), md5=digest_file(place, "md5"))
    others = (each for each in contents.files if each.path != path)
    files = tuple(sorted((*others, file), key=lambda each: each.path))
    made.contents(cell).write_bytes(replace(contents, files=files).dump())


def pack(made: Release, variant: str = "complete") -> Pkg:
    step = next(step for step in plan_freebsd(made) if step.key == f"freebsd-amd64-{variant}.freebsd")
    step.run()
    return Pkg.read(step.outputs[0])


_STAGES = {"pl": 0, "snap": 20, "alpha": 2, "beta": 3, "pre": 17, "rc": 19}
_COMPONENT = re.compile(r"(\d*)([a-z]*)(\d*)")


def compare(one: str, other: str) -> int:
    """-1, 0 or 1 as the first version is older than, the same as or newer than the other, by pkg-version(8)."""
    blocks = [[list(_components(block)) for block in text.lower().split("+")] for text in (one, other)]
    for mine, others in itertools.zip_longest(*blocks, fillvalue=[]):
        for left, right in itertools.zip_longest(mine, others, fillvalue=(0, 0, 0)):
            if left != right:
                return -1 if left < right else 1
    return 0


def _components(text: str) -> Any:
    """Number, letter and patch level of each part: a part without a number comes before one that is not there."""
    for part in filter(None, re.split(r"[^a-z0-9]+", text)):
        place = 0
        while place < len(part):
            match = _COMPONENT.match(part, place)
            assert match is not None
            number, word, level = match.groups()
            if number and word in _STAGES and len(word) > 1:
                yield int(number), 0, 0
                place = match.end(1)
                continue
            letter = (_STAGES[word] if word in _STAGES and not number else ord(word[0]) - 95) if word else 0
            yield int(number or -1), letter, (int(level) if level else -1) if word else 0
            place = match.end()
