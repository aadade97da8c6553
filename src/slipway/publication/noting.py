"""What a release says about itself: its notes, and the changelog that they are part of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway import console
from slipway.files import digest_file
from slipway.installers.getting import SHELL, address_of
from slipway.installers.origin import download_url
from slipway.model import Release
from slipway.release.changelog import History, write_changelog
from slipway.release.fragments import Edition, gather
from slipway.release.notes import Digest, Way, release_notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How the notes are wanted: only from the commits, marked as urgent, and which bad version the release replaces.

    `again` is the version whose content the release has once more: then there is no change to tell.
    """

    from_commits: bool = False
    urgent: bool = False
    replaces: str = ""
    again: str = ""


def notes_of(release: Release, said: Said) -> str:
    """The release notes, in Markdown; outside a checkout there is no history to tell."""
    history = History.of(release.project, release.project.changelog)
    if not history.repository.commit_of("HEAD"):
        return ""
    if said.again:
        return f"{_summary(release, said)}\n"
    fragments = None if said.from_commits else release.project.fragments
    return release_notes(
        history,
        edition_of(release),
        fragments,
        summary=_summary(release, said),
        install=_ways(release),
        checksums=_checksums(release),
    )


def edition_of(release: Release) -> Edition:
    """The release that notes are for; its date is that of the commit, so that the notes are always the same."""
    date = datetime.fromtimestamp(release.epoch, UTC).strftime("%Y-%m-%d")
    codename = release.project.release.codename
    return Edition(name=release.project.name, version=str(release.version), date=date, codename=codename)


def gathered(release: Release, folder: Path) -> dict[str, bytes | None]:
    """The files that gathering the notes of a release and writing its changelog changes, by their paths from a folder.

    The folder is that of the project, in whatever checkout; a file without bytes goes.
    """
    project = release.project
    if (folder / project.fragments.folder).is_dir():
        found = gather(folder, project.fragments, edition_of(release), overrides=folder)
        return {each.path.relative_to(folder).as_posix(): _bytes(each.text) for each in (found.changes if found else ())}
    path = folder / project.changelog.file
    if not path.is_file():
        return {}
    text = write_changelog(History.of(project, project.changelog), version=str(release.version))
    if lost_lines(path.read_text(encoding="utf-8"), text):
        console.say(f"{project.changelog.file} is written by hand, so it stays as it is")
        return {}
    return {project.changelog.file: text.encode()}


def lost_lines(old: str, new: str) -> tuple[str, ...]:
    """What a changelog says and a new text of it would not; headings and links change with every release."""
    kept = set(new.splitlines())
    return tuple(line for line in old.splitlines() if line.strip() and not line.startswith(("#", "[")) and line not in kept)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _summary(release: Release, said: Said) -> str:
    urgent = "**Urgent: install this release now.** " if said.urgent else ""
    again = f"It is {said.again} once more, built from the same commit. " if said.again else ""
    replaces = f"It replaces {said.replaces}, which was withdrawn." if said.replaces else ""
    return f"{urgent}{again}{replaces}".strip() or release.project.summary


def _ways(release: Release) -> tuple[Way, ...]:
    """How users install it, where the project says from where."""
    url, script = download_url(release), release.paths.installers / SHELL
    if not url or not script.is_file():
        return ()
    return (Way("Linux, macOS, FreeBSD", f"curl -fsSL {address_of(url, SHELL)} | sh"),)


def _checksums(release: Release) -> tuple[Digest, ...]:
    sums = release.paths.packages / "SHA256SUMS"
    return (Digest(sums.name, digest_file(sums)),) if sums.is_file() else ()
