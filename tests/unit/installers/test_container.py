from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from golden_files import assert_golden

import sample
from slipway.errors import ConfigError
from slipway.installers.container import container_script_names, image_archives, plan_container_installers
from slipway.manifest import Artifact, load_record, record, record_path
from slipway.platforms import PLATFORMS
from slipway.rules import ContainerRules
from slipway.version import Version

FULL = ContainerRules(
    image="registry.example/hello:{version}",
    digest=f"sha256:{'0' * 64}",
    command=("hello-server", "--greeting", 'it\'s $5 & "more"'),
    environment={"HELLO_LOG": "info %n $HOME"},
    ports=("8080", "127.0.0.1:9090:9091", "127.0.0.1:53/udp", "[::1]:7:8"),
    volumes={"state": "/var/lib/hello", "config": "/etc/hello"},
    health_path="/health",
)


def make(root: Path, rules: ContainerRules, version: str = "1.2.3", **changes: Any) -> Path:
    """Render the script of a release; returns its path."""
    said = sample.project(root / "project", container=rules, **changes)
    release = replace(sample.release(root, project=said), version=Version(version))
    (step,) = plan_container_installers(release)
    step.run()
    return step.outputs[0]


def say(script: Path, line: str, root: Path, **env: str) -> str:
    """What a line says in the place of the script's own last words."""
    text = script.read_text()
    head, mark, _ = text.rpartition("\nmain\nexit 0\n}")
    assert mark
    words = {"HOME": str(root), "PATH": "/usr/bin:/bin", **env}
    done = subprocess.run(["sh", "-c", f"{head}\n{line}\n}}"], capture_output=True, text=True, env=words, check=True)
    return done.stdout


@pytest.mark.req("S0-57")
def test_the_script_has_a_name_and_a_record(tmp_path: Path) -> None:
    script = make(tmp_path, FULL)
    assert script.stat().st_mode & 0o777 == 0o755
    release = sample.release(tmp_path)
    assert container_script_names(release) == (script.name,) == ("install-hello-container.sh",)
    made = load_record(record_path(release, script.name)).artifact
    assert (made.kind, made.path) == ("installer", f"installers/{script.name}")
    assert made.digests["sha256"] == hashlib.sha256(script.read_bytes()).hexdigest()


def test_steps_can_be_pickled_and_depend_on_what_decides_the_text(tmp_path: Path) -> None:
    release = sample.release(tmp_path, project=sample.project(tmp_path / "project", container=FULL))
    (step,) = plan_container_installers(release)
    assert pickle.loads(pickle.dumps(step)) == step
    assert {"install.sh.j2", "_run.sh.j2", "_say.sh.j2"} <= {path.name for path in step.inputs}
    other = replace(release, project=replace(release.project, container=replace(FULL, ports=())))
    assert plan_container_installers(other)[0].settings != step.settings


def test_there_is_none_without_linux_and_none_without_an_image(tmp_path: Path) -> None:
    release = sample.release(tmp_path)
    assert plan_container_installers(replace(release, platforms=(PLATFORMS["macos-arm64"],))) == ()
    with pytest.raises(ConfigError, match="no image"):
        plan_container_installers(release)


def texts(way: str) -> str:
    return f"mode=user image=registry.example/hello:1.2.3 want_publish=${{PUBLISH:-}} && text_of_{way}"


@pytest.mark.parametrize("way", ["compose", "quadlet", "engine"])
def test_the_files_as_they_are(way: str, tmp_path: Path) -> None:
    assert_golden(f"container-{way}", say(make(tmp_path, FULL), texts(way), tmp_path))


def test_others_may_say_which_ports(tmp_path: Path) -> None:
    said = say(make(tmp_path, FULL), texts("engine"), tmp_path, PUBLISH="80:8080,90:9091")
    assert [line for line in said.splitlines() if line.startswith("--publish")] == ["--publish=80:8080", "--publish=90:9091"]


ADDRESSES = {
    "": "http://127.0.0.1:8080/health",
    "80:8080": "http://127.0.0.1:80/health",
    "192.0.2.1:80:8080/tcp": "http://192.0.2.1:80/health",
    "0.0.0.0:80:8080": "http://127.0.0.1:80/health",
    "[::]:80:8080": "http://127.0.0.1:80/health",
    "[::1]:80:8080": "http://[::1]:80/health",
}


@pytest.mark.parametrize("published", ADDRESSES)
def test_the_page_is_asked_where_the_host_passes_it_on(published: str, tmp_path: Path) -> None:
    line = f"want_publish='{published}' && health_words"
    assert say(make(tmp_path, FULL), line, tmp_path).strip() == ADDRESSES[published]


def test_a_version_that_no_tag_can_hold(tmp_path: Path) -> None:
    script = make(tmp_path, replace(FULL, image="hello:{tag}-{version}"), "1.2.3+build.5")
    assert "\nusual_image='hello:v1.2.3-build.5-1.2.3-build.5'\n" in script.read_text()


def test_the_digest_of_an_image_that_was_made_here_is_known(tmp_path: Path) -> None:
    release = sample.release(tmp_path, project=sample.project(tmp_path / "project", container=FULL))
    name = next(name for name in image_archives(release) if name == "hello-1.2.3-linux-amd64-image.tar.gz")
    made = Artifact(kind="image", name=name, path=name, size=1, digests={"sha256": "ab" * 32}, media_type="application/x-tar")
    record(record_path(release, name), release.base, made)
    (step,) = plan_container_installers(release)
    step.run()
    assert say(step.outputs[0], "images", tmp_path) == f"{'ab' * 32}\t{name}\n"


def test_a_name_that_no_container_can_have(tmp_path: Path) -> None:
    said = say(make(tmp_path, FULL, name="c++.tool"), texts("engine"), tmp_path).splitlines()
    assert (said[1], said[-5]) == ("c---tool", "c---tool-state:/var/lib/hello")


REPOSITORIES = {
    "hello": "hello",
    "hello:1": "hello",
    "registry.example:5000/hello": "registry.example:5000/hello",
    "registry.example:5000/team/hello:1.2": "registry.example:5000/team/hello",
}


@pytest.mark.parametrize("image", REPOSITORIES)
def test_the_name_of_an_image_without_its_tag(image: str, tmp_path: Path) -> None:
    assert say(make(tmp_path, FULL), f"repository {image}", tmp_path).strip() == REPOSITORIES[image]


REFUSED = {
    "--engine rkt": "--engine cannot be rkt",
    "--way sideways": "--way cannot be sideways",
    "--nonsense": "unknown option",
    "--version=1.0": "the installer of hello 1.2.3 alone",
    "--health-timeout soon": "--health-timeout cannot be soon",
    "--publish http": "http is no list of ports",
    "--purge": "--uninstall",
}


@pytest.mark.parametrize("words", REFUSED)
def test_wrong_usage_is_told(words: str, tmp_path: Path) -> None:
    script = make(tmp_path, FULL)
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", script, "--json", *words.split()], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2
    assert REFUSED[words] in done.stderr
    assert json.loads(done.stdout)["code"] == 2
