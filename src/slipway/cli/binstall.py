"""The command that prints, or checks, what Cargo.toml says to cargo-binstall."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from slipway import console
from slipway.cli.front import Front

if TYPE_CHECKING:
    from slipway.installers.binstall import Crate


@click.command()
@click.option("--check", is_flag=True, help="Compare with Cargo.toml instead; ends with 4 when that is stale.")
@click.pass_obj
def binstall(front: Front, check: bool) -> None:
    """Print the tables for Cargo.toml with which cargo-binstall finds the archives."""
    from slipway.installers.binstall import crates, require_current, table_text

    release = front.request().release
    if check:
        count = require_current(release)
        console.out(f"{count} Cargo.toml {'says' if count == 1 else 'files say'} where the archives are")
        return
    said: dict[str, list[str]] = {}
    for crate in crates(release):
        said.setdefault(table_text(crate.metadata), []).append(_shown(crate, release.project.root))
    console.out("\n\n".join("".join(f"# for {file}\n" for file in files) + text for text, files in said.items()))


def _shown(crate: Crate, root: Path) -> str:
    return str(crate.file.relative_to(root) if crate.file.is_relative_to(root) else crate.file)


COMMANDS: Final = (binstall,)
