"""What people see: terminals, readers that go away, words that make no sense, failures."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

import hello
from slipway import console

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return hello.write(tmp_path / "hello")


def _in_a_terminal(folder: Path, *words: str, **environment: str) -> str:
    main, side = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment}
    with subprocess.Popen([hello.BIN / words[0], *words[1:]], cwd=folder, stdin=side, stdout=side, stderr=side, env=env) as run:
        os.close(side)
        said = b""
        try:
            while part := os.read(main, 65536):
                said += part
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(main)
    assert run.returncode == 0, said
    return said.decode()


@pytest.mark.parametrize(
    "words",
    [
        ("doit", "list", "--all"),
        ("slipway", "list", "--all"),
        ("doit", "info"),
        ("doit", "status"),
        ("doit", "run", "--dry-run", "all"),
        ("slipway", "schema"),
    ],
)
def test_a_reader_that_goes_away_is_no_fault(project: Path, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        done = subprocess.run(
            [hello.BIN / words[0], *words[1:]], cwd=project, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert "FAIL" not in done.stderr


def test_a_run_goes_on_when_nobody_reads(project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        subprocess.run(
            [hello.BIN / "doit", "all", "PLATFORMS=linux-amd64"], cwd=project, stdout=nobody, stderr=nobody, check=False
        )
    assert "nothing to do" in hello.run(project, "doit", "all", "PLATFORMS=linux-amd64").stderr


def test_in_a_terminal_the_answer_stands_on_lines_of_its_own(project: Path) -> None:
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\r", _in_a_terminal(project, "doit", "status", "PLATFORMS=linux-amd64"))
    assert "Project  hello" in re.split(r"[\r\n]+", said)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_forbidden(project: Path, name: str, value: str) -> None:
    colour = re.compile(r"\x1b\[[0-9;]+m")
    assert colour.search(_in_a_terminal(project, "doit", "status", "PLATFORMS=linux-amd64"))
    assert not colour.search(_in_a_terminal(project, "doit", "status", "PLATFORMS=linux-amd64", **{name: value}))


def test_an_empty_no_color_forbids_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert console.style("done", "green") == "\033[32mdone\033[0m"


@pytest.mark.req("S0-31")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("doit", "al"), "there is no target 'al'\n  hint: did you mean all? doit list"),
        (("slipway", "al"), "there is no target 'al'\n  hint: did you mean all? slipway list"),
        (("doit", "lst"), "did you mean list?"),
        (("doit", "info", "al"), "did you mean all?"),
        (("doit", "info", "all", "list"), "there is no target 'list'"),
        (("doit", "clean", "al"), "'al' is not a task"),
        (("doit", "--foo"), "option --foo not recognized\n"),
        (("doit", "clean", "--foo"), "option --foo not recognized\n"),
    ],
)
def test_words_that_make_no_sense(project: Path, words: tuple[str, ...], says: str) -> None:
    done = hello.run(project, *words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "CmdOption" not in done.stderr


def _break(project: Path, *platforms: str) -> None:
    pattern = "{ " + " && ".join(f"test $SLIPWAY_PLATFORM != {name}" for name in platforms) + "; }"
    (project / "slipway.toml").write_text(hello.TOML.replace("cp hello", f"{pattern} || {{ echo boom; exit 4; }}; cp hello", 1))


@pytest.mark.parametrize("words", [(), ("-c",), ("PARALLEL=true",), ("FAIL_FAST=false",)])
def test_what_needs_a_failed_step_is_counted_and_the_rest_is_made(project: Path, words: tuple[str, ...]) -> None:
    _break(project, "macos-arm64")
    done = hello.run(project, "doit", *words, "create-archives")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("FAIL") == 1
    assert done.stderr.count("boom") == 2  # the command as it was written, and what it said
    assert re.search(r"failed: compile-platform:macos-arm64.programs after [\d.]+ s, 5 steps left out", done.stderr)
    # What is for all platforms is missed first.
    assert re.search(r"^left out: create-archives:checksums, create-archives:macos-arm64-complete", done.stderr, re.MULTILINE)
    assert (project / "packages/hello-1.2.3-windows-amd64-minimal.zip").is_file()
    assert not list((project / "packages").glob("*macos*"))


def test_all_failures_are_listed_at_the_end(project: Path) -> None:
    _break(project, "macos-arm64", "freebsd-amd64")
    done = hello.run(project, "doit", "create-archives")
    assert done.returncode == 1, done.stderr
    *_, title, first, second, left, last = done.stderr.splitlines()
    assert title == "2 steps failed:"
    assert re.match(r"  compile-platform:macos-arm64\.programs    sh -c .* failed with exit code 4$", first)
    assert re.match(r"  compile-platform:freebsd-amd64\.programs  sh -c .* failed with exit code 4$", second)
    assert left.startswith("left out: create-archives:checksums, ")
    assert left.endswith(" and 3 more")
    assert re.match(r"failed: 2 steps after [\d.]+ s, 9 steps left out that need what failed, \d+ steps done; the log is ", last)
    # What has been said once is not said again at length.
    assert "as compile-platform:macos-arm64.programs" in done.stderr
    assert done.stderr.count("hint: ") == 1


@pytest.mark.parametrize("words", [("--no-continue",), ("FAIL_FAST=true",), ("-c", "FAIL_FAST=true")])
def test_a_run_can_stop_at_the_first_failure(project: Path, words: tuple[str, ...]) -> None:
    _break(project, "macos-arm64", "freebsd-amd64")
    done = hello.run(project, "doit", *words, "create-archives")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("FAIL") == 1
    assert "compile-platform:freebsd" not in done.stderr
    assert not list((project / "packages").glob("*windows*"))


def test_a_machine_that_cannot_compile_ends_the_run_at_once(project: Path) -> None:
    toml = hello.TOML.replace("[variant.complete]", _RUST + "[variant.complete]").replace(
        'platforms = ["', 'platforms = ["linux-arm64", "'
    )
    (project / "slipway.toml").write_text(toml.replace('components = ["programs", ', 'components = ["tool", "programs", '))
    (project / "rust/src").mkdir(parents=True)
    (project / "rust/Cargo.toml").write_text('[package]\nname = "tool"\nversion = "1.0.0"\n')
    (project / "rust/src/main.rs").write_text("fn main() {}\n")
    folder = project / "empty"
    folder.mkdir()
    done = hello.run(project, "doit", "compile-platform", PATH=str(folder))
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("this machine cannot compile what was asked for") == 1
    assert done.stderr.count("FAIL") == 1


_RUST = """\
[component.tool]
kind = "cargo"
path = "rust"
package = "tool"
binaries = ["tool"]

"""
