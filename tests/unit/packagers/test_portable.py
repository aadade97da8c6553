"""Portable packages: they run from any folder, with the configuration and the state that lie in it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway.contents import Contents
from slipway.errors import ConfigError
from slipway.layout import InstallSpec
from slipway.manifest import load_record
from slipway.model import PlatformSettings, Release, Service
from slipway.packagers import planned_names
from slipway.packagers.archive import plan_archives
from slipway.packagers.portable import launchers, plan_portables
from slipway.steps import Step

SHOW = '#!/bin/sh\nprintf "%s\\n" "$0" "$HELLO_HOME" "$HELLO_CONFIG_DIR" "$HELLO_STATE_DIR" "${HELLO_STATE-}" "$@"\n'


def step_of(made: Release, cell: str) -> Step:
    return next(step for step in plan_portables(made) if step.key == f"{cell}.portable")


def restaged(made: Release, name: str, path: str, data: bytes) -> None:
    """Change one file of a laid out distribution, or add it."""
    cell = sample.cell(made, name)
    contents = Contents.load(made.contents(cell))
    (made.staged(cell) / path).write_bytes(data)
    file = next((file for file in contents.files if file.path == path), replace(contents.files[0], path=path, mode=0o644))
    sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
    changed = replace(file, size=len(data), sha256=sha256, md5=md5)
    files = sorted((changed, *(each for each in contents.files if each.path != path)), key=lambda each: each.path)
    made.contents(cell).write_bytes(replace(contents, files=tuple(files)).dump())


@pytest.mark.req("S0-35")
def test_the_names_say_what_it_is(staged: Release) -> None:
    names = planned_names(staged)["portable"]
    assert "hello-1.2.3-linux-amd64-complete-portable.tar.gz" in names
    assert "hello-1.2.3-windows-amd64-minimal-portable.zip" in names
    step = step_of(staged, "macos-arm64-minimal")
    step.run()
    artifact = load_record(step.outputs[1]).artifact
    assert step.outputs[0].parent == staged.paths.packages / "binaries"
    assert (artifact.kind, artifact.path) == ("portable", "binaries/hello-1.2.3-macos-arm64-minimal-portable.tar.gz")
    assert (artifact.platform, artifact.variant) == ("macos-arm64", "minimal")


@pytest.mark.req("S0-35")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_it_runs_from_any_folder(staged: Release, tmp_path: Path, shell: str) -> None:
    for name in ("hello", "hello-server"):
        restaged(staged, "linux-amd64-complete", f"bin/{name}", SHOW.encode())
    step = step_of(staged, "linux-amd64-complete")
    step.run()
    folder = tmp_path / "a 'stick'; $HOME ü"
    with tarfile.open(step.outputs[0]) as archive:
        archive.extractall(folder, filter="data")
    (moved,) = folder.iterdir()
    home = moved.rename(folder / "any name")
    link = tmp_path / "elsewhere/link"
    link.parent.mkdir()
    link.symlink_to(os.path.relpath(home / "hello", link.parent))
    environment = {"PATH": "/usr/bin:/bin"}

    def said(*words: str | Path, **more: str) -> list[str]:
        done = subprocess.run(words, env=environment | more, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert said(link, "a b", "$x") == [
        f"{home}/bin/hello",
        str(home),
        f"{home}/etc/hello",
        f"{home}/state",
        "",
        "a b",
        "$x",
    ]
    assert said(shell, home / "hello", HELLO_CONFIG_DIR="/mine")[2] == "/mine"
    assert not (home / "state").exists()
    started = said(home / "start-hello-server", "--more")
    assert started[4:] == [f"{home}/state", "--config", f"{home}/etc/hello/hello.toml", "--more"]
    assert (home / "state").is_dir()


@pytest.mark.parametrize(("archives", "kept"), [(("7z",), 0), (("tar.gz",), 1), ((), 1)])
def test_big_files_are_deflated_once_for_it_and_the_archive(tmp_path: Path, archives: tuple[str, ...], kept: int) -> None:
    settings = {"linux-amd64": PlatformSettings(archives=archives)}
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", packages=("portable",), settings=settings))
    cell = sample.cell(made, "linux-amd64-complete")
    sample.stage(made, cell)
    restaged(made, cell.id, "share/doc/hello/user/big", bytes(number * number % 251 for number in range(600_000)))
    found = []
    for _ in range(2):
        for step in (step_of(made, cell.id), *(each for each in plan_archives(made) if each.key.startswith(f"{cell.id}."))):
            step.run()
        found.append(step_of(made, cell.id).outputs[0].read_bytes())
        assert len(list(made.paths.shelf.glob("*"))) == kept
        shutil.rmtree(made.paths.shelf, ignore_errors=True)
    assert found[0] == found[1]


@pytest.mark.req("S0-50", "S0-54")
def test_windows_gets_cmd_files_with_its_line_ends_and_scripts_keep_theirs(staged: Release) -> None:
    step = step_of(staged, "windows-amd64-complete")
    step.run()
    with zipfile.ZipFile(io.BytesIO(step.outputs[0].read_bytes())) as archive:
        found = {each.filename.partition("/")[2]: each for each in archive.infolist()}
        texts = {name: archive.read(each) for name, each in found.items() if not each.is_dir()}
    assert {name for name in texts if "/" not in name} == {
        "LICENSE",
        "README.md",
        "hello.cmd",
        "hello-server.cmd",
        "start-hello-server.cmd",
    }
    for name in ("hello.cmd", "hello-server.cmd", "start-hello-server.cmd"):
        lines = texts[name].split(b"\r\n")
        assert lines[0] == b"@echo off"
        assert not any(b"\n" in line for line in lines)
        assert stat.S_IMODE(found[name].external_attr >> 16) == 0o755
    assert b'"%home%\\bin\\hello-server.exe" "--config" "%home%\\etc\\hello\\hello.toml" %*' in texts["start-hello-server.cmd"]


def spec_of(made: Release, *arguments: str, **environment: str) -> InstallSpec:
    service = Service(name="s", binary="hello", summary="x", arguments=arguments, environment=environment)
    return replace(InstallSpec.of(made, made.cells[0]), services=(service,))


def test_words_of_a_service_come_out_as_they_were_written(staged: Release, tmp_path: Path) -> None:
    hard = ["a b", "$HOME `x` \\", "it's", "", "{config}/a b.toml", "x={state}", "--{bin}--{share}", "ünï", "*"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/hello").write_text('#!/bin/sh\nprintf "%s\\n" "$V" "$@"\n')
    (tmp_path / "bin/hello").chmod(0o755)
    made = {entry.path: entry.data for entry in launchers(spec_of(staged, *hard, V="$A {config} 'q'"), "linux", tmp_path)}
    (tmp_path / "go").write_bytes(made["start-s"])
    done = subprocess.run(["sh", tmp_path / "go"], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    home = str(tmp_path)
    assert done.stdout.splitlines() == [
        f"$A {home}/etc/hello 'q'",
        "a b",
        "$HOME `x` \\",
        "it's",
        "",
        f"{home}/etc/hello/a b.toml",
        f"x={home}/state",
        f"--{home}/bin--{home}/share",
        "ünï",
        "*",
    ]
    cmd = {entry.path: entry.data.decode() for entry in launchers(spec_of(staged, "100%", "{state}"), "windows", tmp_path)}
    assert '"100%%" "%home%\\state" %*' in cmd["start-s.cmd"]


@pytest.mark.parametrize(("family", "word"), [("linux", "a\nb"), ("windows", "a\nb"), ("windows", 'say "hi"')])
def test_what_a_launcher_cannot_say_is_refused(staged: Release, tmp_path: Path, family: str, word: str) -> None:
    spec = spec_of(staged, word)
    with pytest.raises(ConfigError, match=r"service\.s"):
        list(launchers(spec, family, tmp_path))


@pytest.mark.parametrize(("cell", "name"), [("linux-amd64-complete", "hello"), ("windows-amd64-complete", "HELLO.cmd")])
def test_a_launcher_takes_nobody_s_name(staged: Release, cell: str, name: str) -> None:
    restaged(staged, cell, name, b"x")
    step = step_of(staged, cell)
    with pytest.raises(ConfigError, match=re.escape(f"would be called {name.lower()}")):
        step.run()
    assert not step.outputs[0].exists()


def test_twice_the_same_bytes(staged: Release) -> None:
    step = step_of(staged, "windows-amd64-minimal")
    step.run()
    first = step.outputs[0].read_bytes()
    for path in staged.paths.dist.rglob("*"):
        os.utime(path, (1, 1))
    step.run()
    assert step.outputs[0].read_bytes() == first


def test_a_service_that_writes_logs_has_a_folder_for_them(staged: Release, tmp_path: Path) -> None:
    service = Service(name="s", binary="hello-server", summary="Serves", arguments=("{logs}/a",), logs=True)
    spec = replace(spec_of(staged), services=(service,))
    text = next(entry.data.decode() for entry in launchers(spec, "linux", tmp_path) if entry.path == "start-s")
    assert '\nmkdir -p "$home/state" "$home/state/log"\nexec "$home"/bin/hello-server "$home"/state/log/a "$@"\n' in text
    cmd = next(entry.data.decode() for entry in launchers(spec, "windows", tmp_path) if entry.path == "start-s.cmd")
    assert 'mkdir "%home%\\state"\r\nif not exist "%home%\\state\\log" mkdir "%home%\\state\\log"\r\n' in cmd
