"""What cross is given to work with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slipway import containers, process
from slipway.build import cross
from slipway.errors import SlipwayError

RUSTUP = """#!/bin/sh
case "$*" in
"toolchain list") printf '%s\\n' "stable-x86_64-unknown-linux-gnu (active, default)" "nightly-x86_64-unknown-linux-gnu";;
*) echo "asked: $*"; exit 7;;
esac
"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = containers.Engine(program="docker", version="27", arch="amd64", env={"DOCKER_HOST": "unix:///s"}, home=Path("/run"))
    monkeypatch.setattr(containers, "engine", lambda: mine)


@pytest.mark.usefixtures("engine")
def test_cross_sees_the_toolchains_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # cross takes a name with "(active, default)" behind it for one that is not there, and rustup then updates the compiler.
    own = tmp_path / "own programs"
    own.mkdir()
    (own / "rustup").write_text(RUSTUP)
    (own / "rustup").chmod(0o755)
    monkeypatch.setenv("PATH", str(own), prepend=os.pathsep)
    found = cross.environment("x86_64-unknown-linux-gnu", "", (), tmp_path / "shims")

    def ask(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", 'exec rustup "$@"', "sh", *words], env=found, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert ask("toolchain", "list") == (0, "stable-x86_64-unknown-linux-gnu\nnightly-x86_64-unknown-linux-gnu\n")
    assert ask("target", "list", "--toolchain", "a b") == (7, "asked: target list --toolchain a b\n")


@pytest.mark.usefixtures("engine")
def test_an_engine_of_our_own_is_reached_and_has_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSS_CONTAINER_OPTS", "--cpus 1")
    found = cross.environment("x86_64-unknown-linux-gnu", "local/image", ("TZ",), tmp_path)
    assert found["DOCKER_HOST"] == "unix:///s"
    assert found["CROSS_CONTAINER_OPTS"] == "--cpus 1 --network host"
    assert found["CROSS_BUILD_ENV_PASSTHROUGH"] == "TZ"
    assert found["CROSS_TARGET_X86_64_UNKNOWN_LINUX_GNU_IMAGE"] == "local/image"


def test_a_container_that_does_not_start_is_told_from_a_compiler_that_fails() -> None:
    cross.refuse_missing_container("linux-amd64", "local/image", process.Result(101, "error: no such crate\n"))
    with pytest.raises(SlipwayError, match="local/image") as refused:
        cross.refuse_missing_container("linux-amd64", "local/image", process.Result(125, "Unable to find image\n"))
    assert "platform.linux-amd64" in str(refused.value)
