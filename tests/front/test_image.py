"""`slipway toolchain image` where nothing is built: printing, and what is wrong on the command line or the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

import hello


@pytest.mark.req("S0-16")
def test_print_shows_the_dockerfile_and_asks_no_engine(tmp_path: Path) -> None:
    done = hello.run(
        tmp_path, "slipway", "toolchain", "image", "linux-arm64", "--print", "--package", "libssl-dev", PATH="/nowhere"
    )
    assert done.returncode == 0, done.stderr
    assert "FROM debian:bookworm-slim\n" in done.stdout
    assert "gcc-aarch64-linux-gnu" in done.stdout
    assert "libssl-dev" in done.stdout
    assert done.stderr == ""


def test_a_projects_own_template_is_used(tmp_path: Path) -> None:
    hello.write(tmp_path)
    own = tmp_path / "templates/cross/Dockerfile.j2"
    own.parent.mkdir(parents=True)
    own.write_text("FROM {{ base }}\n# ours for {{ triple }}\n")
    words = ["toolchain", "image", "windows-amd64", "--print", "--base", "ubuntu:24.04"]
    assert hello.run(tmp_path, "slipway", *words).stdout == "FROM ubuntu:24.04\n# ours for x86_64-pc-windows-gnu\n"


BAD = {
    "unknown platform": (["linux-arm65"], {}, 2, "unknown platform 'linux-arm65'"),
    "joined from parts": (["macos-universal"], {}, 2, "there is no image for macos-universal"),
    "unknown engine": (["linux-arm64", "--engine", "lxc"], {}, 2, "lxc is no engine that slipway knows"),
    "no engine": (["linux-arm64", "--engine", "podman"], {"PATH": "/nowhere"}, 3, "no container engine answers: podman"),
}


@pytest.mark.parametrize(("words", "settings", "code", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_named(tmp_path: Path, words: list[str], settings: dict[str, str], code: int, message: str) -> None:
    done = hello.run(tmp_path, "slipway", "toolchain", "image", *words, **settings)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
