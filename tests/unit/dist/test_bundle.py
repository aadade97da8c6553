"""Collected trees: checked, normalised, recorded."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import TreeComponent
from slipway.contents import Contents
from slipway.dist.bundle import bundled, plan_bundle
from slipway.errors import ConfigError, VerificationError
from slipway.files import digest_file
from slipway.model import Release
from slipway.steps import Step


def component(root: Path, files: dict[str, bytes], **changes: Any) -> TreeComponent:
    for name, data in files.items():
        path = root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    values: dict[str, Any] = {"name": "library", "path": root / "tree", "to": "lib/hello"}
    return TreeComponent(**(values | changes))


def planned(root: Path, part: TreeComponent) -> tuple[Release, Step]:
    made = sample.release(root, project=sample.project(root / "project", components=(part,)))
    (step,) = plan_bundle(made)
    return made, step


@pytest.mark.req("S0-2", "S0-3")
def test_files_are_copied_with_fixed_modes_and_recorded(tmp_path: Path) -> None:
    part = component(tmp_path, {"b/run": b"#!/bin/sh\n", "a.txt": b"text\n", "data.bin": b"\0\xff"})
    (tmp_path / "tree/b/run").chmod(0o700)
    (tmp_path / "tree/a.txt").chmod(0o664)
    made, step = planned(tmp_path, part)
    assert step.name == "bundle-core:library"
    step.run()
    folder, contents = bundled(made, part)
    assert (folder, contents) == (made.paths.dist / "core/library", made.paths.dist / "core/library.contents.json")
    found = Contents.load(contents)
    assert (found.name, found.platform, found.variant) == ("library", "", "")
    assert [(file.path, file.mode) for file in found.files] == [("a.txt", 0o644), ("b/run", 0o755), ("data.bin", 0o644)]
    for file in found.files:
        path = folder / file.path
        stat = path.stat()
        assert (stat.st_mode & 0o777, stat.st_size, int(stat.st_mtime)) == (file.mode, file.size, sample.EPOCH)
        assert (digest_file(path), digest_file(path, "md5")) == (file.sha256, file.md5)
    assert set(step.outputs) == {contents, *(folder / file.path for file in found.files)}
    assert set(step.inputs) == {tmp_path / "tree" / file.path for file in found.files}


def test_include_and_exclude_choose(tmp_path: Path) -> None:
    files = dict.fromkeys(("a.toml", "b.txt", "old/a.toml", "deep/c.toml"), b"x\n")
    made, step = planned(tmp_path, component(tmp_path, files, include=("**/*.toml",), exclude=("old",)))
    step.run()
    folder, _ = bundled(made, made.project.components[0])  # type: ignore[arg-type]
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "a.toml",
        "deep/c.toml",
    ]


def test_an_empty_selection_is_a_fault_of_the_project_file(tmp_path: Path) -> None:
    _, step = planned(tmp_path, component(tmp_path, {"a.txt": b"x"}, include=("*.toml",)))
    with pytest.raises(ConfigError, match=r"component\.library: component library selects no file"):
        step.run()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    part = component(tmp_path, {"latin.md": b"caf\xe9", "utf16.txt": "hello".encode("utf-16"), "good.md": "né".encode()})
    (tmp_path / "secret").write_text("outside")
    (tmp_path / "tree/out.txt").symlink_to("../secret")
    (tmp_path / "tree/gone.txt").symlink_to("nowhere")
    (tmp_path / "tree/folder").symlink_to(".")
    made, step = planned(tmp_path, part)
    with pytest.raises(VerificationError) as found:
        step.run()
    lines = found.value.message.splitlines()[1:]
    expected = {
        "folder": "is not a file",
        "gone.txt": "is a link to nothing",
        "latin.md": "not UTF-8",
        "out.txt": "leads out of",
        "utf16.txt": "not UTF-8",
    }
    assert len(lines) == len(expected)
    for line, (name, words) in zip(lines, expected.items(), strict=True):
        assert f"tree/{name} " in line
        assert words in line
    assert not made.paths.dist.exists()


def test_empty_files_are_files_like_any_other(tmp_path: Path) -> None:
    names = ["__init__.py", "data.bin", "notes.md"]
    made, step = planned(tmp_path, component(tmp_path, dict.fromkeys(names, b"")))
    step.run()
    folder, contents = bundled(made, made.project.components[0])  # type: ignore[arg-type]
    assert [(file.path, file.size) for file in Contents.load(contents).files] == [(name, 0) for name in names]
    assert all((folder / name).read_bytes() == b"" for name in names)


def test_a_link_inside_the_tree_becomes_the_file_it_means(tmp_path: Path) -> None:
    part = component(tmp_path, {"real.txt": b"text\n", "python/__init__.py": b""})
    (tmp_path / "tree/link.txt").symlink_to("real.txt")
    made, step = planned(tmp_path, part)
    step.run()
    copy = bundled(made, part)[0] / "link.txt"
    assert copy.read_text() == "text\n"
    assert not copy.is_symlink()


def test_a_file_that_is_gone_is_gone_from_the_bundle(tmp_path: Path) -> None:
    part = component(tmp_path, {"a.txt": b"a", "b.txt": b"b"})
    planned(tmp_path, part)[1].run()
    (tmp_path / "tree/b.txt").unlink()
    made, step = planned(tmp_path, part)
    step.run()
    folder, contents = bundled(made, part)
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert [file.path for file in Contents.load(contents).files] == ["a.txt"]


def test_a_failed_run_leaves_the_old_bundle_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = component(tmp_path, {"a.txt": b"a"})
    made, step = planned(tmp_path, part)
    step.run()
    (tmp_path / "tree/a.txt").write_text("new")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda self, to: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            step.run()
    core = made.paths.dist / "core"
    assert not [path for path in core.iterdir() if path.name.startswith(".")]
    # A contents file never speaks of a tree that is not there.
    assert not (core / "library.contents.json").exists() or (core / "library/a.txt").exists()


def test_a_component_that_is_the_whole_project_leaves_out_what_slipway_made(tmp_path: Path) -> None:
    project = sample.project(tmp_path, components=(TreeComponent(name="all", path=tmp_path, to="share/hello"),))
    made = sample.release(tmp_path, project=project)
    (first,) = plan_bundle(made)
    first.run()
    (second,) = plan_bundle(made)
    assert first == second


def test_the_step_is_data(tmp_path: Path) -> None:
    _, step = planned(tmp_path, component(tmp_path, {"a.txt": b"a"}))
    assert pickle.loads(pickle.dumps(step)) == step
    assert json.loads(json.dumps(step.settings)) == step.settings
