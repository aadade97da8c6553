"""What CI services do with a pipeline, in miniature: clones, scripts in a shell, files handed from job to job.

Actions of GitHub are played: checking out is a clone, artifacts lose the modes of their files as they do there, and nothing is
installed. `sudo`, `apt-get`, `python` and `python3` are stand-ins that only note that they were called.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import hello

_STAND_IN = '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n'
# A virtual environment has its own python, which installs nothing.
_PYTHON = _STAND_IN + '[ "$1 $2" != "-m venv" ] || { mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; }\n'


@dataclass(frozen=True)
class Machine:
    """A place for jobs: `origin` is the repository, at `commit`; `slipway` names what runs in the place of some targets."""

    folder: Path
    origin: Path
    variables: Mapping[str, str]
    slipway: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> list[str]:
        """What was called: the stand-ins, and slipway."""
        return (self.folder / "calls").read_text().splitlines()

    def prepare(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        for name in ("sudo", "apt-get", "python", "python3", "slipway"):
            (programs / name).write_text(self._slipway() if name == "slipway" else _PYTHON if "python" in name else _STAND_IN)
            (programs / name).chmod(0o755)

    def _slipway(self) -> str:
        cases = "".join(f'    {name}) shift; set -- {other} "$@" ;;\n' for name, other in self.slipway.items())
        return f'{_STAND_IN}case $1 in\n    toolchain) exit ;;\n{cases}esac\nexec "{hello.BIN}/slipway" "$@"\n'

    def checkout(self, name: str) -> Path:
        """A fresh clone for a job."""
        place = self.folder / "jobs" / name
        subprocess.run(["git", "clone", "--quiet", self.origin, place], check=True)
        return place

    def shell(self, words: Sequence[str], place: Path, variables: Mapping[str, str]) -> None:
        """Run a script as the service's own shell does; a failure fails the test with what was said."""
        surroundings = {name: os.environ[name] for name in ("HOME", "PYTHONPATH", "XDG_CACHE_HOME") if name in os.environ}
        path = f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin"
        done = subprocess.run(
            list(words),
            cwd=place,
            env={**surroundings, "PATH": path, "CALLS": str(self.folder / "calls"), **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"{words[-1]}\n{done.stdout}{done.stderr}"


class Github:
    """Runs the jobs of a workflow, each for every row of its matrix."""

    def __init__(self, machine: Machine, workflow: str) -> None:
        self.machine, self.workflow = machine, yaml.safe_load(workflow)
        self.artifacts: dict[str, Path] = {}

    def run(self, job: str) -> list[Path]:
        """Run a job; returns the checkouts."""
        body = self.workflow["jobs"][job]
        rows = body.get("strategy", {}).get("matrix", {}).get("include", [{}])
        return [
            self._row(f"{job}-{index}", body, {"matrix": row, "strategy": {"job-index": index}}) for index, row in enumerate(rows)
        ]

    def _row(self, name: str, body: Mapping[str, Any], known: dict[str, Any]) -> Path:
        temporary = self.machine.folder / "temp" / name
        temporary.mkdir(parents=True)
        known |= {"runner": {"temp": str(temporary), "os": "Linux", "arch": "X64"}, "secrets": {}, "github": {"token": "t"}}
        place = Path()
        kept = temporary / "environment"
        for step in body["steps"]:
            if "uses" in step:
                action = step["uses"].partition("@")[0].removeprefix("actions/")
                values = {key: _filled(value, known) for key, value in step.get("with", {}).items()}
                if action == "checkout":
                    place = self.machine.checkout(name)
                elif action.endswith("load-artifact"):
                    getattr(self, action.partition("-")[0])(place, values)
                continue
            if "matrix.packages" in step.get("if", "") and not known["matrix"].get("packages"):
                continue
            self._script(step, place, kept, known, {**self.workflow["env"], **body.get("env", {}), **step.get("env", {})})
        return place

    def _script(
        self, step: Mapping[str, Any], place: Path, kept: Path, known: Mapping[str, Any], said: Mapping[str, Any]
    ) -> None:
        lines = kept.read_text().splitlines() if kept.exists() else []
        variables = {name: _filled(value, known) for name, value in said.items()} | dict(line.split("=", 1) for line in lines)
        folder = place / self.workflow["defaults"]["run"].get("working-directory", ".")
        script = _filled(step["run"], known)
        # https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions: what `shell: bash` means
        self.machine.shell(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], folder, {**variables, "GITHUB_ENV": str(kept)}
        )

    def upload(self, place: Path, said: Mapping[str, str]) -> None:
        """Keep files, without their modes; the common folder of what is named is their root."""
        store = self.artifacts[said["name"]] = self.machine.folder / "artifacts" / said["name"]
        paths = [place / line for line in said["path"].split()]
        assert len(paths) == 1, "one folder is enough here"
        shutil.copytree(paths[0], store)
        for path in store.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def download(self, place: Path, said: Mapping[str, str]) -> None:
        """Bring back one artifact, or all of a pattern into one folder."""
        found = [said["name"]] if "name" in said else fnmatch.filter(self.artifacts, said["pattern"])
        assert found
        assert "name" in said or said["merge-multiple"] == "True"
        for name in found:
            shutil.copytree(self.artifacts[name], place / said["path"], dirs_exist_ok=True)


def _filled(text: Any, known: Mapping[str, Any]) -> str:
    def look_up(match: re.Match[str]) -> str:
        found: Any = known
        for word in match[1].split("."):
            found = found.get(word, "")
        return str(found)

    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", look_up, str(text))


class Gitlab:
    """Runs the jobs of a pipeline, each for every row of its matrix, with the artifacts of all that ran before."""

    def __init__(self, machine: Machine, pipeline: str) -> None:
        self.machine, self.said = machine, yaml.safe_load(pipeline)
        self.kept = machine.folder / "artifacts"

    def run(self, job: str) -> list[Path]:
        """Run a job; returns the checkouts."""
        body = self.said[job]
        rows = [{}] if "parallel" not in body else [{"PLATFORMS": name} for name in body["parallel"]["matrix"][0]["PLATFORMS"]]
        before = self.kept.exists()
        places = [self._row(f"{job}-{index}", body, row, before=before) for index, row in enumerate(rows)]
        for place in places:
            for path in body.get("artifacts", {}).get("paths", []):
                if (place / path).is_dir():
                    shutil.copytree(place / path, self.kept / path, dirs_exist_ok=True)
        return places

    def _row(self, name: str, body: Mapping[str, Any], row: Mapping[str, str], *, before: bool) -> Path:
        place = self.machine.checkout(name)
        if before:
            shutil.copytree(self.kept, place, dirs_exist_ok=True)
        variables = {**self.said["variables"], **body.get("variables", {}), **row, "CI_PROJECT_DIR": str(place)}
        script = "\n".join((*self.said["default"]["before_script"], *body["script"]))
        variables = {name: str(value) for name, value in variables.items() if not name.startswith("DOCKER")}
        self.machine.shell(["bash", "-eo", "pipefail", "-c", script], place, variables)
        return place


class Jenkins:
    """Runs the shell lines of a Jenkinsfile as its two functions put them together, with a stash between the stages."""

    def __init__(self, machine: Machine, text: str) -> None:
        self.machine, self.text = machine, text
        (self.ready,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
        (self.taken,) = re.findall(r"shell\('''\n(.*?)'''", text, re.DOTALL)
        self.said = dict(re.findall(r"(SLIPWAY|VARIANTS) = '(.*)'", text))

    def build(self) -> Path:
        (own,) = re.findall(r"shell '''\n(.*?)'''", self.text, re.DOTALL)
        (platforms,) = re.findall(r"PLATFORMS = '(.*)'", self.text)
        place = self.machine.checkout("build")
        self.machine.shell(["sh", "-c", self.ready + own], place, {**self.said, "PLATFORMS": platforms})
        return place

    def later(self, number: int, built: Path) -> Path:
        """Run the line of a stage that takes what was compiled."""
        long, short = re.findall(r" taken\((?:'''\n(.*?)'''|'(.*?)')\)", self.text, re.DOTALL)[number]
        place = self.machine.checkout(f"later-{number}")
        shutil.copytree(built / "dist/platform", place / "dist/platform")
        self.machine.shell(["sh", "-c", self.ready + self.taken + (long or short)], place, self.said)
        return place
