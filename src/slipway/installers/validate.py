"""The check of rendered installers: what shells, linters and PowerShell's own parser say of them, and a trial of install.sh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console, process
from slipway.errors import SlipwayError, VerificationError
from slipway.installers.sandbox import Trial

# Every shell that may be somebody's sh, as it is called to be that; the first word is the program.
SHELLS: Final = (
    ("sh",),
    ("dash",),
    ("busybox", "ash"),
    ("bash",),
    ("bash", "--posix"),
    ("ksh93",),
    ("mksh",),
    ("yash",),
    ("posh",),
    ("zsh", "--emulate", "sh"),
)
PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_RUN: Final = "not run"
# The parser of PowerShell itself; what it finds goes to standard output, one fault in a line.
_PARSE: Final = (
    "$faults = $null; $path = $env:SLIPWAY_SCRIPT; "
    "[void][System.Management.Automation.Language.Parser]::ParseFile($path, [ref]$null, [ref]$faults); "
    '$faults | ForEach-Object { "$($_.Extent.StartLineNumber): $($_.Message)" }; exit [int]($faults.Count -gt 0)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one check of one script ended; `detail` says with what, what was wrong, or why it was not made."""

    script: str
    check: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateInstallers:
    """Check scripts, and try the first of them where it has a distribution for this machine; `untried` says why it is not."""

    scripts: tuple[Path, ...]
    trial: Trial | None = None
    untried: str = ""

    def __call__(self) -> None:
        """Say in a table what was found; raises VerificationError with what failed."""
        found = tuple(self._findings())
        for line in table(found):
            console.say(line)
        failed = [one for one in found if one.outcome == FAILED]
        if failed:
            details = "".join(f"\n  {one.script}, {one.check}: {_indented(one.detail)}" for one in failed)
            raise VerificationError(
                f"{len(failed)} of {len(found)} checks of the installers failed{details}",
                hint="mend the project's own copy of the template, or what the message names; otherwise report this",
            )

    def _findings(self) -> Iterator[Finding]:
        for script in self.scripts:
            yield from check_powershell(script) if script.suffix == ".ps1" else check_shell_script(script)
        if self.trial is not None:
            yield _tried(self.trial)
        elif self.untried:
            yield Finding(script="install.sh", check="round trip", outcome=NOT_RUN, detail=self.untried)


def check_shell_script(script: Path) -> Iterator[Finding]:
    """Let every shell of this machine read a script, and the linters judge it."""
    yield _syntax(script)
    yield _ask(script, "shellcheck", ("shellcheck", "--shell=sh"), "apt-get install shellcheck")
    yield _ask(script, "checkbashisms", ("checkbashisms",), "apt-get install devscripts")


def check_powershell(script: Path) -> Iterator[Finding]:
    """Let PowerShell's own parser read a script."""
    programs = ("pwsh", "powershell")
    program = next((name for name in programs if process.which(name)), None)
    if program is None:
        yield _finding(script, "syntax", NOT_RUN, "PowerShell is not installed here")
        return
    words = (program, "-NoProfile", "-NonInteractive", "-Command", _PARSE)
    yield _judged(script, "syntax", process.run(words, env={"SLIPWAY_SCRIPT": str(script)}, check=False), program)


def table(found: Iterable[Finding]) -> tuple[str, ...]:
    """The findings in aligned lines; what failed is told at length elsewhere."""
    rows = [(one.script, one.check, one.outcome, "" if one.outcome == FAILED else one.detail) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return tuple("      " + "  ".join(map(str.ljust, row, (*widths, 0))).rstrip() for row in rows)


def _syntax(script: Path) -> Finding:
    shells = [words for words in SHELLS if process.which(words[0])]
    answers = {" ".join(words): process.run((*words, "-n", script), check=False) for words in shells}
    faults = [f"{shell}: {answer.output.strip()}" for shell, answer in answers.items() if answer.code]
    return _finding(script, "syntax", FAILED if faults else PASSED, "\n".join(faults) or ", ".join(answers))


def _ask(script: Path, check: str, words: tuple[str, ...], way: str) -> Finding:
    if process.which(words[0]) is None:
        return _finding(script, check, NOT_RUN, f"{words[0]} is not installed: {way}")
    return _judged(script, check, process.run((*words, script), check=False))


def _judged(script: Path, check: str, answer: process.Result, detail: str = "") -> Finding:
    return _finding(script, check, FAILED if answer.code else PASSED, answer.output.strip() if answer.code else detail)


def _finding(script: Path, check: str, outcome: str, detail: str) -> Finding:
    return Finding(script=script.name, check=check, outcome=outcome, detail=detail)


def _tried(trial: Trial) -> Finding:
    try:
        detail, outcome = trial(), PASSED
    except SlipwayError as error:
        detail, outcome = str(error), FAILED
    return _finding(trial.script, "round trip", outcome, detail)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
