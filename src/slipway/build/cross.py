"""What cross needs around it: an engine that answers, an image, variables that its container sees, toolchains it recognises."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway import console, containers, process, sysroot
from slipway.build import image as local
from slipway.errors import ConfigError, SlipwayError, UsageError
from slipway.files import write_atomic
from slipway.platforms import Platform

# cross 0.2.5 takes "stable-… (active, default)" for a toolchain that is not there, and has rustup update it to another
# compiler in the middle of a release: https://github.com/cross-rs/cross/issues/1678. And it knows a toolchain by the last
# folder of its sysroot, which for one made by `rustup toolchain link` is not the name that rustup lists.
_RUSTUP: Final = """#!/bin/sh
case "$1 $2" in
"toolchain list")
    names=$({rustup} "$@") || exit
    printf '%s\\n' "$names" | sed 's/ (.*//'
    {linked};;
"component list")
    {components}
    exec {rustup} "$@";;
*) exec {rustup} "$@";;
esac
"""
_FALLEN_BACK: Final = "Falling back to `cargo` on the host"
_NO_IMAGE: Final = re.compile(
    r"pull access denied|manifest unknown|repository does not exist|[Nn]o such image|image not known|initializing source"
    r"|no such host|failed to resolve reference|error pinging|dial tcp|server misbehaving|unauthorized|Unable to find image"
)
_UNFIT: Final = re.compile(
    r"(?:cargo|rustc): (?:error while loading shared libraries: (?P<library>[\w.+-]+)"
    r"|\S+: version `(?P<version>\w+_[\d.]+)' not found)"
)
# What docker and podman end with, or say, when the container itself could not be started.
_NOT_STARTED: Final = 125
_RUNTIME: Final = "OCI "


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a project's own configuration of cross says about the image of one target."""

    source: str = ""
    image: str = ""
    dockerfile: str = ""


def config_file(root: Path) -> Path | None:
    """The file that cross reads: what CROSS_CONFIG names, else Cross.toml of the workspace, if there is one."""
    named = os.environ.get("CROSS_CONFIG", "")
    file = Path(named).absolute() if named else root / "Cross.toml"
    if named and not file.is_file():
        raise UsageError(f"CROSS_CONFIG={named}: there is no such file", hint="name a Cross.toml, or unset CROSS_CONFIG")
    return file if file.is_file() else None


def configured(root: Path, triple: str) -> Configured | None:
    """What the workspace's Cross.toml or its [package.metadata.cross] says about a target's image; None when nothing.

    https://github.com/cross-rs/cross/blob/v0.2.5/docs/cross_toml.md
    """
    sources = [(root / "Cargo.toml", ("package", "metadata", "cross")), (config_file(root), ())]
    found = Configured()
    for file, keys in sources:
        if file is None or not file.is_file():
            continue
        table = _read(file, keys)
        target, build = _table(table, "target", triple), _table(table, "build")
        found = Configured(
            source=file.name,
            image=_name(target.get("image"), "name") or found.image,
            dockerfile=_name(target.get("dockerfile") or build.get("dockerfile"), "file") or found.dockerfile,
        )
    return found if found.image or found.dockerfile else None


def environment(platform: Platform, image: str, passed: Iterable[str], *, folder: Path, root: Path) -> dict[str, str]:
    """The variables for cross itself in a workspace.

    `passed` names those that its container sees, `folder` is one for files that cross needs.

    Variables say all that a generated Cross.toml could, and leave what the project's own says in force: only an image named
    in slipway.toml wins over it. CROSS_BUILD_ENV_PASSTHROUGH would replace the project's list of variables, so the names go to
    the engine by another way.
    """
    engine = containers.engine()
    config, said = config_file(root), configured(root, platform.triple)
    chosen = _image(engine, platform, image, said)
    if engine.program == "podman" and chosen and engine.image_id(chosen):
        engine = engine.able(chosen) or engine
    # An engine of our own has no bridge, and cargo or a Dockerfile may have to fetch something.
    network = () if engine.home is None else ("--network", "host")
    names = (word for name in passed for word in ("-e", name))
    found = {
        "CROSS_CONTAINER_OPTS": _also(
            ("CROSS_CONTAINER_OPTS", "DOCKER_OPTS"), *names, *network, *_library(root, platform.triple)
        ),
        "CROSS_CONTAINER_ENGINE": engine.program,
        **engine.env,
        **_toolchains(folder, root, platform.triple),
    }
    if network:
        found["CROSS_BUILD_OPTS"] = _also(("CROSS_BUILD_OPTS",), *network)
    if config is not None:
        # cross runs in the folder of a component, so a name that the user gave must not depend on the folder.
        found["CROSS_CONFIG"] = str(config)
    if chosen:
        found[_image_variable(platform)] = chosen
    return found


def refuse_missing_container(platform: str, image: str, done: process.Result) -> None:
    """Raise SlipwayError when it was the container that failed, not the compiler."""
    if _FALLEN_BACK in done.output:
        raise SlipwayError(
            f"cross has no image for {platform}, and compiled without a container",
            hint=f"{_another(platform)}, and CROSS=false builds without cross",
        )
    if missing := _UNFIT.search(done.output):
        raise _unfit(platform, missing["library"] or missing["version"])
    if done.code != _NOT_STARTED and not (done.code in {126, 127} and _RUNTIME in done.output):
        return
    text = "\n".join(f"    {line}" for line in done.output.splitlines() if line.strip())
    what = "the image cannot be had here" if _NO_IMAGE.search(done.output) else "the engine says why"
    raise SlipwayError(
        f"cross could not start the container for {platform} from {image or 'the image below'}: {what}\n{text}",
        hint=f"{_another(platform)}, and CROSS=false builds without one",
    )


def _another(platform: str) -> str:
    return (
        f"slipway toolchain image {platform} makes an image on this machine, cross-image of [platform.{platform}] names another"
    )


def _unfit(platform: str, what: str) -> SlipwayError:
    return SlipwayError(
        f"this machine's compiler does not start in cross's container for {platform}: {what} is missing there",
        hint="cross runs the compiler of this machine in the container: add what it needs with "
        f"slipway toolchain image {platform} --package NAME (or a newer --base), or use a compiler from rustup",
    )


def _image(engine: containers.Engine, platform: Platform, image: str, said: Configured | None) -> str:
    if image and said is not None and said.dockerfile:
        raise ConfigError(
            f"{said.source} builds the image for {platform.triple} from {said.dockerfile}, and slipway.toml names {image}",
            key=f"platform.{platform.id}.cross-image",
            hint="say one of the two",
        )
    if image or said is not None or os.environ.get(_image_variable(platform)):
        return image
    if found := local.find(engine, platform):
        console.log(f"cross uses {found} for {platform.id}")
    return found


def _image_variable(platform: Platform) -> str:
    return f"CROSS_TARGET_{platform.triple.upper().replace('-', '_')}_IMAGE"


def _toolchains(folder: Path, root: Path, triple: str) -> dict[str, str]:
    compiler = sysroot.compiler(root)
    if compiler is None or sys.platform == "win32":
        return {}
    place, linked = compiler.sysroot, not compiler.managed
    text = _RUSTUP.format(
        # cross asks rustup even about a compiler that came without.
        rustup=shlex.quote(str(process.which("rustup") or "true")),
        linked=f"echo {shlex.quote(place.name)}" if linked else "",
        components=_components(place) if linked else "",
    )
    write_atomic(folder / "rustup", text.encode(), mode=0o755)
    found = {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    # rustup can add nothing to a toolchain that is not its own, and nothing is to be added where slipway keeps the library;
    # without this cross stops when it cannot.
    return {**found, "CROSS_CUSTOM_TOOLCHAIN": "1"} if linked or sysroot.variables(root, triple) else found


def _library(root: Path, triple: str) -> tuple[str, ...]:
    """Let the container see a standard library that slipway keeps beside the compiler, under the paths that it has here."""
    compiler, script = sysroot.compiler(root), sysroot.variables(root, triple)
    if compiler is None or not script:
        return ()
    mounts = [word for path in (compiler.sysroot, compiler.home) for word in ("-v", shlex.quote(f"{path}:{path}:ro"))]
    return (*mounts, *(word for name, value in script.items() for word in ("-e", shlex.quote(f"{name}={value}"))))


def _components(place: Path) -> str:
    libraries = f"{shlex.quote(str(place))}/lib/rustlib/*/lib"
    return f'for place in {libraries}; do t=${{place%/lib}}; echo "rust-std-${{t##*/}} (installed)"; done; exit'


def _also(names: tuple[str, ...], *words: str) -> str:
    said = next((text for name in names if (text := os.environ.get(name))), "")
    return " ".join([*said.split(), *words])


def _read(file: Path, keys: tuple[str, ...]) -> Mapping[str, Any]:
    import tomllib

    try:
        return _table(tomllib.loads(file.read_text(encoding="utf-8")), *keys)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if file.name == "Cargo.toml":
            return {}  # cargo itself says what is wrong with it, and better
        raise ConfigError(f"cross cannot read {file}: {error}", hint="mend the file named above") from error


def _table(data: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = data.get(key)
        data = inner if isinstance(inner, dict) else {}
    return data


def _name(value: object, key: str) -> str:
    # Newer versions of cross take a table where older ones take a string.
    found = value.get(key) if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""
