"""The tables of slipway.toml that describe the parts of a distribution: one for each kind of component."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from slipway.config.forms import Matches, Table, Word, Words
from slipway.config.pyproject import ENTRY


class SourceTable(Table):
    """Where the files of one platform come from when they were built elsewhere. Nothing is compiled for that platform here.

    What is taken is held to the same rule as what is compiled: a program for another platform is refused. In `source` and
    `files`, `{version}`, `{tag}`, `{platform}`, `{triple}`, `{family}`, `{arch}`, `{exe}` and `{name}` (of the project) are
    replaced. Archives are tar files, also packed with gzip, bzip2, xz or zstd, and zip files.
    """

    source: Word
    """A folder, an archive or a single file, relative to slipway.toml, or a URL that starts with `https://`."""
    sha256: Annotated[str, Matches(r"|[0-9a-fA-F]{64}", "64 hexadecimal digits, as sha256sum prints them")] = ""
    """The SHA-256 of the archive or the file; required for a URL and for an archive."""
    files: dict[str, Word] = {}
    """Which file is which: names from `binaries` or `outputs`, and a path or a pattern in the source that only one file
    matches. Without it a file is taken that has the binary's name, in whatever folder it lies."""


class CargoTable(Table):
    """Binaries that cargo builds. They are installed in `bin/`."""

    kind: Literal["cargo"]
    """This kind: cargo builds it."""
    path: Word = "."
    """The folder of the Cargo.toml, of a workspace or of one package."""
    package: str = ""
    """The cargo package; the component's name when empty."""
    binaries: Words = []
    """The binaries to take from the package; one with the name of the package when empty."""
    features: Words = []
    """The cargo features to switch on."""
    default_features: bool = True
    """Whether the package's default features stay on."""
    profile: Word = "release"
    """The cargo profile to build with."""
    arguments: list[str] = []
    """More arguments for `cargo build`."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` which, when they change, make a new build necessary."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms for which the binaries were built elsewhere, and where they come from."""


class TreeTable(Table):
    """Files that are copied: libraries, configuration, documentation."""

    kind: Literal["tree"]
    """This kind: it is copied."""
    path: Word
    """The folder to copy."""
    to: str
    """The folder in the distribution: below `bin/`, `lib/`, `share/` or `etc/NAME/`, or empty for the top."""
    include: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files to take, relative to `path`."""
    exclude: Words = []
    """Patterns of the files to leave out, relative to `path`."""


class CommandTable(Table):
    """Files that any other command makes, run once for each platform.

    In `command` and in the files of `outputs`, `{platform}`, `{triple}`, `{family}`, `{arch}`, `{exe}`, `{version}`, `{name}`
    (of the project), `{epoch}` (the time that files carry, in seconds) and `{out}` (a folder of the run's own, empty when it
    starts) are replaced; the command finds them as `SLIPWAY_PLATFORM` and so on too. `${HOME}` is left to a shell, and
    `{{word}}` stands for `{word}`.
    """

    kind: Literal["command"]
    """This kind: a command makes it."""
    path: Word = "."
    """The folder in which the command runs."""
    command: Annotated[list[Word], Field(min_length=1)]
    """The command and its arguments; no shell reads them."""
    outputs: Annotated[dict[str, Word], Field(min_length=1)]
    """Which file goes where: places in the distribution, such as `bin/tool`, and files below `path`."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` which, when they change, make a new run necessary."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms for which the files were made elsewhere, and where they come from."""


class PrebuiltTable(Table):
    """Binaries that are never built here, for any platform. They are installed in `bin/`."""

    kind: Literal["prebuilt"]
    """This kind: it was built elsewhere."""
    binaries: Words = []
    """The binaries to take; one with the name of the component when empty."""
    prebuilt: Annotated[dict[str, SourceTable], Field(min_length=1)]
    """Where the binaries of each platform come from."""


class PythonTable(Table):
    """A Python project: its wheel, and a program that brings its own Python, made by PyInstaller for this machine's platform."""

    kind: Literal["python"]
    """This kind: it is a Python project."""
    path: Word = "."
    """The folder of the pyproject.toml."""
    script: Annotated[str, Matches(r"|[A-Za-z0-9][A-Za-z0-9._+-]*", "the name of a program")] = ""
    """The console script, of `[project.scripts]`, that becomes the program; the component's name when empty."""
    entry: Annotated[str, Matches(rf"|{ENTRY}", "a function such as 'package.module:main'")] = ""
    """The function that the program runs, such as `package.module:main`; what the console script runs when empty."""
    form: Literal["onefile", "onedir", "none"] = "onefile"
    """The program: `onefile` is one file, which unpacks itself each time it starts; `onedir` is a folder in `lib/`, which
    starts faster, and a small script in `bin/`; `none` makes no program."""
    wheel: bool = True
    """Whether the wheel is released too."""
    python: str = ""
    """The Python to build with, such as `python3.12`; the one that runs slipway when empty."""
    requirements: str = ""
    """A requirements file below `path` that names everything the program needs, with versions (and hashes), also PyInstaller;
    when empty, pip takes the newest of what the project depends on."""
    collect: Words = []
    """Packages to take whole, with data and metadata: those that are only loaded by name. The project's own always are."""
    exclude: Words = []
    """Modules to leave out."""
    data: dict[str, str] = {}
    """More files for the program: files or folders below `path`, and the folder inside the program that each goes to."""
    inputs: Annotated[Words, Field(min_length=1)] = ["**"]
    """Patterns of the files below `path` that the project is built from: the build sees a copy of these and nothing else."""
    prebuilt: dict[str, SourceTable] = {}
    """Platforms, by name, whose program is not made here: it was made on a machine of that platform before."""


ComponentTable = Annotated[CargoTable | TreeTable | CommandTable | PythonTable | PrebuiltTable, Field(discriminator="kind")]


KINDS: Final[dict[str, type[Table]]] = {
    "cargo": CargoTable,
    "tree": TreeTable,
    "command": CommandTable,
    "python": PythonTable,
    "prebuilt": PrebuiltTable,
}
