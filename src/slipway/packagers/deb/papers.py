"""The copyright file and the changelog of a Debian package (policy 12.5 and 12.7)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from slipway.packagers.deb.control import Facts
from slipway.packagers.deb.copyright import copyright_text
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file
from slipway.render import render

_FILES: Final = re.compile(r"(CHANGELOG|CHANGES|HISTORY|NEWS)([-_.].*)?", re.IGNORECASE)
_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_ITEM: Final = re.compile(r"\s*[-*+]\s+(.*)")
_LINK: Final = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Where the texts of a package come from."""

    name: str
    release: str
    license: str
    documents: tuple[Path, ...]
    overrides: Path
    epoch: int


def papers(facts: Facts, said: Papers) -> tuple[Entry, ...]:
    """The copyright file and the changelogs.

    A version without a revision is native: its changelog has the plain name, which the project's own has otherwise.
    """
    about = {"name": said.name, "maintainer": facts.maintainer, "homepage": facts.homepage, "license": said.license}
    made = {"changelog.gz" if facts.is_native else "changelog.Debian.gz": _changelog(facts, said)}
    if not facts.is_native and (own := _own_changelog(said.documents)):
        made["changelog.gz"] = own.read_bytes()
    return (
        made_file(f"{facts.doc}/copyright", copyright_text(about, said.documents, said.epoch, said.overrides), "license"),
        *(made_file(f"{facts.doc}/{name}", _packed(data), "doc") for name, data in made.items()),
    )


def _packed(data: bytes) -> bytes:
    import deflate

    return bytes(deflate.gzip_compress(data, 12))


def _own_changelog(documents: Sequence[Path]) -> Path | None:
    return next((path for path in documents if _FILES.fullmatch(path.name)), None)


def changes_of(documents: Sequence[Path], version: str) -> tuple[str, ...]:
    """What a project's own list of changes says about a version, as the lines of an entry; empty when it says nothing.

    The version's section is the one below a heading such as `## [2.1.0] - 2026-11-21` or `## 2.1.0`.
    """
    if (path := _own_changelog(documents)) is None:
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    return tuple(line for item in _items(_section(text.splitlines(), version)) for line in item)


def _section(lines: Sequence[str], version: str) -> Iterator[str]:
    """The lines below a version's heading, as far as the next heading of its rank."""
    begins = re.compile(rf"\[?v?{re.escape(version)}(?:[\]\s(,:].*)?")
    found = ((_HEADING.fullmatch(line), index) for index, line in enumerate(lines))
    rank, start = next(((len(match[1]), index + 1) for match, index in found if match and begins.fullmatch(match[2])), (0, 0))
    end = re.compile(rf"#{{1,{rank or 6}}}\s.*")
    return takewhile(lambda line: not end.fullmatch(line), lines[start:] if rank else ())


def _items(lines: Iterator[str]) -> Iterator[list[str]]:
    """Each item or paragraph, wrapped; what stands below a heading is an item of it."""
    mark, parts = "  * ", list[str]()
    for line in (*lines, ""):
        heading, item = _HEADING.fullmatch(line), _ITEM.fullmatch(line)
        if parts and (heading or item or not line.strip()):
            yield _wrapped(mark, " ".join(parts))
            parts = []
        if heading:
            yield _wrapped("  * ", f"{heading[2]}:")
            mark = "    - "
        elif line.strip():
            parts.append(item[1] if item else line.strip())


def _wrapped(mark: str, text: str) -> list[str]:
    plain = _LINK.sub(r"\1", text)
    return textwrap.wrap(plain, 78, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False)


def _changelog(facts: Facts, said: Papers) -> bytes:
    from email.utils import formatdate

    text = render(
        "templates/deb/changelog.j2",
        overrides=said.overrides,
        package=facts.package,
        version=facts.version,
        suite=facts.suite or "unstable",
        changes=changes_of(said.documents, said.release) or (f"  * Release {said.release}.",),
        maintainer=facts.maintainer,
        date=formatdate(said.epoch).replace("-0000", "+0000"),
    )
    return text.encode()
