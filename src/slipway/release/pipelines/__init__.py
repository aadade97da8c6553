"""The pipelines of CI services, written from what the project says: its platforms, their machines, the tags that release."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slipway import __version__
from slipway.errors import UsageError
from slipway.model import Project
from slipway.release.pipelines.destination import Destination, find_destination
from slipway.release.pipelines.machines import SERVICES, Job, Park, compiles, makes_programs
from slipway.release.pipelines.stored import Pipeline, headed
from slipway.render import render

# For each service: the files, each with its template, and how a comment begins in it.
FILES: Final[Mapping[str, Mapping[str, str]]] = {
    "github": {
        ".github/workflows/build.yml": "templates/ci/github/build.yml.j2",
        ".github/workflows/release.yml": "templates/ci/github/release.yml.j2",
    },
    "gitlab": {".gitlab-ci.yml": "templates/ci/gitlab/gitlab-ci.yml.j2"},
    "jenkins": {"Jenkinsfile": "templates/ci/jenkins/Jenkinsfile.j2"},
}
_WORD: Final = re.compile(r"[^\n\r]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted besides what the project says; `machines` are those that platforms are built on, by their ids.

    `requirement` is what pip installs slipway from; empty means this version. Without `branches` it is the one that releases are
    made from, without `environment` the project's. `targets` are those that slipway has.
    """

    service: str
    machines: Mapping[str, str] = field(default_factory=dict)
    requirement: str = ""
    branches: tuple[str, ...] = ()
    environment: str = ""
    targets: Collection[str] = ()

    @property
    def command(self) -> str:
        """What to type to make the files again."""
        said = [f"--runner={platform}={machine}" for platform, machine in self.machines.items()]
        said += [f"--slipway={self.requirement}"] if self.requirement else []
        said += [f"--branch={branch}" for branch in self.branches]
        said += [f"--environment={self.environment}"] if self.environment else []
        return shlex.join(["slipway", "ci", self.service, *said])


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags that releases have, as the pattern of each service; none of them matches a tag with a folder more."""

    template: str

    @property
    def is_bare(self) -> bool:
        """Whether a tag begins with the version, that is, with a digit."""
        return self.template.startswith("{version}")

    @property
    def filter(self) -> str:
        """For GitHub, where a star ends at a slash: `v*`. Other signs that mean something there are protected."""
        before, after = (re.sub(r"([*?+\[\]!\\])", r"\\\1", part) for part in self._parts)
        return f"{before}{'[0-9]*' if self.is_bare else '*'}{after}"

    @property
    def glob(self) -> str:
        """For Jenkins, where a star ends at a slash, too, and where nothing can be protected."""
        return self.template.replace("{version}", "*")

    @property
    def regex(self) -> str:
        """A regular expression for the whole tag, without slashes that are not said: `v[^/]*`."""
        before, after = (re.escape(part) for part in self._parts)
        return f"{before}{'[0-9][^/]*' if self.is_bare else '[^/]*'}{after}"

    @property
    def shell(self) -> tuple[str, ...]:
        """Lines of a shell that get `version` from `tag`."""
        before, after = (re.sub(r'([\\$`"}])', r"\\\1", part) for part in self._parts)
        return (f'version="${{tag#{before}}}"', *([f'version="${{version%{after}}}"'] if after else []))

    @property
    def _parts(self) -> tuple[str, str]:
        before, _, after = self.template.partition("{version}")
        return before, after


def plan_pipelines(project: Project, wish: Wish, *, root: Path) -> tuple[Pipeline, ...]:
    """Render the files of a service, as they have to lie below `root`, the folder of the whole repository."""
    words = (wish.requirement, wish.environment, *wish.branches, *wish.machines.values())
    for word in words:
        if not _WORD.fullmatch(word) or "${{" in word:
            raise UsageError(
                f"{word!r} cannot stand in a pipeline", hint="it has to be one line, without the expressions of the service"
            )
    facts = _facts(project, wish, _below(project.root, root))
    comment = "//" if wish.service == "jenkins" else "#"
    command = wish.command
    return tuple(
        Pipeline(root / path, headed(render(template, overrides=project.root, **facts), command, comment), command)
        for path, template in FILES[wish.service].items()
    )


def repository(project: Project) -> Path:
    """The folder of the repository in which a project lies, where services look for their files; else the project's own."""
    return next((folder for folder in (project.root, *project.root.parents) if (folder / ".git").exists()), project.root)


def _facts(project: Project, wish: Wish, folder: str) -> dict[str, Any]:
    quoted = _single_quoted if wish.service == "jenkins" else _double_quoted
    goal = find_destination(project, wish.environment)
    park, tags, file = Park(wish.service, project, wish.machines), Tags(project.version.tag), project.file.name
    return {
        "slipway": "slipway" if file == "slipway.toml" else shlex.join(["slipway", "--project", file]),
        "version": __version__,
        "requirement": quoted(wish.requirement) if wish.requirement else "",
        "folder": f"{folder}/" if folder else "",
        "variants": ",".join(variant.name for variant in project.variants),
        "branches": [quoted(branch) for branch in wish.branches or (project.release.branch,)],
        "destination": _destination(goal, tags, quoted),
        "tags": {
            "filter": quoted(tags.filter),
            "glob": quoted(tags.glob),
            "regex": tags.regex,
            "bare": tags.is_bare,
        },
        "linux": quoted(SERVICES[wish.service].linux),
        "building": [_row(project, job, quoted) for job in park.building()],
        "compiling": [_row(project, job, quoted) for job in park.compiling()],
        "testing": [_row(project, job, quoted) for job in park.testing()],
        "packing": list(park.packing()),
        "programs": makes_programs(project),
        "cargo": any(compiles(project, row) for row in project.platforms),
        "targets": sorted(wish.targets),
    }


def _destination(goal: Destination, tags: Tags, quoted: Callable[[str], str]) -> dict[str, Any]:
    wanted = goal.confirmation
    return {
        "name": quoted(goal.name),
        "environment": goal.environment.name if goal.environment else "",
        "keys": list(goal.keys),
        "logins": list(goal.logins),
        "asks_github": goal.asks_github,
        "says": [*(tags.shell if "${version}" in wanted else ()), f'CONFIRM="{wanted}"'] if wanted else [],
    }


def _row(project: Project, job: Job, quoted: Callable[[str], str]) -> dict[str, Any]:
    return {
        "platforms": job.names,
        "machine": quoted(job.machine),
        "somewhere": not job.machine,
        "title": quoted(f"Build on {job.machine or 'any machine'}"),
        "packages": list(job.packages),
        "cargo": any(compiles(project, row) for row in job.platforms),
    }


def _below(folder: Path, root: Path) -> str:
    if not folder.is_relative_to(root):
        raise UsageError(f"{folder} does not lie in {root}", hint="--output-dir names a folder that holds the project")
    return "" if folder == root else folder.relative_to(root).as_posix()


def _double_quoted(text: str) -> str:
    """A text for YAML."""
    return json.dumps(text, ensure_ascii=False)


def _single_quoted(text: str) -> str:
    """A text for Groovy, in which nothing is filled in."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
