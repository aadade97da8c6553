"""The few lines of facts at the top of a note: TOML between `+++`, or the small part of YAML that people write there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from slipway.errors import ConfigError

_FENCES: Final = ("---", "+++")
_PAIR: Final = re.compile(r"(?P<key>[A-Za-z_][\w.-]*):(?:\s+(?P<value>.*))?")
_HINT: Final = "what is understood: key: value, key: [a, b], a list with - below its key, and one level of keys below a key"
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "t": "\t"}


def split_front_matter(text: str, file: Path) -> tuple[dict[str, Any], str, int]:
    """The facts, the text below them, and the line on which the facts begin; raises ConfigError for what is not understood."""
    lines = text.splitlines()
    if not lines or (fence := lines[0].rstrip()) not in _FENCES:
        raise ConfigError(
            "the first line is not ---", file=file, line=1, hint="facts such as synopsis stand between two lines ---"
        )
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == fence), 0)
    if not end:
        raise ConfigError(f"the facts are not closed by a line {fence}", file=file, line=1)
    facts = _toml("\n".join(lines[1:end]), file, 2) if fence == "+++" else read_yaml(lines[1:end], file, 2)
    return facts, "\n".join(lines[end + 1 :]).strip("\n"), 2


def read_facts(file: Path) -> dict[str, Any]:
    """Read a whole file of facts, TOML or YAML by its name."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"it cannot be read: {error}", file=file) from error
    return _toml(text, file, 1) if file.suffix == ".toml" else read_yaml(text.splitlines(), file, 1)


def read_yaml(lines: Sequence[str], file: Path, first: int) -> dict[str, Any]:
    """Read the part of YAML that notes have; anything beyond it is an error with its line, never a guess."""
    numbered = [
        (number, line.rstrip()) for number, line in enumerate(lines, first) if line.strip() and not line.lstrip().startswith("#")
    ]
    return _mapping(list(_blocks(numbered, file)), file)


def _blocks(lines: Sequence[tuple[int, str]], file: Path) -> Iterator[tuple[int, str, list[tuple[int, str]]]]:
    """Each line at the left margin with those below it that are further in; items of a list may stand at the margin too."""
    block: tuple[int, str, list[tuple[int, str]]] | None = None
    for number, line in lines:
        if line[0] in " -\t" and not line.startswith("---"):
            if block is None or "\t" in line[: len(line) - len(line.lstrip())]:
                raise ConfigError("a line is further in than it may be", file=file, line=number, hint=_HINT)
            block[2].append((number, line))
            continue
        if block is not None:
            yield block
        block = (number, line, [])
    if block is not None:
        yield block


def _mapping(blocks: Sequence[tuple[int, str, list[tuple[int, str]]]], file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, line, below in blocks:
        if (pair := _PAIR.fullmatch(line)) is None:
            raise ConfigError(f"{line!r} is not key: value", file=file, line=number, hint=_HINT)
        if pair["key"] in found:
            raise ConfigError("the key is there twice", file=file, line=number, key=pair["key"])
        said = _without_comment(pair["value"] or "")
        if said and below:
            raise ConfigError("it goes on in the next line", file=file, line=below[0][0], key=pair["key"], hint=_HINT)
        found[pair["key"]] = _below(below, file) if below else _value(said, file, number)
    return found


def _below(lines: Sequence[tuple[int, str]], file: Path) -> Any:
    if all(line.lstrip().startswith("- ") for _, line in lines):
        return [_scalar(_without_comment(line.lstrip()[2:].strip()), file, number) for number, line in lines]
    margin = len(lines[0][1]) - len(lines[0][1].lstrip())
    inner = [(number, line[margin:] if line[:margin].isspace() else line) for number, line in lines]
    return _mapping([(number, line, []) for number, line in inner], file)


def _value(text: str, file: Path, line: int) -> Any:
    if not text.startswith("["):
        return _scalar(text, file, line)
    if not text.endswith("]"):
        raise ConfigError("the list is not closed by ] on its line", file=file, line=line, hint=_HINT)
    return [_scalar(item.strip(), file, line) for item in _items(text[1:-1]) if item.strip()]


def _items(text: str) -> Iterator[str]:
    """Cut at commas outside of quotes."""
    yield from re.findall(r"""((?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[^,"'])+)""", text)


def _scalar(text: str, file: Path, line: int) -> str | int:
    if text[:1] == '"' and len(text) > 1 and text[-1] == '"':
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])
    if text[:1] == "'" and len(text) > 1 and text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text[:1] in {'"', "'", "[", "{", "|", ">", "&", "*", "!", "%", "@", "`"} or ": " in text or text.endswith(":"):
        raise ConfigError(f"{text!r} is not understood", file=file, line=line, hint='texts with signs stand in quotes: "…"')
    return int(text) if re.fullmatch(r"\d+", text, re.ASCII) else text


def _without_comment(text: str) -> str:
    if text[:1] in {'"', "'"}:
        closed = re.match(r"""("(?:\\.|[^"\\])*"|'(?:''|[^'])*')\s+#.*""", text)
        return closed[1] if closed else text
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _toml(text: str, file: Path, first: int) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = first + (int(found[1]) - 1 if found else text.count("\n"))
        raise ConfigError(f"this is not TOML: {error}", file=file, line=line) from error
