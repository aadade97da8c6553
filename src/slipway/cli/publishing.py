"""The commands that publish a release, go on with it, look at it and take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from slipway import console
from slipway.cli.front import Front, common
from slipway.errors import UsageError
from slipway.publication.flags import PUBLISHING, ROLLING_BACK, Flag, wish_of
from slipway.version import KINDS

_WHERE: Final = click.option("--environment", default="", help="The environment (default: as the project says, else local).")
_VERSION: Final = click.option("--version", default="", help="The version (default: as the project says).")

_PLATFORMS: Final = click.option("--platforms", default="", help="For which platforms there have to be files (default: all).")


def flags(rows: Iterable[Flag]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the flags of a table to a command."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for row in reversed(tuple(rows)):
            command = click.option(*_spellings(row), row.key, **_settings(row))(command)
        return click.option(
            "--verbose",
            is_flag=True,
            expose_value=False,
            help="Show the commands.",
            callback=lambda *said: console.set_verbose(said[2]),
        )(command)

    return add


def _spellings(row: Flag) -> tuple[str, ...]:
    return tuple(f"--{name}" for name in (row.name, *row.other))


def _settings(row: Flag) -> dict[str, Any]:
    if row.default is False:
        return {"is_flag": True, "help": row.doc}
    if row.many:
        return {"multiple": True, "help": row.doc}
    kind = click.Choice(row.choices) if row.choices else type(row.default)
    if isinstance(row.default, int):
        # A variable says it too, so only a flag that is given may go before that.
        return {"type": kind, "default": None, "help": f"{row.doc}  [default: {row.default}]"}
    return {"type": kind, "default": row.default, "show_default": row.default != "", "help": row.doc}


@click.command("plan")
@_VERSION
@_PLATFORMS
@_WHERE
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, with its digest.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to this file, to be approved.")
@click.pass_obj
def plan(front: Front, /, version: str, platforms: str, environment: str, as_json: bool, output: Path | None) -> None:
    """Show what publishing would do, as things are now; write nothing there."""
    from slipway.publication import publishing, verbs

    request = front.request(VERSION=version, PLATFORMS=platforms, ENVIRONMENT=environment)
    publication = verbs.prepare(request.release, request.environment)
    if output is not None:
        publication.plan.write(output)
    if as_json:
        console.out(publication.plan.dump().decode().rstrip("\n"))
    elif output is None:
        publishing.show(publication.plan, publication.opened, wish_of({}))
    else:
        console.out(f"{output}: plan {publication.plan.digest}")


@click.command("publish")
@_VERSION
@_PLATFORMS
@flags(PUBLISHING)
@click.pass_obj
def publish(front: Front, /, version: str, **values: Any) -> None:
    """Publish what lies in packages/: files first, then what leads to them; nobody sees half of it."""
    from slipway.publication import verbs

    request = front.request(VERSION=version, **_variables(values))
    verbs.publish(request.release, request.environment, wish_of(values, request.wish))


@click.command("resume")
@_VERSION
@flags(PUBLISHING)
@click.pass_obj
def resume(front: Front, /, version: str, **values: Any) -> None:
    """Go on with a publication that did not end, or owes something; also one that another machine began."""
    from slipway.publication import verbs

    request = front.request(VERSION=version, **_variables(values))
    verbs.resume(request.release, request.environment, wish_of(values, request.wish))


@click.command("verify")
@_VERSION
@_WHERE
@common
@click.pass_obj
def verify(front: Front, /, version: str, environment: str, dry_run: bool) -> None:
    """Check a published release through its public addresses: files, signatures, pointers, installation."""
    from slipway.publication import verbs

    request = front.request(VERSION=version, ENVIRONMENT=environment)
    verbs.verify(request.release, request.environment, dry_run=dry_run)


@click.command("approve")
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "name", required=True, metavar="NAME", help="Who approves, as the file of approvers names you.")
@click.option("--key", default="", metavar="FILE", help="Your secret key (default: the SSH agent's, or SLIPWAY_SSH_KEY).")
@click.option("--environment", default="", help="The environment that the plan has to be for.")
@common
@click.pass_obj
def approve(front: Front, file: Path, name: str, key: str, environment: str, dry_run: bool) -> None:
    """Approve the plan in a file that slipway plan --output wrote: sign its digest, for this environment and no other plan."""
    from slipway.publication.approving import approve_plan

    approve_plan(front.request().release, file, name, key, environment=environment, dry_run=dry_run)


@click.command("create-release")
@_VERSION
@_PLATFORMS
@click.option("--release-type", type=click.Choice(KINDS), default=None, help="Release the version that follows the last one.")
@click.option("--pre-release", is_flag=True, help="It is a pre-release; with --release-type, the next one (rc).")
@click.option("--draft", is_flag=True, help="Make a draft with all files; show nothing to the public.")
@click.option("--generate-changelog", is_flag=True, help="Make the release notes from the commits.")
@click.option("--push-tag/--no-push-tag", default=None, help="Push the tag, or not (default: as the environment says).")
@click.option("--auto-upload/--no-auto-upload", default=None, help="Upload and publish too (default: only draft and tag).")
@click.option("--asset-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the files lie (default: packages).")
@click.option("--rollback-from", default="", help="The bad version that this one replaces: pointers may go back from it.")
@click.option("--urgent", is_flag=True, help="The release notes say that the release is urgent.")
@flags(PUBLISHING)
@click.pass_obj
def create_release(front: Front, /, **values: Any) -> None:
    """Create the release: notes, tag, draft; with --auto-upload all of it, published."""
    from slipway.publication import creating

    if values["version"] and values["release_type"]:
        raise UsageError("--version and --release-type both say the version", hint="give one of them")
    request = front.request(VERSION=values["version"], **_variables(values))
    creating.create(request.release, request.environment, wish_of(values, request.wish), creating.Options.of(values))


@click.command("upload-artifacts")
@_VERSION
@_PLATFORMS
@flags(PUBLISHING)
@click.pass_obj
def upload_artifacts(front: Front, /, version: str, **values: Any) -> None:
    """Upload what is missing, and read it back; nothing is shown that the public does not see already."""
    from slipway.publication import verbs

    request = front.request(VERSION=version, **_variables(values))
    verbs.publish(request.release, request.environment, replace(wish_of(values, request.wish), phases=verbs.UPLOADING))


@click.command("rollback-release")
@flags((*ROLLING_BACK, *PUBLISHING))
@click.pass_obj
def rollback_release(front: Front, /, **values: Any) -> None:
    """Lead users back to a good version, and mark the bad one; no file is deleted."""
    from slipway.publication import returning

    request = front.request(**_variables(values))
    returning.roll_back(request.release, request.environment, wish_of(values, request.wish), returning.Options.of(values))


def _variables(values: dict[str, Any]) -> dict[str, str]:
    return {"ENVIRONMENT": values["environment"], "PLATFORMS": values.get("platforms", "")}


COMMANDS: Final = (plan, publish, resume, verify, approve, create_release, upload_artifacts, rollback_release)
