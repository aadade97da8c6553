"""What the service manager of Windows is told: which programs can be services at all, and how a failed one is brought back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from slipway.model import Service

# Every Windows service begins by calling it; the service manager stops a program that never does.
DISPATCHER: Final = b"StartServiceCtrlDispatcher"
# A failed service is started again after so many seconds; a day without failure forgets the earlier ones.
RESTARTS: Final = (5, 30, 60)
FORGET: Final = 86400


def calls_dispatcher(chunks: Iterable[bytes]) -> bool:
    """Whether a program names the function by which every Windows service begins."""
    overlap, before = len(DISPATCHER) - 1, b""
    for chunk in chunks:
        if DISPATCHER in before + chunk:
            return True
        before = chunk[-overlap:]
    return False


def recovery() -> str:
    """The actions after failures as `sc failure` takes them, in milliseconds."""
    return "/".join(f"restart/{seconds * 1000}" for seconds in RESTARTS)


def described(service: Service, account: str, *, able: bool) -> dict[str, Any]:
    """What install.ps1 has to know of a service; folders stand in it as `{bin}` and the like."""
    return {
        "name": service.name,
        "title": service.name,
        "summary": " ".join(service.summary.split()),
        "program": f"{service.binary}.exe",
        "arguments": list(service.arguments),
        "environment": [{"name": name, "value": value} for name, value in sorted(service.environment.items())],
        "after": list(service.after),
        "enable": service.enable,
        "account": account,
        "schedule": service.schedule,
        "able": able or bool(service.schedule),
    }
