"""One call of PyInstaller: its words, the file that starts the program, and what went wrong."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.build.venv import Environment
from slipway.components import PythonComponent
from slipway.errors import SlipwayError
from slipway.files import write_atomic

REQUIREMENT: Final = "pyinstaller>=6"
# A one-file program looks for libraries in its own unpacked folder first; what it starts must not.
# https://pyinstaller.org/en/stable/runtime-information.html#ld-library-path-libpath-considerations
_START: Final = """\
import os
import sys

before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
os.environ.pop("LD_LIBRARY_PATH", None)
if before is not None:
    os.environ["LD_LIBRARY_PATH"] = before

from {module} import {name}

sys.exit({call}())
"""
# pip and friends are in every virtual environment; a program that needs them would depend on them.
_NEVER: Final = ("pip", "PyInstaller")


@dataclass(frozen=True, slots=True)
class Freezing:
    """What is frozen, and the folder that everything is written below."""

    part: PythonComponent
    entry: str
    wheel: Path
    folder: Path

    def run(self, environment: Environment) -> Path:
        """Make the program; returns the file or folder."""
        # The folder of this file comes first on the path: it holds nothing else, and no package has this name.
        start = self.folder / "start" / "_start.py"
        module, _, call = self.entry.partition(":")
        write_atomic(start, _START.format(module=module, name=call.partition(".")[0], call=call).encode())
        words: list[str | Path] = [environment.python, "-m", "PyInstaller", *self._words(), start]
        variables = {**environment.variables, "PYINSTALLER_CONFIG_DIR": str(self.folder / "config")}
        done = process.run(words, cwd=self.folder, env=variables, check=False)
        if done.code != 0:
            raise _explained(self.part, done)
        return next((self.folder / "made").iterdir())

    def _words(self) -> Iterator[str]:
        part = self.part
        yield from ("--noconfirm", "--clean", "--noupx", "--log-level=WARN", f"--{part.form}", f"--name={part.script}")
        yield from (f"--{kind}path={self.folder / place}" for kind, place in (("spec", "."), ("work", "work"), ("dist", "made")))
        yield f"--copy-metadata={self.wheel.name.partition('-')[0]}"
        packages, modules = own_modules(self.wheel)
        yield from (f"--collect-all={name}" for name in (*packages, *part.collect))
        yield from (f"--hidden-import={name}" for name in modules)
        yield from (f"--exclude-module={name}" for name in (*_NEVER, *part.exclude))
        yield from (f"--add-data={part.path / source}:{place or '.'}" for source, place in part.data.items())


def carried_libraries(folder: Path) -> tuple[Path, ...]:
    """The libraries that were put into the program, where they came from: PyInstaller's own lists say it."""
    lists = [path for name in ("PKG-00.toc", "COLLECT-00.toc") for path in (folder / "work").rglob(name)]
    rows = (row for path in lists for row in _rows(ast.literal_eval(path.read_text(encoding="utf-8"))))
    return tuple(dict.fromkeys(Path(source) for _, source, kind, *_ in rows if kind in _LIBRARIES))


def _rows(listed: object) -> Iterator[tuple[str, ...]]:
    if isinstance(listed, tuple) and len(listed) >= 3 and all(isinstance(word, str) for word in listed[:3]):
        yield listed
    elif isinstance(listed, list | tuple):
        for item in listed:
            yield from _rows(item)


_LIBRARIES: Final = ("BINARY", "EXTENSION")


def own_modules(wheel: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages and the single modules at the top of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name.partition("/") for name in archive.namelist()]
    packages = {first for first, below, _ in names if below and first.isidentifier()}
    modules = {first.removesuffix(".py") for first, below, _ in names if not below and first.endswith(".py")}
    return tuple(sorted(packages)), tuple(sorted(modules))


def _explained(part: PythonComponent, done: process.Result) -> SlipwayError:
    hint = f"does it run without PyInstaller? collect and exclude of component.{part.name} decide what goes in"
    if re.search(r"PythonLibraryNotFoundError|Python library not found|built without a shared library", done.output):
        hint = f"PyInstaller needs a Python with a shared library: name one with component.{part.name}.python"
    return SlipwayError(process.failure(f"component {part.name}: PyInstaller", done.code, done.output), hint=hint)
