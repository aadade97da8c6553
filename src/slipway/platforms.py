"""The platforms that slipway knows, and their names in every package world."""

from __future__ import annotations

import platform as host
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.errors import UsageError, did_you_mean

FAMILIES: Final = ("linux", "macos", "windows", "freebsd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One row of the table; an empty string means that the format does not exist there.

    `parts` are the platforms whose programs are joined into one file; nothing is compiled for the platform itself.
    """

    id: str
    triple: str
    family: str
    arch: str
    libc: str = ""
    oci: str = ""
    deb: str = ""
    rpm: str = ""
    freebsd: str = ""
    pkg: str = ""
    msi: str = ""
    exe: str = ""
    newline: str = "\n"
    archive: str = "tar.gz"
    services: str = ""
    aliases: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the platform can be asked for."""
        return (self.id, self.triple, *((self.oci,) if self.oci else ()), *self.aliases)


def _linux(arch: str, cpu: str, libc: str) -> Platform:
    suffix = "" if libc == "gnu" else f"-{libc}"
    return Platform(
        id=f"linux-{arch}{suffix}",
        triple=f"{cpu}-unknown-linux-{libc}",
        family="linux",
        arch=arch,
        libc=libc,
        oci=f"linux/{arch}" if libc == "gnu" else "",
        deb=arch,
        rpm=cpu,
        services="systemd",
        aliases=(f"linux-{cpu}{suffix}", f"{cpu}-linux-{libc}"),
    )


def _macos(arch: str, cpu: str) -> Platform:
    return Platform(
        id=f"macos-{arch}",
        triple=f"{cpu}-apple-darwin",
        family="macos",
        arch=arch,
        oci=f"darwin/{arch}",
        pkg="x86_64" if arch == "amd64" else "arm64",
        services="launchd",
        aliases=(f"darwin-{arch}", f"macos-{cpu}", f"darwin-{cpu}"),
    )


_ROWS: Final = (
    _linux("amd64", "x86_64", "gnu"),
    _linux("arm64", "aarch64", "gnu"),
    _linux("amd64", "x86_64", "musl"),
    _linux("arm64", "aarch64", "musl"),
    _macos("amd64", "x86_64"),
    _macos("arm64", "aarch64"),
    Platform(
        id="macos-universal",
        # Not a triple of rustc, but the name that cargo-zigbuild gives to both of them.
        triple="universal2-apple-darwin",
        family="macos",
        arch="universal",
        pkg="arm64,x86_64",
        services="launchd",
        aliases=("darwin-universal", "macos-universal2", "darwin-universal2"),
        parts=("macos-amd64", "macos-arm64"),
    ),
    Platform(
        id="windows-amd64",
        triple="x86_64-pc-windows-gnu",
        family="windows",
        arch="amd64",
        oci="windows/amd64",
        msi="x64",
        exe=".exe",
        newline="\r\n",
        archive="zip",
        services="windows",
        aliases=("windows-x86_64", "win-amd64"),
    ),
    Platform(
        id="freebsd-amd64",
        triple="x86_64-unknown-freebsd",
        family="freebsd",
        arch="amd64",
        oci="freebsd/amd64",
        freebsd="amd64",
        archive="tar.xz",
        services="rc.d",
        aliases=("freebsd-x86_64",),
    ),
)
PLATFORMS: Final = {row.id: row for row in _ROWS}
DOCUMENTED: Final = tuple(row.id for row in _ROWS if row.libc != "musl" and not row.parts)
_BY_NAME: Final = {name: row for row in _ROWS for name in row.names}


def find_platform(name: str) -> Platform:
    """Return the platform of an id, a triple, an alias, or `host`."""
    if name == "host":
        return host_platform()
    if name not in _BY_NAME:
        raise _unknown(name)
    return _BY_NAME[name]


def parts_of(platform: Platform) -> tuple[Platform, ...]:
    """The platforms that are compiled for a platform: itself, or those whose programs are joined."""
    return tuple(PLATFORMS[name] for name in platform.parts) or (platform,)


def select_platforms(text: str, available: Sequence[Platform]) -> tuple[Platform, ...]:
    """Resolve a comma list of ids, families, triples, aliases, `all` and `host`, in table order.

    A platform outside `available` is refused: the project does not release it. `host` is always allowed.
    """
    wanted = {row.id for name in _split(text) for row in _expand(name, available)}
    if not wanted:
        raise UsageError("PLATFORMS names no platform", hint=_choices(available))
    return tuple(row for row in _ROWS if row.id in wanted)


def host_platform() -> Platform:
    """Return the platform that this Python runs on."""
    family = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform.rstrip("0123456789"))
    arch = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(host.machine().lower(), "")
    musl = "-musl" if family == "linux" and any(Path("/lib").glob("ld-musl-*.so.1")) else ""
    if (found := PLATFORMS.get(f"{family}-{arch}{musl}")) is None:
        raise UsageError(
            f"this machine ({sys.platform}, {host.machine()}) is not one of the platforms that slipway knows",
            hint=f"name the platforms to build: PLATFORMS={','.join(DOCUMENTED[:2])}",
        )
    return found


def _split(text: str) -> Iterable[str]:
    return (part for part in (piece.strip() for piece in text.split(",")) if part)


def _expand(name: str, available: Sequence[Platform]) -> Sequence[Platform]:
    if name == "all":
        return available
    if name == "host":
        return (host_platform(),)
    if name in FAMILIES:
        found = [row for row in available if row.family == name]
        if not found:
            raise UsageError(f"the project has no {name} platform", hint=_choices(available))
        return found
    row = find_platform(name)
    if row not in available:
        raise UsageError(f"the project does not release {row.id}", hint=_choices(available))
    return (row,)


def _unknown(name: str) -> UsageError:
    meant = did_you_mean(name, [*_BY_NAME, *FAMILIES, "all", "host"])
    return UsageError(f"unknown platform {name!r}", hint=meant + _choices(_ROWS))


def _choices(rows: Iterable[Platform]) -> str:
    return f"valid are {', '.join(row.id for row in rows)}, {', '.join(FAMILIES)}, all, host"
