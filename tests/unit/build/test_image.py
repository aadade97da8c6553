"""The images that slipway makes for cross; the engine is a small fake, the real one is in tests/system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway import containers
from slipway.build import image
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.platforms import PLATFORMS, host_platform

# Notes how it is called, and what it was given to build from. It has the images whose files are in its folder.
DOCKER = """#!/bin/sh
echo "$*" >>{at}/said
case "$1 $2" in
"image inspect") [ ! -e "{at}/images/$(echo "$5" | tr : _ | sed 's,.*/,,')" ] || echo "sha256:1 $(cat {at}/arch)" ;;
"image ls") cat {at}/listed ;;
"buildx version") exit 1 ;;
"build "*)
    echo "buildkit=$DOCKER_BUILDKIT" >>{at}/said
    for folder; do :; done
    (cd "$folder" && find . -maxdepth 1 | sort && cat Dockerfile) >{at}/context
    [ ! -e {at}/fails ] || {{ cat {at}/fails; exit 1; }} ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a fake docker, which is first on PATH and has Debian's image."""
    folder = tmp_path / "engine"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "debian_bookworm-slim").touch()
    (folder / "arch").write_text(host_platform().arch)
    (folder / "listed").write_text("")
    (folder / "docker").write_text(DOCKER.format(at=folder))
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return folder


def engine(arch: str = "", home: Path | None = None) -> containers.Engine:
    return containers.Engine(program="docker", version="27", arch=arch or host_platform().arch, home=home)


def make(name: str, base: str = image.BASE, tag: str = "") -> str:
    return image.make(engine(), image.wish(name, base=base, tag=tag))


def test_every_platform_that_is_compiled_has_a_recipe() -> None:
    assert set(image.RECIPES) == {row.id for row in PLATFORMS.values() if not row.parts}


@pytest.mark.req("S0-16")
@pytest.mark.parametrize("name", image.RECIPES)
def test_dockerfile_names_the_linker_of_the_target(name: str) -> None:
    text = image.dockerfile(image.wish(name, packages=("libssl-dev",)), arch="amd64")
    triple = PLATFORMS[name].triple.upper().replace("-", "_")
    assert f"CARGO_TARGET_{triple}_LINKER=" in text
    assert text.splitlines()[1] == "FROM debian:bookworm-slim"
    assert f"LABEL slipway.cross={name}\n" in text
    assert " libssl-dev " in text
    assert ("COPY zig" in text) == (PLATFORMS[name].libc == "musl" or PLATFORMS[name].family in {"macos", "freebsd"})


def test_a_foreign_compiler_is_installed_only_where_it_is_foreign() -> None:
    asked = image.wish("linux-arm64")
    assert "gcc-aarch64-linux-gnu" in image.dockerfile(asked, arch="amd64")
    assert "gcc-aarch64-linux-gnu" not in image.dockerfile(asked, arch="arm64")


def test_an_image_is_built_once(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tag = make("linux-arm64")
    assert tag.startswith("localhost/slipway-cross:linux-arm64-")
    assert f"building {tag} with docker, from debian:bookworm-slim" in capsys.readouterr().err
    built = next(line for line in (at / "said").read_text().splitlines() if line.startswith("build "))
    assert built.startswith(f"build --tag {tag} ")
    # Where there is no buildx, docker's own builder is meant.
    assert "buildkit=0" in (at / "said").read_text()
    assert "gcc-aarch64-linux-gnu" in (at / "context").read_text()
    assert not list((at.parent / "cache/slipway/images").iterdir())
    (at / "images" / tag.rpartition("/")[2].replace(":", "_")).touch()
    assert make("linux-arm64") == tag
    assert f"{tag} is here already" in capsys.readouterr().err
    assert make("linux-arm64", tag="mine") == "mine"


def test_the_context_has_zig_and_its_wrappers(at: Path) -> None:
    tag = make("freebsd-amd64")
    names = (at / "context").read_text().splitlines()
    assert {"./Dockerfile", "./zig", "./cargo-zigbuild", "./slipway-cc", "./slipway-c++", "./slipway-ar"} <= set(names)
    assert make("freebsd-amd64") == tag


def test_an_engine_of_our_own_builds_in_the_hosts_network_and_proxies_are_passed(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    image.make(engine(home=at), image.wish("windows-amd64"))
    built = next(line for line in (at / "said").read_text().splitlines() if line.startswith("build "))
    assert built.startswith("build --network host --build-arg https_proxy=http://proxy.example:3128 --tag ")


def test_zigs_files_are_for_this_machines_processor(at: Path) -> None:
    other = "arm64" if host_platform().arch == "amd64" else "amd64"
    (at / "arch").write_text(other)
    with pytest.raises(GateError, match=f"needs zig for Linux on {other}"):
        image.make(engine(arch=other), image.wish("macos-arm64"))


FAILURES = {
    "package": ("E: Unable to locate package gcc-x\n", SlipwayError, "the names after --package"),
    "network": ("Temporary failure resolving 'mirror.example'\n", NetworkError, "http_proxy"),
    "alpine": ("/bin/sh: apt-get: not found\n", SlipwayError, "Debian or Ubuntu"),
    "disk": ("write /var/x: no space left on device\n", SlipwayError, "docker system prune"),
    "else": ("something new\n", SlipwayError, "the whole output is in"),
}


@pytest.mark.parametrize(("words", "kind", "hint"), FAILURES.values(), ids=FAILURES.keys())
def test_a_build_that_fails_says_what_to_do(at: Path, words: str, kind: type[SlipwayError], hint: str) -> None:
    (at / "fails").write_text(words)
    with pytest.raises(kind) as failed:
        make("linux-arm64")
    assert words.strip() in failed.value.message
    assert hint in str(failed.value.hint)
    assert not list((at.parent / "cache/slipway/images").iterdir())


@pytest.mark.parametrize("name", ["linux-sparc", "macos-universal"])
def test_a_platform_without_an_image_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        image.wish(name)


@pytest.mark.parametrize(("listed", "found"), [("", ""), ("<none>:<none>\nmine:2\nmine:1\n", "mine:2")])
def test_the_newest_image_with_a_name_is_found(at: Path, listed: str, found: str) -> None:
    (at / "listed").write_text(listed)
    assert image.find(engine(), PLATFORMS["linux-arm64"]) == found


# The start files that Rust brings for musl, as rustc names them with and without a folder of its own for them.
WORDS = (
    (["-m64", "a b.o", "-o", "x"], ["-m64", "a b.o", "-o", "x"]),
    (["/r/self-contained/crt1.o", "-nostartfiles", "x.o"], ["x.o"]),
    (["rcrt1.o", "crti.o", "crtbeginS.o", "x.o", "crtendS.o", "crtn.o"], ["x.o"]),
)


@pytest.mark.parametrize(("given", "passed"), WORDS)
def test_the_wrapper_leaves_out_start_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], passed: list[str]
) -> None:
    from slipway import process
    from slipway.render import render

    (tmp_path / "cargo-zigbuild").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "cargo-zigbuild").chmod(0o755)
    (tmp_path / "cc").write_text(render("templates/cross/zig-cc.j2", platform="p", zig="T", purpose="P", command="cc"))
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    said = process.capture([tmp_path / "cc", *given])
    assert said is not None
    assert said.splitlines() == ["zig", "cc", "--", "-target", "T", *passed]
