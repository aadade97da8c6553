from __future__ import annotations

import subprocess
from itertools import product

import pytest
from installer_lab import SHELLS

from slipway.resources import source_dir

ORDER = (
    "1.2.0-alpha",
    "1.2.0-alpha.1",
    "1.2.0-alpha.beta",
    "1.2.0-beta",
    "1.2.0-rc.1",
    "1.2.0-rc.2",
    "1.2.0-rc.10",
    "1.2.0-rc10",
    "1.2.0-rc11",
    "1.2.0",
    "1.2.1",
    "1.2.08",
    "1.2.9",
    "1.2.10",
    "1.10.0",
    "2019.01",
    "2019.02-post.1",
    "2019.02",
    "20250925.123456",
)


def answers(shell: tuple[str, ...], pairs: list[tuple[str, str]]) -> list[bool]:
    """Ask the installer's own functions, taken from their template, whether the first of each pair is older."""
    functions = (source_dir("installers") / "unix" / "_platform.sh.j2").read_text().partition("# --- versions")[2]
    asked = "".join(f"if older '{a}' '{b}'; then echo yes; else echo no; fi\n" for a, b in pairs)
    done = subprocess.run([*shell, "-c", f"set -u\n#{functions}\n{asked}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line == "yes" for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "shell", [("sh",), *(pytest.param(shell, marks=pytest.mark.slow, id=name) for name, shell in SHELLS.items())]
)
def test_versions_are_ordered(shell: tuple[str, ...]) -> None:
    pairs = list(product(ORDER, ORDER))
    expected = [ORDER.index(a) < ORDER.index(b) for a, b in pairs]
    wrong = [(pair, got) for pair, got, right in zip(pairs, answers(shell, pairs), expected, strict=True) if got != right]
    assert wrong == []


def test_what_follows_a_plus_does_not_count() -> None:
    assert answers(("sh",), [("1.2.3+a", "1.2.3+b"), ("1.2.3", "1.2.3+b"), ("1.2.3+z", "1.2.4+a")]) == [False, False, True]
