"""The first configuration of a program, as words of a shell script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final

from slipway.layout import PLACES, Folders, InstallSpec, first_command

_PLACE: Final = re.compile(rf"\{{({'|'.join(PLACES)})\}}")


def first_words(specs: Iterable[InstallSpec]) -> list[str]:
    """The command that an installation begins its life with, its folders named by the variables of install.sh."""
    unfilled = Folders(units="", **{role: f"{{{role}}}" for role in PLACES})
    commands = (first_command(spec, unfilled) for spec in specs)
    return [shell_word(word) for word in next(filter(None, commands), ())]


def shell_word(text: str) -> str:
    """One word for a shell: `{bin}` and the like become variables, all else is quoted where it has to be."""
    parts = _PLACE.split(text)
    words = (f'"$d_{part}"' if number % 2 else shlex.quote(part) for number, part in enumerate(parts) if part)
    return "".join(words) or "''"
