"""Which packages a project gets from the command line, and what is refused before any work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow


def project(folder: Path, *changes: tuple[str, str]) -> Path:
    toml = hello.TOML
    for old, new in changes:
        assert old in toml
        toml = toml.replace(old, new)
    hello.write(folder, toml=toml)
    return folder


PLATFORMS = 'platforms = ["linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"]'


def made(folder: Path) -> set[str]:
    return {path.name for path in (folder / "packages/binaries").glob("*")}


@pytest.mark.req("S0-35")
def test_a_project_for_musl_alone_gets_packages_wherever_it_is_released(tmp_path: Path) -> None:
    folder = project(tmp_path, (PLATFORMS, 'platforms = ["linux-amd64-musl"]'))
    done = hello.run(folder, "doit", "package-binaries", "VARIANTS=complete")
    assert done.returncode == 0, done.stderr
    assert made(folder) == {"hello_1.2.3_amd64.deb", "hello-1.2.3-1.x86_64.rpm"}


@pytest.mark.parametrize("formats", ["deb", "freebsd", "all"])
def test_packages_that_name_nobody_are_refused_before_any_work(formats: str, tmp_path: Path) -> None:
    folder = project(tmp_path, ('maintainer = "Hello Makers <makers@hello.example>"\n', ""))
    done = hello.run(folder, "doit", "package-all", f"PACKAGE_FORMATS={formats.replace('all', 'deb,freebsd')}")
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("name somebody who answers for them") == 1
    assert 'maintainer = "Name <mail@example.org>"' in done.stderr
    assert not (folder / "packages").exists()


def test_a_version_that_one_format_cannot_spell_leaves_the_others_alone(tmp_path: Path) -> None:
    folder = project(tmp_path, ('value = "1.2.3"', 'value = "1.2.3-0"'))
    assert hello.run(folder, "doit", "list").returncode == 0
    done = hello.run(folder, "doit", "package-binaries", "PLATFORMS=linux", "VARIANTS=complete")
    assert done.returncode == 0, done.stderr
    assert "hello_1.2.3~0_amd64.deb" in made(folder)
    refused = hello.run(folder, "doit", "package-binaries", "PLATFORMS=freebsd")
    assert refused.returncode == 2
    assert "no spelling for the version 1.2.3-0" in refused.stderr
    assert "PACKAGE_FORMATS" in refused.stderr


def test_signing_without_a_key_is_refused_before_any_work(tmp_path: Path) -> None:
    done = hello.run(project(tmp_path), "doit", "sign", "PLATFORMS=linux")
    assert done.returncode == 3, done.stderr
    assert "names no key" in done.stderr
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize("formats", ["dep", "deb,rmp"])
def test_unknown_formats_are_named(formats: str, tmp_path: Path) -> None:
    done = hello.run(project(tmp_path), "doit", "package-binaries", f"PACKAGE_FORMATS={formats}")
    assert done.returncode == 2
    assert "is no format of packages" in done.stderr
    assert "did you mean" in done.stderr


def test_what_a_killed_run_left_half_written_goes_away(tmp_path: Path) -> None:
    folder = project(tmp_path)
    left = [folder / "packages/binaries/.hello.deb.abc.part", folder / ".slipway/deflated/.x.part"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    assert hello.run(folder, "doit", "list").returncode == 0
    assert all(path.exists() for path in left), "a command that only reads took something away"
    assert hello.run(folder, "doit", "create-archives", "PLATFORMS=linux").returncode == 0
    assert not any(path.exists() for path in left)


def test_a_name_that_is_no_utf_8_is_refused_by_every_format(tmp_path: Path) -> None:
    folder = project(tmp_path)
    Path(os.fsdecode(os.fsencode(folder / "lib") + b"/\xff\xfe")).write_text("x")
    done = hello.run(folder, "doit", "package-all", "PLATFORMS=linux", "VARIANTS=complete")
    assert done.returncode in {2, 4}, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "PythonAction" not in done.stderr + done.stdout
    assert not list((folder / "packages").glob("**/*.rpm"))


def test_a_key_that_is_not_there_is_told_before_any_work_also_in_a_second_run(tmp_path: Path) -> None:
    folder = project(tmp_path)
    assert hello.run(folder, "doit", "package-binaries", "PLATFORMS=linux", "PACKAGE_FORMATS=deb").returncode == 0
    (folder / "lib/greetings.txt").write_text("another greeting\n")
    file = folder / "slipway.toml"
    file.write_text(f'{file.read_text()}\n[sign]\nminisign = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"\n')
    done = hello.run(folder, "doit", "package-binaries", "PLATFORMS=linux", "PACKAGE_FORMATS=deb")
    assert done.returncode == 3, done.stderr
    assert "minisign" in done.stderr
    assert " run  " not in done.stderr
