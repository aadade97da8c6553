"""The accounts and folders of a distribution's services, as systemd's own lists of them: sysusers.d and tmpfiles.d."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from slipway.layout import Folders, InstallSpec

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@+=:,./-]+")


def sysusers(spec: InstallSpec, folders: Folders) -> str:
    """The accounts that services run as, for `/usr/lib/sysusers.d/NAME.conf` (sysusers.d(5)); empty when none is needed.

    They are locked, and have no shell and a group of their own; systemd-sysusers leaves alone those that are there.
    """
    lines = (f"u {_word(user)} - {_quoted(f'{spec.name} services')} {_word(folders.state)} -\n" for user in users_of(spec))
    return "".join(lines)


def tmpfiles(spec: InstallSpec, folders: Folders) -> str:
    """The folders of state and of logs, for `/usr/lib/tmpfiles.d/NAME.conf` (tmpfiles.d(5)); empty when systemd makes them alone.

    An account of its own finds its home there before the service has run for the first time.
    """
    state = _folder(folders.state, {service.user for service in spec.services if service.state})
    return state + _folder(folders.logs, {service.user for service in spec.services if service.logs})


def _folder(path: str, owners: Collection[str]) -> str:
    # What belongs to two, or to nobody in particular, the units' StateDirectory= hands to whoever starts.
    if len(owners) != 1 or {"", "root"} & {*owners}:
        return ""
    (owner,) = (_word(user) for user in owners)
    return f"d {_word(path)} 0755 {owner} {owner} -\n"


def users_of(spec: InstallSpec) -> tuple[str, ...]:
    """The accounts that the services run as, sorted; root is there already, and an empty user is one that systemd lends."""
    return tuple(sorted({service.user for service in spec.services} - {"", "root"}))


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """One field, in which `%` would begin a specifier."""
    text = text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
