"""A server as a store: what ssh is told, and what its answers mean. tests/system/test_ssh_store.py has a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway.environments import Form, SshStore
from slipway.errors import GateError, SlipwayError, TransientError
from slipway.publish.ssh import Server, bytes_per_second

RULES = SshStore(
    name="site", host="files.example", path="/srv/www", user="deploy", port=2222, identity="~/key", known_hosts="/k n"
)


STAND_IN = """\
#!/bin/sh
printf '%s\\n' "$@" >>'{told}'
if [ "$1" = -M ] && [ {code} != 255 ]; then
    for word; do case $word in ControlPath=*) socket=${{word#*=}} ;; esac; done
    : >"$socket"
    exec cat
fi
cat >&2 <<'END'
{said}
END
exit {code}
"""


def stand_in(folder: Path, said: str, code: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh that notes its words, connects unless its code is 255, says something and ends."""
    told = folder / "told"
    (folder / "ssh").write_text(STAND_IN.format(told=told, said=said, code=code))
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return told


ENDS: dict[str, tuple[int, str, type[SlipwayError], str]] = {
    "nobody answers": (255, "ssh: connect to host files.example port 2222: Connection timed out", TransientError, "network"),
    "no such name": (255, "ssh: Could not resolve hostname files.example: Name or service not known", TransientError, "network"),
    "it hung up": (255, "Connection closed by 192.0.2.1 port 2222", TransientError, "network"),
    "no key fits": (255, "deploy@files.example: Permission denied (publickey).", GateError, "never asks for a password"),
    "another server": (
        255,
        "@@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
        GateError,
        "ssh-keyscan",
    ),
    "others may read the key": (255, "WARNING: UNPROTECTED PRIVATE KEY FILE!\ndeploy@files.example: bad", GateError, "chmod 600"),
    "the command failed": (1, "mkdir: cannot create directory: No space left on device", SlipwayError, "is there room"),
}


@pytest.mark.req("S3-12")
@pytest.mark.parametrize(("code", "said", "kind", "hint"), ENDS.values(), ids=ENDS)
def test_what_the_end_of_ssh_means(
    code: int, said: str, kind: type[SlipwayError], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, said, code, monkeypatch)
    with pytest.raises(SlipwayError) as caught:
        Server(RULES).listing("v1.0.0")
    assert type(caught.value) is kind
    assert said.splitlines()[-1] in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.req("S3-12")
def test_ssh_never_asks_and_trusts_nobody_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    told = stand_in(tmp_path, "", 0, monkeypatch)
    Server(RULES).listing("v1.0.0")
    words = told.read_text().split("\n")
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ForwardAgent=no", "IdentitiesOnly=yes"} <= set(words)
    assert {'UserKnownHostsFile="/k n"', "/home/somebody/key", "2222", "deploy@files.example"} <= set(words)


@pytest.mark.parametrize("form", ["redirect", "ref", "latest"])
def test_other_forms_are_refused(form: Form) -> None:
    with pytest.raises(GateError, match="knows no"):
        Server(RULES).pointed("latest", form)


@pytest.mark.parametrize(("text", "rate"), {"": 0, "500": 512_000, "1.5m": 1_572_864, "2K": 2048}.items())
def test_rates_are_read_like_rsyncs(text: str, rate: float) -> None:
    assert bytes_per_second(text) == rate


@pytest.mark.parametrize("text", ["fast", "m", "1.5x", "-"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GateError, match="is no rate"):
        bytes_per_second(text)


def test_addresses_are_quoted() -> None:
    assert Server(RULES).url("v1.0.0/a") == ""
    with_url = SshStore(name="site", host="h", path="p", url="https://downloads.example/hello/")
    assert Server(with_url).url("v1.0.0/two words") == "https://downloads.example/hello/v1.0.0/two%20words"
