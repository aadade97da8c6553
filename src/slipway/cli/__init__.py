"""The command `slipway`: the documented scripts with their flags; every other word is a target for doit."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from slipway import __version__, console
from slipway.cli import binstall, ci, history, project, publishing, scripts, toolchain
from slipway.cli.front import Front
from slipway.errors import SlipwayError


class TargetsToo(click.Group):
    """A group of commands that hands what it does not know to doit, with all that follows."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command of our own, or make one that runs doit."""
        return super().get_command(ctx, cmd_name) or click.Command(
            cmd_name,
            callback=_through_doit(cmd_name),
            params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
            context_settings={"ignore_unknown_options": True},
            add_help_option=False,
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of their use."""
        del ctx
        return list(self.commands)


def _through_doit(name: str) -> Callable[..., None]:
    def callback(words: tuple[str, ...]) -> None:
        from slipway.doit import main

        raise SystemExit(main.run([name, *words], click.get_current_context().obj))

    return callback


@click.group(cls=TargetsToo, invoke_without_command=True, epilog="Any other word is a target: slipway list shows them.")
@click.option("--project", "file", type=click.Path(path_type=Path), help="The project file (default: slipway.toml here).")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where dist/ and packages/ are (default: beside the project file)."
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="slipway")
@click.pass_context
def cli(ctx: click.Context, file: Path | None, outputs: Path | None, debug: bool) -> None:
    """From source to tested, signed, installable releases on six platforms."""
    ctx.obj = Front(file=file, outputs=outputs)
    if debug:
        os.environ["SLIPWAY_DEBUG"] = "true"
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (
    *project.COMMANDS,
    *scripts.COMMANDS,
    *history.COMMANDS,
    *publishing.COMMANDS,
    *binstall.COMMANDS,
    *ci.COMMANDS,
    *toolchain.COMMANDS,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with the documented exit code."""
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    # What is begun is to end in order, such as a lease that is given back, whether it is Ctrl-C or a CI that ends it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        answer: Any = cli.main(arguments, prog_name="slipway", standalone_mode=False)
    except SlipwayError as error:
        if os.environ.get("SLIPWAY_DEBUG", "").lower() in ("1", "true"):
            raise
        console.say(f"{console.style('error', 'red')}: {error}")
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        console.say("interrupted: what was finished is kept; the same command goes on from there")
        return 130
    return answer if isinstance(answer, int) else 0
