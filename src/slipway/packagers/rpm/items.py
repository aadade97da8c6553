"""What an RPM lists: its files with what rpm has to know of each, and the folders that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from slipway.errors import ConfigError
from slipway.packagers.entries import Entry, with_folders
from slipway.packagers.rpm.facts import Facts

# include/rpm/rpmfiles.h, rpmfileAttrs.
CONFIG, DOC, NOREPLACE, GHOST, LICENSE = 1, 2, 16, 64, 128
_LICENSES: Final = re.compile(r"(?:LICEN[CS]E|COPYING|UNLICENSE|NOTICE)(?:[-_.].*)?", re.IGNORECASE)
_DOCUMENTS: Final = ("usr/share/doc/", "usr/share/man/", "usr/share/info/")
# Folders that every distribution's filesystem and systemd packages have, with rights that a package must not change.
_BASE: Final = re.compile(
    r"etc(?:/(?:opt|pki|profile\.d|skel|sysconfig|xdg(?:/autostart)?|cron\.d|cron\.daily|logrotate\.d|systemd(?:/(?:system|user))?))?"
    r"|usr(?:/(?:bin|sbin|games|include|libexec|lib64|local|src))?"
    r"|usr/lib(?:/(?:games|locale|modules|sysusers\.d|tmpfiles\.d|modules-load\.d|sysctl\.d|environment\.d|firewalld|udev(?:/rules\.d)?))?"
    r"|usr/lib/systemd(?:/(?:system|user|system-preset|user-preset|catalog))?"
    r"|usr/share(?:/(?:applications|dict|doc|games|icons|info|licenses|locale|metainfo|mime|pixmaps|polkit-1|sounds|themes"
    r"|dbus-1(?:/(?:services|system-services|system\.d))?|bash-completion(?:/completions)?))?"
    r"|usr/share/icons/hicolor(?:/.*)?"
    r"|usr/share/locale/[^/]+(?:/LC_[A-Z]+)?"
    r"|usr/share/man(?:/[A-Za-z_.@]+)?(?:/man[0-9][a-z]*)?"
    r"|var(?:/(?:cache|lib|log|opt|spool|tmp))?|run|opt|srv"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file or folder of a package. A ghost belongs to the package, but is not in it."""

    entry: Entry
    flags: int = 0
    capabilities: str = ""

    @property
    def path(self) -> str:
        """The absolute path."""
        return f"/{self.entry.path}"

    @property
    def is_packed(self) -> bool:
        """Whether the payload holds it."""
        return not self.flags & GHOST


def listed(files: Iterable[Entry], ghosts: Iterable[str] = (), capabilities: Mapping[str, str] | None = None) -> tuple[Item, ...]:
    """The items of a package, sorted as rpm searches them: its files, its ghosts, and folders that no base package has."""
    asked = capabilities or {}
    packed = tuple(files)
    shadows = tuple(Entry(path=path.lstrip("/"), mode=0o644) for path in ghosts)
    found = [Item(entry=each, flags=_flags(each.path), capabilities=asked.get(each.path, "")) for each in packed]
    found += [Item(entry=each, flags=GHOST) for each in shadows]
    folders = (each for each in with_folders((*packed, *shadows)) if each.is_folder and not _BASE.fullmatch(each.path))
    found += [Item(entry=each) for each in folders]
    return tuple(sorted(found, key=lambda item: item.path.encode("utf-8", "surrogateescape")))


def relocated(files: Iterable[Entry], facts: Facts) -> tuple[Entry, ...]:
    """Move the texts of licenses to where rpm's world looks for them; the other documents stay."""
    docs = f"usr/share/doc/{facts.package}/"
    return tuple(_relocated(each, docs, facts.package) for each in files)


def is_license(name: str) -> bool:
    """Whether a document at the top of a distribution is the text of a license."""
    return bool(_LICENSES.fullmatch(name))


def require_known(capabilities: Mapping[str, str], files: Iterable[Entry]) -> None:
    """Raise ConfigError when something gets capabilities that no system gives: to what is no program or library."""
    roles = {each.path: each.role for each in files}
    for path in capabilities:
        if path in roles and roles[path] not in {"bin", "lib"}:
            raise ConfigError(f"/{path} is no program: it cannot have capabilities", hint="mend capabilities in [rpm]")


def _relocated(entry: Entry, docs: str, package: str) -> Entry:
    name = entry.path.removeprefix(docs)
    if entry.path.startswith(docs) and "/" not in name and is_license(name):
        return replace(entry, path=f"usr/share/licenses/{package}/{name}", role="license")
    return entry


def _flags(path: str) -> int:
    if path.startswith("etc/"):
        return CONFIG | NOREPLACE
    if path.startswith("usr/share/licenses/"):
        return LICENSE
    return DOC if path.startswith(_DOCUMENTS) else 0
