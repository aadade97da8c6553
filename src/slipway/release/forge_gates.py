"""What a forge is asked before a release: issues that block it, the milestone, and continuous integration."""

from __future__ import annotations

from typing import Final

from slipway import console
from slipway.forges import Checks, Item
from slipway.release.situation import Answer, Situation, absent, failed, passed, unknown
from slipway.release.wording import filled

_NOBODY: Final = "there is no forge in this environment"
_PAUSE: Final = 20.0


def issues(situation: Situation) -> Answer:
    """No issue that blocks a release is open."""
    if situation.forge is None:
        return absent(_NOBODY)
    label = situation.project.release.blocker
    found = situation.forge.issues(label)
    if found:
        text = f"{len(found)} issues with the label {label} are open: {_listed(found)}"
        return failed(text, "close them, or take the label away")
    return passed(f"no issue with the label {label} is open")


def milestone(situation: Situation) -> Answer:
    """Nothing is open in the milestone of the version."""
    if situation.forge is None:
        return absent(_NOBODY)
    title = filled(situation.project.release.milestone, situation.words, where="[release] milestone")
    if found := situation.forge.milestone(title):
        return failed(f"{len(found)} items of the milestone {title} are open: {_listed(found)}", "close or move them")
    return passed(f"nothing is open in the milestone {title}")


def ci(situation: Situation) -> Answer:
    """Continuous integration has passed for the commit; it is waited for as long as [release] ci-patience says."""
    if situation.forge is None:
        return absent(_NOBODY)
    patience = situation.project.release.ci_patience
    end = situation.clock() + patience * 60
    told = False
    while True:
        answer = _judged(situation.forge.checks(situation.commit), situation.project.release.ci_checks, situation.commit)
        left = end - situation.clock()
        if answer.state != "unknown" or not situation.wait or left <= 0:
            return answer
        if not told:
            console.say(f"waiting for CI, {patience} minutes at most: {answer.text}")
            told = True
        situation.sleep(min(_PAUSE, left))


def _judged(found: Checks, wanted: tuple[str, ...], commit: str) -> Answer:
    failures = [name for name in found.failed if name in wanted or not wanted]
    if failures:
        return failed(f"CI failed for {commit[:12]}: {', '.join(failures)}", "mend it; the release is of that commit alone")
    waited = [name for name in wanted if name not in found.passed] if wanted else list(found.pending)
    if waited:
        return unknown(f"CI has not ended for {commit[:12]}: {', '.join(waited)}", "run again when it has")
    if not wanted and not found.passed:
        return unknown(f"CI has not looked at {commit[:12]}", "push the commit, so that CI sees it")
    return passed(f"{len(wanted or found.passed)} checks of CI have passed")


def _listed(found: tuple[Item, ...]) -> str:
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(f"#{each.number} {each.title}" for each in found[:3]) + more
