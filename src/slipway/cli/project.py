"""Commands about the project file: init, check, schema."""

from __future__ import annotations

import json
from collections.abc import Sized
from pathlib import Path
from typing import Final

import click

from slipway import console
from slipway.cli.front import Front
from slipway.files import write_atomic


@click.command()
@click.option("--force", is_flag=True, help="Replace a slipway.toml that is there.")
@click.option("--dry-run", is_flag=True, help="Print the file instead of writing it.")
def init(force: bool, dry_run: bool) -> None:
    """Write a starting slipway.toml for the Cargo or Python project of this folder."""
    from slipway.config.init import starting_file

    text = starting_file(Path.cwd(), replace=force or dry_run)
    if dry_run:
        console.out(text.rstrip("\n"))
        return
    write_atomic(Path("slipway.toml"), text.encode())
    console.say("wrote slipway.toml; next: slipway check, then slipway all PLATFORMS=host")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def check(front: Front, file: Path | None) -> None:
    """Check slipway.toml and say what it describes."""
    from slipway.config.load import load_project

    found = load_project((file or front.file or Path("slipway.toml")).resolve())
    console.out(
        f"{found.name}: {_count(found.components, 'component')}, {_count(found.variants, 'variant')}, "
        f"{_count(found.platforms, 'platform')}"
    )
    for variant in found.variants:
        console.out(f"  {variant.name}: {', '.join(variant.components)}")


def _count(items: Sized, noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


@click.command()
def schema() -> None:
    """Print the JSON schema of slipway.toml."""
    from slipway.config.reference import project_schema

    console.out(json.dumps(project_schema(), indent=2))


COMMANDS: Final = (init, check, schema)
