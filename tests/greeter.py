"""A small Python project with a slipway.toml, whose wheel is built without any network: the build backend is its own."""

from __future__ import annotations

from pathlib import Path

from slipway.platforms import host_platform

BACKEND = """\
import pathlib
import tomllib
import zipfile

TAG = "py3-none-any"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    facts = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name, version = facts["name"].replace("-", "_"), facts["version"]
    info = f"{name}-{version}.dist-info"
    scripts = "".join(f"{script} = {entry}\\n" for script, entry in facts["scripts"].items())
    files = {path.as_posix(): path.read_text() for path in sorted(pathlib.Path("greet").rglob("*.*"))}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: {TAG}\\n"
    files[f"{info}/entry_points.txt"] = f"[console_scripts]\\n{scripts}"
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    made = f"{name}-{version}-{TAG}.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / made, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return made
"""
MAIN = """\
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files


def main():
    words = files("greet").joinpath("words.txt").read_text().strip()
    path = subprocess.run(["sh", "-c", "echo ${LD_LIBRARY_PATH-unset}"], capture_output=True, text=True).stdout.strip()
    print(f"{words} {version('greet-tool')} {' '.join(sys.argv[1:])} {path}")
"""
FILES = {
    "backend.py": BACKEND,
    "greet/__init__.py": "",
    "greet/main.py": MAIN,
    "greet/words.txt": "hello\n",
    "pyproject.toml": """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "greet-tool"
version = "2.1.0rc1"
[project.scripts]
greet = "greet.main:main"
""",
}
TOML = f"""\
[project]
name = "greet"
summary = "Greet whoever asks"
maintainer = "Greet Makers <makers@greet.example>"
platforms = ["{host_platform().id}", "windows-amd64"]
[version]
source = "python"
[component.greet]
kind = "python"
"""
WHEEL = "greet_tool-2.1.0rc1-py3-none-any.whl"


def write(folder: Path, more: str = "", **files: str) -> Path:
    """Write the project; `more` ends its slipway.toml; returns its folder."""
    for name, text in {**FILES, "slipway.toml": TOML + more, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
