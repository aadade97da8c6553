"""Which container engine is used, and what is said when there is none; the programs are small fakes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import containers
from slipway.errors import GateError, NetworkError, UsageError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty PATH to put fakes on; no engine is remembered."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SLIPWAY_ENGINE", raising=False)
    containers.engine.cache_clear()
    yield folder
    containers.engine.cache_clear()


def fake(folder: Path, name: str, text: str) -> None:
    """Put a shell script on PATH that notes its arguments before it does what `text` says."""
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "{name} $*" >>{folder}/said\n{text}\n')
    file.chmod(0o755)


def said(folder: Path) -> list[str]:
    return (folder / "said").read_text().splitlines()


DOCKER = 'case $1 in version) echo "20.10 amd64" ;; *) exit 1 ;; esac'
PODMAN = 'case $1 in info) echo "4.3 amd64" ;; *) exit 1 ;; esac'
SILENT = "echo 'cannot connect' >&2; exit 1"
CHOICES = (
    (DOCKER, PODMAN, "", "docker"),
    (SILENT, PODMAN, "", "podman"),
    (DOCKER, PODMAN, "podman", "podman"),
    (DOCKER, SILENT, "docker", "docker"),
)


@pytest.mark.parametrize(("docker", "podman", "wish", "chosen"), CHOICES)
@pytest.mark.req("S0-61")
def test_engine_that_answers_is_chosen(
    docker: str, podman: str, wish: str, chosen: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(path, "docker", docker)
    fake(path, "podman", podman)
    monkeypatch.setenv("SLIPWAY_ENGINE", wish)
    found = containers.engine()
    assert (found.program, found.arch) == (chosen, "amd64")
    assert containers.engine() is found


@pytest.mark.parametrize(
    ("wish", "message"), [("", "neither docker nor podman"), ("podman", "answers: podman"), ("docker", "answers: docker")]
)
@pytest.mark.req("S0-61")
def test_no_engine_is_refused_with_a_way_to_get_one(wish: str, message: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(path, "docker", SILENT)
    monkeypatch.setenv("SLIPWAY_ENGINE", wish)
    with pytest.raises(GateError, match=message) as caught:
        containers.engine()
    assert caught.value.exit_code == 3
    assert "install podman" in str(caught.value.hint)


REASONS = {
    "socket": ("docker", "permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
    "daemon": (
        "docker",
        "Cannot connect to the Docker daemon at unix:///s. Is the docker daemon running?",
        "systemctl start docker",
    ),
    "machine": ("podman", "Cannot connect to Podman. Please verify your connection to the Linux system", "podman machine start"),
    "context": ("docker", "error during connect: lookup builder on 1.1.1.1: no such host", "DOCKER_HOST"),
}


@pytest.mark.req("S0-16", "S0-61")
@pytest.mark.parametrize(("program", "words", "hint"), REASONS.values(), ids=REASONS.keys())
def test_an_engine_that_does_not_answer_says_why(program: str, words: str, hint: str, path: Path) -> None:
    fake(path, program, f"echo; echo '{words}' >&2; exit 1")
    with pytest.raises(GateError) as caught:
        containers.engine()
    assert f"{program} says: {words}" in caught.value.message
    assert hint in str(caught.value.hint)


def test_unknown_engine_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_ENGINE", "lxc")
    with pytest.raises(UsageError, match="SLIPWAY_ENGINE=lxc") as caught:
        containers.engine()
    assert caught.value.hint == "valid are docker, podman"


IMAGES = """case $1 in
version) echo "20.10 amd64" ;;
image) [ "$5" != here ] || echo "sha256:1 amd64" ; [ "$5" != pulled ] || [ ! -e {at}/came ] || echo "sha256:2 amd64"
    [ "$5" != localhost/slipway-base:bookworm-amd64 ] || [ ! -e {at}/made ] || echo "sha256:3 amd64" ;;
pull) case $4 in pulled) : >{at}/came ;; *) echo "no such host" && exit 1 ;; esac ;;
import) : >{at}/made ;;
esac"""


def test_image_is_taken_from_here_then_pulled_then_made(path: Path, tmp_path: Path) -> None:
    fake(path, "docker", IMAGES.format(at=tmp_path))
    engine = containers.engine()
    assert engine.ensure_image("here") == "sha256:1"
    assert engine.ensure_image("pulled") == "sha256:2"
    with pytest.raises(NetworkError, match="absent for linux/amd64") as caught:
        engine.ensure_image("absent")
    assert "no such host" in str(caught.value)
    assert caught.value.exit_code == 42
    with pytest.raises(NetworkError):
        engine.ensure_image("absent", bootstrap="bookworm")
    fake(path, "mmdebstrap", ': >"$4"')
    assert engine.ensure_image("absent", bootstrap="bookworm") == "sha256:3"
    assert engine.ensure_image("absent", bootstrap="bookworm") == "sha256:3"
    assert sum(line.startswith("mmdebstrap") for line in said(path)) == 1
    assert [entry.name for entry in (tmp_path / "cache/slipway/images").iterdir()] == ["bookworm-amd64.tar"]


def test_image_for_another_processor_does_not_count(path: Path, tmp_path: Path) -> None:
    fake(path, "docker", IMAGES.format(at=tmp_path))
    assert containers.engine().image_id("here", "arm64") is None


# Only with the modest settings does this podman start anything.
STUBBORN = """[ "$1" != --log-level=error ] || shift
case $1 in
info) echo "4.3 amd64" ;;
run) [ -n "$CONTAINERS_CONF" ] || { echo "setrlimit: not permitted" && exit 1; }
    [ "$3" != -i ] || { : >NAMED; cat >NUL; } ;;
inspect) [ ! -e NAMED ] || echo true ;;
rm) rm -f NAMED ;;
esac"""


def test_podman_on_a_restricted_machine_gets_modest_settings(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}:/usr/bin:/bin")
    monkeypatch.setenv("SLIPWAY_ENGINE", "podman")
    fake(path, "podman", STUBBORN.replace("NAMED", str(tmp_path / "up")).replace("NUL", os.devnull))
    with containers.Container(containers.engine(), "image") as box:
        conf = Path(box.engine.env["CONTAINERS_CONF"]).read_text()
    assert "default_ulimits" in conf
    assert 'events_logger = "file"' in conf
    assert not (tmp_path / "up").exists()
    assert ["-i" in line for line in said(path) if " run " in line] == [False, False, True]


def test_container_that_does_not_start_says_why(path: Path, tmp_path: Path) -> None:
    fake(path, "docker", 'case $1 in version) echo "20 amd64" ;; run) echo "no such image: x" && exit 125 ;; *) exit 1 ;; esac')
    with pytest.raises(Exception, match="no such image: x"), containers.Container(containers.engine(), "x"):
        pass
    assert any(line.startswith("docker rm -f slipway-") for line in said(path))
