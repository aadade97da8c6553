"""How git is called so that it never asks, never waits for ever, and says the same whoever calls it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slipway.process import capture

# What a person's own settings of git would change in what it prints.
_SETTINGS: Final = ("log.showSignature=false", "core.quotePath=false", "color.ui=false", "advice.detachedHead=false")
GIT: Final = ("git", "--no-pager", *(word for setting in _SETTINGS for word in ("-c", setting)))
# Passwords and unknown host keys are errors, and a server that falls silent is given up after a minute.
_SSH: Final = "-oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=4"
_NEVER_ASK: Final[Mapping[str, str]] = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}
# Messages are told apart by their words, so they have to be in one language.
LOCAL: Final[Mapping[str, str]] = {"LC_ALL": "C", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0", "GIT_EDITOR": "true"}


def remote_environment(root: Path) -> dict[str, str]:
    """What the environment says to git when it talks to another machine."""
    # An empty GIT_ASKPASS keeps git from opening a window; a script that the user named there may answer.
    silent = {} if os.environ.get("GIT_ASKPASS") else {"GIT_ASKPASS": ""}
    return {**LOCAL, **_NEVER_ASK, **silent, **_ssh(root)}


def _ssh(root: Path) -> dict[str, str]:
    if os.environ.get("GIT_SSH") and not os.environ.get("GIT_SSH_COMMAND"):
        # A program of the user's own: git itself gives it the options that it knows.
        return {}
    own = os.environ.get("GIT_SSH_COMMAND") or capture(["git", "config", "core.sshCommand"], cwd=root) or "ssh"
    words = shlex.split(own)[:1]
    understands = bool(words) and Path(words[0]).name in {"ssh", "ssh.exe"}
    return {"GIT_SSH_COMMAND": f"{own} {_SSH}" if understands else own}
