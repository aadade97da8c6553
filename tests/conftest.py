"""What every test gets: quiet surroundings that do not depend on who runs it."""

from __future__ import annotations

import os

import pytest

from slipway.variables import VARIABLES

_LEFT_OVER = ("SOURCE_DATE_EPOCH", "SLIPWAY_DEBUG", "NO_COLOR", "CLICOLOR_FORCE", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "CI")
_SECRETS = tuple(
    f"SLIPWAY_{kind}_{what}{form}"
    for kind in ("GPG", "MINISIGN", "SSH", "AUTHENTICODE")
    for what, form in (("KEY", ""), ("PASSPHRASE", ""), ("PASSPHRASE", "_FILE"))
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take away what the caller's environment may say to slipway, and keep journals out of the caller's home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    for name in (*(variable.name for variable in VARIABLES), *_LEFT_OVER, *_SECRETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
