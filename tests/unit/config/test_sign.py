"""[sign]: keys are named by what is public of them, and nothing is said that nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError
from slipway.rules import SignRules

HEAD = """\
[project]
name = "hello"
summary = "Greet whoever asks"

[component.hello]
kind = "cargo"

[sign]
"""
MINISIGN = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Bq5r0yGq3oqD0Jb4C9v9n2w0oM3cD9c0m1J7gXx2K"


def test_without_the_table_nothing_is_signed(write: Callable[[str], Path]) -> None:
    found = load_project(write(HEAD.removesuffix("[sign]\n"))).sign
    assert found == SignRules()
    assert not (found.gpg or found.minisign or found.ssh or found.authenticode)


def test_every_key_is_read(write: Callable[[str], Path], root: Path) -> None:
    (root / "chain.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    text = f"""\
gpg = "ABCD"
gpg-file = "~/secret.asc"
minisign = "{MINISIGN}"
ssh = "{SSH} release@hello.example"
authenticode = "chain.pem"
timestamp = "http://timestamp.example.com"
what = ["checksums"]
public-keys = ["chain.pem"]
"""
    assert load_project(write(HEAD + text)).sign == SignRules(
        gpg="ABCD",
        gpg_file="~/secret.asc",
        minisign=MINISIGN,
        ssh=f"{SSH} release@hello.example",
        authenticode="chain.pem",
        timestamp="http://timestamp.example.com",
        what=("checksums",),
        public_keys=("chain.pem",),
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('gpg-file = "x"', "sign.gpg-file: is not read without gpg"),
        ('minisign-file = "x"', "sign.minisign-file: is not read without minisign"),
        ('ssh-file = "x"', "sign.ssh-file: is not read without ssh"),
        ('authenticode-file = "x"', "sign.authenticode-file: is not read without authenticode"),
        ('timestamp = "https://x"', "sign.timestamp: is not read without authenticode"),
        ('authenticode = "none.pem"', "there is no file none.pem"),
        ('public-keys = ["none.asc"]', "there is no file none.asc"),
        ('minisign = "minisign.key"', "the line of a minisign public key"),
        ('ssh = "~/.ssh/id_ed25519.pub"', "a public SSH key, as in a .pub file"),
        ('what = ["everything"]', "'everything' is not possible here"),
        ('what = ["checksums", "checksums"]', "twice"),
        ('gpg = "A\\nB"', "one line"),
    ],
)
def test_a_fault_names_its_line_and_key(write: Callable[[str], Path], line: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(f"{HEAD}{line}\n"))
    assert says in caught.value.message
    assert "slipway.toml:9" in caught.value.message
