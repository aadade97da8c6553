"""The gates of a release: all of them are asked, then one error tells everything that stands against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from slipway import console
from slipway.environments import GATE_NAMES, GATES, Environment, Severity, severity_of, usual_severity
from slipway.errors import GateError, SlipwayError, UsageError, did_you_mean
from slipway.files import told_as_error
from slipway.release.forge_gates import ci, issues, milestone
from slipway.release.git_gates import clean, on_branch, tag_free
from slipway.release.proof_gates import audit, test_dist, tests, validate_package
from slipway.release.ready_gates import approvals, disk, keys, notes
from slipway.release.situation import Answer, Situation, unknown

CHECKS: Final[Mapping[str, Callable[[Situation], Answer]]] = {
    "clean": clean,
    "tag-free": tag_free,
    "on-branch": on_branch,
    "tests": tests,
    "test-dist": test_dist,
    "validate-package": validate_package,
    "audit": audit,
    "issues": issues,
    "milestone": milestone,
    "ci": ci,
    "notes": notes,
    "disk": disk,
    "keys": keys,
    "approvals": approvals,
}
# What one person alone must not pass by: others have the say, or the tag could not be made anyway.
FIRM: Final = ("approvals", "tag-free")
_RANKS: Final = ("off", "warn", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one gate: how much it counts, what it answered, and the reason why it is passed by, if it is.

    `raised` is whether slipway.toml makes it count for more than is usual in such an environment.
    """

    gate: str
    severity: Severity
    answer: Answer
    raised: bool = False
    bypass: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is as it has to be; a gate that was made to count for more has to have something to ask about."""
        return self.answer.state == "passed" or (self.answer.state == "absent" and not self.raised)

    @property
    def refuses(self) -> bool:
        """Whether it stops the release."""
        return not self.holds and self.severity == "error" and not self.bypass


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of all gates."""

    found: tuple[Finding, ...]

    @property
    def bypassed(self) -> Mapping[str, str]:
        """The gates that would have stopped the release, with the reason why they are passed by and what they had found."""
        passed_by = (each for each in self.found if each.bypass and not each.holds and each.severity == "error")
        return {each.gate: f"{each.bypass} (it had found: {each.answer.text})" for each in passed_by}

    def tell(self) -> None:
        """Say what counts as a warning or is passed by."""
        for each in self.found:
            console.log(f"gate {each.gate}: {each.severity}: {each.answer.state}: {each.answer.text}")
            if each.holds or each.refuses:
                continue
            how = f", passed by: {each.bypass}" if each.severity == "error" else ""
            console.warn(f"{each.gate}: {each.answer.text}{how}")

    def conclude(self) -> None:
        """Raise one GateError for everything that stops the release."""
        if refusals := [each for each in self.found if each.refuses]:
            lines = "".join(f"\n  {each.gate}: {each.answer.text}" for each in refusals)
            hints = [f"{each.gate}: {each.answer.hint}" for each in refusals if each.answer.hint]
            count = "1 gate refuses" if len(refusals) == 1 else f"{len(refusals)} gates refuse"
            raise GateError(f"{count} the release:{lines}", hint="; ".join(hints) or None)


def ask_gates(situation: Situation, bypass: Mapping[str, str] | None = None) -> Findings:
    """Ask every gate that the environment has not turned off; raises UsageError for a bypass that there is none of.

    CI is waited for last, and only when nothing else stops the release already.
    """
    asked = {gate: severity for gate, severity in severities(situation.environment).items() if severity != "off"}
    reasons = parse_bypass(bypass or {})
    found = [_find(situation, gate, severity, reasons) for gate, severity in asked.items() if gate != "ci"]
    if "ci" in asked:
        hopeless = any(each.refuses for each in found) or "ci" in reasons
        ready = _impatient(situation) if hopeless else situation
        found.append(_find(ready, "ci", asked["ci"], reasons))
    return Findings(tuple(sorted(found, key=lambda each: GATE_NAMES.index(each.gate))))


def severities(environment: Environment) -> dict[str, Severity]:
    """How much each gate counts: as slipway.toml says, else by what the environment asks for before the first write."""
    return {gate.name: severity_of(gate, environment) for gate in GATES}


def parse_bypass(given: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Read `GATE=REASON`, or pairs of them; raises UsageError for an unknown gate, and for one without a reason."""
    pairs = given.items() if isinstance(given, Mapping) else _pairs(given)
    found: dict[str, str] = {}
    for gate, reason in pairs:
        if gate not in GATE_NAMES:
            hint = f"{did_you_mean(gate, GATE_NAMES)}there are {', '.join(GATE_NAMES)}"
            raise UsageError(f"there is no gate {gate!r}", hint=hint)
        if gate in FIRM:
            raise UsageError(f"the gate {gate} cannot be passed by", hint="it is not for one person alone to say")
        if not reason.strip():
            hint = f"--bypass '{gate}=why it does not matter now'"
            raise UsageError(f"the gate {gate} is only passed by with a reason", hint=hint)
        found[gate] = reason.strip()
    return found


def _pairs(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in given:
        gate, _, reason = word.partition("=")
        yield gate.strip(), reason


def _impatient(situation: Situation) -> Situation:
    return replace(situation, wait=False)


def _find(situation: Situation, gate: str, severity: Severity, reasons: Mapping[str, str]) -> Finding:
    rule = next(each for each in GATES if each.name == gate)
    raised = _RANKS.index(severity) > _RANKS.index(usual_severity(rule, situation.environment))
    return Finding(gate, severity, _answer(situation, gate), raised=raised, bypass=reasons.get(gate, ""))


def _answer(situation: Situation, gate: str) -> Answer:
    """What a gate answers; one that cannot find out does not let the release through."""
    try:
        with told_as_error():
            return situation.retries.run(f"gate {gate}", lambda: CHECKS[gate](situation))
    except SlipwayError as error:
        return unknown(error.message, error.hint or "")
