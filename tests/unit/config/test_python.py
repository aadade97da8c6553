"""Python components and what pyproject.toml says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components import PythonComponent
from slipway.config.init import starting_file
from slipway.config.load import load_project
from slipway.config.source import read_version
from slipway.errors import ConfigError

Write = Callable[[str], Path]
PYPROJECT = '[project]\nname = "Greet.Tool"\nversion = "2.1.0rc1"\n[project.scripts]\ngreet = "greet.main:main"\n'
START = """\
[project]
name = "hello"
summary = "Greet"
[component.greet]
kind = "python"
path = "py"
"""


@pytest.fixture
def python(root: Path) -> Path:
    """The folder of a Python project."""
    (root / "py").mkdir()
    (root / "py/pyproject.toml").write_text(PYPROJECT)
    return root / "py"


def test_a_component_says_only_what_is_special(python: Path, write: Write) -> None:
    assert load_project(write(START)).components == (PythonComponent(name="greet", path=python, script="greet"),)
    (part,) = load_project(write(START + 'script = "hi"\nentry = "greet.main:hi"\nform = "none"\n')).components
    assert (part.programs, part.name) == ((), "greet")


CASES = {
    "form": ("form = 'folder'", "greet.form", "'folder' is not possible here", "onedir"),
    "script": ("script = 'gret'", "greet.script", "has no console script 'gret'", "did you mean greet?"),
    "a script's name": ("script = 'a/b'", "greet.script", "must be the name of a program", ""),
    "entry": ("entry = 'greet'", "greet.entry", "must be a function such as 'package.module:main'", ""),
    "nothing": ("form = 'none'\nwheel = false", "greet.wheel", "nothing would be made", "leave one of them out"),
    "requirements": ("requirements = 'lock.txt'", "greet.requirements", "there is no file lock.txt", "relative to"),
    "data": ("data = { words = 'w' }", "greet.data.words", "there is no words", "relative to"),
    "data's place": ("data = { 'pyproject.toml' = '../w' }", "greet.data.pyproject.toml", "no plain path", "package/data"),
}


@pytest.mark.parametrize("case", CASES)
def test_faults_name_the_key_and_say_what_to_do(python: Path, write: Write, case: str) -> None:
    text, key, message, hint = CASES[case]
    with pytest.raises(ConfigError) as caught:
        load_project(write(f"{START}{text}\n"))
    assert caught.value.exit_code == 2
    for said in (f"component.{key}", message, hint):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "pyproject.toml: there is no such file"),
        ("[project\n", "pyproject.toml: cannot be read"),
        ('[build-system]\nrequires = ["x"]\n', "there is no project.name"),
        ('[project]\nname = "greet"\n', "entry = 'package.module:main'"),
    ],
)
def test_a_folder_that_is_no_python_project(python: Path, write: Write, text: str | None, says: str) -> None:
    (python / "pyproject.toml").unlink()
    if text is not None:
        (python / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"component\.greet") as caught:
        load_project(write(START))
    assert says in str(caught.value)


STATIC = '[project]\nname = "x"\nversion = "2.1.0rc1"\n'
HATCH = '[project]\nname = "x"\ndynamic = ["version"]\n[tool.hatch.version]\npath = "src/x/about.py"\n'
SETUPTOOLS = '[project]\nname = "x"\n[tool.setuptools.dynamic]\nversion = { attr = "x.about.__version__" }\n'


@pytest.mark.parametrize(
    ("text", "about", "version"),
    [
        (STATIC, "", "2.1.0-rc.1"),
        (STATIC.replace("rc1", ".dev4"), "", "2.1.0-dev.4"),
        (HATCH, '"""About."""\n__version__ = "1.2.3"\n', "1.2.3"),
        (HATCH, "__version__: str = 'v1.2.3b2'\n", "1.2.3-beta.2"),
        (SETUPTOOLS, 'VERSION = "1.2.3"\n', "1.2.3"),
    ],
)
def test_the_version_of_a_python_project(python: Path, write: Write, text: str, about: str, version: str) -> None:
    (python / "src/x").mkdir(parents=True)
    (python / "src/x/about.py").write_text(about)
    (python / "pyproject.toml").write_text(f'{text}\n[project.scripts]\ngreet = "x:main"\n')
    project = load_project(write(f'{START}[version]\nsource = "python"\npath = "py/pyproject.toml"\n'))
    assert str(read_version(project.version, project.root, None)) == version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[project]\nname = "x"\ndynamic = ["version"]\n', "there is no project.version"),
        (HATCH, "set version.source in slipway.toml to git, file or value"),
        (STATIC.replace("rc1", ".post1"), "'2.1.0.post1' is not a semver version"),
        (STATIC.replace("2.1.0rc1", "2.1"), "'2.1' is not a semver version"),
    ],
)
def test_a_python_project_without_a_version_that_can_be_read(python: Path, write: Write, text: str, says: str) -> None:
    (python / "pyproject.toml").write_text(f'{text}\n[project.scripts]\ngreet = "x:main"\n')
    project = load_project(write(f'{START}[version]\nsource = "python"\npath = "py/pyproject.toml"\n'))
    with pytest.raises(ConfigError) as caught:
        read_version(project.version, project.root, None)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("{plattform}", "did you mean platform?"), ("{out}/{archs}", "did you mean arch?"), ("{print}", "{{print}}")],
)
@pytest.mark.parametrize("where", ["command", "outputs"])
def test_an_unknown_word_in_a_command_is_a_fault(write: Write, where: str, word: str, hint: str) -> None:
    said = {"command": 'command = ["make", "WORD"]\noutputs = { "bin/x" = "x" }\n', "outputs": ""}
    said["outputs"] = 'command = ["make"]\noutputs = { "bin/x" = "WORD" }\n'
    head = START[: START.index("[component")]
    text = said[where].replace("WORD", word)
    with pytest.raises(ConfigError, match="stands for nothing") as caught:
        load_project(write(f'{head}[component.x]\nkind = "command"\n{text}'))
    assert hint in str(caught.value)


@pytest.mark.parametrize("word", ["{platform}-{epoch}{exe}", "${HOME}", "{{print}}", "{ print }", "{}"])
def test_other_braces_in_a_command_are_left_alone(write: Write, word: str) -> None:
    head = START[: START.index("[component")]
    load_project(write(f'{head}[component.x]\nkind = "command"\ncommand = ["make", "{word}"]\noutputs = {{ "bin/x" = "x" }}\n'))


def test_init_describes_a_python_project(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT\n")
    (tmp_path / "pyproject.toml").write_text(
        f'{PYPROJECT}Say_Hi = "greet.main:hi"\n[project.urls]\nHome = "https://greet.example"\n'.replace(
            "[project.scripts]", 'authors = [{ name = "A", email = "a@b.example" }]\nlicense = "MIT"\n[project.scripts]'
        )
    )
    (tmp_path / "slipway.toml").write_text(starting_file(tmp_path))
    project = load_project(tmp_path / "slipway.toml")
    assert (project.name, project.license, project.maintainer) == ("greet-tool", "MIT", "A <a@b.example>")
    assert project.homepage == "https://greet.example"
    assert [(part.name, part.programs) for part in project.components] == [("greet", ("greet",)), ("say-hi", ("Say_Hi",))]
    assert str(read_version(project.version, tmp_path, None)) == "2.1.0-rc.1"


def test_init_needs_a_console_script(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "library"\nversion = "1.0.0"\n')
    with pytest.raises(ConfigError, match=r"no console script in \[project.scripts\]"):
        starting_file(tmp_path)
