"""Secrets come from the environment or from private files, and from nowhere else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slipway.errors import GateError
from slipway.signing.keys import from_environment, in_file, poured, read_private, require_private


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_is_in_a_variable_or_in_the_file_that_one_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment("SLIPWAY_GPG_PASSPHRASE") == ""
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE_FILE", str(private(tmp_path / "pass", " of two words \n")))
    assert from_environment("SLIPWAY_GPG_PASSPHRASE") == " of two words "
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", "said")
    assert from_environment("SLIPWAY_GPG_PASSPHRASE") == "said"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "key", "secret", mode)
    with pytest.raises(GateError, match="others may read") as caught:
        read_private(path)
    assert caught.value.hint == f"chmod 600 {path}"
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="cannot be read: No such file"):
        require_private(tmp_path / "none")


def test_a_program_reads_a_secret_from_an_open_file() -> None:
    with poured("schlüssel") as file:
        done = subprocess.run(["cat", f"/dev/fd/{file}"], pass_fds=(file,), capture_output=True, check=True)
    assert done.stdout.decode() == "schlüssel"


def test_a_secret_in_a_file_is_private_and_goes_away() -> None:
    with in_file("secret") as path:
        assert path.read_text() == "secret"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not os.path.lexists(path)
