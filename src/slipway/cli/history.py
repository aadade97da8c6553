"""The commands about versions and what is said of them: before a release is built, and without any release."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from slipway import console
from slipway.cli.front import Front, common
from slipway.errors import UsageError
from slipway.version import KINDS

if TYPE_CHECKING:
    from slipway.model import Release

_KIND: Final = click.option(
    "--release-type", type=click.Choice(KINDS), default=None, help="Which kind of release (default: as the commits say)."
)
_VERSION: Final = click.option(
    "--version", default="", help="The version (default: that of the tag that is checked out, else the next one)."
)


@click.command("next-version")
@_KIND
@click.option("--pre", default="", metavar="LABEL", help="The next pre-release of that version, such as rc.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with the version before and the reason.")
@click.pass_obj
def next_version(front: Front, /, release_type: str | None, pre: str, as_json: bool) -> None:
    """Print the version that comes next; the reason stands on standard error."""
    from slipway.publication.preparing import following

    project = front.request().release.project
    found = following(project, kind=release_type or "", pre=pre)
    if as_json:
        before = str(found.before) if found.before else None
        tag = project.version.tag_of(str(found.version))
        console.out(json.dumps({"version": str(found.version), "tag": tag, "before": before, "reason": found.reason}, indent=1))
        return
    console.say(f"after {found.before}: {found.reason}" if found.before else found.reason)
    console.out(str(found.version))


@click.command("changelog")
@click.option("--version", default="", help="What the changes without a tag will be released as (default: Unreleased).")
@click.option("--since", default="", metavar="TAG", help="Only what came after this tag, version or commit.")
@click.option("--oneline", is_flag=True, help="Each commit in a line, as git log --oneline has it; after the last release.")
@click.option("--write", "is_written", is_flag=True, help="Write it into the file that slipway.toml names, not on the screen.")
@common
@click.pass_obj
def changelog(front: Front, version: str, since: str, oneline: bool, is_written: bool, dry_run: bool) -> None:
    """Print the changelog, made from the commits: a preview, unless --write is said."""
    from slipway.publication import preparing

    if is_written and (oneline or since):
        raise UsageError("the file holds the whole changelog", hint="leave out --since and --oneline, or --write")
    release = front.request(VERSION=version).release
    said = str(release.version) if version else ""
    if is_written:
        preparing.write(release.project, preparing.plan_changelog(release.project, version=said), dry_run=dry_run)
    elif oneline:
        console.out(preparing.lines_of(release.project, since=since).rstrip("\n"))
    else:
        console.out(preparing.changelog_of(release.project, version=said, since=since).rstrip("\n"))


@click.command("notes")
@_VERSION
@click.option("--from-commits", is_flag=True, help="Make them from the commits, whatever notes people wrote.")
@click.pass_obj
def notes(front: Front, /, version: str, from_commits: bool) -> None:
    """Print the release notes of a version, as a forge will show them."""
    from slipway.publication.noting import Said, notes_of

    release = _named(front, version)
    console.out(notes_of(release, Said(from_commits=from_commits)).rstrip("\n"))


@click.command("debian-changelog")
@_VERSION
@click.option("--suite", default="unstable", show_default=True, help="The suite that the package is for.")
@click.option("--urgency", type=click.Choice(("low", "medium", "high", "emergency", "critical")), default="medium")
@click.option("--write", "is_written", is_flag=True, help="Put it at the top of debian/changelog, not on the screen.")
@common
@click.pass_obj
def debian_changelog(front: Front, version: str, suite: str, urgency: str, is_written: bool, dry_run: bool) -> None:
    """Print the entry of a version in debian/changelog, made from the commits since the release before."""
    from slipway.publication import preparing

    release = _named(front, version)
    if is_written:
        planned = preparing.plan_debian(release, suite=suite, urgency=urgency)
        preparing.write(release.project, planned, dry_run=dry_run)
    else:
        console.out(preparing.debian_of(release, suite=suite, urgency=urgency).rstrip("\n"))


@click.command("prepare")
@_VERSION
@_KIND
@click.option("--back", is_flag=True, help="Check out the branch again from which the release was prepared.")
@common
@click.pass_obj
def prepare(front: Front, version: str, release_type: str | None, back: bool, dry_run: bool) -> None:
    """Gather the notes and set the stamps of a release, each as a commit; nothing is pushed or tagged."""
    from slipway.publication.preparing import go_back, prepare_release

    if back:
        go_back(front.request().release, dry_run=dry_run)
        return
    prepare_release(_named(front, version, release_type or ""), dry_run=dry_run)


def _named(front: Front, version: str, kind: str = "") -> Release:
    """The release of a version that is said, here or by a variable, else that of the present commit or the next one."""
    from slipway.publication.preparing import at_present

    request = front.request(VERSION=version, RELEASE_TYPE=kind)
    return request.release if request.version_is_said else at_present(request.release)


COMMANDS: Final = (next_version, changelog, notes, debian_changelog, prepare)
