"""A fresh virtual environment for one build: pip and what it installs see nothing else of this machine's Python."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import GateError, NetworkError, SlipwayError
from slipway.files import remove_tree, write_atomic
from slipway.resources import program

# What pip says when another machine did not answer.
_NETWORK: Final = re.compile(
    r"Max retries exceeded|NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure in name resolution|ProxyError"
    # Without retries pip says no more than that it knows no version; of PyInstaller there are always some.
    r"|requirement pyinstaller\S* \(from versions: none\)"
    r"|Network is unreachable|Connection (?:refused|reset|aborted|timed out)|SSLError|HTTPError|IncompleteRead|no such host"
)
_PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])? *== *(?P<version>[^\s;\\]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment and the variables under which its programs run; `why` says for whom in messages."""

    folder: Path
    variables: Mapping[str, str]
    why: str

    @classmethod
    def make(cls, python: str, folder: Path, *, why: str, variables: Mapping[str, str]) -> Environment:
        """Make it from an interpreter; raises GateError when there is none that can."""
        program = find_python(python, why)
        remove_tree(folder)
        made = cls(folder=folder, variables={**_QUIET, **variables}, why=why)
        done = process.run([program, "-m", "venv", folder], env=made.variables, check=False)
        if done.code != 0:
            raise GateError(
                process.failure(f"{why}: {program} -m venv", done.code, done.output),
                hint="install the rest of Python (Debian: apt-get install python3-venv), or name another with `python`",
            )
        return made

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def pip(self, *words: str | Path) -> None:
        """Run pip; raises NetworkError when what it needs could not be fetched."""
        done = process.run([self.python, "-m", "pip", *words], env=self.variables, check=False)
        if done.code == 0:
            return
        said = process.failure(f"{self.why}: pip {words[0]}", done.code, done.output)
        if _NETWORK.search(done.output):
            raise NetworkError(
                said, hint="check the network, and where pip looks: pip config list (index-url, proxy, find-links)"
            )
        raise SlipwayError(said, hint="pip says above what it could not build or find")

    def has(self, name: str) -> bool:
        """Whether a distribution of this name is installed."""
        return any(self._installed(f"{name}-*.dist-info"))

    def forget_paths(self) -> None:
        """Take what names this folder out of what is installed, so that it cannot get into what is built from it."""
        for record in self._installed("*.dist-info/RECORD"):
            # Scripts hold the interpreter's path in their first line, so their digests differ from folder to folder.
            kept = [line for line in record.read_text(encoding="utf-8").splitlines() if not _OWN.search(line.partition(",")[0])]
            write_atomic(record, "".join(f"{line}\n" for line in kept).encode())
        for told in self._installed("*.dist-info/direct_url.json"):
            told.unlink()

    def _installed(self, pattern: str) -> Iterator[Path]:
        return (path for lib in ("lib/python3*", "Lib") for path in self.folder.glob(f"{lib}/site-packages/{pattern}"))


_OWN: Final = re.compile(r"^\.\./|^/|\.dist-info/direct_url\.json$|\.pyc$")
_QUIET: Final[Mapping[str, str]] = {
    "PYTHONPATH": "",
    "PYTHONHOME": "",
    "PYTHONNOUSERSITE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_NO_COMPILE": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
}


def find_python(wanted: str, why: str) -> str:
    """The interpreter to build with: the one that is named, else the one that runs slipway, else python3 on PATH."""
    if not wanted and program() is None:
        return sys.executable
    for name in (wanted,) if wanted else ("python3", "python"):
        if found := process.which(name):
            return str(found)
    raise GateError(
        f"{why}: {wanted or 'python3'} is not installed", hint="install Python (Debian: apt-get install python3 python3-venv)"
    )


def pins(requirements: Path) -> str:
    """The versions that a requirements file names, as constraints without digests: build backends are not in it by digest."""
    found = (_PIN.match(line) for line in requirements.read_text(encoding="utf-8").splitlines())
    return "".join(f"{match['name']}=={match['version']}\n" for match in found if match)
