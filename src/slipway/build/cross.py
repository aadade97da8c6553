"""What cross needs around it: an engine that answers, variables that its container sees, toolchains that it recognises."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from slipway import containers, process
from slipway.errors import SlipwayError
from slipway.files import write_atomic

# What docker and podman end with when the container itself could not be started.
NOT_STARTED: Final = 125
# cross 0.2.5 takes "stable-… (active, default)" for a toolchain that is not there, and has rustup update it to another
# compiler in the middle of a release: https://github.com/cross-rs/cross/issues/1678
_RUSTUP: Final = """#!/bin/sh
[ "$1 $2" = "toolchain list" ] || exec {rustup} "$@"
names=$({rustup} "$@") || exit
printf '%s\\n' "$names" | sed 's/ (.*//'
"""


def environment(triple: str, image: str, passed: Iterable[str], folder: Path) -> dict[str, str]:
    """The variables for cross itself; `passed` names those for its container, `folder` is one that it may keep files in."""
    engine = containers.engine()
    found = {
        "CROSS_BUILD_ENV_PASSTHROUGH": _also("CROSS_BUILD_ENV_PASSTHROUGH", *passed),
        "CROSS_CONTAINER_ENGINE": engine.program,
        **engine.env,
        **_toolchains(folder),
    }
    if engine.home is not None:
        # An engine of our own has no bridge, and cargo may have to fetch something.
        found["CROSS_CONTAINER_OPTS"] = _also("CROSS_CONTAINER_OPTS", "--network", "host")
    if image:
        found[f"CROSS_TARGET_{triple.upper().replace('-', '_')}_IMAGE"] = image
    return found


def refuse_missing_container(platform: str, image: str, done: process.Result) -> None:
    """Raise SlipwayError when it was the engine that failed, not the compiler."""
    if done.code != NOT_STARTED:
        return
    text = "\n".join(f"    {line}" for line in done.output.splitlines() if line.strip())
    raise SlipwayError(
        f"cross could not start the container for {platform} from {image or 'its own image'}\n{text}",
        hint=f"pull or make the image; cross-image of [platform.{platform}] names another, and CROSS=false builds without one",
    )


def _toolchains(folder: Path) -> dict[str, str]:
    rustup = process.which("rustup")
    if rustup is None or sys.platform == "win32":
        return {}
    write_atomic(folder / "rustup", _RUSTUP.format(rustup=shlex.quote(str(rustup))).encode(), mode=0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _also(name: str, *words: str) -> str:
    return " ".join([*os.environ.get(name, "").split(), *words])
