"""Files that were built elsewhere: from a folder, an archive, a file or a URL, held to the same rule as what is compiled."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import elves
import pytest
from web import Web, serving

import sample
from slipway.build.cargo import plan_compile
from slipway.build.command import plan_commands
from slipway.build.prebuilt import plan_prebuilt
from slipway.build.preflight import Preflight
from slipway.build.python import plan_python
from slipway.components import CargoComponent, CommandComponent, Component, Prebuilt, PrebuiltComponent, PythonComponent
from slipway.errors import ConfigError, SlipwayError, VerificationError
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.steps import Step
from slipway.version import Version

LINUX = PLATFORMS["linux-amd64"]
SCRIPT = b"#!/bin/sh\necho hello\n"
NONE = "0" * 64


def made_of(root: Path, *parts: Component, **changes: Any) -> Release:
    return sample.release(root, project=sample.project(root / "project", components=parts), **changes)


def taken(source: str, platform: str = "linux-amd64", **said: Any) -> PrebuiltComponent:
    binaries = said.pop("binaries", ("hello",))
    return PrebuiltComponent(
        name="tools", path=Path("/"), binaries=binaries, prebuilt={platform: Prebuilt(source=source, **said)}
    )


def step_of(release: Release, platform: str = "linux-amd64") -> Step:
    return next(step for step in plan_prebuilt(release) if step.key == f"{platform}.tools")


def put(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def packed(root: Path, files: dict[str, bytes], name: str = "hello.tar.gz") -> str:
    """Write an archive into the project; returns its digest."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member, data in files.items():
            each = tarfile.TarInfo(member)
            each.size = len(data)
            archive.addfile(each, io.BytesIO(data))
    put(root, {name: out.getvalue()})
    return hashlib.sha256(out.getvalue()).hexdigest()


def written(release: Release) -> list[Path]:
    """Every file that was written below the outputs."""
    return [path for path in release.paths.root.rglob("*") if path.is_file()]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as found:
        yield found


def test_a_binary_is_found_by_its_name_in_a_folder(tmp_path: Path) -> None:
    put(tmp_path, {"ci/1.2.3/deep/hello": SCRIPT, "ci/1.2.3/hello.d": b"", "ci/1.2.3/hello.exe": b"MZ"})
    release = made_of(tmp_path, taken("ci/{version}"))
    step = step_of(release)
    assert step.inputs == (tmp_path / "project/ci/1.2.3/deep/hello",)
    step.run()
    place = release.binary(LINUX, "hello")
    assert place in step.outputs
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (SCRIPT, 0o755)
    assert all(path.is_file() for path in step.outputs)


def test_windows_programs_are_found_with_their_suffix(tmp_path: Path) -> None:
    put(tmp_path, {"ci/hello": SCRIPT, "ci/hello.exe": SCRIPT + b"rem\n"})
    release = made_of(tmp_path, taken("ci", "windows-amd64"))
    step_of(release, "windows-amd64").run()
    assert release.binary(PLATFORMS["windows-amd64"], "hello").read_bytes() == SCRIPT + b"rem\n"


def test_patterns_choose_among_several(tmp_path: Path) -> None:
    files = {f"hello-{triple}/bin/hello": triple.encode() for triple in (LINUX.triple, "other")}
    digest = packed(tmp_path, {**files, "helpers/help-me": b"help"})
    table = {"hello": "hello-{triple}/bin/hello", "help": "**/help-*"}
    release = made_of(tmp_path, taken("{name}.tar.gz", sha256=digest.upper(), files=table, binaries=("hello", "help")))
    step = step_of(release)
    assert step.inputs == (tmp_path / "project/hello.tar.gz",)
    step.run()
    assert [release.binary(LINUX, name).read_bytes() for name in ("hello", "help")] == [LINUX.triple.encode(), b"help"]
    assert not list((release.paths.state / "scratch").iterdir())


@pytest.mark.parametrize("archive", [True, False])
def test_a_url_gives_an_archive_or_the_file_itself(tmp_path: Path, web: Web, archive: bool) -> None:
    digest = packed(tmp_path, {"x/hello": SCRIPT}) if archive else hashlib.sha256(SCRIPT).hexdigest()
    url = web.say("/v1.2.3/hello", (tmp_path / "project/hello.tar.gz").read_bytes() if archive else SCRIPT)
    release = made_of(tmp_path, taken(f"{web.url}/{{tag}}/hello", sha256=digest))
    step = step_of(release)
    step.run()
    assert release.binary(LINUX, "hello").read_bytes() == SCRIPT
    assert url not in json.dumps(step.settings)
    assert digest in json.dumps(step.settings)


def test_a_wrong_digest_from_the_web_leaves_nothing(tmp_path: Path, web: Web) -> None:
    web.say("/hello", SCRIPT)
    release = made_of(tmp_path, taken(f"{web.url}/hello", sha256=NONE))
    with pytest.raises(VerificationError, match=NONE):
        step_of(release).run()
    assert not written(release)


@pytest.mark.parametrize("archive", [True, False])
def test_a_wrong_digest_of_a_local_file_leaves_nothing(tmp_path: Path, archive: bool) -> None:
    digest = packed(tmp_path, {"hello": SCRIPT}) if archive else hashlib.sha256(SCRIPT).hexdigest()
    put(tmp_path, {} if archive else {"hello.tar.gz": SCRIPT})
    release = made_of(tmp_path, taken("hello.tar.gz", sha256=NONE))
    with pytest.raises(VerificationError, match=f"its SHA-256 is {digest}, not {NONE}"):
        step_of(release).run()
    assert not written(release)


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("platform", ["linux-arm64", "macos-arm64", "freebsd-amd64", "windows-amd64"])
def test_a_program_for_another_platform_is_refused(tmp_path: Path, platform: str, archive: bool) -> None:
    files = {f"x/hello{PLATFORMS[platform].exe}": elves.elf(["libc.so.6"])}
    put(tmp_path, {f"ci/{name}": data for name, data in files.items()})
    digest = packed(tmp_path, files)
    source, sha256 = ("hello.tar.gz", digest) if archive else ("ci", "")
    release = made_of(tmp_path, taken(source, platform, sha256=sha256))
    with pytest.raises(VerificationError, match=r"is a program for linux/amd64") as failed:
        step_of(release, platform).run()
    assert f"component.tools.prebuilt.{platform}" in failed.value.message
    assert not written(release)


def test_one_bad_file_keeps_the_others_from_their_place(tmp_path: Path) -> None:
    put(tmp_path, {"ci/hello": SCRIPT, "ci/server": elves.elf(machine=elves.ARM64)})
    release = made_of(tmp_path, taken("ci", binaries=("hello", "server")))
    with pytest.raises(VerificationError, match="linux/arm64"):
        step_of(release).run()
    assert not written(release)


FAULTS: dict[str, tuple[dict[str, bytes], dict[str, Any], str, str]] = {
    "nothing there": ({}, {}, "there is no .*ci", "put the files there"),
    "no such file": ({"ci/other": SCRIPT}, {}, "nothing is hello; it holds other", 'files = { "hello" = "its/path" }'),
    "empty": ({"ci/.git/x": b""}, {}, "it holds nothing", "files ="),
    "several": ({"ci/a/hello": SCRIPT, "ci/b/hello": SCRIPT}, {}, "2 files are hello: a/hello, b/hello", "files ="),
    "pattern too wide": (
        {"ci/a": SCRIPT, "ci/b": SCRIPT},
        {"files": {"hello": "*"}},
        r"2 files are \*: a, b",
        "files =",
    ),
    "pattern of a folder": ({"ci/a/b": SCRIPT}, {"files": {"hello": "a"}}, "nothing is a; it holds a/b", "files ="),
    "digest of a folder": ({"ci/hello": SCRIPT}, {"sha256": NONE}, "is a folder", "leave it out"),
    "choice from a single file": ({"ci": SCRIPT}, {"files": {"hello": "x"}}, "single file", "leave out files"),
    "archive without a digest": ({"ci": b"PK\x03\x04"}, {}, "is an archive", 'sha256 = "'),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_taken_is_told(tmp_path: Path, case: str) -> None:
    files, said, message, hint = FAULTS[case]
    put(tmp_path, files)
    release = made_of(tmp_path, taken("ci", **said))
    with pytest.raises(SlipwayError, match=message) as failed:
        step_of(release).run()
    assert "component.tools.prebuilt.linux-amd64" in failed.value.message
    assert hint in str(failed.value.hint)
    assert not written(release)


def test_a_single_file_is_the_binary_whatever_its_name(tmp_path: Path) -> None:
    put(tmp_path, {"hello-linux-amd64": SCRIPT})
    release = made_of(tmp_path, taken("{name}-{platform}", sha256=hashlib.sha256(SCRIPT).hexdigest()))
    step_of(release).run()
    assert release.binary(LINUX, "hello").read_bytes() == SCRIPT


def test_a_platform_without_a_source_fails_only_when_it_runs(tmp_path: Path) -> None:
    put(tmp_path, {"ci/hello": SCRIPT})
    release = made_of(tmp_path, taken("ci"))
    step_of(release).run()
    with pytest.raises(ConfigError, match=r"tools for macos-arm64") as failed:
        step_of(release, "macos-arm64").run()
    assert "[component.tools.prebuilt.macos-arm64]" in str(failed.value.hint)


def test_a_command_does_not_run_where_its_files_are_prebuilt(tmp_path: Path) -> None:
    put(tmp_path, {"ci/facts.exe": SCRIPT, "ci/data.json": b"{}"})
    part = CommandComponent(
        name="tools",
        path=tmp_path / "project",
        command=("false",),
        outputs={"bin/facts": "facts", "share/hello/data.json": "data.json"},
        prebuilt={"windows-amd64": Prebuilt(source="ci")},
    )
    release = made_of(tmp_path, part)
    keys = {step.key for step in plan_commands(release)}
    step = step_of(release, "windows-amd64")
    assert step.key not in keys
    assert len(keys) == len(release.project.platforms) - 1
    step.run()
    row = PLATFORMS["windows-amd64"]
    assert release.made(row, "share/hello/data.json").read_bytes() == b"{}"
    assert release.made(row, "share/hello/data.json").stat().st_mode & 0o777 == 0o644
    assert release.binary(row, "facts").read_bytes() == SCRIPT


@pytest.mark.parametrize("form", ["onefile", "onedir"])
def test_the_program_of_a_python_project_may_be_made_on_another_machine(tmp_path: Path, form: str) -> None:
    put(
        tmp_path,
        {"ci/hello.exe": SCRIPT, "pyproject.toml": b'[project]\nname = "hello"\n[project.scripts]\nhello = "hello:main"\n'},
    )
    part = PythonComponent(
        name="tools", path=tmp_path / "project", script="hello", form=form, prebuilt={"windows-amd64": Prebuilt(source="ci")}
    )
    release = made_of(tmp_path, part)
    keys = {step.key for step in plan_python(release)}
    assert "windows-amd64.tools" not in keys
    assert {"any.tools", "linux-amd64.tools"} <= keys
    step_of(release, "windows-amd64").run()
    assert release.binary(PLATFORMS["windows-amd64"], "hello").read_bytes() == SCRIPT


def cargo(root: Path, name: str, *prebuilt: str) -> CargoComponent:
    (root / "project").mkdir(exist_ok=True)
    (root / "project/Cargo.toml").write_text("[workspace]\n")
    return CargoComponent(
        name=name,
        path=root / "project",
        package=name,
        binaries=(name,),
        prebuilt={platform: Prebuilt(source="ci") for platform in prebuilt},
    )


def test_a_cargo_component_leaves_the_invocation_of_the_others(tmp_path: Path) -> None:
    release = made_of(tmp_path, cargo(tmp_path, "hello", "macos-arm64"), cargo(tmp_path, "server"))
    steps = {step.key: step for step in plan_compile(release)}
    mac, linux = steps["macos-arm64"], steps["linux-amd64"]
    row = PLATFORMS["macos-arm64"]
    assert release.binary(row, "server") in mac.outputs
    assert release.binary(row, "hello") not in mac.outputs
    assert [part["name"] for part in mac.settings["call"]["components"]] == ["server"]
    assert [part["name"] for part in linux.settings["call"]["components"]] == ["hello", "server"]
    assert [step.key for step in plan_prebuilt(release)] == ["macos-arm64.hello"]


def test_where_a_component_comes_from_elsewhere_is_no_setting_of_the_compiler(tmp_path: Path) -> None:
    plain, other = (made_of(tmp_path, cargo(tmp_path, "hello", *names)) for names in ((), ("macos-arm64",)))
    first, second = (next(s for s in plan_compile(each) if s.key == "linux-amd64") for each in (plain, other))
    assert first.settings == second.settings


def test_a_wholly_prebuilt_platform_needs_no_toolchain(tmp_path: Path) -> None:
    release = made_of(tmp_path, cargo(tmp_path, "hello", "macos-arm64"))
    assert "macos-arm64" not in {step.key for step in plan_compile(release)}
    assert [step.key for step in plan_prebuilt(release)] == ["macos-arm64"]
    assert "macos-arm64" not in {need.platform for need in Preflight.of(release).needs}
    assert "linux-amd64" in {need.platform for need in Preflight.of(release).needs}


def test_what_is_taken_decides(tmp_path: Path) -> None:
    put(tmp_path, {"ci/hello": SCRIPT, "ci/unrelated": SCRIPT})
    release = made_of(tmp_path, taken("ci"))
    first = step_of(release)
    assert first.inputs == (tmp_path / "project/ci/hello",)
    assert pickle.loads(pickle.dumps(first)) == first
    others = [
        made_of(tmp_path, taken("ci", files={"hello": "unrelated"})),
        made_of(tmp_path, taken("other")),
        made_of(tmp_path, taken("https://hello.example/x", sha256=NONE)),
        dataclasses.replace(made_of(tmp_path, taken("ci/{version}")), version=Version("9")),
    ]
    for other in others:
        assert json.dumps(step_of(other).settings) != json.dumps(first.settings)
