"""The last question: asked at a terminal, answered beforehand elsewhere, and never a wait for nobody."""

from __future__ import annotations

import io
from typing import Any

import pytest

from slipway import console
from slipway.environments import Environment
from slipway.errors import ConfigError, GateError
from slipway.release.confirming import confirm, phrase_of

WORDS = {"name": "hello", "version": "2.1.0", "environment": "production"}
PHRASE = "I want to release 2.1.0 to production"


def environment(ask: Any, **more: Any) -> Environment:
    return Environment(name="production", confirm=ask, colour="red", **more)


def terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Typed(typed))
    monkeypatch.setattr(console, "is_interactive", lambda: True)


@pytest.mark.req("S1-2", "S1-28")
@pytest.mark.parametrize(
    ("ask", "given", "fine"),
    [
        ("none", {}, True),
        ("yes", {}, False),
        ("yes", {"yes": True}, True),
        ("yes", {"text": "yes"}, True),
        ("yes", {"text": "no", "yes": True}, False),
        ("phrase", {}, False),
        ("phrase", {"yes": True}, False),
        ("phrase", {"text": "yes"}, False),
        ("phrase", {"text": PHRASE}, True),
        ("phrase", {"text": f" {PHRASE}\n"}, True),
        ("phrase", {"text": PHRASE.lower()}, False),
    ],
)
def test_without_a_terminal_the_answer_has_to_be_there(ask: str, given: Any, fine: bool) -> None:
    if fine:
        confirm(environment(ask), WORDS, "publish hello 2.1.0", **given)
        return
    with pytest.raises(GateError) as caught:
        confirm(environment(ask), WORDS, "publish hello 2.1.0", **given)
    assert caught.value.exit_code == 3 and ("yes" if ask == "yes" else PHRASE) in (caught.value.hint or "")


@pytest.mark.req("S1-28")
@pytest.mark.parametrize(
    ("ask", "typed", "fine"),
    [
        ("yes", "yes\n", True),
        ("yes", "Y\n", True),
        ("yes", "no\n", False),
        ("yes", "\n", False),
        ("yes", "", False),
        ("phrase", f"{PHRASE}\n", True),
        ("phrase", "yes\n", False),
        ("phrase", "", False),
    ],
)
def test_at_a_terminal_it_is_asked(monkeypatch: pytest.MonkeyPatch, ask: str, typed: str, fine: bool) -> None:
    terminal(monkeypatch, typed)
    if fine:
        confirm(environment(ask), WORDS, "publish hello 2.1.0")
        return
    with pytest.raises(GateError, match="not confirmed, so nothing was written"):
        confirm(environment(ask), WORDS, "publish hello 2.1.0")


def test_a_phrase_is_typed_even_when_yes_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, f"{PHRASE}\n")
    confirm(environment("phrase"), WORDS, "publish hello 2.1.0", yes=True)


@pytest.mark.req("S1-2")
@pytest.mark.parametrize(("colour", "code"), [("red", "31"), ("magenta", "35"), ("", "1")])
def test_the_environment_is_named_in_its_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], colour: str, code: str
) -> None:
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    confirm(Environment(name="production", colour=colour), WORDS, "publish hello 2.1.0")
    assert capsys.readouterr().err == f"\033[{code}mPRODUCTION\033[0m: publish hello 2.1.0\n"


def test_phrases_of_the_project() -> None:
    assert phrase_of(environment("phrase", phrase="Ship {name}!"), WORDS) == "Ship hello!"
    with pytest.raises(ConfigError, match=r"\{nmae\} in \[environment\.production\] phrase"):
        phrase_of(environment("phrase", phrase="{nmae}"), WORDS)
