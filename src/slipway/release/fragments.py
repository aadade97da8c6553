"""Notes on coming changes, one file each: read, put in order, and gathered into the notes of a release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway import console
from slipway.errors import ConfigError, GateError, did_you_mean
from slipway.files import write_atomic
from slipway.release.front_matter import read_facts, split_front_matter
from slipway.render import render
from slipway.rules import FragmentRules

TEMPLATE: Final = "templates/notes/fragments.md.j2"
KEYS: Final = ("synopsis", "cls", "issues", "prs", "significance", "category", "credits")
# What a number alone means below each key.
_SIGNS: Final[Mapping[str, str]] = {"issues": "#", "prs": "#", "cls": "cl/"}
_SIGNIFICANT: Final = "significant"


@dataclass(frozen=True, slots=True)
class Fragment:
    """One note: below which heading it stands, what it says in a line and at length, and what and whom it refers to."""

    file: Path
    category: str
    synopsis: str
    text: str = ""
    references: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    significant: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a file is to hold; without a text, it goes."""

    path: Path
    text: str | None


@dataclass(frozen=True, slots=True)
class Edition:
    """The release that notes are for; `date` is as in 2026-01-31."""

    name: str
    version: str
    date: str
    codename: str = ""

    @property
    def major(self) -> str:
        """The first two numbers of the version."""
        return ".".join(re.split(r"[.-]", self.version)[:2])

    def fill(self, text: str, **more: str) -> str:
        """Put the facts of the release into a text of slipway.toml."""
        codename = f' "{self.codename}"' if self.codename else ""
        facts = {"name": self.name, "version": self.version, "major": self.major, "date": self.date, "codename": codename, **more}
        return re.sub(r"\{(\w+)\}", lambda match: facts.get(match[1], match[0]), text)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Gathered notes: their text, the file they go into, and what becomes of all the files."""

    text: str
    notes: Path
    changes: tuple[FileChange, ...]


def read_fragments(root: Path, rules: FragmentRules) -> tuple[Fragment, ...]:
    """The notes in the folder, what is significant first, then by file name; a folder that is not there has none.

    Raises ConfigError, naming the file and the line, for a note that says something unknown or lacks what it needs.
    """
    folder = root / rules.folder
    if not folder.is_dir():
        console.warn(f"there is no folder {rules.folder}, so there are no notes on changes")
        return ()
    files = sorted(file for file in folder.glob("*.md") if file.stem.upper() != "README" and not file.name.startswith("."))
    authors = read_facts(root / rules.authors) if rules.authors else {}
    read = _by_name if rules.layout == "names" else _by_front_matter
    found = [read(file, rules, authors) for file in files]
    return tuple(sorted(found, key=lambda fragment: (not fragment.significant, fragment.file.name)))


def write_fragments(fragments: Sequence[Fragment], rules: FragmentRules, *, level: int = 2, overrides: Path | None = None) -> str:
    """The notes in Markdown, below the headings of their categories."""
    named = list(dict.fromkeys(rules.categories.values()))
    sections = [
        {"title": title, "notes": [_shown(one, rules) for one in fragments if rules.categories[one.category] == title]}
        for title in named
    ]
    wanted = [section for section in sections if section["notes"]]
    return render(TEMPLATE, overrides=overrides, sections=wanted, mark="#" * level).strip("\n")


def gather(root: Path, rules: FragmentRules, edition: Edition, *, overrides: Path | None = None) -> Gathered | None:
    """Plan what gathering the notes for a release changes: the file of notes, its index, and that the notes are gone.

    None when there is nothing to gather. Raises GateError when the file has a chapter on that version already.
    """
    if not (fragments := read_fragments(root, rules)):
        return None
    chapter = edition.fill(rules.chapter)
    text = write_fragments(fragments, rules, level=_level(chapter) + 1, overrides=overrides)
    notes = root / edition.fill(rules.notes)
    old = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    if chapter_in(old, edition, rules) is not None:
        raise GateError(
            f"{notes.name} has a chapter on {edition.version} already, and {rules.folder}/ has notes that are not in it",
            hint="add them to the chapter by hand and remove their files, or release a higher version",
        )
    changes = [FileChange(notes, _with_chapter(old, f"{chapter}\n\n{text}\n", edition, rules))]
    if rules.index and not old:
        changes.append(_indexed(root, rules, edition, notes))
    changes += [FileChange(fragment.file, None) for fragment in fragments]
    return Gathered(text, notes, tuple(changes))


def apply(changes: Iterable[FileChange]) -> None:
    """Write and remove files as planned."""
    for change in changes:
        if change.text is None:
            change.path.unlink(missing_ok=True)
        else:
            write_atomic(change.path, change.text.encode())


def chapter_in(text: str, edition: Edition, rules: FragmentRules) -> str | None:
    """What a file of notes says of one version, without the heading; None when it has no chapter on it."""
    lines = text.splitlines()
    level = _level(rules.chapter)
    start = _heading_of(edition, rules)
    # The file's own heading may be of the same level, and like that of a version.
    begin = next((number for number, line in enumerate(lines) if start.match(line) and number > 0), None)
    if begin is None:
        return None
    end = next((number for number, line in enumerate(lines[begin + 1 :], begin + 1) if 0 < _level(line) <= level), len(lines))
    return "\n".join(lines[begin + 1 : end]).strip("\n")


def _by_name(file: Path, rules: FragmentRules, _authors: Mapping[str, Any]) -> Fragment:
    parts = file.name.split(".")
    if len(parts) < 3:
        raise ConfigError(
            "the name does not say the category", file=file, hint=f"as in {parts[0]}.{next(iter(rules.categories))}.md"
        )
    category = _category(parts[-2], rules, file)
    if not (text := _read(file).strip()):
        raise ConfigError("the note is empty", file=file, line=1)
    return Fragment(file, category, text)


def _by_front_matter(file: Path, rules: FragmentRules, authors: Mapping[str, Any]) -> Fragment:
    text = _read(file)
    facts, body, _ = split_front_matter(text, file)
    lines = {
        key: number
        for number, line in enumerate(text.splitlines(), 1)
        for key in [line.partition(":")[0].partition("=")[0].strip()]
    }
    for key in facts:
        if key not in KEYS:
            raise ConfigError(
                "unknown key",
                file=file,
                line=lines.get(key),
                key=key,
                hint=f"{did_you_mean(key, KEYS)}known are {', '.join(KEYS)}",
            )
    if not (synopsis := str(facts.get("synopsis", "")).strip()):
        raise ConfigError("the synopsis is missing", file=file, line=1, key="synopsis", hint="say the change in one line")
    if (weight := facts.get("significance")) not in {None, _SIGNIFICANT}:
        raise ConfigError(
            f"{weight!r} is no significance", file=file, line=lines.get("significance"), hint=f"there is {_SIGNIFICANT}"
        )
    references = [_reference(key, item) for key in _SIGNS for item in _list(facts.get(key))]
    people = [_person(str(item), authors, file, lines.get("credits")) for item in _list(facts.get("credits"))]
    category = _category(str(facts.get("category", "")), rules, file, lines.get("category"))
    return Fragment(file, category, synopsis, body, tuple(references), tuple(people), weight == _SIGNIFICANT)


def _category(said: str, rules: FragmentRules, file: Path, line: int | None = None) -> str:
    if said in rules.categories:
        return said
    what = f"unknown category {said!r}" if said else "the category is missing"
    known = ", ".join(rules.categories)
    raise ConfigError(
        what, file=file, line=line or 1, key="category", hint=f"{did_you_mean(said, rules.categories)}known are {known}"
    )


def _reference(key: str, item: object) -> str:
    text = str(item)
    return f"{_SIGNS[key]}{text}" if text.isdigit() else text


def _person(name: str, authors: Mapping[str, Any], file: Path, line: int | None) -> str:
    """How somebody is called and where to find them, as the file of authors says it."""
    found = authors.get(name)
    if not isinstance(found, Mapping):
        hint = f"{did_you_mean(name, authors)}add {name} to the file of authors, which change_authors names in slipway.toml"
        raise ConfigError(f"nobody knows who {name!r} is", file=file, line=line, key="credits", hint=hint)
    shown = str(found.get("display_name") or name)
    for place, page in (("forgejo", "{}"), ("github", "https://github.com/{}"), ("gitlab", "https://gitlab.com/{}")):
        if handle := found.get(place):
            url = str(handle) if "://" in str(handle) else page.format(handle)
            return f"[{shown}]({url})" if "://" in url else shown
    return shown


def _shown(fragment: Fragment, rules: FragmentRules) -> dict[str, Any]:
    first, _, rest = fragment.synopsis.partition("\n")
    return {
        "synopsis": first,
        "references": [_linked(reference, rules) for reference in fragment.references],
        "lines": [f"  {line}".rstrip() for line in (rest.splitlines() if rest else [])],
        "text": [f"  {line}".rstrip() for line in fragment.text.splitlines()],
        "credits": _joined(fragment.credits),
    }


def _linked(reference: str, rules: FragmentRules) -> str:
    sign = re.sub(r"\d+$", "", reference)
    page = rules.references.get(sign)
    return f"[{reference}]({page.replace('{}', reference[len(sign) :])})" if page else reference


def _joined(people: Sequence[str]) -> str:
    return " and ".join([*([", ".join(people[:-1])] if people[1:] else []), *people[-1:]])


def _list(value: object) -> list[object]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _level(line: str) -> int:
    return len(line) - len(line.lstrip("#")) if line.lstrip("#")[:1] == " " else 0


def _heading_of(edition: Edition, rules: FragmentRules) -> re.Pattern[str]:
    """The heading of a version's chapter, whatever the date that it has."""
    before, mark, after = rules.chapter.partition("{version}")
    known = re.escape(edition.fill(before.replace("{codename}", "").replace("{date}", "")) + edition.version) if mark else ""
    return re.compile(rf"{known}(?![\w.+-])" if mark else re.escape(edition.fill(f"{before}{after}")))


def _with_chapter(old: str, chapter: str, edition: Edition, rules: FragmentRules) -> str:
    """A file of notes with one more chapter before those that it has."""
    if not old.strip():
        return f"{edition.fill(rules.heading)}\n\n{chapter}"
    lines = old.splitlines(keepends=True)
    level = _level(rules.chapter)
    place = next((number for number, line in enumerate(lines) if number > 0 and _level(line) == level), None)
    if place is None:
        return f"{old.rstrip()}\n\n{chapter}"
    return f"{''.join(lines[:place])}{chapter}\n{''.join(lines[place:])}"


def _indexed(root: Path, rules: FragmentRules, edition: Edition, notes: Path) -> FileChange:
    index = root / rules.index
    lines = _read(index).splitlines(keepends=True)
    for number, line in enumerate(lines):
        if rules.index_marker in line:
            margin = line[: len(line) - len(line.lstrip())]
            file = notes.relative_to(index.parent).as_posix() if notes.is_relative_to(index.parent) else notes.name
            added = f"{margin}{edition.fill(rules.index_line, file=file)}\n"
            return FileChange(index, "".join([*lines[: number + 1], added, *lines[number + 1 :]]))
    raise ConfigError(
        f"the line {rules.index_marker} is missing", file=index, hint="the index of the notes gets its lines below it"
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"it cannot be read: {error}", file=file) from error
