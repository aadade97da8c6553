"""What the forges of the tests are made of: calls, routes, answers, and what goes wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

READS = ("GET", "HEAD")
# refuse: not done, answered with `status`; fail: done, yet answered with `status`; lose: done, and no answer;
# reset: neither done nor answered; half: what an interrupted upload leaves, and 502; slow: the answer takes its time.
Kind = Literal["refuse", "fail", "lose", "reset", "half", "slow"]
AT_RANDOM: tuple[Kind, ...] = ("refuse", "fail", "lose", "reset", "half")


@dataclass
class Fault:
    """What goes wrong with the calls of a route: `times` of them, after some that go well."""

    kind: Kind
    route: str
    times: int = 1
    after: int = 0
    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0

    def takes(self, route: str) -> bool:
        """Whether it strikes now; counts."""
        if not fnmatchcase(route, self.route) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Call:
    """One call as the server saw it."""

    method: str
    route: str
    path: str
    status: int
    sent: int
    fault: str = ""

    @property
    def writes(self) -> bool:
        """Whether it could change anything."""
        return self.method not in READS


@dataclass
class Ask:
    """One call as a route gets it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    params: dict[str, str] = field(default_factory=dict)
    known: bool = False
    half: bool = False

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the question mark."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The fields that were sent."""
        found = json.loads(self.body or b"{}")
        return found if isinstance(found, dict) else {}


@dataclass
class Reply:
    """What is answered."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Route:
    """One call that a forge knows; `login` is needed, possible, or must not be sent."""

    method: str
    pattern: str
    name: str
    login: Literal["needed", "possible", "never"]
    query: frozenset[str]
    fields: dict[str, type | tuple[type, ...]]
    needs: tuple[str, ...]
    body: Literal["none", "json", "file"]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The parts of a path that it takes, or None."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.pattern))
        found = re.fullmatch(re.sub(r"\\{(\w+):path\\}", r"(?P<\1>.+)", pattern), path) if method == self.method else None
        return None if found is None else {name: unquote(part) for name, part in found.groupdict().items()}


Handler = TypeVar("Handler", bound=Callable[..., Reply])


def route(
    method: str,
    pattern: str,
    *,
    login: Literal["needed", "possible", "never"] = "needed",
    query: str = "",
    fields: dict[str, type | tuple[type, ...]] | None = None,
    needs: str = "",
    body: Literal["none", "json", "file"] = "none",
) -> Callable[[Handler], Handler]:
    """Make a method of a forge the answer to a call."""

    def mark(handler: Handler) -> Handler:
        kind = "json" if fields is not None else body
        known = Route(
            method, pattern, handler.__name__, login, frozenset(query.split()), fields or {}, tuple(needs.split()), kind
        )
        handler.__dict__.setdefault("routes", []).append(known)
        return handler

    return mark
