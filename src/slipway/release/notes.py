"""The notes of one release, as a forge shows them beside its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.release.changelog import History, chapter_of
from slipway.release.fragments import Edition, chapter_in, read_fragments, write_fragments
from slipway.render import render
from slipway.rules import FragmentRules

TEMPLATE: Final = "templates/notes/release.md.j2"
# How many characters a forge takes.
LIMITS: Final[Mapping[str, int]] = {"github": 125_000, "gitlab": 1_000_000}
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to install: what it is called, and the command."""

    title: str
    command: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A file of the release with its SHA-256."""

    name: str
    digest: str


def release_notes(
    history: History,
    edition: Edition,
    fragments: FragmentRules | None = None,
    *,
    summary: str = "",
    install: Sequence[Way] = (),
    checksums: Sequence[Digest] = (),
) -> str:
    """The notes of a version in Markdown: what people wrote for it when they did, else what its commits say."""
    written = _written(history.repository.root, edition, fragments, history.overrides) if fragments else ""
    chapter = chapter_of(history, edition.version)
    text = render(
        TEMPLATE,
        overrides=history.overrides,
        name=edition.name,
        version=edition.version,
        summary=summary,
        fragments=written,
        groups=[] if written else chapter.groups,
        install=install,
        checksums=checksums,
        contributors=chapter.contributors,
        newcomers=chapter.newcomers,
        compare=chapter.compare,
    )
    return f"{text.strip()}\n"


def fit(text: str, target: str, link: str = "") -> str:
    """Cut notes to what a forge takes, at the end of a line, with a link to the rest; what fits stays as it is."""
    limit = LIMITS.get(target)
    if limit is None or len(text) <= limit:
        return text
    more = f"\n… the rest is at {link}\n" if link else "\n…\n"
    kept = text[: limit - len(more) - len(_FENCE) - 2]
    kept = kept[: kept.rfind("\n") + 1]
    # A block of commands that was cut has to end before the link.
    open_block = sum(line.startswith(_FENCE) for line in kept.splitlines()) % 2
    return f"{kept}{_FENCE + chr(10) if open_block else ''}{more}"


def _written(root: Path, edition: Edition, rules: FragmentRules, overrides: Path | None) -> str:
    """What people wrote: in the file of notes once it is gathered, else in the folder."""
    notes = root / edition.fill(rules.notes)
    if notes.is_file() and (text := chapter_in(notes.read_text(encoding="utf-8"), edition, rules)) is not None:
        return text
    if not (root / rules.folder).is_dir():
        return ""
    return write_fragments(read_fragments(root, rules), rules, overrides=overrides)
