"""The last question before the first write: whether this is wanted, here and now, in this environment."""

from __future__ import annotations

from slipway import console
from slipway.environments import Environment
from slipway.errors import GateError
from slipway.release.wording import filled

_PHRASE = "I want to release {version} to {environment}"


def confirm(environment: Environment, words: dict[str, str], what: str, *, yes: bool = False, text: str = "") -> None:
    """Say where something is about to be done, and ask as the environment wants it; raises GateError for anything but a yes.

    `yes` answers a question for a yes, and never one for a phrase; `text` is what was typed beforehand (CONFIRM).
    Where nobody sits at a terminal nothing is asked: then the answer has to have been given.
    """
    shown = console.style(environment.name.upper(), environment.colour if environment.colour in console.COLOURS else "bold")
    console.say(f"{shown}: {what}")
    if environment.confirm == "none":
        return
    phrase = phrase_of(environment, words)
    given = text.strip() or ("yes" if yes and environment.confirm == "yes" else "")
    if not given:
        given = _asked(environment, phrase)
    if given != phrase:
        raise GateError(
            f"{what}: not confirmed, so nothing was written", hint=f"the answer that {environment.name} wants is: {phrase}"
        )


def phrase_of(environment: Environment, words: dict[str, str]) -> str:
    """What has to be answered."""
    if environment.confirm == "yes":
        return "yes"
    return filled(environment.phrase or _PHRASE, words, where=f"[environment.{environment.name}] phrase")


def _asked(environment: Environment, phrase: str) -> str:
    if not console.is_interactive():
        ways = "--yes, or CONFIRM=yes" if environment.confirm == "yes" else f"--confirm {phrase!r}, or CONFIRM={phrase!r}"
        raise GateError(
            f"{environment.name} wants to be confirmed, and nobody sits at a terminal", hint=f"say it beforehand: {ways}"
        )
    if environment.confirm == "yes":
        answer = console.ask(f"type yes to go on in {environment.name}: ").lower()
        return "yes" if answer in ("y", "yes") else answer or "no"
    return console.ask(f"type this to go on: {phrase}\n> ") or "no"
