"""The first configuration as words of a shell script."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway.installers.first_run import first_words, shell_word
from slipway.layout import InstallSpec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ("", ""),
        ("it's", "it's"),
        ("{config}/hello.toml", "/etc/it's & $HOME/hello.toml"),
        ("--in={config}", "--in=/etc/it's & $HOME"),
        ("{config}{config}", "/etc/it's & $HOME/etc/it's & $HOME"),
        ("{other} $HOME `x` \\", "{other} $HOME `x` \\"),
    ],
)
def test_a_shell_reads_a_word_as_it_was_meant(text: str, said: str) -> None:
    script = f'd_config="/etc/it\'s & \\$HOME"; set -- {shell_word(text)}; printf \'%s:%s\' $# "$1"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"1:{said}"


def test_the_program_is_named_by_its_place(tmp_path: Path) -> None:
    release = sample.release(tmp_path)
    spec = InstallSpec.of(release, release.cells[0])
    assert first_words([spec]) == []
    assert first_words([replace(spec, configure=("hello", "setup", "{state}"))]) == ['"$d_bin"/hello', "setup", '"$d_state"']
    assert first_words([replace(spec, configure=("absent", "setup"))]) == []
