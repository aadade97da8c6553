"""Images made on this machine in which cross compiles, for places where no registry with ready ones is reached."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from slipway import console, containers, process, tools
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.files import cache_dir, write_atomic
from slipway.platforms import Platform, find_platform, host_platform
from slipway.render import render

BASE: Final = "debian:bookworm-slim"
SUITE: Final = "bookworm"
REPOSITORY: Final = "localhost/slipway-cross"
_LABEL: Final = "slipway.cross"
# Build scripts and procedural macros are programs of the container, so every image compiles for itself too.
_EVERYWHERE: Final = ("ca-certificates", "gcc", "libc6-dev")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an image needs to compile for one platform: Debian packages, a linker, or the name that zig has for it."""

    packages: tuple[str, ...] = ()
    linker: str = ""
    zig: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def _debian(cpu: str, arch: str) -> Recipe:
    name = cpu.replace("_", "-")
    return Recipe(packages=(f"gcc-{name}-linux-gnu", f"libc6-dev-{arch}-cross"), linker=f"{cpu}-linux-gnu-gcc")


def _apple(cpu: str) -> Recipe:
    # The project's deployment target is a variable of the build.
    target = f'"{cpu}-macos.${{MACOSX_DEPLOYMENT_TARGET:-11.0}}-none"'
    return Recipe(zig=target, environment={"SDKROOT": "/opt/sdk"})


RECIPES: Final = {
    "linux-amd64": _debian("x86_64", "amd64"),
    "linux-arm64": _debian("aarch64", "arm64"),
    "linux-amd64-musl": Recipe(zig="x86_64-linux-musl"),
    "linux-arm64-musl": Recipe(zig="aarch64-linux-musl"),
    "macos-amd64": _apple("x86_64"),
    "macos-arm64": _apple("aarch64"),
    "windows-amd64": Recipe(packages=("gcc-mingw-w64-x86-64-win32",), linker="x86_64-w64-mingw32-gcc-win32"),
    "freebsd-amd64": Recipe(zig="x86_64-freebsd"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One image that was asked for; `packages` are Debian packages beside those that it needs."""

    platform: Platform
    base: str = BASE
    packages: tuple[str, ...] = ()
    tag: str = ""
    overrides: Path | None = None


def wish(name: str, base: str = BASE, packages: tuple[str, ...] = (), tag: str = "", overrides: Path | None = None) -> Wish:
    """Read what the command line says; refuses a platform for which no image can be made."""
    platform = find_platform(name)
    if platform.id not in RECIPES:
        raise UsageError(f"there is no image for {platform.id}", hint=f"valid are {', '.join(RECIPES)}")
    return Wish(platform=platform, base=base, packages=packages, tag=tag, overrides=overrides)


def dockerfile(asked: Wish, base: str = "", arch: str = "") -> str:
    """The text from which the image is built; `base` and `arch` are what was found for the wish."""
    recipe, platform = RECIPES[asked.platform.id], asked.platform
    native = platform.libc == "gnu" and platform.arch == (arch or host_platform().arch)
    return render(
        "templates/cross/Dockerfile.j2",
        overrides=asked.overrides,
        platform=platform.id,
        triple=platform.triple,
        base=base or asked.base,
        packages=sorted({*_EVERYWHERE, *(() if native else recipe.packages), *asked.packages}),
        zig=recipe.zig,
        environment=_environment(platform, recipe),
    )


def find(engine: containers.Engine, platform: Platform) -> str:
    """The newest image on this machine that was made for a platform, or nothing."""
    shown = engine.ask("image", "ls", "--filter", f"label={_LABEL}={platform.id}", "--format", "{{.Repository}}:{{.Tag}}")
    return next((line for line in (shown or "").splitlines() if "<none>" not in line), "")


def make(engine: containers.Engine, asked: Wish) -> str:
    """Build the image unless it is here; returns the name under which it is."""
    _refuse_other_system(engine, asked)
    recipe = RECIPES[asked.platform.id]
    base = engine.ensure_tag(asked.base, bootstrap=SUITE if asked.base == BASE else "")
    text = dockerfile(asked, base, engine.arch)
    digest = hashlib.sha256("\n".join([text, *_scripts(asked, recipe).values()]).encode()).hexdigest()
    # A digest tells whether the image was made from this very text; one that has the user's name is made again.
    tag = asked.tag or f"{REPOSITORY}:{asked.platform.id}-{digest[:12]}"
    if not asked.tag and engine.image_id(tag):
        console.say(f"{tag} is here already")
        return tag
    console.say(f"building {tag} with {engine.program}, from {base}, for {asked.platform.id}")
    folder = cache_dir() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="context-") as aside:
        _lay_out(Path(aside), text, asked, recipe)
        _build(engine, Path(aside), tag, bootstrapped=base != asked.base)
    return tag


def _environment(platform: Platform, recipe: Recipe) -> dict[str, str]:
    triple = platform.triple.replace("-", "_")
    linker = recipe.linker or "slipway-cc"
    # cargo and the cc crate know their own names for the programs of a target.
    compilers = {f"CC_{triple}": linker}
    if recipe.zig:
        compilers |= {f"CXX_{triple}": "slipway-c++", f"AR_{triple}": "slipway-ar"}
    return {f"CARGO_TARGET_{triple.upper()}_LINKER": linker, **compilers, **recipe.environment}


def _scripts(asked: Wish, recipe: Recipe) -> dict[str, str]:
    if not recipe.zig:
        return {}
    purposes = {"cc": "The linker and C compiler", "c++": "The C++ compiler"}
    scripts = {
        f"slipway-{command}": render(
            "templates/cross/zig-cc.j2",
            overrides=asked.overrides,
            platform=asked.platform.id,
            zig=recipe.zig,
            purpose=purpose,
            command=command,
        )
        for command, purpose in purposes.items()
    }
    return {**scripts, "slipway-ar": '#!/bin/sh\nexec /opt/zig/zig ar "$@"\n'}


def _refuse_other_system(engine: containers.Engine, asked: Wish) -> None:
    if not RECIPES[asked.platform.id].zig:
        return
    if not sys.platform.startswith("linux") or engine.arch != host_platform().arch:
        raise GateError(
            f"the image for {asked.platform.id} needs zig for Linux on {engine.arch}, and this machine has another",
            hint="make the image on such a machine; here CROSS=false compiles with zig and needs no image",
        )
    if find_spec("ziglang") is None or tools.command_of("cargo-zigbuild") is None:
        raise GateError(
            f"the image for {asked.platform.id} is made from zig and cargo-zigbuild, which are not installed",
            hint="pip install ziglang cargo-zigbuild",
        )


def _lay_out(folder: Path, text: str, asked: Wish, recipe: Recipe) -> None:
    write_atomic(folder / "Dockerfile", text.encode())
    for name, script in _scripts(asked, recipe).items():
        write_atomic(folder / name, script.encode(), mode=0o755)
    if not recipe.zig:
        return
    spec, command = find_spec("ziglang"), tools.command_of("cargo-zigbuild")
    if spec is None or spec.origin is None or command is None:
        return
    shutil.copy2(command[0], folder / "cargo-zigbuild")
    shutil.copytree(Path(spec.origin).parent, folder / "zig", copy_function=_link, ignore=shutil.ignore_patterns("__pycache__"))


def _link(source: str, target: str) -> None:
    # The files are only read, and are many: a second name for each is enough where the file system allows it.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _build(engine: containers.Engine, folder: Path, tag: str, *, bootstrapped: bool) -> None:
    # An engine of our own has no bridge; podman's own network needs rights that restricted machines do not give.
    network = ("--network", "host") if engine.home is not None or engine.program == "podman" else ()
    options = [word for name, value in _proxies(bootstrapped).items() for word in ("--build-arg", f"{name}={value}")]
    settings = dict(engine.env)
    if engine.program == "docker" and engine.ask("buildx", "version") is None:
        settings["DOCKER_BUILDKIT"] = "0"
    words = [*engine.command, "build", *network, *options, "--tag", tag, folder]
    done = process.run(words, env=settings, check=False)
    if done.code != 0:
        raise _failed(tag, done)


def _proxies(bootstrapped: bool) -> dict[str, str]:
    """The proxies of this machine; the engine knows these names and keeps them out of the image."""
    found = {name: value for name in _PROXIES if (value := os.environ.get(name))}
    # The Debian of a base that was made here came through apt's own proxy, if it has one.
    if bootstrapped and not found.keys() & {"http_proxy", "HTTP_PROXY"}:
        said = process.capture(["apt-config", "shell", "proxy", "Acquire::http::Proxy"]) or ""
        value = said.removeprefix("proxy=").strip("'\"")
        return {**found, **({"http_proxy": value} if value and value != "DIRECT" else {})}
    return found


def _failed(tag: str, done: process.Result) -> SlipwayError:
    text = "\n".join(f"    {line}" for line in done.output.splitlines()[-30:])
    for sign, hint in _REASONS.items():
        if sign in done.output:
            kind = NetworkError if sign in _NETWORK else SlipwayError
            return kind(f"{tag} could not be built\n{text}", hint=hint)
    return SlipwayError(f"{tag} could not be built\n{text}", hint=f"the whole output is in {console.log_name()}")


_NETWORK: Final = ("Temporary failure resolving", "Could not connect to", "Unable to connect to")
_REASONS: Final = {
    "Unable to locate package": "check the names after --package, and that --base is a Debian or Ubuntu that has them",
    "apt-get: not found": "--base has to be a Debian or Ubuntu image, since packages come from apt",
    "no space left on device": "free some space where the engine keeps its images: docker system prune removes unused ones",
    **dict.fromkeys(
        _NETWORK, "packages come from Debian's servers: check the network, or set http_proxy, which containers get too"
    ),
}


def how_to_use(asked: Wish, tag: str) -> str:
    """What to do with an image: cross finds it by itself where its own project has one too, which is not so for macOS."""
    platform = asked.platform
    if platform.family == "macos":
        return f'to compile with it, add to slipway.toml: [platform.{platform.id}] cross-image = "{tag}"; then CROSS=true'
    return f"to compile with it: slipway build-platform RUST_TARGET={platform.triple} CROSS=true"
