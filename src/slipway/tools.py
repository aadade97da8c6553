"""The outside programs that slipway can use: how each is found, asked for its version, and got."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from slipway import console, process
from slipway.errors import GateError
from slipway.model import CargoComponent, Release
from slipway.platforms import PLATFORMS

LOW_DISK: Final = 5 * 1024**3
_RUSTUP: Final = {"any": "curl https://sh.rustup.rs -sSf | sh", "apt": "apt-get install rustup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One program, or one Python module that brings a program; `install` has a command per kind of system."""

    name: str
    purpose: str
    install: Mapping[str, str]
    programs: tuple[str, ...] = ()
    module: str = ""
    ask: tuple[str, ...] = ("--version",)
    minimum: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that is here; `version` is empty when it does not tell."""

    path: Path
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of `doit info`: `state` is found, missing, old or low; `hint` is the command that mends it."""

    name: str
    state: str
    version: str = ""
    purpose: str = ""
    path: str = ""
    hint: str = ""


def _packaged(name: str, purpose: str, **more: str) -> Tool:
    commands = {"apt": f"apt-get install {name}", "brew": f"brew install {name}"}
    return Tool(name=name, purpose=purpose, programs=(name,), install={**commands, **more})


_ROWS: Final = (
    Tool(name="cargo", purpose="compiles the Rust components", programs=("cargo",), install=_RUSTUP, minimum="1.70"),
    Tool(name="rustc", purpose="compiles the Rust components", programs=("rustc",), install=_RUSTUP, minimum="1.70"),
    Tool(name="rustup", purpose="adds Rust targets", programs=("rustup",), install=_RUSTUP),
    Tool(
        name="cargo-zigbuild",
        purpose="compiles for other systems",
        programs=("cargo-zigbuild",),
        install={"any": "pip install cargo-zigbuild"},
        minimum="0.20",
    ),
    Tool(
        name="zig",
        purpose="links for other systems",
        module="ziglang",
        ask=("version",),
        install={"any": "pip install ziglang"},
        minimum="0.13",
    ),
    Tool(
        name="cross",
        purpose="compiles for other systems in a container (CROSS=true)",
        programs=("cross",),
        install={"any": "cargo install cross --version 0.2.5 --locked"},
        minimum="0.2.5",
    ),
    Tool(
        name="mingw",
        purpose="links Windows programs",
        programs=("x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-gcc-win32", "x86_64-w64-mingw32-gcc-posix"),
        install={"apt": "apt-get install gcc-mingw-w64-x86-64-win32", "brew": "brew install mingw-w64"},
    ),
    Tool(
        name="nu",
        purpose="checks Nushell files",
        programs=("nu",),
        install={"any": "cargo install nu --locked", "brew": "brew install nushell"},
    ),
    Tool(name="kcl", purpose="checks KCL files", module="kcl_lib", ask=(), install={"any": "pip install kcl-lib"}),
    Tool(
        name="docker",
        purpose="builds images and tests installs",
        programs=("docker",),
        install={"apt": "apt-get install docker.io", "brew": "brew install --cask docker"},
    ),
    _packaged("podman", "builds images and tests installs, instead of docker"),
    Tool(
        name="mmdebstrap",
        purpose="makes test images where no registry is reached",
        programs=("mmdebstrap",),
        install={"apt": "apt-get install mmdebstrap"},
    ),
    _packaged("git", "reads tags and commits"),
    Tool(
        name="strip",
        purpose="removes symbols",
        programs=("llvm-strip", "strip"),
        install={"apt": "apt-get install binutils", "brew": "brew install llvm"},
    ),
    Tool(name="lintian", purpose="checks Debian packages", programs=("lintian",), install={"apt": "apt-get install lintian"}),
    _packaged("shellcheck", "checks the installer scripts"),
    Tool(
        name="tar",
        purpose="reads archives in tests; GNU tar",
        programs=("gtar", "tar"),
        install={"apt": "apt-get install tar", "brew": "brew install gnu-tar"},
    ),
    Tool(
        name="cc",
        purpose="links programs for this machine",
        programs=("cc", "gcc", "clang"),
        install={"apt": "apt-get install build-essential", "brew": "xcode-select --install"},
    ),
    _packaged("gh", "creates GitHub releases"),
)
TOOLS: Final = {tool.name: tool for tool in _ROWS}


@cache
def find(name: str) -> Found | None:
    """Find a tool and ask for its version, once per run; None when it is not here."""
    tool = TOOLS[name]
    if (command := command_of(name)) is None:
        return None
    answer = process.capture([*command, *tool.ask]) if tool.ask else _module_version(tool.module)
    number = re.search(r"\d+(?:\.\d+)+", answer or "")
    return Found(Path(command[0]), number.group() if number else "")


def require(name: str) -> Found:
    """Find a tool, or refuse with the command that installs it."""
    if (found := find(name)) is None:
        raise GateError(f"{name} is not installed; it {TOOLS[name].purpose}", hint=how_to_install(name))
    if is_old(TOOLS[name], found):
        raise GateError(f"{name} {found.version} is older than {TOOLS[name].minimum}", hint=how_to_install(name))
    return found


def command_of(name: str) -> tuple[str, ...] | None:
    """The words that start a tool, found without running it: beside this Python first, then on PATH."""
    tool = TOOLS[name]
    if tool.module:
        if find_spec(tool.module) is None:
            return None
        return (sys.executable, "-m", tool.module)
    beside = str(Path(sys.executable).parent)
    for place in (beside, None):
        for program in tool.programs:
            if found := shutil.which(program, path=place):
                return (found,)
    return None


def is_old(tool: Tool, found: Found) -> bool:
    """Whether a tool is older than slipway needs; one that tells no version is believed to be new."""
    return bool(tool.minimum and found.version) and _numbers(found.version) < _numbers(tool.minimum)


def how_to_install(name: str) -> str:
    """The command that installs a tool on this machine."""
    commands = TOOLS[name].install
    here = next((kind for kind, program in (("apt", "apt-get"), ("brew", "brew")) if process.which(program)), "any")
    return commands.get(here) or commands.get("any") or next(iter(commands.values()))


@cache
def rust_targets(folder: Path | None = None) -> frozenset[str]:
    """The targets whose standard library the active toolchain has; `folder` may choose one (rust-toolchain.toml)."""
    if (root := process.capture(["rustc", "--print", "sysroot"], cwd=folder)) is None:
        return frozenset()
    return frozenset(path.parts[-3] for path in Path(root).glob("lib/rustlib/*/lib/libstd-*.rlib"))


def how_to_add_target(triple: str) -> str:
    """The command that installs a target's standard library."""
    if process.which("rustup") is None:
        return f"install rustup ({_RUSTUP['any']}), then: rustup target add {triple}"
    return f"rustup target add {triple}"


def engine() -> str:
    """The container engine that answers: docker, podman, or nothing."""
    questions = (("docker", "{{.ServerVersion}}"), ("podman", "{{.Version.Version}}"))
    answers = (name for name, form in questions if process.capture([name, "info", "--format", form]))
    return next(answers, "")


def report(folder: Path) -> tuple[Row, ...]:
    """Everything `doit info` shows: each tool, the Rust targets, the container engine, logins and the disk."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(_row, _ROWS))
        facts: Iterator[Row] = pool.map(lambda ask: ask(folder), _FACTS)
        return (*rows, *facts)


def report_lines(release: Release) -> Iterator[str]:
    """The report as a table of text for the project's folder."""
    paths = (part.path for part in release.project.components if isinstance(part, CargoComponent))
    rows = report(next((path for path in paths if path.is_dir()), release.project.root))
    wide = max(len(row.name) for row in rows)
    yield f"{release.project.name} {release.version}, {release.project.root}"
    yield ""
    for row in rows:
        state = console.style(f"{row.state:7}", _COLOURS[row.state], sys.stdout)
        facts = ", ".join(fact for fact in (row.version, row.purpose) if fact)
        yield f"{row.name:{wide}}  {state}  {facts}".rstrip()
        if row.hint:
            yield f"{'':{wide}}           {row.hint}"


_COLOURS: Final = {"found": "green", "missing": "red", "old": "yellow", "low": "yellow"}


def _row(tool: Tool) -> Row:
    found = find(tool.name)
    state = "missing" if found is None else "old" if is_old(tool, found) else "found"
    return Row(
        name=tool.name,
        state=state,
        version=found.version if found else "",
        purpose=tool.purpose,
        path=str(found.path) if found else "",
        hint="" if state == "found" else how_to_install(tool.name),
    )


def _toolchain(folder: Path) -> Row:
    active = process.capture(["rustup", "show", "active-toolchain"], cwd=folder)
    active = active or process.capture(["rustc", "--print", "sysroot"], cwd=folder)
    hint = "" if active else how_to_install("rustup")
    return Row(name="rust toolchain", state="found" if active else "missing", version=(active or "").split("\n")[0], hint=hint)


def _targets(folder: Path) -> Row:
    targets = rust_targets(folder)
    missing = [row.triple for row in PLATFORMS.values() if row.triple not in targets]
    return Row(
        name="rust targets",
        state="missing" if missing else "found",
        version=", ".join(sorted(targets)),
        hint=how_to_add_target(" ".join(missing)) if missing else "",
    )


def _engine(_folder: Path) -> Row:
    name = engine()
    hint = "" if name else "start the engine (systemctl start docker, or open Docker Desktop), or install podman"
    return Row(name="container engine", state="found" if name else "missing", version=name, purpose="runs containers", hint=hint)


def _github(_folder: Path) -> Row:
    known = process.capture(["gh", "auth", "status"]) is not None
    return Row(name="GitHub login", state="found" if known else "missing", hint="" if known else "gh auth login")


def _disk(folder: Path) -> Row:
    free = shutil.disk_usage(folder).free
    hint = "" if free >= LOW_DISK else "free some space: doit clean removes what slipway made"
    return Row(
        name="disk space", state="found" if free >= LOW_DISK else "low", version=f"{free / 1024**3:.1f} GiB free", hint=hint
    )


_FACTS: Final[tuple[Callable[[Path], Row], ...]] = (_toolchain, _targets, _engine, _github, _disk)


def _module_version(module: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(module)
    except PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
