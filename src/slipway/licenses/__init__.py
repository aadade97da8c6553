"""Licence expressions (SPDX 2.3, annex D): what projects and crates say, in the form that other programs read."""

from __future__ import annotations

import re
from typing import Final

from slipway.licenses.listed import EXCEPTIONS, LICENSES

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_OWN: Final = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_WORDS: Final = ("AND", "OR", "WITH")


def normalised(text: str) -> str:
    """Return the expression that a text means, spelled as the list of licences spells it; empty when it is none.

    `MIT/Apache-2.0`, as cargo once wrote it, means `MIT OR Apache-2.0`.
    """
    tokens = [_spelled(token) for token in _TOKEN.findall(text.replace("/", " OR "))]
    return _joined(tokens) if tokens and _Grammar(tokens).accepts() else ""


def own_references(expression: str) -> tuple[str, ...]:
    """The licences of an expression that are on no list."""
    return tuple(sorted({token for token in _TOKEN.findall(expression) if _OWN.fullmatch(token)}))


def _spelled(token: str) -> str:
    if token.upper() in _WORDS:
        return token.upper()
    low = token.lower()
    plus = "+" if low.endswith("+") and low not in LICENSES else ""
    return LICENSES.get(low.removesuffix(plus), "") + plus if low.removesuffix(plus) in LICENSES else EXCEPTIONS.get(low, token)


def _joined(tokens: list[str]) -> str:
    return " ".join(tokens).replace("( ", "(").replace(" )", ")")


class _Grammar:
    """One walk over the tokens of an expression."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def accepts(self) -> bool:
        """Whether all tokens make one expression."""
        return self._compound() and self.at == len(self.tokens)

    def _compound(self) -> bool:
        while self._term():
            if self._next() not in {"AND", "OR"}:
                return True
            self.at += 1
        return False

    def _term(self) -> bool:
        if self._next() == "(":
            self.at += 1
            if not self._compound() or self._next() != ")":
                return False
            self.at += 1
            return True
        if not _is_license(self._next()):
            return False
        self.at += 1
        return self._exception() if self._next() == "WITH" else True

    def _exception(self) -> bool:
        self.at += 1
        known = self._next().lower() in EXCEPTIONS
        self.at += 1
        return known

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""


def _is_license(token: str) -> bool:
    return token.removesuffix("+").lower() in LICENSES or token.lower() in LICENSES or _OWN.fullmatch(token) is not None
