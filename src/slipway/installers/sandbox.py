"""A trial of install.sh on this machine that leaves it alone: in a home and below a prefix that exist for it alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.layout import Folders, destination

LIMIT: Final = 300.0  # seconds that one run of a script may take
# What cuts a program off from the network without being root, the best first; which of them works is the kernel's affair.
_CUTS: Final = (("unshare", "--net"), ("unshare", "--map-current-user", "--net"), ("unshare", "-rn"))
_START_FILES: Final = (".profile", ".bashrc", ".zshrc")
Tree = dict[str, tuple[str, int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Install one distribution from its archive, look whether every file is there, remove it, and look for traces."""

    name: str
    script: Path
    uninstaller: Path | None
    packages: Path
    contents: Path
    variant: str

    def __call__(self) -> str:
        """Try it; returns what was done, raises VerificationError with what was wrong."""
        contents = Contents.load(self.contents)
        with tempfile.TemporaryDirectory(prefix="slipway-trial-") as folder:
            room = _Room(Path(folder), cut())
            before = room.begin()
            install = (self.script, "--prefix", str(room.prefix), "--variant", self.variant, "--from", str(self.packages))
            room.run(*install, "--no-services", "--yes", "--dry-run")
            _require_same("a dry run", before, room.tree())
            room.run(*install, "--no-services", "--yes")
            _require_files(contents, self.name, room.folders(self.name))
            remove = (self.script, "--uninstall") if self.uninstaller is None else (self.uninstaller,)
            room.run(*remove, "--prefix", str(room.prefix), "--purge", "--yes")
            _require_same("installing and removing", before, room.tree())
        off = "network off" if room.cut else "the network could not be switched off"
        return f"{len(contents.files)} files of {contents.name} installed and removed, {off}"


def cut() -> tuple[str, ...]:
    """The words before a program that take the network away from it; none where this user may not."""
    return next((words for words in _CUTS if process.which(words[0]) and process.capture((*words, "true")) is not None), ())


class _Room:
    """A home with start files, a prefix, and a temporary folder of its own."""

    def __init__(self, folder: Path, cut: tuple[str, ...]) -> None:
        self.cut = cut
        self.home, self.prefix = folder / "home", folder / "home" / "opt"
        self._scratch = folder / "tmp"

    def begin(self) -> Tree:
        """Make the folders; returns what is in them."""
        for place in (self.home, self._scratch):
            place.mkdir()
        for name in _START_FILES:
            (self.home / name).write_text("# mine\n")
        return self.tree()

    def run(self, script: Path, *arguments: str) -> None:
        """Run a script with an environment of nothing but what every login has."""
        settings = {
            "HOME": self.home,
            "TMPDIR": self._scratch,
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "SHELL": "/bin/sh",
            "LC_ALL": "C",
        }
        clean = ("env", "-i", *(f"{name}={value}" for name, value in settings.items()))
        with process.within(LIMIT):
            answer = process.run([*self.cut, *clean, "sh", str(script), *arguments], cwd=self.home, check=False)
        if answer.code:
            raise VerificationError(process.failure(f"{script.name} {' '.join(arguments)}", answer.code, answer.output))

    def folders(self, name: str) -> Folders:
        """Where install.sh puts files below the prefix."""
        prefix = str(self.prefix)
        return Folders.under(
            prefix,
            name,
            config=f"{prefix}/etc/{name}",
            state=f"{prefix}/var/lib/{name}",
            logs=f"{prefix}/var/log/{name}",
            units="",
        )

    def tree(self) -> Tree:
        """Every file and folder with its kind, mode and digest."""
        places = sorted(path for top in (self.home, self._scratch) for path in top.rglob("*"))
        return {str(path): _look(path) for path in places}


def _look(path: Path) -> tuple[str, int, str]:
    mode = path.lstat().st_mode & 0o7777
    if path.is_symlink():
        return "link", mode, str(path.readlink())
    return ("folder", mode, "") if path.is_dir() else ("file", mode, digest_file(path))


def _require_files(contents: Contents, name: str, folders: Folders) -> None:
    faults = [fault for file in contents.files for fault in _faults(file, Path(destination(file.path, name, folders)))]
    if faults:
        raise VerificationError("\n".join(faults))


def _faults(file: File, place: Path) -> Iterator[str]:
    if not place.is_file():
        yield f"{file.path} was not installed at {place}"
    elif digest_file(place) != file.sha256:
        yield f"{place} has other contents than {file.path} of the distribution"
    elif place.stat().st_mode & 0o111 != file.mode & 0o111:
        yield f"{place} has the mode {place.stat().st_mode & 0o7777:04o} and not {file.mode:04o}"


def _require_same(what: str, before: Tree, after: Tree) -> None:
    words = {path: "left behind" if path not in before else "lost" if path not in after else "changed" for path in before | after}
    if faults := [f"{words[path]} by {what}: {path}" for path in sorted(words) if before.get(path) != after.get(path)]:
        raise VerificationError("\n".join(faults))
