"""rc.d scripts of FreeBSD, made from what a project says about its services."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render, sh

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
# pw(8) takes no more, and no other letters.
_ACCOUNT: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_UNITS: Final = (".target", ".socket", ".mount", ".path", ".timer", ".device", ".slice")
# Scripts that do what targets of systemd stand for; every service waits for the network anyway, and others have no counterpart.
_TARGETS: Final = {"time-sync.target": "ntpd", "remote-fs.target": "mountcritremote"}


def rcd_script(spec: InstallSpec, service: Service, folders: Folders, *, required: Collection[str] = ()) -> str:
    """Return the rc.d script of a service installed in these folders.

    `required` are the installed configuration files; those that the service's arguments name have to be there when it starts.
    """
    arguments = [expand(text, folders) for text in service.arguments]
    words = [f"{folders.bin}/{service.binary}", *arguments]
    pairs = [f"{name}={expand(value, folders)}" for name, value in sorted(service.environment.items())]
    _refuse_newlines(service, *words, *pairs)
    return render(
        "installers/rc.d/service.j2",
        name=script_name(service),
        summary=service.summary,
        after=_after(service),
        words=" ".join(_word(text) for text in ([*(["/usr/bin/env", *pairs] if pairs else []), *words])),
        account=account_of(spec, service),
        required=[path for path in arguments if path in required],
        state=folders.state if service.state else "",
    )


def script_name(service: Service) -> str:
    """The file name of a service's rc.d script: also the stem of its variables, which hold no hyphen."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", service.name)
    return f"_{name}" if name[:1].isdigit() else name


def account_of(spec: InstallSpec, service: Service) -> str:
    """The user that a service runs as: its own, or else one that is called like the project."""
    account = service.user or re.sub(r"[^a-z0-9_-]+", "_", spec.name.lower()).lstrip("-0123456789")
    if not _ACCOUNT.fullmatch(account):
        raise ConfigError(
            f"{account!r} cannot be the name of a user of FreeBSD",
            key=f"service.{service.name}.user",
            hint="use up to 32 lower-case letters, digits, '_' and '-', such as user = \"_hello\"",
        )
    return account


def _after(service: Service) -> list[str]:
    services = [
        re.sub(r"[^A-Za-z0-9_]", "_", text.removesuffix(".service")) for text in service.after if not text.endswith(_UNITS)
    ]
    targets = [_TARGETS.get(text, "") for text in service.after if text.endswith(".target")]
    return [name for name in dict.fromkeys((*services, *targets)) if name]


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else sh(text)


def _refuse_newlines(service: Service, *texts: str) -> None:
    if any("\n" in text or "\r" in text for text in (service.summary, *texts)):
        raise ConfigError(
            "a line break cannot stand in an rc.d script",
            key=f"service.{service.name}",
            hint="write the value in one line",
        )
