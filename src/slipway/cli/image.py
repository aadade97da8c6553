"""The command that makes an image for cross on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from slipway import console
from slipway.cli.front import Front


@click.command()
@click.argument("platform")
@click.option("--tag", default="", help="The image's name (default: one of slipway's own, which cross then finds by itself).")
@click.option("--base", default="", help="The image to begin with, a Debian or Ubuntu (default: debian:bookworm-slim).")
@click.option("--package", "packages", multiple=True, metavar="NAME", help="One more Debian package; can be given many times.")
@click.option("--engine", default="", metavar="NAME", help="docker or podman (default: the one that answers).")
@click.option("--print", "only_print", is_flag=True, help="Print the Dockerfile and build nothing.")
@click.pass_obj
def image(  # noqa: PLR0913, PLR0917 - the documented flags
    front: Front, platform: str, tag: str, base: str, packages: tuple[str, ...], engine: str, only_print: bool
) -> None:
    """Make a container image in which cross compiles for PLATFORM, where no registry with ready ones is reached."""
    from slipway import containers
    from slipway.build import image as images

    project = (front.file or Path("slipway.toml")).absolute()
    overrides = project.parent if project.is_file() else None
    asked = images.wish(platform, base or images.BASE, packages, tag, overrides)
    if only_print:
        console.out(images.dockerfile(asked).rstrip("\n"))
        return
    if engine:
        os.environ["SLIPWAY_ENGINE"] = engine
    made = images.make(containers.engine(), asked)
    console.say(images.how_to_use(asked, made))
