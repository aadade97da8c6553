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

from slipway import console, process, sysroot
from slipway.components import CargoComponent
from slipway.errors import GateError
from slipway.files import cache_dir
from slipway.model import Release
from slipway.platforms import PLATFORMS

LOW_DISK: Final = 5 * 1024**3
_RUSTUP: Final = {"any": "curl https://sh.rustup.rs -sSf | sh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One program, or one Python module that brings a program; `install` has a command per kind of system.

    `kept` is the folder in slipway's cache into which `slipway toolchain install` puts it.
    """

    name: str
    purpose: str
    install: Mapping[str, str]
    programs: tuple[str, ...] = ()
    module: str = ""
    ask: tuple[str, ...] = ("--version",)
    minimum: str = ""
    kept: str = ""


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
        kept="zigbuild/bin",
    ),
    Tool(
        name="zig",
        purpose="links for other systems",
        programs=("zig",),
        module="ziglang",
        ask=("version",),
        install={"any": "pip install ziglang"},
        minimum="0.13",
        kept="zigbuild/ziglang",
    ),
    Tool(
        name="cross",
        purpose="compiles for other systems in a container (CROSS=true)",
        programs=("cross",),
        install={"any": "slipway toolchain install --cross"},
        minimum="0.2.5",
        kept="cross-0.2.5/bin",
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
    Tool(
        name="objcopy",
        purpose="moves symbols into files of their own",
        programs=("llvm-objcopy", "objcopy"),
        install={"apt": "apt-get install llvm", "brew": "brew install llvm"},
    ),
    Tool(name="lintian", purpose="checks Debian packages", programs=("lintian",), install={"apt": "apt-get install lintian"}),
    Tool(
        name="wixl",
        purpose="makes packages for Windows (.msi)",
        programs=("wixl",),
        install={"apt": "apt-get install wixl msitools", "brew": "brew install msitools", "any": "dnf install msitools"},
        minimum="0.101",
    ),
    Tool(
        name="msitools",
        purpose="completes packages for Windows (.msi)",
        programs=("msiinfo",),
        install={"apt": "apt-get install wixl msitools", "brew": "brew install msitools", "any": "dnf install msitools"},
    ),
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
    Tool(
        name="gpg",
        purpose="signs releases and checks their signatures",
        programs=("gpg",),
        install={"apt": "apt-get install gnupg", "brew": "brew install gnupg"},
        minimum="2.2",
    ),
    Tool(
        name="minisign",
        purpose="signs releases and checks their signatures",
        programs=("minisign",),
        ask=("-v",),
        install={"apt": "apt-get install minisign", "brew": "brew install minisign"},
    ),
    Tool(
        name="ssh-keygen",
        purpose="signs releases with SSH keys and checks their signatures; OpenSSH 8.1 or later",
        programs=("ssh-keygen",),
        ask=("-?",),
        install={"apt": "apt-get install openssh-client", "brew": "brew install openssh"},
    ),
    _packaged("osslsigncode", "signs Windows programs and packages"),
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
    """The words that start a tool, found without running it: in slipway's cache, beside this Python, then on PATH."""
    tool = TOOLS[name]
    if tool.kept and (found := _which(tool, cache_dir() / "tools" / tool.kept)):
        return (found,)
    if tool.module and find_spec(tool.module):
        return (sys.executable, "-m", tool.module)
    found = _which(tool, Path(sys.executable).parent) or _which(tool)
    return (found,) if found else None


def _which(tool: Tool, folder: Path | None = None) -> str | None:
    return next((found for name in tool.programs if (found := shutil.which(name, path=folder))), None)


def is_old(tool: Tool, found: Found) -> bool:
    """Whether a tool is older than slipway needs; one that tells no version is believed to be new."""
    return bool(tool.minimum and found.version) and _numbers(found.version) < _numbers(tool.minimum)


def how_to_install(name: str) -> str:
    """The command that installs a tool on this machine."""
    commands = TOOLS[name].install
    here = next((kind for kind, program in (("apt", "apt-get"), ("brew", "brew")) if process.which(program)), "any")
    return commands.get(here) or commands.get("any") or next(iter(commands.values()))


def rust_folder(release: Release) -> Path:
    """The folder where the compiler of a release is asked for: a project may choose one for its own."""
    paths = (part.path for part in release.project.components if isinstance(part, CargoComponent))
    return next((path for path in paths if path.is_dir()), release.project.root)


def rust_targets(folder: Path | None = None) -> frozenset[str]:
    """The targets whose standard library is here for the active compiler; `folder` may choose one (rust-toolchain.toml)."""
    found = sysroot.compiler(folder)
    return found.targets | found.kept if found else frozenset()


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
    rows = report(rust_folder(release))
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
    missing = [row.id for row in PLATFORMS.values() if not row.parts and row.triple not in targets]
    command = f"slipway toolchain install {' '.join(missing)}" if targets else how_to_install("rustup")
    return Row(
        name="rust targets",
        state="missing" if missing else "found",
        version=", ".join(sorted(targets)),
        hint=command if missing else "",
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
