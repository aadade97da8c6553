"""Which files of a folder are meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import ConfigError
from slipway.trees import _pattern, select, walk

NAMES = ["a.toml", "b.txt", "deep/a.toml", "deep/er/a.toml", "deep/er/b.txt", "docs/user/x.md", "docs/y.md", "z[1].md"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["**"], [], NAMES),
        (["*.toml"], [], ["a.toml"]),
        (["**/*.toml"], [], ["a.toml", "deep/a.toml", "deep/er/a.toml"]),
        (["deep"], [], ["deep/a.toml", "deep/er/a.toml", "deep/er/b.txt"]),
        (["deep/"], ["**/b.txt"], ["deep/a.toml", "deep/er/a.toml"]),
        (["./docs/**"], [], ["docs/user/x.md", "docs/y.md"]),
        (["docs/*"], [], ["docs/user/x.md", "docs/y.md"]),
        (["docs/*.md"], [], ["docs/y.md"]),
        (["?.t*"], [], ["a.toml", "b.txt"]),
        (["[!a].t*"], [], ["b.txt"]),
        (["z[[]1].md"], [], ["z[1].md"]),
        (["deep/**/a.toml"], [], ["deep/a.toml", "deep/er/a.toml"]),
        (["**"], ["deep", "docs"], ["a.toml", "b.txt", "z[1].md"]),
        (["nothing"], [], []),
        (["A.TOML"], [], []),
    ],
)
def test_patterns(root: Path, include: list[str], exclude: list[str], expected: list[str]) -> None:
    assert select(root, include, exclude) == tuple(expected)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_a_name_written_with_care_means_itself_alone(name: str) -> None:
    glob = re.sub(r"([*?[])", r"[\1]", name)
    if glob != "." and not glob.startswith("./"):
        assert _pattern(glob).match(name)
        assert not _pattern(glob).match(name + "x")
        # The name of a folder means all that is below it.
        assert bool(_pattern(glob).match("x/" + name)) == (name == "x")


def test_a_pattern_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'\[z-a\]' is not a pattern"):
        select(tmp_path, ["[z-a]"])


def test_what_was_made_and_version_control_are_no_sources(tmp_path: Path) -> None:
    for name in (
        ".git/config",
        "target/CACHEDIR.TAG",
        "target/x",
        "venv/pyvenv.cfg",
        "venv/y",
        "src/target/mod.rs",
        "out/z",
        ".cargo/config",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert walk(tmp_path, {tmp_path / "out"}) == (".cargo/config", "src/target/mod.rs")


def test_links_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to("nowhere")
    assert walk(tmp_path) == ("gone", "loop")


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert walk(tmp_path / "nowhere") == ()
