"""How each platform is compiled: with cargo alone, with zig as the linker, with mingw, or with cross in a container."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from slipway.build import cross
from slipway.components import CargoComponent
from slipway.config.crates import find_root
from slipway.errors import ConfigError, did_you_mean
from slipway.model import PlatformSettings, Release
from slipway.platforms import Platform
from slipway.toolchains import TOOLCHAINS, Toolchain, has_own_image, is_native, lines, table, ways
from slipway.tools import command_of, rust_folder

CHOICES: Final = ("auto", "cargo", "zigbuild", "cross")
MACOS_FLOOR: Final = "11.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to compile for a platform, with what this release says about it.

    `image` is named in slipway.toml; `cross_toml` is the image, or the Dockerfile of one, in the project's own Cross.toml.
    """

    name: str
    target: str
    rustflags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    cross_toml: str = ""

    @property
    def toolchain(self) -> Toolchain:
        """What the way needs."""
        return TOOLCHAINS[self.name]


def choose(release: Release, platform: Platform) -> Way:
    """Decide how a platform is compiled.

    CROSS=true means cross, CROSS=false means never cross. Otherwise `tool` of [platform.X] decides; and when that
    says nothing: cargo for this machine's own system; cross when it is here (S0-32) and the project names an image for
    the platform; else the first way of the table: mingw for Windows and zig for the rest. A glibc floor always means
    zig, since only zig can set it.
    """
    settings = release.project.on(platform)
    if settings.tool not in CHOICES:
        raise _unknown(platform, settings.tool)
    name = _forced(release, platform, settings) or _automatic(release, platform, settings)
    if name == "zigbuild" and platform.family == "windows":
        raise ConfigError(
            "zig cannot link Rust's programs for Windows: it lacks libraries they need, and the flag that keeps the time out",
            key=f"platform.{platform.id}.tool",
            hint='leave tool out: mingw is then used; or tool = "cross"',
        )
    way = _BUILDERS[name](platform, settings)
    return replace(way, cross_toml=_from_cross_toml(release, platform)) if name == "cross" and not way.image else way


def used(release: Release | None) -> Callable[[Platform], tuple[str, str]]:
    """For the table of toolchains: the way that a build takes for a platform, and the image that the project names."""

    def answer(platform: Platform) -> tuple[str, str]:
        if release is None:
            return ways(platform)[0].name, ""
        way = choose(release, platform)
        return way.name, release.project.on(platform).cross_image or way.cross_toml

    return answer


def compiled_for(release: Release) -> tuple[Platform, ...]:
    """The platforms of a release that Rust is compiled for here: not those whose programs were all built elsewhere."""
    parts = [part for part in release.project.components if isinstance(part, CargoComponent)]
    return tuple(row for row in release.compiled if any(row.id not in part.prebuilt for part in parts))


def report_lines(release: Release) -> Iterator[str]:
    """The table of toolchains for the platforms of a release that compiles Rust, for `doit info`."""
    if platforms := compiled_for(release):
        yield ""
        yield "What each platform is compiled with (* is what a build takes; slipway toolchain install sets it up):"
        yield from lines(table(platforms, rust_folder(release), used(release)))


def _forced(release: Release, platform: Platform, settings: PlatformSettings) -> str:
    if release.cross and (has_own_image(platform) or _names_image(release, platform, settings)):
        return "cross"
    if settings.tool == "auto" or (settings.tool == "cross" and release.cross is False):
        return ""
    return "mingw" if settings.tool == "cargo" and _is_foreign_windows(platform) else settings.tool


def _automatic(release: Release, platform: Platform, settings: PlatformSettings) -> str:
    if settings.glibc and platform.libc == "gnu":
        return "zigbuild"
    if is_native(platform):
        return "cargo"
    if release.cross is None and command_of("cross") and _names_image(release, platform, settings):
        return "cross"
    return ways(platform)[0].name


def _is_foreign_windows(platform: Platform) -> bool:
    return platform.family == "windows" and not is_native(platform)


def _names_image(release: Release, platform: Platform, settings: PlatformSettings) -> bool:
    return bool(settings.cross_image or _from_cross_toml(release, platform))


def _from_cross_toml(release: Release, platform: Platform) -> str:
    roots = {find_root(part.path) for part in release.project.components if isinstance(part, CargoComponent)}
    said = (cross.configured(root, platform.triple) for root in sorted(roots))
    return next((found.image or found.dockerfile for found in said if found is not None), "")


def _cargo(platform: Platform, settings: PlatformSettings) -> Way:
    return Way(
        name="cargo",
        target=platform.triple,
        rustflags=_windows_flags(platform),
        environment=_macos_environment(platform, settings),
    )


def _mingw(platform: Platform, _settings: PlatformSettings) -> Way:
    return Way(
        name="mingw",
        target=platform.triple,
        rustflags=_windows_flags(platform),
    )


def _zigbuild(platform: Platform, settings: PlatformSettings) -> Way:
    floor = f".{settings.glibc}" if settings.glibc and platform.libc == "gnu" else ""
    return Way(
        name="zigbuild",
        target=platform.triple + floor,
        rustflags=_MUSL_BY_ZIG if platform.libc == "musl" else (),
        environment=_macos_environment(platform, settings),
    )


# zig brings its own start files, and Rust's would be linked twice. It does not know rustc's -static-pie, but links a
# static program that may lie anywhere in memory when it is told -pie.
_MUSL_BY_ZIG: Final = ("-Clink-self-contained=no", "-Clink-arg=-pie")


def _cross(platform: Platform, settings: PlatformSettings) -> Way:
    return Way(
        name="cross",
        target=platform.triple,
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
