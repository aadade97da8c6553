"""`slipway ci`, as a maintainer and as CI call it."""

from __future__ import annotations

from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = hello.write(tmp_path / "hello", dodo=False)
    (folder / ".git").mkdir()
    return folder


@pytest.mark.req("S0-67", "S0-68", "S0-69", "S0-70")
@pytest.mark.parametrize(
    ("service", "files"),
    [
        ("github", [".github/workflows/build.yml", ".github/workflows/release.yml"]),
        ("gitlab", [".gitlab-ci.yml"]),
        ("jenkins", ["Jenkinsfile"]),
    ],
)
def test_the_files_of_a_service_are_written_and_checked(service: str, files: list[str], project: Path) -> None:
    rehearsed = hello.run(project, "slipway", "ci", service, "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert [line.removeprefix("--- ") for line in rehearsed.stdout.splitlines() if line.startswith("--- ")] == files
    missing = hello.run(project, "slipway", "ci", service, "--check")
    assert missing.returncode == 3
    assert [f"{file} is missing" in missing.stderr for file in files] == [True] * len(files)
    assert not any((project / file).exists() for file in files)
    done = hello.run(project, "slipway", "ci", service)
    assert (done.returncode, done.stderr.splitlines()) == (0, [f"wrote {file}" for file in files])
    good = hello.run(project, "slipway", "ci", service, "--check")
    assert (good.returncode, good.stdout.splitlines()) == (0, [f"{file} is current" for file in files])
    (project / files[0]).write_text((project / files[0]).read_text() + "\n")
    assert hello.run(project, "slipway", "ci", service).returncode == 3
    assert hello.run(project, "slipway", "ci", service, "--force").returncode == 0


def test_a_changed_project_and_other_options_make_files_stale(project: Path) -> None:
    options = ("--runner", "macos-arm64=macos-15", "--branch", "trunk", "--environment", "live", "--slipway", "slipway>=0.1")
    assert hello.run(project, "slipway", "ci", "github", *options).returncode == 0
    build, release = ((project / f".github/workflows/{name}.yml").read_text() for name in ("build", "release"))
    for word in ('machine: "macos-15"', 'branches: ["trunk"]', 'SLIPWAY: "slipway>=0.1"'):
        assert word in build
    assert 'environment: "live"' in release
    # The command that made the files stands at their top.
    command = build.splitlines()[0].removeprefix("# Made by: ")
    assert command == (
        "slipway ci github --runner=macos-arm64=macos-15 '--slipway=slipway>=0.1' --branch=trunk --environment=live"
    )
    other = hello.run(project, "slipway", "ci", "github", "--check")
    assert other.returncode == 3
    assert '    -    branches: ["trunk"]' in other.stderr
    assert hello.run(project, "slipway", "ci", "github", *options, "--check").returncode == 0


def test_other_folders_and_wrong_words(project: Path, tmp_path: Path) -> None:
    inside = hello.run(project, "slipway", "ci", "gitlab", "--output-dir", "..")
    assert inside.returncode == 0, inside.stderr
    assert "- cd hello\n" in (tmp_path / ".gitlab-ci.yml").read_text()
    for words, told in (
        (("--output-dir", "elsewhere"), "--output-dir names a folder that holds the project"),
        (("--runner", "linux-s390x=big"), "unknown platform 'linux-s390x'"),
        (("--runner", "linux-arm64=big"), "the project does not release linux-arm64"),
    ):
        done = hello.run(project, "slipway", "ci", "gitlab", *words)
        assert done.returncode == 2
        assert told in done.stderr
    assert hello.run(project, "slipway", "ci", "travis").returncode == 2
    assert hello.run(tmp_path, "slipway", "ci", "gitlab").returncode == 2
