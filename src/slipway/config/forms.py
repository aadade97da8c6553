"""The forms that the values of slipway.toml take, and what all of its tables have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function


@dataclass(frozen=True, slots=True)
class Matches:
    """A text of a certain form; `expected` completes the sentence "must be …"."""

    pattern: str
    expected: str

    def __call__(self, text: str) -> str:
        """Return the text, or refuse it."""
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"must be {self.expected}; {text!r} is not")
        return text

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True, slots=True)
class Compression:
    """One of some kinds of compression, which may have a level from 1 to 12 behind it, as in `xz:9`."""

    kinds: tuple[str, ...]
    without: tuple[str, ...] = ()  # those that have no levels

    def __call__(self, text: str) -> str:
        """Return the text, or refuse it."""
        kind, mark, level = text.partition(":")
        if kind not in self.kinds:
            expected = ", ".join(repr(each) for each in self.kinds)
            raise PydanticCustomError("literal_error", "must be one of {expected}", {"expected": expected})
        if mark and kind in self.without:
            raise ValueError(f"{kind} has no levels: {text!r}")
        if mark and not re.fullmatch(_LEVEL, level):
            raise ValueError(f"the level behind {kind} must be from 1 to 12, as in '{kind}:9'; {text!r} is not")
        return text

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        levelled = "|".join(re.escape(each) for each in self.kinds if each not in self.without)
        plain = "".join(f"|{re.escape(each)}" for each in self.without)
        return {**handler(schema), "pattern": f"^(?:(?:{levelled})(?::(?:{_LEVEL}))?{plain})$"}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of something on the web: https, or http on this machine; without a login, because a file keeps no secrets."""

    def __call__(self, text: str) -> str:
        """Return the address, or refuse it, without repeating what may be a secret."""
        if re.match(r"[^/]*//[^/?#]*@", text):
            raise ValueError("has a login in it; secrets never stand in slipway.toml, and addresses end up in logs")
        if re.fullmatch(_ADDRESS, text):
            return text
        if re.fullmatch(_ADDRESS, text.replace("http://", "https://", 1)):
            raise ValueError("must start with https://; http is for this machine alone (http://127.0.0.1:8000)")
        raise ValueError("must be a URL that starts with https://, without '?' and '#'")

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{_ADDRESS})$"}


def unique_kinds(items: list[str]) -> list[str]:
    """Return the items, or refuse them when one kind is there twice, if with another level."""
    unique([item.partition(":")[0] for item in items])
    return items


def unique(items: list[str]) -> list[str]:
    """Return the items, or refuse them when one is there twice."""
    if repeated := next((item for index, item in enumerate(items) if item in items[:index]), None):
        raise ValueError(f"names {repeated!r} twice")
    return items


_LEVEL: Final = r"[1-9]|1[0-2]"
_HERE: Final = r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])"
_ADDRESS: Final = rf"|(?:https://[^\s@/?#]+|http://{_HERE}(?::\d+)?)(?:/[^\s?#]*)?"
ONE_LINE: Final = Matches(r"[^\n\r]*", "one line")
OPTIONAL_PACKAGE: Final = Matches(
    r"|[a-z0-9][a-z0-9+.-]+", "a Debian package name: two or more lower-case letters, digits, '+', '-' or '.'"
)
_PACKAGE: Final = r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?: \((?:<<|<=|=|>=|>>) [^()\s,|]+\))?"
Relation = Annotated[
    str, Matches(rf"{_PACKAGE}(?: \| {_PACKAGE})*", "a Debian relation such as 'ca-certificates' or 'libc6 (>= 2.31)'")
]
Word = Annotated[str, Field(min_length=1)]
Words = Annotated[list[Word], AfterValidator(unique)]
TableName = Annotated[str, Matches(r"[a-z0-9][a-z0-9-]*", "a name of lower-case letters, digits and hyphens")]


class Table(BaseModel):
    """One table of slipway.toml: unknown keys are errors and nothing is converted."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        strict=True,
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )
