"""The toolchains: every way to compile for each platform, what it needs, whether that is here, and the command that gets it.

`doit info`, the preflight of a build and `slipway toolchain` all read this one table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from slipway import console, sysroot, tools
from slipway.dockerd import HOW_TO_GET_ONE, can_start
from slipway.errors import GateError, UsageError
from slipway.platforms import DOCUMENTED, FAMILIES, PLATFORMS, Platform, host_platform, parts_of, select_platforms


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """One way to compile; `library` asks for the standard library of the triple, `engine` for one that runs containers."""

    name: str
    purpose: str
    tools: tuple[str, ...]
    library: bool = True
    engine: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a way needs and that is not here, and the command that gets it.

    In the command, `{platforms}` stands for those that lack it.
    """

    what: str
    command: str

    def how(self, platforms: Iterable[str]) -> str:
        """The command to type."""
        return self.command.replace("{platforms}", " ".join(platforms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One platform and one way to compile for it on this machine; `used` marks the one that a build takes."""

    platform: Platform
    toolchain: Toolchain
    used: bool
    lacks: tuple[Lack, ...]

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """The commands to type, in this order, each with what it gets."""
        return {
            Lack("", command).how([self.platform.id]): tuple(lack.what for lack in self.lacks if lack.command == command)
            for command in dict.fromkeys(lack.command for lack in self.lacks)
        }


_ROWS: Final = (
    Toolchain(name="cargo", purpose="cargo with this machine's own linker", tools=("cargo", "rustc", "cc")),
    Toolchain(name="zigbuild", purpose="cargo with zig as the linker", tools=("cargo", "rustc", "cargo-zigbuild", "zig")),
    Toolchain(name="mingw", purpose="cargo with mingw as the linker", tools=("cargo", "rustc", "mingw")),
    Toolchain(name="cross", purpose="cargo in a container", tools=("cargo", "cross"), library=False, engine=True),
)
TOOLCHAINS: Final = {row.name: row for row in _ROWS}
INSTALL: Final = "slipway toolchain install {platforms}"
_FOREIGN: Final = {
    "linux": ("zigbuild", "cross"),
    "macos": ("zigbuild", "cross"),
    "windows": ("mingw", "cross"),
    "freebsd": ("zigbuild", "cross"),
}


def host() -> Platform | None:
    """The platform that this machine is, or None when slipway does not know it."""
    try:
        return host_platform()
    except UsageError:
        return None


def is_native(platform: Platform) -> bool:
    """Whether this machine's own linker makes programs for a platform; Apple's does so for both of its processors."""
    own = host()
    return own is not None and (own.triple == platform.triple or own.family == platform.family == "macos")


def ways(platform: Platform) -> tuple[Toolchain, ...]:
    """The ways to compile for a platform on this machine, the preferred one first."""
    foreign = tuple(TOOLCHAINS[name] for name in _FOREIGN[platform.family])
    return (TOOLCHAINS["cargo"], *(way for way in foreign if way.name != "mingw")) if is_native(platform) else foreign


def has_own_image(platform: Platform) -> bool:
    """Whether the cross project publishes an image for a platform; none for macOS: the licence of Apple's SDK forbids it."""
    return platform.family != "macos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One way to compile for one platform, from the components' `folder`; `start` allows to start an engine of our own."""

    toolchain: Toolchain
    platform: Platform
    folder: Path | None = None
    image: str = ""
    start: bool = False


def lacks(asked: Question) -> tuple[Lack, ...]:
    """Everything that one way to compile for a platform needs and that is not here."""
    return tuple(lack for check in _CHECKS for lack in check(asked))


def select(words: Sequence[str], project: Sequence[Platform] = ()) -> tuple[Platform, ...]:
    """The platforms that words such as those of PLATFORMS mean; no word means all of the project's, or all documented.

    Any platform can be named, also one that the project does not release. Those that are joined from parts are their parts.
    """
    own = tuple(project) or tuple(PLATFORMS[name] for name in DOCUMENTED)
    names = [name.strip() for word in words or ("all",) for name in word.split(",") if name.strip()]
    found = [
        part
        for name in names
        for row in select_platforms(name, own if name in ("all", *FAMILIES) else tuple(PLATFORMS.values()))
        for part in parts_of(row)
    ]
    return tuple(row for row in PLATFORMS.values() if row in found)


def table(platforms: Iterable[Platform], folder: Path | None, used: Callable[[Platform], tuple[str, str]]) -> tuple[Row, ...]:
    """A row for every platform and way; `used` tells the way that a build takes and the image that the project names."""
    return tuple(
        Row(
            platform=platform,
            toolchain=toolchain,
            used=toolchain.name == name,
            lacks=lacks(Question(toolchain=toolchain, platform=platform, folder=folder, image=image)),
        )
        for platform in platforms
        for name, image in [used(platform)]
        for toolchain in dict.fromkeys((TOOLCHAINS[name], *ways(platform)))
    )


def record(row: Row) -> dict[str, object]:
    """A row for other programs."""
    return {
        "platform": row.platform.id,
        "triple": row.platform.triple,
        "way": row.toolchain.name,
        "used": row.used,
        "ready": not row.lacks,
        "missing": [{"what": lack.what, "command": lack.how([row.platform.id])} for lack in row.lacks],
    }


def left_over(rows: Sequence[Row]) -> Iterator[str]:
    """What is still missing for the ways that builds take: a line per thing, with the command."""
    yield from told((row.platform.id, lack) for row in rows if row.used for lack in row.lacks)


def told(found: Iterable[tuple[str, Lack]]) -> Iterator[str]:
    """What platforms lack: a line per thing, with all the platforms that lack it and the command."""
    platforms: dict[Lack, dict[str, None]] = {}
    for platform, lack in found:
        platforms.setdefault(lack, {})[platform] = None
    for lack, names in platforms.items():
        yield f"{', '.join(names)}: {lack.what}: {lack.how(names)}"


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table as text: a line per platform and way, the commands below it; a star marks what a build takes."""
    wide = max((len(row.platform.id) for row in rows), default=0)
    shown = ""
    for row in rows:
        name = row.platform.id if row.platform.id != shown else ""
        shown = row.platform.id
        state = console.style("missing", "red", sys.stdout) if row.lacks else console.style("ready", "green", sys.stdout)
        yield f"{name:{wide}}  {'*' if row.used else ' '} {row.toolchain.name:8}  {state}"
        for command, whats in row.commands.items():
            yield f"{'':{wide}}      {', '.join(whats)}:"
            yield f"{'':{wide}}        {command}"


def library_command(folder: Path | None = None) -> str:
    """The command that gets a standard library for the active compiler."""
    found = sysroot.compiler(folder)
    if found is None:
        return tools.how_to_install("rustup")
    can = found.managed or sysroot.find_sources(found) is not None
    return INSTALL if can else f"{INSTALL} --std FOLDER"


_WHEELS: Final = ("cargo-zigbuild", "zig")


def _tools(asked: Question) -> Iterator[Lack]:
    for name in asked.toolchain.tools:
        if name == "cc" and asked.platform.family == "windows":
            continue  # Rust for Windows finds the linker of Visual Studio, or brings one.
        tool, found = tools.TOOLS[name], tools.find(name)
        command = INSTALL if name in _WHEELS else tools.how_to_install(name)
        if found is None:
            yield Lack(f"{name} is not installed", command)
        elif tools.is_old(tool, found):
            yield Lack(f"{name} {found.version} is older than {tool.minimum}", command)


def _library(asked: Question) -> Iterator[Lack]:
    # Without a compiler its absence is told, and that is enough.
    triple = asked.platform.triple
    if asked.toolchain.library and sysroot.compiler(asked.folder) and triple not in tools.rust_targets(asked.folder):
        yield Lack(f"Rust's standard library for {triple} is missing", library_command(asked.folder))


def _engine(asked: Question) -> Iterator[Lack]:
    if not asked.toolchain.engine:
        return
    if not asked.start:
        if not _engine_is_there():
            yield Lack("no container engine answers", HOW_TO_GET_ONE)
        return
    from slipway import containers

    try:
        containers.engine()
    except GateError as error:
        yield Lack(f"cross needs a container engine; {error.message}", f"{error.hint} (or CROSS=false)")


@cache
def _engine_is_there() -> bool:
    return bool(tools.engine()) or can_start()


def _image(asked: Question) -> Iterator[Lack]:
    if asked.toolchain.engine and not asked.image and not has_own_image(asked.platform):
        yield Lack(f"cross has no image for {asked.platform.family}", "slipway toolchain image {platforms}")


_CHECKS: Final[tuple[Callable[[Question], Iterator[Lack]], ...]] = (_tools, _library, _engine, _image)
