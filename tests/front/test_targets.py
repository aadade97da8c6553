"""The documented targets on a small project, as users call them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

import hello
from slipway.flow import NAMES


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return hello.write(tmp_path / "hello")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with everything made for Linux; tests only look at it."""
    folder = hello.write(tmp_path_factory.mktemp("built") / "hello")
    done = hello.run(folder, "doit", "all", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    return folder


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.req("S0-5", "S0-6", "S0-7", "S0-10", "S0-14", "S0-19")
def test_all_makes_the_documented_files(built: Path) -> None:
    for name in (
        "dist/hello-1.2.3-linux-amd64-complete/bin/hello",
        "dist/hello-1.2.3-linux-amd64-minimal/etc/hello/hello.toml",
        "packages/hello-1.2.3-linux-amd64-complete.tar.gz",
        "packages/hello-1.2.3-linux-amd64-minimal.tar.gz",
        "packages/installers/install-hello-1.2.3.sh",
        "packages/installers/install.sh",
        "packages/installers/uninstall-hello.sh",
        "packages/checksums.sha256",
        "packages/SHA256SUMS",
        "packages/manifest.json",
    ):
        assert (built / name).is_file(), name
    assert list((built / "packages").rglob("*.deb"))
    assert os.access(built / "packages/installers/install.sh", os.X_OK)


@pytest.mark.req("S0-8")
def test_the_checksums_hold_from_the_project_s_folder_and_from_beside_the_files(built: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "packages/checksums.sha256"], cwd=built, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == len((built / "packages/SHA256SUMS").read_text().splitlines()) >= 5
    assert "/" not in (built / "packages/SHA256SUMS").read_text()


def test_the_second_run_has_nothing_to_do(built: Path) -> None:
    before = _tree(built / "packages")
    done = hello.run(built, "doit", "PLATFORMS=linux-amd64", "all")
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stderr
    assert _tree(built / "packages") == before


@pytest.mark.req("S0-4")
def test_minimal_is_part_of_complete(built: Path) -> None:
    complete, minimal = (_tree(built / f"dist/hello-1.2.3-linux-amd64-{name}") for name in ("complete", "minimal"))
    assert minimal.items() < complete.items()


@pytest.mark.req("S0-12")
def test_every_step_is_in_the_build_log(built: Path) -> None:
    log = (built / "build.log").read_text()
    assert "[dist-generate:linux-amd64-complete] done" in log


@pytest.mark.req("S0-5", "S0-18", "S0-52")
def test_each_family_gets_its_own_archive_and_line_endings(project: Path) -> None:
    done = hello.run(project, "doit", "windows", "macos", "freebsd", "PARALLEL=true")
    assert done.returncode == 0, done.stderr
    packages = project / "packages"
    with zipfile.ZipFile(packages / "hello-1.2.3-windows-amd64-complete.zip") as archive:
        top = "hello-1.2.3-windows-amd64-complete/"
        assert archive.read(top + "README.md") == b"# hello\r\n"
        assert top + "bin/hello.exe" in archive.namelist()
    with tarfile.open(packages / "hello-1.2.3-freebsd-amd64-minimal.tar.xz") as archive:
        program = archive.getmember("hello-1.2.3-freebsd-amd64-minimal/bin/hello")
        assert program.mode == 0o755
    with tarfile.open(packages / "hello-1.2.3-macos-arm64-minimal.tar.gz") as archive:
        assert {member.uname for member in archive} <= {"root", ""}
    assert not (project / "dist/hello-1.2.3-linux-amd64-complete").exists()


@pytest.mark.req("S0-29")
def test_every_documented_name_that_works_is_listed_and_no_other(project: Path) -> None:
    done = hello.run(project, "doit", "list")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert listed == set(NAMES)
    assert not listed & {"update-registry", "notify-release", "package-containers"}


@pytest.mark.req("S0-31")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("all", "VERSOIN=2"), "did you mean VERSION?"),
        (("all", "PLATFORMS=linux-amd46"), "did you mean linux-amd64?"),
        (("all", "VARIANTS=minimul"), "did you mean minimal?"),
        (("all", "PARALLEL=perhaps"), "PARALLEL=true"),
        (("al",), "doit list"),
        (("build-platform", "RUST_TARGET=x86_64-linux"), "valid are"),
        (("all", "VERSION=two"), "semver"),
    ],
)
def test_what_makes_no_sense_ends_with_2_and_names_what_does(project: Path, words: tuple[str, ...], says: str) -> None:
    done = hello.run(project, "doit", *words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "dist").exists()


@pytest.mark.req("S0-30", "S0-31")
def test_variables_come_from_the_environment_too(project: Path) -> None:
    done = hello.run(project, "doit", "dist-generate", PLATFORMS="macos", VARIANTS="minimal", VERSION="v2.0.0-rc.1")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (project / "dist").glob("hello-*") if path.is_dir()] == ["hello-2.0.0-rc.1-macos-arm64-minimal"]


@pytest.mark.req("S0-75")
def test_a_dry_run_tells_the_steps_in_order_and_writes_nothing(project: Path) -> None:
    done = hello.run(project, "doit", "run", "--dry-run", "all", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    steps = [line.split()[2] for line in done.stdout.splitlines()]
    assert steps.index("bundle-core:config") < steps.index("dist-generate:linux-amd64-minimal")
    assert steps.index("dist-generate:linux-amd64-minimal") < steps.index("create-archives:linux-amd64-minimal.tar.gz")
    assert not (project / "dist").exists()
    assert not (project / "packages").exists()


@pytest.mark.req("S0-32")
def test_verbose_shows_the_commands(project: Path) -> None:
    quiet = hello.run(project, "doit", "compile-platform", "PLATFORMS=linux-amd64")
    loud = hello.run(project, "doit", "-a", "compile-platform", "PLATFORMS=linux-amd64", "VERBOSE=true")
    assert "+ sh -c" not in quiet.stderr
    assert "+ sh -c" in loud.stderr


@pytest.mark.req("S0-15")
def test_clean_dist_keeps_what_is_compiled_and_clean_does_not(project: Path) -> None:
    assert hello.run(project, "doit", "all", "PLATFORMS=linux-amd64").returncode == 0
    (project / "packages/mine.txt").write_text("not slipway's")
    done = hello.run(project, "doit", "clean-dist")
    assert done.returncode == 0, done.stderr
    assert "packages/mine.txt" in done.stderr
    assert (project / "dist/platform/linux-amd64/hello").exists()
    assert [path.name for path in (project / "packages").iterdir()] == ["mine.txt"]
    again = hello.run(project, "doit", "all", "PLATFORMS=linux-amd64")
    assert again.returncode == 0, again.stderr
    assert "compile-platform" not in again.stderr
    (project / "packages/mine.txt").unlink()
    assert hello.run(project, "doit", "clean").returncode == 0
    assert sorted(path.name for path in project.iterdir() if path.name not in {".slipway", "__pycache__"}) == sorted(
        path.name for path in hello.write(project.parent / "fresh").iterdir()
    )


@pytest.mark.req("S0-15")
def test_clean_can_be_rehearsed(project: Path) -> None:
    assert hello.run(project, "doit", "dist-generate", "PLATFORMS=linux-amd64").returncode == 0
    done = hello.run(project, "doit", "clean", "-n")
    assert "would remove dist/hello-1.2.3-linux-amd64-complete" in done.stderr
    assert (project / "dist/hello-1.2.3-linux-amd64-complete").is_dir()


@pytest.mark.req("S0-27")
def test_info_lists_the_tools_and_still_explains_a_task(project: Path) -> None:
    done = hello.run(project, "doit", "info")
    assert done.returncode == 0, done.stderr
    assert "cargo" in done.stdout
    assert "docker" in done.stdout
    assert "dist-generate" in hello.run(project, "doit", "info", "dist-generate").stdout
    assert hello.run(project, "doit", "dist-generate", "PLATFORMS=linux-amd64").returncode == 0
    why = hello.run(project, "doit", "info", "dist-generate:linux-amd64-minimal", "VERSION=2.0.0").stdout
    assert "- its settings are those of the last run" in why
    assert max(map(len, why.splitlines())) < 200


@pytest.mark.req("S0-27")
def test_status_shows_the_version(built: Path) -> None:
    done = hello.run(built, "doit", "status", "PLATFORMS=linux-amd64")
    assert "Version  1.2.3" in done.stdout.splitlines()
    row = next(line for line in done.stdout.splitlines() if line.startswith("linux-amd64-complete"))
    assert row.split()[1:3] == ["yes", "yes"]


def test_the_same_project_gives_the_same_bytes_in_another_folder_at_another_time(built: Path, tmp_path: Path) -> None:
    other = hello.write(tmp_path / "another place" / "hello")
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    done = hello.run(other, "doit", "all", "PLATFORMS=linux-amd64", "PARALLEL=true", TZ="Asia/Tokyo", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert _tree(other / "packages") == _tree(built / "packages")


def test_a_changed_file_is_packed_again_and_nothing_else(project: Path) -> None:
    assert hello.run(project, "doit", "create-archives", "PLATFORMS=linux-amd64,macos").returncode == 0
    (project / "lib/greetings.txt").write_text("good night\n")
    done = hello.run(project, "doit", "create-archives", "PLATFORMS=linux-amd64,macos")
    ran = {line.split()[1] for line in done.stderr.splitlines() if line.startswith(" run ")}
    assert "create-archives:linux-amd64-complete.tar.gz" in ran
    assert "create-archives:linux-amd64-minimal.tar.gz" not in ran
    assert not any(name.startswith("compile-platform") for name in ran)


_SLOW = hello.TOML.replace(
    "cp hello hello-server", 'cp hello hello-server \\"$SLIPWAY_OUT\\" && test $SLIPWAY_PLATFORM = linux-amd64 || sleep 60; : '
)


@pytest.mark.parametrize("parallel", ["false", "true"])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_is_finished(tmp_path: Path, sign: signal.Signals, parallel: str) -> None:
    project = hello.write(tmp_path / "hello", toml=_SLOW)
    command = [str(hello.BIN / "doit"), "compile-platform", "PLATFORMS=linux-amd64,macos-arm64", f"PARALLEL={parallel}"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as run:
        _wait_for(project / "dist/platform/linux-amd64/hello-server")
        time.sleep(0.5)
        begun = time.monotonic()
        run.send_signal(sign)
        _, said = run.communicate(timeout=20)
    assert run.returncode == 130, said
    assert "interrupted" in said
    assert "stopped at compile-platform:macos-arm64.programs" in said
    assert "nothing to do" not in said
    assert time.monotonic() - begun < 15
    assert not list(project.rglob("*.part"))
    (project / "slipway.toml").write_text(_SLOW)
    again = hello.run(project, "doit", "compile-platform", "PLATFORMS=linux-amd64")
    assert "nothing to do" in again.stderr


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", toml=_SLOW)
    command = [str(hello.BIN / "doit"), "compile-platform", "PLATFORMS=macos-arm64"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as run:
        _wait_for(project / ".slipway/lock")
        time.sleep(0.5)
        second = hello.run(project, "doit", "all")
        listing = hello.run(project, "doit", "list")
        run.send_signal(signal.SIGINT)
    assert second.returncode == 3
    assert f"process {run.pid}" in second.stderr
    assert listing.returncode == 0


def _wait_for(path: Path) -> None:
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "hello"', 'nmae = "hello"', ("slipway.toml:2", "nmae", "name")),
        ('path = "lib"', 'path = "libs"', ("slipway.toml:", "libs")),
        ('binary = "hello-server"', 'binary = "hello-serve"', ("slipway.toml:", "hello-serve")),
        ("[variant.minimal]", "[variant.minimal", ("slipway.toml:",)),
        ('value = "1.2.3"', 'value = "one"', ("semver",)),
    ],
)
def test_a_fault_in_slipway_toml_is_named_with_its_line(project: Path, old: str, new: str, says: tuple[str, ...]) -> None:
    (project / "slipway.toml").write_text(hello.TOML.replace(old, new))
    done = hello.run(project, "doit", "list")
    assert done.returncode == 2, done.stderr
    for word in says:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_without_slipway_toml_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    done = hello.run(tmp_path, "slipway", "all")
    assert done.returncode == 2
    assert "slipway init" in done.stderr


def test_slipway_is_the_same_front_door_without_a_dodo(tmp_path: Path, built: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    done = hello.run(project, "slipway", "all", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    assert _tree(project / "packages") == _tree(built / "packages")


def test_a_failing_command_shows_its_output_and_leaves_nothing(project: Path) -> None:
    (project / "slipway.toml").write_text(hello.TOML.replace("cp hello", "echo no such luck >&2; exit 7; cp hello"))
    done = hello.run(project, "doit", "all", "PLATFORMS=linux-amd64")
    assert done.returncode == 1
    assert "no such luck" in done.stderr
    assert "exit code 7" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(project.glob("packages/*.tar.gz"))
    assert not list(project.glob("dist/hello-*"))
    assert not list(project.glob("dist/platform/*/*"))


def test_a_family_that_the_project_does_not_release_is_refused(project: Path) -> None:
    (project / "slipway.toml").write_text(hello.TOML.replace(', "freebsd-amd64"', ""))
    done = hello.run(project, "doit", "freebsd")
    assert done.returncode == 2
    assert "freebsd" in done.stderr


@pytest.mark.req("S0-39")
def test_a_tampered_archive_is_found(built: Path, tmp_path: Path) -> None:
    project = tmp_path / "copy"
    shutil.copytree(built, project)
    assert hello.run(project, "doit", "validate-package", "PLATFORMS=linux-amd64").returncode == 0
    archive = project / "packages/hello-1.2.3-linux-amd64-minimal.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    done = hello.run(project, "doit", "validate-package", "PLATFORMS=linux-amd64")
    assert done.returncode == 4, done.stderr
    assert archive.name in done.stderr


@pytest.mark.req("S0-24")
def test_install_and_uninstall_leave_nothing(built: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    prefix = f"PREFIX={tmp_path / 'prefix'}"
    installed = hello.run(built, "doit", "install", prefix, HOME=str(home))
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "prefix/bin/hello").is_file()
    again = hello.run(built, "doit", "install", prefix, HOME=str(home))
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stderr
    removed = hello.run(built, "doit", "uninstall", prefix, HOME=str(home))
    assert removed.returncode == 0, removed.stderr
    assert not (tmp_path / "prefix").exists() or not list((tmp_path / "prefix").rglob("*"))
    assert list(home.iterdir()) == []


@pytest.mark.req("S0-21")
def test_what_is_tested_is_packed_first_but_another_version_is_tested_as_it_lies(project: Path) -> None:
    def steps(*words: str) -> set[str]:
        done = hello.run(project, "doit", "run", "--dry-run", "test-dist", "PLATFORMS=linux-amd64", *words)
        assert done.returncode == 0, done.stderr
        return {line.split()[2].split(":")[0] for line in done.stdout.splitlines()}

    assert {"create-archives", "package-binaries", "create-installers", "test-dist"} <= steps()
    assert steps("DIST_VERSION=1.0.0") == {"test-dist"}
