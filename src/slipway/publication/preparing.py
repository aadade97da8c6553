"""What is done before a release is built: its version is found, its notes are gathered, its stamps are set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway import console
from slipway.errors import GateError, SlipwayError, UsageError, did_you_mean
from slipway.files import write_atomic
from slipway.git import Repository
from slipway.model import Project, Release
from slipway.publication.noting import gathered, lost_lines
from slipway.release.bump import Next, next_version
from slipway.release.changelog import History, oneline, write_changelog
from slipway.release.chapters import version_of
from slipway.release.debian import debian_entry, prepended
from slipway.release.stamp import Prepared, back_to_branch, prepare, require_ready
from slipway.version import Version, debian_version

DEBIAN = "debian/changelog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A file that a command is to write, and its bytes; without bytes, it goes."""

    name: str
    data: bytes | None


def following(project: Project, *, kind: str = "", pre: str = "") -> Next:
    """The version that comes next; the present commit's own, where a kind is asked for and it is released already.

    A run that was killed behind the tag finds its version again that way, and not the one after.
    """
    history = History.of(project, project.changelog)
    released = history.releases()
    if kind and released and released[0].is_prerelease == bool(pre) and _is_at_head(history, released[0]):
        return Next(released[0], next(iter(released[1:]), None), "the commit that is checked out is that release")
    _require_whole(history, released)
    return next_version(history, kind=kind, pre=pre)


def _require_whole(history: History, released: Sequence[Version]) -> None:
    """Raise GateError when the history that is here may lack the last release: then the next version would be a wrong one."""
    repository, remote = history.repository, history.rules.remote
    repository.head()
    hint = "get all of it: git fetch --unshallow --tags, or fetch-depth: 0 in CI"
    if repository.is_shallow:
        raise GateError("only the last part of the history is here, so nobody can say what was released", hint=hint)
    if released or not repository.remote_url(remote):
        return
    try:
        there = repository.ls_remote(remote, f"refs/tags/{history.rule.tag.replace('{version}', '*')}")
    except SlipwayError as error:
        console.warn(f"{remote} was not asked what is released there: {error.message}")
        return
    if names := [name.removeprefix("refs/tags/") for name in there if version_of(name.removeprefix("refs/tags/"), history.rule)]:
        raise GateError(f"{remote} has the tag {names[0]}, and no tag of a release is here", hint="git fetch --tags")


def require_following(release: Release) -> Version | None:
    """Find the version before that of a release; raises GateError when there is a higher one in the commit's history."""
    history = History.of(release.project, release.project.changelog)
    known = history.releases()
    newer = [each for each in known if each > release.version]
    if newer and not _is_at_head(history, release.version):
        raise GateError(
            f"{release.version} would come after {newer[0]}, which is in the history of this commit and is the higher version",
            hint="slipway next-version says which one comes next",
        )
    return next((each for each in known if each < release.version), None)


def _is_at_head(history: History, version: Version) -> bool:
    repository = history.repository
    return repository.commit_of(f"refs/tags/{history.rule.tag_of(str(version))}") == repository.commit_of("HEAD") != ""


def changelog_of(project: Project, *, version: str = "", since: str = "") -> str:
    """The changelog of a project, or what of it came after a tag."""
    return write_changelog(_history(project), version=version, since=_ref(project, since))


def lines_of(project: Project, *, since: str = "") -> str:
    """The commits in a line each; without a tag, those after the last release."""
    return oneline(_history(project), since=_ref(project, since))


def plan_changelog(project: Project, *, version: str = "") -> Planned:
    """The file of the changelog as it is to be; raises GateError where people have written into it."""
    path, made = project.root / project.changelog.file, changelog_of(project, version=version)
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    if lost := lost_lines(old, made):
        raise GateError(
            f"{project.changelog.file} says what no commit says, and that would be lost: {lost[0].strip()}",
            hint="keep writing it by hand, or name another file: [changelog] file; slipway changelog only prints it",
        )
    return Planned(name=project.changelog.file, data=made.encode())


def debian_of(release: Release, *, suite: str, urgency: str) -> str:
    """The entry of a release in debian/changelog."""
    project = release.project
    return debian_entry(
        _history(project),
        # A package that has a changelog of Debian's own form has a revision.
        debian_version(release.version, project.deb.revision or "1"),
        project.maintainer,
        package=project.deb.package or project.name,
        suite=suite,
        urgency=urgency,
    )


def plan_debian(release: Release, *, suite: str, urgency: str) -> Planned:
    """debian/changelog with the entry of a release at its top."""
    path = release.project.root / DEBIAN
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    return Planned(name=DEBIAN, data=prepended(debian_of(release, suite=suite, urgency=urgency), old).encode())


def write(project: Project, planned: Planned, *, dry_run: bool) -> None:
    """Write a file below the project, unless it says the same already."""
    path = project.root / planned.name
    assert planned.data is not None
    if path.is_file() and path.read_bytes() == planned.data:
        console.say(f"{planned.name} is up to date")
    elif dry_run:
        console.out(f"would write {planned.name}")
    else:
        write_atomic(path, planned.data)
        console.say(f"{planned.name} is written")


def prepare_release(release: Release, *, dry_run: bool) -> Prepared | None:
    """Commit the notes and the stamps of a release; a dry run says which files that would change."""
    project, paths = release.project, release.paths
    if dry_run:
        require_ready(project, paths, Repository(project.root), release.version)
        found = [f"would {'remove' if each.data is None else 'write'} {each.name}" for each in _planned(release)]
        for line in found or ["no note is to be gathered and nothing is stamped, so there would be no commit"]:
            console.out(line)
        return None
    done = prepare(project, paths, release.version, lambda folder: gathered(release, folder))
    console.say(f"{release.version} is prepared as {done.commit[:12]}: doit all VERSION={release.version} builds it")
    return done


def go_back(release: Release, *, dry_run: bool) -> None:
    """Check out the branch again that a release was prepared from; where another thing is checked out, that stays."""
    if dry_run:
        console.out("would check out the branch that the release was prepared from")
        return
    branch = back_to_branch(release.project, release.paths)
    console.say(f"{branch} is checked out again" if branch else "no prepared release is checked out: nothing to do")


def _planned(release: Release) -> list[Planned]:
    project = release.project
    stamps = {each.file: b"" for each in project.release.stamps}
    found = {**stamps, **gathered(release, project.root)}
    return [Planned(name=name, data=found[name]) for name in sorted(found)]


def at_next(release: Release, *, kind: str = "", pre: str = "") -> Release:
    """The release of the version that comes next; says which one that is, and why."""
    found = following(release.project, kind=kind, pre=pre)
    console.say(f"the version is {found.version}: {found.reason}")
    return replace(release, version=found.version)


def at_present(release: Release) -> Release:
    """The release that the present commit is, by its tag; where it has none, the one that comes next."""
    history = _history(release.project)
    found = next(iter(history.releases()), None)
    return replace(release, version=found) if found and _is_at_head(history, found) else at_next(release)


def _history(project: Project) -> History:
    return History.of(project, project.changelog)


def _ref(project: Project, since: str) -> str:
    """What people call a tag, a version or a commit, as git knows it; raises UsageError for what there is none of."""
    if not since:
        return ""
    repository = Repository(project.root)
    for name in (f"refs/tags/{since}", f"refs/tags/{project.version.tag_of(since)}"):
        if repository.commit_of(name):
            return name
    if commit := repository.commit_of(since):
        return commit
    tags = [tag.name for tag in repository.tags()] if repository.is_readable else []
    raise UsageError(f"there is no tag and no commit {since}", hint=f"{did_you_mean(since, tags)}git tag lists the tags")
