"""What service scripts for a shell have in common: how words are spelled, what may not stand in them, what is started before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from slipway.errors import ConfigError
from slipway.model import Service
from slipway.render import sh

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_UNITS: Final = (".target", ".socket", ".mount", ".path", ".timer", ".device", ".slice")


def word(text: str) -> str:
    """One word for a shell, in quotes only where it needs them."""
    return text if _PLAIN.fullmatch(text) else sh(text)


def started_before(service: Service, targets: Mapping[str, str]) -> list[str]:
    """The services to start before one; `targets` names what does that for which targets of systemd stand."""
    services = [text.removesuffix(".service") for text in service.after if not text.endswith(_UNITS)]
    others = [targets.get(text, "") for text in service.after if text.endswith(".target")]
    return [name for name in dict.fromkeys((*services, *others)) if name]


def refuse_newlines(service: Service, script: str, *texts: str) -> None:
    """Raise ConfigError when a text would end a line of a script such as `an rc.d script`."""
    if any("\n" in text or "\r" in text for text in (service.summary, *texts)):
        raise ConfigError(
            f"a line break cannot stand in {script}", key=f"service.{service.name}", hint="write the value in one line"
        )
