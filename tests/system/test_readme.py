"""The commands of the README, on a fresh clone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.req("S0-8", "S0-14")
def test_make_all_sets_itself_up_and_makes_the_sample(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, clone], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["make", "all", "PLATFORMS=linux-amd64"],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run(["sha256sum", "-c", "--quiet", "packages/checksums.sha256"], cwd=clone, check=True)
    again = subprocess.run(
        ["make", "all", "PLATFORMS=linux-amd64"], cwd=clone, env=environment, capture_output=True, text=True, check=True
    )
    assert "nothing to do" in again.stderr
    status = subprocess.run(["make", "status"], cwd=clone, env=environment, capture_output=True, text=True, check=True)
    assert "Version  2.1.0" in status.stdout.splitlines()
    tested = subprocess.run(
        ["make", "test-dist", "PLATFORMS=linux-amd64", "VARIANTS=minimal"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stderr
    assert "checks passed" in tested.stderr
    wrong = subprocess.run(["make", "all", "VERSOIN=2"], cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "did you mean VERSION?" in wrong.stderr
