"""Source packages: the committed tree of the version and nothing else, whoever packs it and however git is set up."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import CargoComponent
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.manifest import load_record
from slipway.model import Release, VersionRule
from slipway.packagers import planned_names
from slipway.packagers.source import plan_sources
from slipway.packagers.source.vendored import vendored
from slipway.rules import SourceRules

WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words],
        cwd=folder,
        env={**os.environ, **WHO},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    sample.project(folder)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def made(root: Path, **changes: Any) -> Release:
    project = sample.project(root, packages=("source",), **changes)
    return sample.release(root.parent, project=project)


def pack(release: Release) -> Path:
    step = plan_sources(release)[0]
    step.run()
    return step.outputs[0]


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as archive:
        return {each.name: each for each in archive}


def texts(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive if each.isreg()}  # type: ignore[union-attr]


@pytest.mark.req("S0-9", "S0-13")
def test_it_is_called_as_signatures_expect_and_listed(root: Path) -> None:
    release = made(root, name="provisioning")
    release = replace(release, version=replace(release.version, text="2.1.0"))
    path = pack(release)
    assert path == release.paths.packages / "provisioning-2.1.0.tar.gz"
    assert planned_names(release)["source"] == (path.name,)
    artifact = load_record(plan_sources(release)[0].outputs[1]).artifact
    assert (artifact.kind, artifact.path, artifact.size) == ("source", path.name, path.stat().st_size)
    assert artifact.tools["git"] == f"commit {git(root, 'rev-parse', 'HEAD')}"


def test_nothing_is_planned_unless_it_is_wanted(root: Path) -> None:
    release = sample.release(root.parent, project=sample.project(root))
    assert plan_sources(release) == ()
    assert planned_names(release)["source"] == ()
    assert [step.key for step in plan_sources(replace(release, formats=("source",)))] == ["any.source"]


def test_it_holds_what_git_archive_holds(root: Path) -> None:
    (root / ".gitattributes").write_text("secret.txt export-ignore\nstamp export-subst\n*.bat text eol=crlf\nold export-ignore\n")
    (root / "secret.txt").write_text("no")
    (root / "old").mkdir()
    (root / "old/file").write_text("no")
    (root / "stamp").write_text("$Format:%H$\n")
    (root / "run.bat").write_bytes(b"a\r\nb\r\n")
    (root / "links").mkdir()
    (root / "links/up").symlink_to("../README.md")
    (root / "links" / ("n" * 120)).symlink_to("../" + "/".join(["lib"] * 1 + ["." * 1] * 70) + "/greetings.txt")
    (root / "grüße ñ.txt").write_text("hi")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o775)
    head = commit(root)
    found = members(pack(made(root)))
    wanted = root.parent / "wanted.tar"
    git(root, "archive", "--format=tar", "--prefix=hello-1.2.3/", f"--output={wanted}", "HEAD")
    theirs = members(wanted)
    assert found.keys() - theirs.keys() == {"hello-1.2.3/BUILDING.md"}
    assert theirs.keys() <= found.keys()
    for name, each in theirs.items():
        assert (found[name].type, found[name].linkname, found[name].size) == (each.type, each.linkname, each.size), name
    held = texts(pack(made(root)))
    assert {name: held[name] for name in texts(wanted)} == texts(wanted)
    assert held["hello-1.2.3/stamp"] == f"{head}\n".encode()
    assert held["hello-1.2.3/run.bat"] == b"a\r\nb\r\n"
    modes = {each.mode for each in found.values() if each.isreg()}
    assert modes == {0o644, 0o755}
    assert {(each.uid, each.gid, each.uname, each.mtime) for each in found.values()} == {(0, 0, "root", sample.EPOCH)}
    assert list(found) == sorted(found, key=lambda name: name.split("/"))


def test_a_clone_with_other_settings_gives_the_same_bytes(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (root / ".gitattributes").write_text("stamp export-subst\n*.txt text\n")
    (root / "stamp").write_text("$Format:%h$\n")
    commit(root)
    first = pack(made(root)).read_bytes()
    other = tmp_path / "deep er/elsewhere/project"
    other.parent.mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", str(root), str(other))
    settings = {"core.autocrlf": "true", "tar.umask": "0077", "core.abbrev": "20", "tar.tar.gz.command": "false"}
    attributes = tmp_path / "attributes"
    attributes.write_text("README.md export-ignore\n")
    for name, value in {**settings, "core.attributesFile": str(attributes)}.items():
        git(other, "config", name, value)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    before = os.umask(0o077)
    try:
        second = pack(made(other, documents=())).read_bytes()
    finally:
        os.umask(before)
    assert second == first


def test_the_tag_of_the_version_goes_before_what_is_checked_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "tag", "--annotate", "release-1.2.3", "--message", "x")
    (root / "later.txt").write_text("later")
    commit(root)
    rule = VersionRule(source="value", value="1.2.3", tag="release-{version}")
    assert "hello-1.2.3/later.txt" not in members(pack(made(root, version=rule)))
    assert "another commit is checked out" in capsys.readouterr().err
    assert "hello-1.2.3/later.txt" in members(pack(made(root)))


def test_what_is_not_committed_is_left_out_and_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(made(root))
    assert "not committed" not in capsys.readouterr().err
    (root / "README.md").write_text("changed\n")
    (root / "new.txt").write_text("new")
    # The fixture writes the sources again.
    release = made(root)
    (root / "README.md").write_text("changed\n")
    found = texts(pack(release))
    told = capsys.readouterr().err
    assert "README.md" in told
    assert "new.txt" in told
    assert found["hello-1.2.3/README.md"] == b"# hello\n"
    assert "hello-1.2.3/new.txt" not in found


def test_what_slipway_writes_is_not_taken_for_a_change(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = sample.project(root, packages=("source",))
    release = sample.release(root, project=project)
    release = replace(release, paths=type(release.paths).under(root))
    (root / "dist").mkdir()
    (root / "dist/x").write_text("x")
    pack(release)
    pack(release)
    assert "not committed" not in capsys.readouterr().err


def test_submodules_are_in_it_whole(root: Path, tmp_path: Path) -> None:
    inner, middle = tmp_path / "inner", tmp_path / "middle"
    for folder in (inner, middle):
        folder.mkdir()
        git(folder, "init", "--quiet")
        (folder / "file.txt").write_text(folder.name)
        (folder / "link").symlink_to("file.txt")
        commit(folder)
    git(middle, "submodule", "--quiet", "add", str(inner), "deep/inner")
    commit(middle)
    git(root, "submodule", "--quiet", "add", str(middle), "third/middle")
    git(root, "submodule", "--quiet", "update", "--init", "--recursive")
    commit(root)
    (root / "third/middle/file.txt").write_text("changed behind git's back")
    found = texts(pack(made(root)))
    assert found["hello-1.2.3/third/middle/file.txt"] == b"middle"
    assert found["hello-1.2.3/third/middle/deep/inner/file.txt"] == b"inner"
    git(root, "submodule", "--quiet", "deinit", "--force", "--all")
    with pytest.raises(GateError, match="the submodule third/middle is not checked out") as caught:
        pack(made(root))
    assert "git submodule update" in str(caught.value.hint)


@pytest.mark.parametrize("target", ["/etc/passwd", "lib/../../outside"])
def test_a_link_that_leads_out_is_refused(root: Path, target: str) -> None:
    (root / "bad").symlink_to(target)
    commit(root)
    step = plan_sources(made(root))[0]
    with pytest.raises(VerificationError, match="lead out of the source package"):
        step.run()
    assert not step.outputs[0].exists()


def test_pointers_of_lfs_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    commit(root)
    (root / ".gitattributes").write_text("*.bin filter=lfs\n")
    commit(root)
    git(root, "config", "filter.lfs.smudge", "false")
    git(root, "config", "filter.lfs.required", "true")
    pack(made(root))
    assert "big.bin" in capsys.readouterr().err


def test_a_folder_of_the_repository_alone_or_all_of_it(tmp_path: Path) -> None:
    top = tmp_path / "top"
    sample.project(top / "inner")
    git(top, "init", "--quiet")
    (top / "outer.txt").write_text("outer")
    commit(top)
    assert "hello-1.2.3/LICENSE" in members(pack(made(top / "inner")))
    assert "hello-1.2.3/outer.txt" not in members(pack(made(top / "inner")))
    whole = members(pack(made(top / "inner", source=SourceRules(root=".."))))
    assert {"hello-1.2.3/outer.txt", "hello-1.2.3/inner/LICENSE"} <= whole.keys()


@pytest.mark.parametrize("usual", ["INSTALL", "Build.rst"])
def test_build_instructions_are_added_where_there_are_none(root: Path, usual: str) -> None:
    (root / "slipway.toml").write_text("")
    commit(root)
    part = CargoComponent(name="hello", path=root / "src", package="hello", binaries=("hello", "hi"), features=("a b",))
    text = texts(pack(made(root, components=(part,))))["hello-1.2.3/BUILDING.md"].decode()
    options = "--release --package hello --bin hello --bin hi --features 'a b'"
    assert f"cargo build --locked --manifest-path src/Cargo.toml {options}\n" in text
    assert "slipway package-all PLATFORMS=host VERSION=1.2.3" in text
    assert f"SOURCE_DATE_EPOCH={sample.EPOCH}" in text
    (root / usual).write_text("mine")
    commit(root)
    found = texts(pack(made(root)))
    assert found[f"hello-1.2.3/{usual}"] == b"mine"
    assert {name for name in found if name.lower().endswith("building.md")} <= {f"hello-1.2.3/{usual}"}


@pytest.mark.parametrize("spoil", ["nothing", "init"])
def test_without_commits_it_is_refused_before_anything_runs(tmp_path: Path, spoil: str) -> None:
    release = made(tmp_path / "plain")
    if spoil == "init":
        git(tmp_path / "plain", "init", "--quiet")
    step = plan_sources(release)[0]
    for ask in (*step.needs, step.run):
        with pytest.raises(GateError, match="there is no source package without commits") as caught:
            ask()
        assert "git init" in str(caught.value.hint)
    assert not step.outputs[0].exists()


def test_vendored_needs_crates(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\.vendored"):
        plan_sources(made(root, source=SourceRules(vendored=True)))


def test_a_tree_with_a_vendor_folder_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    with pytest.raises(GateError, match="vendor of its own"):
        vendored(tmp_path, ("Cargo.toml",))


def test_the_commit_decides_whether_it_is_packed_again(root: Path) -> None:
    before = plan_sources(made(root))[0].settings
    assert plan_sources(made(root))[0].settings == before
    (root / "more").write_text("x")
    commit(root)
    assert plan_sources(made(root))[0].settings != before
