"""The pipelines that `slipway ci` writes: read by the linters of the services, and run in miniature as the services do."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import ci_runner
import jsonschema
import pytest
import yaml

import hello
from slipway.files import cache_dir

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SERVICES = ("github", "gitlab", "jenkins")
TAG = "v1.2.3"


def actionlint() -> Path:
    """The linter of GitHub's workflows, built from sources whose digests stand in tests/actionlint/go.sum."""
    source = ROOT / "tests/actionlint"
    pins = b"".join((source / name).read_bytes() for name in ("go.mod", "go.sum"))
    path = cache_dir() / "tests" / f"actionlint-{hashlib.sha256(pins).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_suffix(".part")
            words = ["go", "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(part)]
            subprocess.run([*words, "github.com/rhysd/actionlint/cmd/actionlint"], cwd=source, check=True)
            part.rename(path)
    return path


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git, with the pipelines of all services and a tag."""
    folder = hello.write(tmp_path_factory.mktemp("origin") / "hello", dodo=False)
    (folder / ".gitignore").write_text("/dist/\n/packages/\n/.slipway/\n/build.log\n")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for service in SERVICES:
        done = hello.run(folder, "slipway", "ci", service, SOURCE_DATE_EPOCH="1767225600")
        assert done.returncode == 0, done.stderr
    shutil.rmtree(folder / ".slipway", ignore_errors=True)
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "first")
    _git(folder, "tag", TAG)
    return folder


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Maker", "-c", "user.email=maker@hello.example"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})


LIVE = """
[sign]
minisign = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"

[store.hub]
kind = "github"
repository = "hello/hello"

[store.cdn]
kind = "s3"
bucket = "hello"
url = "https://cdn.hello.example"
credential = { env = "CDN" }

[environment.production]
"""


@pytest.fixture(params=["examples/provisioning/slipway.toml", "self/slipway.toml", "hello", "live"])
def written(request: pytest.FixtureRequest, tmp_path: Path, repository: Path) -> Path:
    """The pipelines of a project; the one that is written in Python needs machines of its own."""
    if request.param == "hello":
        return repository
    if request.param == "live":
        folder = hello.write(tmp_path / "live", dodo=False, toml=hello.TOML + LIVE)
        (folder / ".git").mkdir()
        for service in SERVICES:
            done = hello.run(folder, "slipway", "ci", service)
            assert done.returncode == 0, done.stderr
        return folder
    others = ("--runner", "macos=mac", "--runner", "linux-arm64=arm")
    for service in SERVICES:
        words = ("ci", service, "--dry-run", *(others if service != "github" else ()))
        done = hello.run(ROOT, "slipway", "--project", request.param, *words)
        assert done.returncode == 0, done.stderr
        for name, text in re.findall(r"^--- (\S+)\n(.*?)(?=^--- |\Z)", done.stdout, re.MULTILINE | re.DOTALL):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.req("S0-67", "S0-68")
def test_actionlint_finds_nothing(written: Path) -> None:
    # This version does not know yet that a group can have a queue, and neither which labels a user's own machines have.
    ignored = ["-ignore", 'unexpected key "queue" for "concurrency"']
    files = sorted((written / ".github/workflows").glob("*.yml"))
    assert len(files) == 2
    done = subprocess.run([actionlint(), *ignored, *files], cwd=written, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_finds_nothing_that_is_not_secure(written: Path) -> None:
    words = ["--offline", "--no-config", "--no-progress", "--pedantic", "--format=plain", ".github/workflows"]
    done = subprocess.run([hello.BIN / "zizmor", *words], cwd=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


@pytest.mark.req("S0-67", "S0-68", "S0-69")
def test_the_published_schemas_hold(written: Path) -> None:
    schemas = files("check_jsonschema").joinpath("builtin_schemas")
    for schema, paths in (
        ("vendor/github-workflows.json", [".github/workflows/build.yml", ".github/workflows/release.yml"]),
        ("custom/github-workflows-require-timeout.json", [".github/workflows/build.yml", ".github/workflows/release.yml"]),
        ("vendor/gitlab-ci.json", [".gitlab-ci.yml"]),
    ):
        rules = json.loads(schemas.joinpath(schema).read_text())
        for path in paths:
            said = yaml.safe_load((written / path).read_text())
            # YAML 1.1 reads `on` as true.
            jsonschema.validate({"on" if key is True else key: value for key, value in said.items()}, rules)


def _machine(tmp_path: Path, repository: Path, slipway: dict[str, str], **variables: str) -> ci_runner.Machine:
    machine = ci_runner.Machine(tmp_path, repository, variables, slipway)
    machine.prepare()
    return machine


def _programs(place: Path) -> dict[str, bytes]:
    folder = place / "dist/platform"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _modes(place: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in place.glob("dist/hello-*/bin/*")}


@pytest.mark.req("S0-67")
def test_github_builds_and_takes_what_was_built_to_the_tests(repository: Path, tmp_path: Path) -> None:
    """ci-test takes containers: in its place the distributions that it would install are packed."""
    machine = _machine(tmp_path, repository, {"ci-test": "create-archives"}, CI="true")
    github = ci_runner.Github(machine, (repository / ".github/workflows/build.yml").read_text())
    built = github.run("build")
    assert set(github.artifacts) == {f"build-{name}" for name in ("linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64")}
    (tested,) = github.run("test")
    assert _programs(tested) == _programs(built[0])
    assert _modes(tested) == {0o755}
    assert _archives(tested) == _archives(built[0])
    assert "python -m pip install slipway==" in "\n".join(machine.calls)


def _archives(place: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(place.glob("packages/*.tar.gz"))}


@pytest.mark.req("S0-68")
def test_github_releases_what_was_compiled_without_secrets(repository: Path, tmp_path: Path) -> None:
    """What is published by release and the rest is another test's affair: here they only have to be called, in order."""
    # `status` prints and changes nothing.
    stand_ins = {"ci-test": "status", "release": "status"}
    machine = _machine(tmp_path, repository, stand_ins, CI="true", GITHUB_REF_NAME=TAG)
    text = (repository / ".github/workflows/release.yml").read_text()
    github = ci_runner.Github(machine, text.replace("            build.log\n", ""))
    (compiled,) = github.run("programs")
    (released,) = github.run("release")
    assert _programs(released) == _programs(compiled)
    assert _modes(released) == {0o755}
    called = [line for line in machine.calls if "VERSION=" in line]
    assert called == [f"slipway {name} VERSION={TAG}" for name in ("compile-platform", "ci-release", "ci-test", "release")]
    _require_whole_and_clean(released)


def _require_whole_and_clean(place: Path) -> None:
    kinds = {each["kind"] for each in json.loads((place / "packages/manifest.json").read_text())["artifacts"]}
    assert kinds == {"archive", "deb", "rpm", "freebsd", "pkg", "installer"}
    left = subprocess.run(["git", "status", "--porcelain"], cwd=place, capture_output=True, text=True, check=True)
    assert left.stdout == "", "a release refuses a checkout that is not clean"


@pytest.mark.req("S0-69")
def test_gitlab_packs_tests_and_releases_what_it_built(repository: Path, tmp_path: Path) -> None:
    machine = _machine(tmp_path, repository, {"ci-test": "create-archives", "cd-deploy": "package-all"}, CI_COMMIT_TAG=TAG)
    gitlab = ci_runner.Gitlab(machine, (repository / ".gitlab-ci.yml").read_text())
    built = gitlab.run("build")
    (packed,), (tested,), (released,) = (gitlab.run(job) for job in ("package", "test", "release"))
    programs: dict[str, Any] = {name: data for place in built for name, data in _programs(place).items()}
    assert _programs(packed) == _programs(released) == programs
    assert set(_programs(tested)) == {name for name in programs if name.startswith("linux-amd64/")}
    assert f"slipway cd-deploy VERSION={TAG}" in machine.calls
    _require_whole_and_clean(packed)
    _require_whole_and_clean(released)


@pytest.mark.req("S0-70")
def test_jenkins_packs_and_releases_what_it_built(repository: Path, tmp_path: Path) -> None:
    machine = _machine(tmp_path, repository, {"cd-deploy": "package-all"}, TAG_NAME=TAG)
    jenkins = ci_runner.Jenkins(machine, (repository / "Jenkinsfile").read_text())
    built = jenkins.build()
    for number in (0, 1):
        place = jenkins.later(number, built)
        assert _programs(place) == _programs(built)
        _require_whole_and_clean(place)
    assert machine.calls[-1] == f"slipway cd-deploy VERSION={TAG}"


if __name__ == "__main__":
    print(actionlint())
    sys.exit(0)
