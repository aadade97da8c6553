"""The parts of building Python projects that need no Python environment."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.binaries import Binary, carrying
from slipway.build.pyinstaller import carried_libraries, own_modules
from slipway.build.python import plan_python
from slipway.build.venv import Environment, find_python, pins
from slipway.components import Prebuilt, PythonComponent
from slipway.errors import GateError, UsageError
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.version import Version

PYPROJECT = '[project]\nname = "Greet.Tool"\nversion = "1.2.3"\n[project.scripts]\ngreet = "greet.main:main"\n'
ROWS = tuple(PLATFORMS[name] for name in ("linux-amd64", "windows-amd64"))


def release(root: Path, *changes: dict[str, Any], **more: Any) -> Release:
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "lock.txt").write_text("x==1\n")
    parts = [PythonComponent(**{"name": "greet", "path": root, "script": "greet", **change}) for change in changes]
    project = sample.project(root / "project", components=tuple(parts), platforms=ROWS)
    return sample.release(root, project=project, platforms=ROWS, **more)


def keys(made: Release) -> list[str]:
    return [step.key for step in plan_python(made)]


def test_a_project_has_one_wheel_and_a_program_for_each_platform(tmp_path: Path) -> None:
    assert keys(release(tmp_path, {})) == ["any.greet", "linux-amd64.greet", "windows-amd64.greet"]
    wheel, program, _ = plan_python(release(tmp_path, {}, version=Version("1.2.3-rc.1")))
    assert wheel.outputs[0].name == "greet_tool-1.2.3rc1-py3-none-any.whl"
    assert wheel.outputs[0] in program.inputs


def test_what_is_not_made_here_has_no_step(tmp_path: Path) -> None:
    elsewhere = {"windows-amd64": Prebuilt(source="greet.exe")}
    assert keys(release(tmp_path, {"prebuilt": elsewhere})) == ["any.greet", "linux-amd64.greet"]
    assert keys(release(tmp_path, {"form": "none"})) == ["any.greet"]


def test_programs_of_one_project_share_its_wheel(tmp_path: Path) -> None:
    made = release(tmp_path, {}, {"name": "hi", "script": "hi", "entry": "greet.main:hi", "wheel": False})
    assert keys(made) == ["any.greet", "linux-amd64.greet", "windows-amd64.greet", "linux-amd64.hi", "windows-amd64.hi"]


def test_what_decides_a_program_is_an_input_or_a_setting(tmp_path: Path) -> None:
    plain = plan_python(release(tmp_path, {}))[1]
    locked = plan_python(release(tmp_path, {"requirements": "lock.txt"}))[1]
    assert tmp_path / "lock.txt" in set(locked.inputs) - set(plain.inputs)
    for change in ({"exclude": ("ssl",)}, {"collect": ("rich",)}, {"form": "onedir"}, {"entry": "greet.main:hi"}):
        assert plan_python(release(tmp_path, change))[1].settings != plain.settings


def test_a_version_that_python_cannot_spell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Python has no spelling for the version 1\.2\.3-preview"):
        plan_python(release(tmp_path, {}, version=Version("1.2.3-preview")))


def test_a_standalone_slipway_builds_with_the_python_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GateError, match="component greet: python3 is not installed"):
        find_python("", "component greet")
    (tmp_path / "python3").write_text("#!/bin/sh\n")
    (tmp_path / "python3").chmod(0o755)
    assert find_python("", "component greet") == str(tmp_path / "python3")


def test_pins_are_versions_without_digests(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(
        "# made by a tool\nclick==8.1.7 \\\n    --hash=sha256:aa\nrich[jupyter] == 13.0; python_version > '3'\n-r more.txt\n"
    )
    assert pins(tmp_path / "lock.txt") == "click==8.1.7\nrich==13.0\n"


def test_the_modules_of_a_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        for name in ("greet/__init__.py", "greet/main.py", "single.py", "greet-1.dist-info/RECORD", "greet-1.data/scripts/x"):
            archive.writestr(name, "")
    assert own_modules(tmp_path / "x.whl") == (("greet",), ("single",))


LISTS = {
    "PKG-00.toc": "('/x/greet.pkg', {'BINARY': True}, [('a.so', '/x/a.so', 'EXTENSION'), ('m', '/x/m.pyc', 'PYMODULE')])",
    "COLLECT-00.toc": """([("it's.so", "/x/it's.so", 'BINARY')],)""",
}


def test_libraries_are_found_in_pyinstallers_lists(tmp_path: Path) -> None:
    (tmp_path / "work/greet").mkdir(parents=True)
    for name, text in LISTS.items():
        (tmp_path / "work/greet" / name).write_text(text)
    assert set(carried_libraries(tmp_path)) == {Path("/x/a.so"), Path("/x/it's.so")}


def test_a_program_needs_what_the_libraries_inside_it_need() -> None:
    outer = Binary(
        format="elf", family="linux", arch="amd64", kind="executable", libraries=("libc.so.6", "libz.so.1"), glibc="2.14",
        versions={"libc.so.6": ("GLIBC_2.14",)},
    )  # fmt: skip
    inner = replace(
        outer, libraries=("libc.so.6", "libssl.so.3", "libm.so.6"), glibc="2.36", versions={"libc.so.6": ("GLIBC_2.36",)}
    )
    found = carrying(outer, [inner, replace(inner, soname="libssl.so.3"), replace(inner, soname="libz.so.1")])
    assert found.glibc == "2.36"
    assert found.libraries == ("libc.so.6", "libm.so.6", "libz.so.1")
    assert found.versions == {"libc.so.6": ("GLIBC_2.14", "GLIBC_2.36")}


def test_what_is_installed_forgets_the_folder_it_is_installed_in(tmp_path: Path) -> None:
    info = tmp_path / "lib/python3.11/site-packages/greet-1.dist-info"
    info.mkdir(parents=True)
    (info / "direct_url.json").write_text("{}")
    own = ["greet/main.py,sha256=aa,1", "greet-1.dist-info/METADATA,,"]
    (info / "RECORD").write_text(
        "\n".join([*own, "../../../bin/greet,sha256=bb,2", "greet-1.dist-info/direct_url.json,,", "greet/x.cpython-311.pyc,,"])
    )
    environment = Environment(folder=tmp_path, variables={}, why="")
    environment.forget_paths()
    assert (info / "RECORD").read_text().splitlines() == own
    assert not (info / "direct_url.json").exists()
    assert environment.has("greet")
