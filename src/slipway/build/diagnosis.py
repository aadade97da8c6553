"""What went wrong when cargo failed: its own words, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from slipway import console, process
from slipway.build import c_libraries
from slipway.errors import NetworkError, SlipwayError
from slipway.platforms import Platform

_SHOWN: Final = 60
# What a build script says to cargo, and where it stood when it gave up.
_NOISE: Final = re.compile(
    r"\s*(?:cargo::?(?:rerun-if|rustc-(?:check-)?cfg)|\S+ unset$|\S+ = (?:None|Some\()|stack backtrace:|\d+: [\w<]|at \S+:\d+)"
    r"|.*RUST_BACKTRACE"
)
_SCRIPT: Final = re.compile(r"failed to run custom build command for `([\w-]+) v[^`]*`")
_PROGRAM: Final = re.compile(r"could not compile `([\w-]+)`")
_WARNED: Final = re.compile(r"^warning: ([\w-]+)@", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a pattern found in what cargo said."""

    platform: Platform
    match: re.Match[str]

    @property
    def found(self) -> str:
        """What the first group that matched holds."""
        return next((text for text in self.match.groups() if text), "")

    @property
    def crate(self) -> str:
        """The crate whose build script, or whose program, it was about."""
        said, place = self.match.string, self.match.start()
        line = said[said.rfind("\n", 0, place) + 1 : place]
        if warned := _WARNED.match(line):
            return warned[1]
        scripts = list(_SCRIPT.finditer(said))
        before = [script for script in scripts if script.start() <= self.match.end()]
        script = before[-1] if before else next(iter(scripts), None)
        program = script or _PROGRAM.search(said, place) or _PROGRAM.search(said)
        return program[1] if program else "one of the crates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A pattern in what cargo, rustc, a linker or zig says, and what it means: the reason and the hint."""

    pattern: re.Pattern[str]
    explain: Callable[[Finding], tuple[str, str]]
    error: type[SlipwayError] = SlipwayError


def explain(platform: Platform, done: process.Result) -> SlipwayError:
    """The error that tells how compiling for a platform failed."""
    text = _words(done.output)
    for rule in _RULES:
        if match := rule.pattern.search(done.output):
            reason, hint = rule.explain(Finding(platform=platform, match=match))
            return rule.error(f"compiling for {platform.id} failed: {reason}\n{text}", hint=hint)
    if done.code in _KILLED:
        reason, hint = _MEMORY
        return SlipwayError(f"compiling for {platform.id} failed: {reason}\n{text}", hint=hint)
    hint = f"the whole output is in {console.log_name()}"
    return SlipwayError(f"compiling for {platform.id} failed with exit code {done.code}\n{text}", hint=hint)


def _words(output: str) -> str:
    lines = [line for line in output.splitlines() if not _NOISE.match(line)]
    first = next((index for index, line in enumerate(lines) if line.startswith("error")), max(0, len(lines) - _SHOWN))
    return "\n".join(f"    {line}" for line in lines[first : first + _SHOWN])


_KILLED: Final = (-9, 137)
_MEMORY: Final = (
    "the memory was not enough, or somebody killed the compiler",
    "CARGO_BUILD_JOBS=1 and PARALLEL=false compile less at once; in the cargo profile, lto = false and more codegen-units help",
)


def _same(reason: str, hint: str) -> Callable[[Finding], tuple[str, str]]:
    return lambda finding: (reason, hint.format(platform=finding.platform.id, triple=finding.platform.triple))


def _library(finding: Finding) -> tuple[str, str]:
    crate = finding.crate
    library = c_libraries.of_crate(crate)
    name = library.name if library else finding.found or "a C library"
    return _lacks(finding, f"the crate {crate} needs {name}", name, library)


def _linked(finding: Finding) -> tuple[str, str]:
    library = c_libraries.of_link(finding.found)
    name = library.name if library else f"lib{finding.found}"
    by = f", which the crate {library.crate} asks for" if library else ""
    return _lacks(finding, f"linking {finding.crate} needs {name} (-l{finding.found}){by}", name, library)


def _header(finding: Finding) -> tuple[str, str]:
    library = c_libraries.of_header(finding.found) or c_libraries.of_crate(finding.crate)
    name = library.name if library else finding.found
    return _lacks(finding, f"the crate {finding.crate} needs the C header {finding.found}", name, library)


def _lacks(finding: Finding, what: str, name: str, library: c_libraries.CLibrary | None) -> tuple[str, str]:
    hint = c_libraries.how_to_get(finding.platform, name, library)
    return f"{what}, which is not there for {finding.platform.id}", hint


def _framework(finding: Finding) -> tuple[str, str]:
    hint = (
        "compile this platform on a Mac, or set SDKROOT to an SDK that you may use; "
        "a crate may have a feature that does without, such as rustls in place of native-tls"
    )
    return f"linking {finding.crate} needs Apple's framework {finding.found}, which only Apple's SDK has", hint


def _c_compiler(finding: Finding) -> tuple[str, str]:
    platform, variable = finding.platform.id, f"CC_{finding.platform.triple.replace('-', '_')}"
    hint = f'tool = "zigbuild" in [platform.{platform}] compiles C too; or install {finding.found}, or name another by {variable}'
    return f"the crate {finding.crate} needs a C compiler for {platform}, and there is no {finding.found}", hint


def _linker(finding: Finding) -> tuple[str, str]:
    variable = f"CARGO_TARGET_{finding.platform.triple.upper().replace('-', '_')}_LINKER"
    hint = (
        f"slipway toolchain install {finding.platform.id} sets the platform up; do {variable} or .cargo/config.toml name another?"
    )
    return f"there is no linker {finding.found}", hint


def _refused(finding: Finding) -> tuple[str, str]:
    return (
        f"the crate {finding.crate} is not made for {finding.platform.id}",
        "turn off the feature that brings the crate, or leave the platform out of [project] platforms",
    )


def _old_glibc(finding: Finding) -> tuple[str, str]:
    return (
        f"glibc {finding.match[1]} has no {finding.match[2]}, which {finding.crate} or Rust's standard library needs",
        f"set a newer glibc in [platform.{finding.platform.id}]; Rust itself needs 2.17",
    )


def _no_program(finding: Finding) -> tuple[str, str]:
    windows = finding.platform.family == "windows"
    hint = "; for Windows resources it is windres: apt-get install binutils-mingw-w64-x86-64" if windows else ""
    return (
        f"the build script of {finding.crate} did not find a program or a file that it uses",
        f"the crate's documentation says which program it starts{hint}",
    )


# The first that is found tells: what has run out explains everything that follows from it.
_RULES: Final = (
    Rule(
        pattern=re.compile(r"No space left on device|os error 28\b|[Dd]isk quota exceeded"),
        explain=_same(
            "the disk is full", "free some space: doit clean removes what was built before, cargo clean what cargo keeps"
        ),
    ),
    Rule(
        pattern=re.compile(
            r"signal: 9\b|Cannot allocate memory|LLVM ERROR: out of memory|memory allocation of \d+ bytes failed"
            r"|terminated with signal 9|cannot map .*: Cannot allocate|failed to map segment|error: OutOfMemory"
        ),
        explain=lambda _: _MEMORY,
    ),
    Rule(
        pattern=re.compile(
            r"network failure|Could(?:n't| not) (?:resolve host|connect)|failed to (?:download|fetch|query replaced source)"
            r"|download of \S+ failed|Timeout was reached|Connection (?:refused|timed out)|Operation timed out"
            r"|attempting to make an HTTP request|Unable to update"
        ),
        explain=_same(
            "cargo could not fetch what it needs",
            "check the network and the proxy settings, or run cargo fetch where there is one",
        ),
        error=NetworkError,
    ),
    Rule(
        pattern=re.compile(r"--locked was passed"),
        explain=_same("Cargo.lock is out of date", "bring Cargo.lock up to date (cargo update --workspace) and commit it"),
    ),
    Rule(
        pattern=re.compile(r"error loading target specification: [^\n]*|could not find specification for target"),
        explain=_same(
            "this compiler does not know the target", "rustc --print target-list shows those it knows: is {triple} there?"
        ),
    ),
    Rule(
        pattern=re.compile(r"E0463\]: can't find crate for `(?:core|std)`"),
        explain=_same(
            "Rust's standard library for it is missing",
            "slipway toolchain install {platform} brings it, or rustup target add {triple}",
        ),
    ),
    Rule(
        pattern=re.compile(r"E0514\]"),
        explain=_same(
            "Rust's standard library or a crate was made by another compiler",
            "slipway toolchain install {platform} brings the compiler's own; doit clean removes what was compiled before",
        ),
    ),
    Rule(
        pattern=re.compile(r"""unable to find (?:system )?framework ['"](\w+)['"]|framework(?: '(\w+)')? not found(?: (\w+))?"""),
        explain=_framework,
    ),
    Rule(
        pattern=re.compile(
            r"""unable to find (?:dynamic|static) system library ['"]([\w.+-]+)['"]|cannot find -l:?([\w.+-]+?)(?::|$|\s)"""
            r"""|unable to find library -l([\w.+-]+)|library '([\w.+-]+)' not found|library not found for -l([\w.+-]+)"""
            r"""|could not find native (?:static )?library `([\w.+-]+)`""",
            re.MULTILINE,
        ),
        explain=_linked,
    ),
    Rule(
        pattern=re.compile(r"""fatal error: '?([\w./+-]+\.h(?:pp|h)?)'?(?: file not found|: No such file)"""),
        explain=_header,
    ),
    Rule(
        pattern=re.compile(
            r"Package '?([\w.+-]+?)'?(?:, required by [^\n]*)?,? (?:was )?not found|Could not find (\S+) via pkg-config"
            r"|Could not find directory of (OpenSSL) installation|pkg-config has not been configured to support cross-compilation"
            r"|The `?(pkg-config)`? command could not be (?:found|run)"
        ),
        explain=_library,
    ),
    Rule(
        pattern=re.compile(r"""(?:ToolNotFound: |error occurred in cc-rs: )failed to find tool "([^"]+)\""""),
        explain=_c_compiler,
    ),
    Rule(pattern=re.compile(r"linker `([^`]+)` not found"), explain=_linker),
    Rule(
        pattern=re.compile(r"zigcc-[\w-]+-gnu\w*\.(\d[\d.]*)-[\s\S]*?undefined symbol: (\w+)"),
        explain=_old_glibc,
    ),
    Rule(
        pattern=re.compile(r"Failed to find zig|zig: (?:command )?not found|Malformed zig target"),
        explain=_same(
            "zig cannot be used", "slipway toolchain install {platform} brings it; glibc in [platform.{platform}] is like 2.28"
        ),
    ),
    Rule(pattern=re.compile(r"^ *(?:\d+ )?\|.*\bcompile_error!", re.MULTILINE), explain=_refused),
    Rule(
        pattern=re.compile(r"custom build command for `[^`]+`[\s\S]*?kind: NotFound, message: \"No such file or directory\""),
        explain=_no_program,
    ),
)
