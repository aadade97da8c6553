"""What every command of `slipway` shares: which project, where the outputs go."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway import console
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The options that stand before the command."""

    file: Path | None = None
    outputs: Path | None = None

    @property
    def has_project(self) -> bool:
        """Whether a project is named, or here."""
        return self.file is not None or Path("slipway.toml").is_file()

    def request(self, **variables: Any) -> Request:
        """Open the project with variables from the flags and the environment."""
        from slipway.request import open_request
        from slipway.variables import read_variables

        file = self.file or Path("slipway.toml")
        if not file.exists():
            raise UsageError(f"there is no {file} here", hint="slipway init writes one; slipway --project FILE reads another")
        given = {name: value for name, value in variables.items() if value}
        return open_request(file, read_variables(given, os.environ), outputs=self.outputs)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--dry-run` and `--verbose`, which every documented script has."""
    dry = click.option("--dry-run", is_flag=True, help="Print what would be done and write nothing.")
    return dry(click.option("--verbose", is_flag=True, expose_value=False, callback=_verbose, help="Show the commands.")(command))


def _verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del ctx, param
    if value:
        console.set_verbose(True)
