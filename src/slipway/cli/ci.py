"""The command that writes the pipelines of CI services, or says whether those that are there are current."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from slipway import console
from slipway.cli.front import Front

_SERVICES: Final = ("github", "gitlab", "jenkins")


@click.command()
@click.argument("service", type=click.Choice(_SERVICES))
@click.option("--check", is_flag=True, help="Compare with what is there instead; ends with 3 when something is stale.")
@click.option("--force", is_flag=True, help="Overwrite what was changed by hand.")
@click.option("--dry-run", is_flag=True, help="Print the files and write nothing.")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), help="The folder of the repository (default: the one the project is in)."
)
@click.option("--runner", "runners", multiple=True, metavar="PLATFORM=NAME", help="Build a platform on another machine.")
@click.option("--slipway", "requirement", default="", help="What pip installs slipway from (default: this version).")
@click.option("--branch", "branches", multiple=True, help="A branch that is built (default: the one that is released from).")
@click.option("--environment", default="", help="The environment to release into (default: production, else the project's).")
@click.pass_obj
def ci(  # noqa: PLR0913, PLR0917 - the flags
    front: Front,
    service: str,
    check: bool,
    force: bool,
    dry_run: bool,
    output_dir: Path | None,
    runners: tuple[str, ...],
    requirement: str,
    branches: tuple[str, ...],
    environment: str,
) -> None:
    """Write the pipelines of a CI service, with the platforms, variants and tags of the project.

    Options that change what is written stand at the top of each file, as the command that makes it again.
    """
    from slipway import flow
    from slipway.config.load import load_project
    from slipway.release import pipelines
    from slipway.release.pipelines import machines, stored

    project = load_project((front.file or Path("slipway.toml")).resolve())
    root = (output_dir or pipelines.repository(project)).resolve()
    wish = pipelines.Wish(
        service=service,
        machines=machines.read_choices(runners, project),
        requirement=requirement,
        branches=branches,
        environment=environment,
        targets=flow.NAMES,
    )
    found = pipelines.plan_pipelines(project, wish, root=root)
    if check:
        for path in stored.require_current(found, root):
            console.out(f"{path.relative_to(root)} is current")
    elif dry_run:
        console.out("\n".join(f"--- {each.path.relative_to(root)}\n{each.text}" for each in found).rstrip("\n"))
    else:
        for path in stored.write(found, root, force=force):
            console.say(f"wrote {path.relative_to(root)}")


COMMANDS: Final = (ci,)
