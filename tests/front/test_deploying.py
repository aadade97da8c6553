"""Releasing through targets: rehearsals, what is missing, several platforms, and what was made before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow

TOML = hello.TOML.replace(
    '"linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"', '"linux-amd64", "linux-arm64"'
).replace('packages = ["deb", "rpm", "freebsd", "pkg"]', "packages = []")
SITE = '\n[environment.local.store.site]\nurl = ""\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for two platforms, of which one is made."""
    folder = hello.write(tmp_path_factory.mktemp("deploying"), toml=TOML + SITE)
    done = hello.run(folder, "doit", "all", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    subprocess.run(["cp", "-a", built, folder], check=True)
    return folder


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file but those that slipway keeps for itself, with its number and its time, which tell when it was written."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "build.log")
    kept = (path for path in found if ".slipway" not in path.parts or path.parent.name == "artifacts")
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept}


@pytest.mark.req("S0-28", "S0-75")
@pytest.mark.parametrize("words", [("cd-deploy", "--dry-run"), ("run", "--dry-run", "cd-deploy")])
def test_a_deployment_is_rehearsed_as_if_nothing_were_made(project: Path, words: tuple[str, ...]) -> None:
    before = tree(project)
    done = hello.run(project, "doit", *words, "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    assert tree(project) == before
    assert "would remove what was made before in dist/, packages/, .slipway/" in done.stderr
    said = [line.split()[2] for line in done.stdout.splitlines()]
    order = ["compile-platform:linux-amd64.programs", "create-archives:linux-amd64-complete.tar.gz"]
    order += ["test-dist:linux-amd64-complete", "cd-deploy:validate-package.packages", "cd-deploy:release.publish"]
    assert [name for name in said if name in order] == order


@pytest.mark.req("S0-25", "S0-75")
@pytest.mark.parametrize("target", ["create-release", "upload-artifacts"])
def test_a_release_is_rehearsed_by_its_plan(project: Path, target: str) -> None:
    before = tree(project)
    done = hello.run(project, "doit", target, "--dry-run", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    assert tree(project) == before
    assert "create  put v1.2.3/hello-1.2.3-linux-amd64-complete.tar.gz into site (" in done.stdout
    assert " to upload), 0 done already" in done.stdout


def test_a_task_of_the_projects_own_keeps_its_option(project: Path) -> None:
    own = '\ndef task_mine():\n    option = {"name": "dry_run", "long": "dry-run", "type": bool, "default": False}\n'
    own += '    return {"actions": ["echo dry=%(dry_run)s > said"], "params": [option]}\n'
    (project / "dodo.py").write_text(hello.DODO + own)
    done = hello.run(project, "doit", "mine", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert (project / "said").read_text() == "dry=True\n"


def test_a_release_of_nothing_says_how_to_make_it(tmp_path: Path) -> None:
    folder = hello.write(tmp_path / "hello", toml=TOML + SITE)
    done = hello.run(folder, "doit", "release")
    assert done.returncode == 4
    assert "packages/ has no manifest.json, so there is nothing to publish" in done.stderr
    assert "make it: doit all" in done.stderr
    assert not (folder / "published").exists()


@pytest.mark.req("S0-25", "S2-2")
@pytest.mark.parametrize("words", [("doit", "release"), ("slipway", "publish"), ("slipway", "plan")])
def test_nothing_is_published_while_a_platform_is_missing(project: Path, words: tuple[str, ...]) -> None:
    done = hello.run(project, *words)
    assert done.returncode == 4
    assert (
        "hello-1.2.3 is to be published for linux-arm64-complete, linux-arm64-minimal, and packages/ has nothing" in done.stderr
    )
    assert "make the rest: doit all VERSION=1.2.3; or publish what is there: PLATFORMS=linux-amd64" in done.stderr
    assert not (project / "published").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("doit", "release", "PLATFORMS=linux-amd64", "PARALLEL=true"),
        ("slipway", "publish", "--platforms", "linux-amd64"),
        ("slipway", "create-release", "--auto-upload", "--platforms", "linux-amd64"),
    ],
    ids=["parallel", "publish", "create-release"],
)
def test_what_is_asked_for_is_enough(project: Path, words: tuple[str, ...]) -> None:
    done = hello.run(project, *words)
    assert done.returncode == 0, done.stderr
    assert "hello 1.2.3 is published in local" in done.stderr
    assert (project / "published" / "latest").readlink() == Path("v1.2.3")


def test_a_variant_that_is_missing_is_named(project: Path) -> None:
    for path in project.glob(".slipway/artifacts/*minimal*"):
        path.unlink()
    assert hello.run(project, "doit", "create-archives", "VARIANTS=complete", "PLATFORMS=linux-amd64").returncode == 0
    done = hello.run(project, "doit", "release", "PLATFORMS=linux-amd64")
    assert (done.returncode, "for linux-amd64-minimal, and packages/ has nothing for it" in done.stderr) == (4, True), done.stderr


def test_cleaning_for_a_deployment_keeps_what_it_does_not_make(project: Path) -> None:
    """What the tests have proven, and which branch the release was prepared from."""
    evidence, prepared = (project / ".slipway" / name for name in ("evidence/tests.json", "prepared.json"))
    evidence.parent.mkdir()
    for path in (evidence, prepared):
        path.write_text("{}")
    (project / "dist" / "mine.txt").write_text("not slipway's\n")
    (project / "src" / "hello").unlink()
    done = hello.run(project, "doit", "cd-deploy", "PLATFORMS=linux-amd64")
    assert done.returncode != 0
    assert "compile-platform:linux-amd64.programs" in done.stderr
    assert evidence.is_file()
    assert prepared.is_file()
    assert (project / "dist" / "mine.txt").is_file()
    assert not list((project / "packages").glob("*.tar.gz"))
    assert not (project / "published").exists()


@pytest.mark.req("S0-2", "S0-49")
def test_a_deployment_runs_the_tests_that_its_environment_insists_on(project: Path) -> None:
    toml = (project / "slipway.toml").read_text().replace('basic = ["hello"]', 'basic = ["hello"]\nunit = ["true"]')
    store = '\n[environment.strict]\nstores = ["files"]\n\n[store.files]\nkind = "dir"\npath = "site"\n'
    (project / "slipway.toml").write_text(toml + store)
    (project / ".gitignore").write_text("/dist/\n/packages/\n/build.log\n/.slipway/\n__pycache__/\n")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=T", "-c", "user.email=t@t.example", "commit", "-qm", "feat: it"),
    ):
        subprocess.run(["git", "-C", project, *words], check=True)

    def planned(*words: str) -> str:
        done = hello.run(project, "doit", "cd-deploy", "--dry-run", "PLATFORMS=linux-amd64", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "unit-tests:1" not in planned()
    assert "unit-tests:1" in planned("ENVIRONMENT=strict")
    assert hello.run(project, "doit", "unit-tests").returncode == 0
    assert "unit-tests:1" not in planned("ENVIRONMENT=strict")
