"""The documented variables, from the command line and the environment, as make has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from slipway.errors import UsageError, did_you_mean
from slipway.rules import PACKAGES
from slipway.version import KINDS


def _text(_: str, value: str) -> str:
    return value


def _flag(name: str, value: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if value.lower() not in words:
        raise UsageError(f"{name}={value} makes no sense", hint=f"valid are {name}=true and {name}=false")
    return words[value.lower()]


def _levels(name: str, value: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in value.split(",") if word.strip())
    for word in found:
        if word not in LEVELS:
            raise UsageError(f"{name}={value}: {word!r} is no kind of test", hint=f"valid are {', '.join(LEVELS)}")
    return found or LEVELS


def _packages(name: str, value: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in value.split(",") if word.strip())
    for word in found:
        if word not in {*PACKAGES, "all"}:
            raise UsageError(
                f"{name}={value}: {word!r} is no format of packages",
                hint=f"{did_you_mean(word, PACKAGES)}valid are {', '.join(PACKAGES)}, all",
            )
    return PACKAGES if "all" in found else found


def _installers(name: str, value: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in value.split(",") if word.strip())
    for word in found:
        if word not in INSTALLERS:
            raise UsageError(
                f"{name}={value}: {word!r} is no kind of installer",
                hint=f"{did_you_mean(word, INSTALLERS)}valid are {', '.join(INSTALLERS)}",
            )
    return found


def _symbols(name: str, value: str) -> str:
    if value not in SYMBOLS:
        raise UsageError(f"{name}={value} makes no sense", hint=f"{did_you_mean(value, SYMBOLS)}valid are {', '.join(SYMBOLS)}")
    return value


def _release_type(name: str, value: str) -> str:
    if value not in KINDS:
        raise UsageError(f"{name}={value} makes no sense", hint=f"{did_you_mean(value, KINDS)}valid are {', '.join(KINDS)}")
    return value


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 6:
        raise UsageError(f"{name}={value} is no number", hint=f"valid are whole numbers such as {name}=5")
    return int(value)


INSTALLERS: Final = ("shell", "powershell", "package", "container", "source")
SYMBOLS: Final = ("strip", "keep", "separate")
LEVELS: Final = ("basic", "integration", "complete")


@dataclass(frozen=True, slots=True)
class Variable:
    """One documented variable; an empty value means that it is not set."""

    name: str
    doc: str
    read: Callable[[str, str], Any] = _text


VARIABLES: Final = (
    Variable("VERSION", "the version to build; the tag's prefix may stand before it"),
    Variable("PLATFORMS", "comma list of platforms, families, all or host (default: all of the project's)"),
    Variable("VARIANTS", "comma list of variants (default: all of the project's)"),
    Variable("PACKAGE_FORMATS", f"comma list of {', '.join(PACKAGES)}, or all (default: as the project says)", _packages),
    Variable("SOURCE_DIR", "a folder of programs that are not compiled but taken, in a folder per platform (default: none)"),
    Variable("SYMBOLS", f"{', '.join(SYMBOLS)}: what becomes of debug symbols (default: as the project says)", _symbols),
    Variable(
        "INSTALLER_TYPES", f"comma list of {', '.join(INSTALLERS)} (default: shell, and powershell for Windows)", _installers
    ),
    Variable("VALIDATE_INSTALLERS", "true: check the installers that are made, and try install.sh in a sandbox", _flag),
    Variable("RUST_TARGET", "the Rust target of build-platform (default: the host's)"),
    Variable("CROSS", "true: compile with cross; false: never (default: as the platform says)", _flag),
    Variable("PARALLEL", "true: work on all cores at once", _flag),
    Variable("SIGN", "false: sign nothing, as where the keys are not at hand (default: as the project says)", _flag),
    Variable("FAIL_FAST", "true: stop at the first failure (default: make all that does not need what failed)", _flag),
    Variable("VERBOSE", "true: show the commands that run", _flag),
    Variable("ENVIRONMENT", "the environment to publish into (default: as the project says, else local)"),
    Variable("RELEASE_TYPE", f"{', '.join(KINDS)}: the version that follows the last one (default: VERSION)", _release_type),
    Variable("CONFIRM", "the phrase that an environment wants to hear before anything is published there"),
    Variable("RETRY_COUNT", "how often is tried again what may work a little later (default: 3)", _number),
    Variable("BACKOFF_DELAY", "after how many seconds it is tried again at first (default: 5)", _number),
    Variable("DIST_VERSION", "the version that test-dist tests (default: VERSION)"),
    Variable("TEST_TYPES", "comma list of basic, integration, complete for test-dist (default: all)", _levels),
    Variable("PREFIX", "where install and uninstall work (default: as install.sh says)"),
)
_BY_NAME: Final = {variable.name: variable for variable in VARIABLES}


def read_variables(given: Mapping[str, str], environment: Mapping[str, str], *, also: Iterable[str] = ()) -> dict[str, Any]:
    """Return the values that are set; the command line wins over the environment.

    `also` are names that a project's own dodo.py reads itself. Raises UsageError for an unknown name or a senseless value.
    """
    for name in given:
        if name not in _BY_NAME and name not in also:
            raise _unknown(name, also)
    merged = {name: environment[name] for name in _BY_NAME if name in environment} | dict(given)
    return {name: _BY_NAME[name].read(name, value) for name, value in merged.items() if value and name in _BY_NAME}


def _unknown(name: str, also: Iterable[str]) -> UsageError:
    valid = [*_BY_NAME, *also]
    return UsageError(f"unknown variable {name}", hint=f"{did_you_mean(name.upper(), valid)}valid are {', '.join(valid)}")
