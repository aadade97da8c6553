"""Windows services as Windows Installer describes them: command lines, variables and folders in formatted text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from slipway import console
from slipway.layout import Folders, InstallSpec
from slipway.model import Service
from slipway.packagers.entries import Entry
from slipway.packagers.msi.ids import identifier
from slipway.services.windows import DISPATCHER, calls_dispatcher

_ROLES: Final = "|".join(field.name for field in fields(Folders) if field.name != "units")
# A folder, and the path behind it, whose slashes Windows wants turned.
_PLACE: Final = re.compile(rf"\{{({_ROLES})\}}([^\s\"';,]*)")
_SPECIAL: Final = re.compile(r"[\[\]{}]")


def described(spec: InstallSpec, service: Service, account: str) -> Mapping[str, Any]:
    """What the tables ServiceInstall, ServiceControl and Registry say about a service."""
    folders = Folders.windows(spec.name)
    mine = {each.name for each in spec.services}
    pairs = [_literal(name) + "=" + _formatted(value, folders) for name, value in sorted(service.environment.items())]
    return {
        "id": identifier("s", service.name),
        "name": service.name,
        "title": _literal(service.name),
        "summary": _literal(" ".join(service.summary.split())),
        "arguments": argument_line(service.arguments, folders),
        # Separated and ended by [~], the value becomes a list of texts, which the service manager reads.
        "environment": "[~]" + "".join(f"{pair}[~]" for pair in pairs) if pairs else "",
        "after": [name for name in service.after if name in mine],
        "enable": service.enable,
        "account": account,
    }


def is_able(program: Entry, name: str) -> bool:
    """Whether a program names the function by which every Windows service begins; Windows stops one that never calls it,
    and undoes the whole installation.
    """
    if calls_dispatcher(program.chunks()):
        return True
    console.warn(
        f"the Windows package leaves the service {name} out: {program.path} never calls {DISPATCHER.decode()} "
        '(in Rust: the crate windows-service); [msi] services = "none" says that this is meant, "all" that it can be trusted'
    )
    return False


def argument_line(words: Iterable[str], folders: Folders) -> str:
    """The arguments of a program as formatted text."""
    return " ".join(_argument(text, folders) for text in words)


def _argument(text: str, folders: Folders) -> str:
    """One argument, in quotes where it has or may get spaces, as CommandLineToArgvW takes it apart."""
    shown = _formatted(text, folders)
    if text and not re.search(r"[\s\"]", text) and not _PLACE.search(text):
        return shown
    return '"' + re.sub(r'(\\*)("|$)', lambda end: end[1] * 2 + ("\\" + end[2] if end[2] else ""), shown) + '"'


def _formatted(text: str, folders: Folders) -> str:
    """A text of the data type Formatted: folders in the place of their names, and the type's own signs taken literally."""
    shown, end = "", 0
    for match in _PLACE.finditer(text):
        shown += _literal(text[end : match.start()]) + folders.of(match[1]) + _literal(match[2].replace("/", "\\"))
        end = match.end()
    return shown + _literal(text[end:])


def _literal(text: str) -> str:
    return _SPECIAL.sub(lambda sign: f"[\\{sign[0]}]", text)
