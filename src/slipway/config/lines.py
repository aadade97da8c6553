"""Where a key stands in a TOML text: Python's own reader does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*(?P<key>"(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*""")
_STRING: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|"(?!"")(?:\\.|[^"\\])*"''' + r"""|'''.*?'{3,5}|'(?!'')[^']*'""",
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every key and array element of a valid TOML text."""
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of a key, or of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    """One walk over a text; it trusts that tomllib has read the text before."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip():
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
        return self.lines

    def _skip(self) -> bool:
        """Pass blanks and comments; say whether anything is left."""
        if (blank := _BLANK.match(self.text, self.at)) is not None:
            self.at = blank.end()
        return self.at < len(self.text)

    def _header(self, brackets: int) -> Path:
        start = self.at
        self.at += brackets
        keys = self._keys()
        self.at += brackets
        parent = self._resolve(keys[:-1])
        path: Path = (*parent, keys[-1])
        if brackets == 2:
            self._note(path, start)
            self.counts[path] = self.counts.get(path, -1) + 1
        path = self._resolve(keys)
        for length in range(1, len(path) + 1):
            self._note(path[:length], start)
        return path

    def _resolve(self, keys: tuple[str, ...]) -> Path:
        """Name the last element wherever a key is an array of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            keys.append(_unquote(self._take(_KEY).strip(" \t")))
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def _pair(self, table: Path) -> None:
        start = self.at
        keys = self._keys()
        self.at += 1
        for length in range(1, len(keys) + 1):
            self._note((*table, *keys[:length]), start)
        self._value((*table, *keys))

    def _value(self, path: Path) -> None:
        self._skip()
        match self.text[self.at]:
            case '"' | "'":
                self._take(_STRING)
            case "[":
                self._array(path)
            case "{":
                self._inline(path)
            case _:
                self._take(_PLAIN)

    def _array(self, path: Path) -> None:
        index = 0
        while self._more("]"):
            self._note((*path, index), self.at)
            self._value((*path, index))
            index += 1

    def _inline(self, path: Path) -> None:
        while self._more("}"):
            self._pair(path)

    def _more(self, end: str) -> bool:
        """Pass an opening bracket or a comma; say whether another element comes before the closing bracket."""
        self._skip()
        if self.text[self.at] != end:
            self.at += 1
            self._skip()
        if self.text[self.at] == end:
            self.at += 1
            return False
        return True

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None, f"not TOML at {self.at}"
        self.at = found.end()
        return found[0]

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)


def _unquote(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[0] in "\"'" else key
