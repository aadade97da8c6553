"""Manual pages and completions in slipway.toml: where they go, and what is refused with a word about what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.companions import completion_of, manual_of, program_of
from slipway.config.load import load_project
from slipway.errors import ConfigError

START = """[project]
name = "hello"
summary = "s"
[component.hello]
kind = "cargo"
path = "."
[install]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("man/hello.1", "man/other/hello.1", "man/hello", "man/hello.1.gz", "c/hello.bash", "c/hello.ps1", "c/helo.fish"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "hello"\nversion = "1.0.0"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("name", "program", "place"),
    [
        ("hello.bash", "hello", "share/bash-completion/completions/hello"),
        ("_hello", "hello", "share/zsh/site-functions/_hello"),
        ("hello.fish", "hello", "share/fish/vendor_completions.d/hello.fish"),
        ("hello.nu", "hello", "share/nushell/vendor/autoload/hello.nu"),
        ("hello-2.0.bash", "hello-2.0", "share/bash-completion/completions/hello-2.0"),
    ],
)
def test_completions_go_where_their_shell_looks(name: str, program: str, place: str) -> None:
    found = completion_of(name)
    assert found is not None
    assert (found.name, found.place) == (program, place)


@pytest.mark.parametrize(
    ("name", "page", "place"),
    [
        ("hello.1", "hello", "share/man/man1/hello.1"),
        ("hello.toml.5", "hello.toml", "share/man/man5/hello.toml.5"),
        ("hello.3pm", "hello", "share/man/man3/hello.3pm"),
    ],
)
def test_manual_pages_go_into_the_folder_of_their_section(name: str, page: str, place: str) -> None:
    found = manual_of(name)
    assert found is not None
    assert (found.name, found.place) == (page, place)


@pytest.mark.parametrize(
    ("page", "program"),
    [("hello", "hello"), ("hello-server", "hello-server"), ("hello-serve", "hello"), ("hello.toml", "hello"), ("hellox", "")],
)
def test_a_page_is_about_the_program_whose_name_it_begins_with(page: str, program: str) -> None:
    assert program_of(page, ("hello", "hello-server")) == program


def test_both_are_read_as_paths(root: Path) -> None:
    (root / "slipway.toml").write_text(START + 'completions = ["c/hello.bash"]\nmanuals = ["man/hello.1"]\n')
    install = load_project(root / "slipway.toml").install
    assert (install.completions, install.manuals) == ((root / "c/hello.bash",), (root / "man/hello.1",))


@pytest.mark.parametrize(
    ("text", "key", "message", "hint"),
    [
        ('manuals = ["man/hello"]', "manuals[1]", "man/hello is named like none of the manuals", "NAME.1 to NAME.9"),
        ('manuals = ["man/hello.1.gz"]', "manuals[1]", "named like none of the manuals", "not compressed"),
        ('manuals = ["man/hello.1", "man/other/hello.1"]', "manuals[2]", "have one name", "overwrite"),
        ('manuals = ["man/hello.8"]', "manuals[1]", "there is no file man/hello.8", "relative"),
        ('completions = ["c/hello.ps1"]', "completions[1]", "none of the completions", "NAME.bash, _NAME (for zsh), NAME.fish"),
        ('completions = ["c/hello.bash", "c/hello.bash"]', "completions", "names 'c/hello.bash' twice", ""),
        ('completions = ["c/helo.fish"]', "completions[1]", "no component makes the program 'helo'", "did you mean hello?"),
    ],
)
def test_what_has_no_place_is_refused(root: Path, text: str, key: str, message: str, hint: str) -> None:
    (root / "slipway.toml").write_text(f"{START}{text}\n")
    with pytest.raises(ConfigError) as caught:
        load_project(root / "slipway.toml")
    assert (caught.value.key, caught.value.line) == (f"install.{key}", 8)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
