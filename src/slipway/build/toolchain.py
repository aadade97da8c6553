"""How each platform is compiled: with cargo alone, with zig as the linker, with mingw, or with cross in a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from slipway import process
from slipway.errors import ConfigError, UsageError, did_you_mean
from slipway.model import PlatformSettings, Release
from slipway.platforms import Platform, host_platform

CHOICES: Final = ("auto", "cargo", "zigbuild", "cross")
MACOS_FLOOR: Final = "11.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to compile for a platform; `linker` names a tool whose path cargo is told."""

    name: str
    target: str
    tools: tuple[str, ...]
    needs_std: bool = True
    linker: str = ""
    rustflags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    image: str = ""


def choose(release: Release, platform: Platform) -> Way:
    """Decide how a platform is compiled.

    CROSS=true means cross, CROSS=false means never cross. Otherwise `tool` of [platform.X] decides; and when that
    says nothing: cargo for this machine's own system, cross when it is on PATH (S0-32) and has an image for the
    platform, else mingw for Windows and zig for the rest. A glibc floor always means zig, since only zig can set it.
    """
    settings = release.project.on(platform)
    if settings.tool not in CHOICES:
        raise _unknown(platform, settings.tool)
    name = _forced(release, platform, settings) or _automatic(release, platform, settings)
    return _BUILDERS[name](platform, settings)


def _forced(release: Release, platform: Platform, settings: PlatformSettings) -> str:
    if release.cross and _has_image(platform, settings):
        return "cross"
    if settings.tool == "auto" or (settings.tool == "cross" and release.cross is False):
        return ""
    return "mingw" if settings.tool == "cargo" and _is_foreign_windows(platform) else settings.tool


def _automatic(release: Release, platform: Platform, settings: PlatformSettings) -> str:
    if settings.glibc and platform.libc == "gnu":
        return "zigbuild"
    if _is_native(platform):
        return "cargo"
    if release.cross is None and _has_image(platform, settings) and process.which("cross"):
        return "cross"
    return "mingw" if platform.family == "windows" else "zigbuild"


def _host() -> Platform | None:
    try:
        return host_platform()
    except UsageError:
        return None


def _is_native(platform: Platform) -> bool:
    # Apple's linker makes programs for both of its processors.
    host = _host()
    return host is not None and (host.triple == platform.triple or host.family == platform.family == "macos")


def _is_foreign_windows(platform: Platform) -> bool:
    return platform.family == "windows" and not _is_native(platform)


def _has_image(platform: Platform, settings: PlatformSettings) -> bool:
    # The cross project publishes no image for macOS: the licence of Apple's SDK forbids it.
    return platform.family != "macos" or bool(settings.cross_image)


def _cargo(platform: Platform, settings: PlatformSettings) -> Way:
    return Way(
        name="cargo",
        target=platform.triple,
        tools=("cargo",) if platform.family == "windows" else ("cargo", "cc"),
        rustflags=_windows_flags(platform),
        environment=_macos_environment(platform, settings),
    )


def _mingw(platform: Platform, _settings: PlatformSettings) -> Way:
    return Way(
        name="mingw",
        target=platform.triple,
        tools=("cargo", "mingw"),
        linker="mingw",
        rustflags=_windows_flags(platform),
    )


def _zigbuild(platform: Platform, settings: PlatformSettings) -> Way:
    floor = f".{settings.glibc}" if settings.glibc and platform.libc == "gnu" else ""
    return Way(
        name="zigbuild",
        target=platform.triple + floor,
        tools=("cargo", "cargo-zigbuild", "zig"),
        # zig brings its own start files; Rust's would be linked twice.
        rustflags=("-Clink-self-contained=no",) if platform.libc == "musl" else _windows_flags(platform),
        environment=_macos_environment(platform, settings),
    )


def _cross(platform: Platform, settings: PlatformSettings) -> Way:
    return Way(
        name="cross",
        target=platform.triple,
        tools=("cargo", "cross"),
        needs_std=False,
        rustflags=_windows_flags(platform),
        environment=_macos_environment(platform, settings),
        image=settings.cross_image,
    )


def _windows_flags(platform: Platform) -> tuple[str, ...]:
    # Without it the linker writes the time of day into every program.
    return ("-Clink-arg=-Wl,--no-insert-timestamp",) if platform.family == "windows" else ()


def _macos_environment(platform: Platform, settings: PlatformSettings) -> Mapping[str, str]:
    return {"MACOSX_DEPLOYMENT_TARGET": settings.macos or MACOS_FLOOR} if platform.family == "macos" else {}


_BUILDERS: Final = {"cargo": _cargo, "mingw": _mingw, "zigbuild": _zigbuild, "cross": _cross}


def _unknown(platform: Platform, tool: str) -> ConfigError:
    return ConfigError(
        f"unknown tool {tool!r}",
        key=f"platform.{platform.id}.tool",
        hint=f"{did_you_mean(tool, CHOICES)}valid are {', '.join(CHOICES)}",
    )
