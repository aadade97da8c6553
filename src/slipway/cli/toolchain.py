"""Commands about toolchains: what there is to compile with for each platform, setting it up, removing it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from slipway import console
from slipway.cli.front import Front, common
from slipway.cli.image import image

if TYPE_CHECKING:
    from slipway.build.provision import Operation
    from slipway.model import Release
    from slipway.platforms import Platform

_PATH: Final = click.Path(path_type=Path)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def toolchain() -> None:
    """What each platform is compiled with: see it, set it up, remove it.

    PLATFORM is a word as PLATFORMS takes it. Without any, the project's platforms are meant, or where there is no
    slipway.toml, all that slipway documents.
    """


@toolchain.command("list")
@click.argument("platforms", nargs=-1, metavar="[PLATFORM]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(front: Front, platforms: tuple[str, ...], as_json: bool) -> None:
    """Show every way to compile for each platform, what is missing, and the command to type; * marks what a build takes."""
    from slipway import toolchains
    from slipway.build.toolchain import used

    release = _release(front)
    rows = toolchains.table(_platforms(platforms, release), _folder(release), used(release))
    if as_json:
        console.out(json.dumps([toolchains.record(row) for row in rows], indent=2))
        return
    for line in toolchains.lines(rows):
        console.out(line)


@toolchain.command()
@click.argument("platforms", nargs=-1, metavar="[PLATFORM]...")
@click.option("--std", type=_PATH, help="Take Rust's standard library from a folder, or an archive rust-std-….tar.xz.")
@click.option("--sha256", default="", help="The digest of the archive that --std names.")
@click.option("--build-std", is_flag=True, help="Build Rust's standard library from its sources.")
@click.option("--source", type=_PATH, help="Where those sources are (default: what the compiler has).")
@click.option("--cross", is_flag=True, help="Install cross, too.")
@_YES
@common
@click.pass_obj
def install(  # noqa: PLR0913, PLR0917 - the documented flags
    front: Front,
    platforms: tuple[str, ...],
    std: Path | None,
    sha256: str,
    build_std: bool,
    source: Path | None,
    cross: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Set up what is missing to compile for PLATFORM: rustup's targets, wheels, Rust's standard library.

    What is installed lies in slipway's cache (XDG_CACHE_HOME or ~/.cache, folder slipway), which may be deleted.
    """
    from slipway import toolchains
    from slipway.build.provision import Wish, plan_install
    from slipway.build.toolchain import used

    release = _release(front)
    chosen, folder = _platforms(platforms, release), _folder(release)
    wish = Wish(
        platforms=chosen,
        folder=folder,
        std=_absolute(std),
        sha256=sha256,
        build_std=build_std or source is not None,
        source=_absolute(source),
        cross=cross,
    )
    if _go(plan_install(wish), dry_run=dry_run, yes=yes):
        for line in toolchains.left_over(toolchains.table(chosen, folder, used(release))):
            console.say(line)


@toolchain.command()
@click.argument("platforms", nargs=-1, metavar="[PLATFORM]...")
@click.option("--rustup", is_flag=True, help="Remove the targets from rustup's toolchain, too.")
@click.option("--all", "everything", is_flag=True, help="Remove all that was installed, for every compiler.")
@_YES
@common
@click.pass_obj
def remove(front: Front, platforms: tuple[str, ...], rustup: bool, everything: bool, yes: bool, dry_run: bool) -> None:
    """Remove what `install` put into slipway's cache for PLATFORM."""
    from slipway.build.provision import Wish, plan_empty, plan_remove

    if everything:
        _go(plan_empty(), dry_run=dry_run, yes=yes)
        return
    release = _release(front)
    wish = Wish(platforms=_platforms(platforms, release), folder=_folder(release))
    _go(plan_remove(wish, rustup=rustup), dry_run=dry_run, yes=yes)


def _release(front: Front) -> Release | None:
    there = front.file or Path("slipway.toml").is_file()
    return front.request().release if there else None


def _folder(release: Release | None) -> Path | None:
    from slipway.tools import rust_folder

    return rust_folder(release) if release else Path.cwd()


def _platforms(words: Sequence[str], release: Release | None) -> tuple[Platform, ...]:
    from slipway.build.toolchain import compiled_for
    from slipway.toolchains import select

    if release is None:
        return select(words)
    # A platform whose programs were all built elsewhere takes no compiler, unless it is named.
    own = compiled_for(release)
    return select(words, release.project.platforms if words else own) if words or own else ()


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _go(operations: Sequence[Operation], *, dry_run: bool, yes: bool) -> bool:
    from slipway.build.provision import carry_out

    if not operations:
        console.say("nothing to do")
        return True
    for number, operation in enumerate(operations, 1):
        console.out(f"{number}. {operation.doc}")
    if dry_run:
        return False
    if not yes and sys.stdin.isatty():
        click.confirm("Do this?", default=True, abort=True, err=True)
    carry_out(operations)
    return True


toolchain.add_command(image)
COMMANDS: Final = (toolchain,)
