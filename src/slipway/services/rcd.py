"""rc.d scripts of FreeBSD, made from what a project says about its services."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec, expand
from slipway.model import Service
from slipway.render import render
from slipway.services.placed import Placed
from slipway.services.scripts import refuse_newlines, started_before, word

FOLDER: Final = "/usr/local/etc/rc.d"
# Where cron(8) finds what others than the administrator want done.
CRON: Final = "/usr/local/etc/cron.d"
# pw(8) takes no more, and no other letters.
_ACCOUNT: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# Scripts that do what targets of systemd stand for; every service waits for the network anyway, and others have no counterpart.
_TARGETS: Final = {"time-sync.target": "ntpd", "remote-fs.target": "mountcritremote"}


def rcd_file(
    spec: InstallSpec, service: Service, folders: Folders, *, required: Collection[str] = (), overrides: Path | None = None
) -> Placed:
    """The file that FreeBSD starts a service by: an rc.d script, or a table for cron(8) where the service has a schedule."""
    if service.schedule:
        return Placed(path=f"{CRON}/{service.name}", text=cron_table(spec, service, folders, overrides))
    text = rcd_script(spec, service, folders, required=required, overrides=overrides)
    return Placed(path=f"{FOLDER}/{script_name(service)}", text=text, mode=0o555)


def cron_table(spec: InstallSpec, service: Service, folders: Folders, overrides: Path | None = None) -> str:
    """Return the table by which cron(8) runs a service on its schedule; what it prints goes to syslogd(8)."""
    words, pairs = _words(service, folders)
    line = " ".join(word(text) for text in ([*(["/usr/bin/env", *pairs] if pairs else []), *words]))
    return render(
        "installers/rc.d/cron.j2",
        overrides=overrides,
        name=service.name,
        summary=service.summary,
        schedule=service.schedule,
        account=account_of(spec, service),
        enable=service.enable,
        # A percent sign would be the end of the line.
        line=line.replace("%", "\\%"),
    )


def rcd_script(
    spec: InstallSpec, service: Service, folders: Folders, *, required: Collection[str] = (), overrides: Path | None = None
) -> str:
    """Return the rc.d script of a service installed in these folders.

    `required` are the installed configuration files; those that the service's arguments name have to be there when it starts.
    """
    words, pairs = _words(service, folders)
    return render(
        "installers/rc.d/service.j2",
        overrides=overrides,
        name=script_name(service),
        summary=service.summary,
        after=_after(service),
        words=" ".join(word(text) for text in ([*(["/usr/bin/env", *pairs] if pairs else []), *words])),
        account=account_of(spec, service),
        required=[path for path in words[1:] if path in required],
        folders=[folder for folder, wanted in ((folders.state, service.state), (folders.logs, service.logs)) if wanted],
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


def _words(service: Service, folders: Folders) -> tuple[list[str], list[str]]:
    words = [f"{folders.bin}/{service.binary}", *(expand(text, folders) for text in service.arguments)]
    pairs = [f"{name}={expand(value, folders)}" for name, value in sorted(service.environment.items())]
    refuse_newlines(service, "an rc.d script", *words, *pairs)
    return words, pairs


def _after(service: Service) -> list[str]:
    return [re.sub(r"[^A-Za-z0-9_]", "_", name) for name in started_before(service, _TARGETS)]
