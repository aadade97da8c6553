"""Projects as people have them: with tasks of their own, called from elsewhere, versioned by git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow
_OWN = """
from doit import get_var
from slipway.doit import CONFIG as DOIT_CONFIG, standard_tasks

globals().update(standard_tasks(also=["CHANNEL"]))


def task_announce():
    "Tell everybody"
    return {"actions": ["echo to %s" % get_var("CHANNEL", "nobody")], "task_dep": ["dist-generate"], "verbosity": 2}


def task_fail():
    return {"actions": ["echo what it said; echo what it complained >&2; exit 3"]}


def task_lack():
    return {"actions": ["true"], "file_dep": ["nowhere"]}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A project whose dodo.py has more than the documented targets."""
    project = hello.write(tmp_path / "hello")
    (project / "dodo.py").write_text(_OWN)
    return project


def test_own_tasks_and_variables_stand_beside_the_documented_ones(own: Path) -> None:
    done = hello.run(own, "doit", "announce", "PLATFORMS=linux-amd64", "CHANNEL=beta")
    assert done.returncode == 0, done.stderr
    assert "to beta" in done.stdout
    assert (own / "dist/hello-1.2.3-linux-amd64-minimal").is_dir()
    assert "did you mean CHANNEL?" in hello.run(own, "doit", "announce", "CHANEL=beta").stderr
    assert "Tell everybody" in hello.run(own, "slipway", "list").stdout


def test_an_own_task_that_fails_shows_all_that_it_said(own: Path) -> None:
    done = hello.run(own, "doit", "fail")
    assert done.returncode == 1
    assert done.stderr.count("what it complained") == 2  # as it was said, and in the command
    assert "\nwhat it said\n" in done.stderr
    assert "traceback" not in done.stderr


def test_an_own_task_that_lacks_a_file_took_no_time(own: Path) -> None:
    done = hello.run(own, "doit", "lack")
    assert done.returncode == 1
    assert "FAIL  lack  0.0 s" in done.stderr
    assert "nowhere" in done.stderr


def test_what_is_made_is_remembered_beside_it_from_wherever_slipway_is_called(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    before = sorted(project.iterdir())
    words = ("--project", str(project / "slipway.toml"), "--outputs", str(tmp_path / "out"))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert hello.run(tmp_path / "a", "slipway", *words, "all", "PLATFORMS=linux-amd64").returncode == 0
    again = hello.run(tmp_path / "b", "slipway", *words, "all", "PLATFORMS=linux-amd64")
    assert "nothing to do" in again.stderr
    assert hello.run(tmp_path / "a", "slipway", *words, "clean").returncode == 0
    assert not (tmp_path / "out/.slipway/doit.db").exists()
    assert not list((tmp_path / "a").iterdir()) + list((tmp_path / "b").iterdir())
    assert sorted(project.iterdir()) == before


def test_another_folder_for_the_outputs_counts_beside_a_dodo_too(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello")
    done = hello.run(project, "slipway", "--outputs", str(tmp_path / "out"), "dist-generate", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/dist/hello-1.2.3-linux-amd64-minimal").is_dir()
    assert not (project / "dist").exists()


@pytest.mark.req("S0-39")
def test_validate_package_without_a_folder_checks_the_project_s(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    assert hello.run(project, "slipway", "create-archives", "PLATFORMS=linux-amd64").returncode == 0
    assert hello.run(project, "slipway", "validate-package").returncode == 0
    (project / "packages/hello-1.2.3-linux-amd64-minimal.tar.gz").write_text("?")
    done = hello.run(project, "slipway", "validate-package")
    assert done.returncode == 4, done.stderr
    assert "hello-1.2.3-linux-amd64-minimal.tar.gz" in done.stderr


@pytest.mark.req("S0-30")
def test_what_slipway_remembers_does_not_make_a_checkout_dirty(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", toml=hello.TOML.replace('source = "value"\nvalue = "1.2.3"', 'source = "git"'))
    (project / ".gitignore").write_text("/dist/\n/packages/\n/build.log\n__pycache__/\n")
    assert hello.run(project, "doit", "list", VERSION="1.0.0").returncode == 0
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "one"), ("tag", "v3.1.0")):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *words]
        subprocess.run(git, cwd=project, check=True, capture_output=True)
    assert hello.run(project, "doit", "dist-generate", "PLATFORMS=linux-amd64").returncode == 0
    assert "Version  3.1.0" in hello.run(project, "doit", "status").stdout.splitlines()
    assert hello.run(project, "doit", "clean").returncode == 0
    assert "Version  3.1.0" in hello.run(project, "doit", "status").stdout.splitlines()
