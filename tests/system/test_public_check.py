"""What is published is installed by its own address in a clean container, before anybody is led to it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from installer_lab import machine, make

from slipway.actions.action import State
from slipway.actions.site import Site
from slipway.actions.store import Content, Pointed
from slipway.containers import Container, Engine
from slipway.environments import DirStore, Environment
from slipway.errors import VerificationError
from slipway.installers.online import online_scripts
from slipway.model import InstallRules, TestRules
from slipway.publish.dir import Folder
from slipway.verify.public import plan_public
from slipway.verify.public.install import PublicInstall

pytestmark = pytest.mark.slow
ELSEWHERE = InstallRules(health=("hello", "--version"), download_url="https://hello.invalid/releases/{tag}")


@dataclass
class Published:
    """A release in a folder, with its address; nobody serves it."""

    site: Site
    folder: Path
    url: str
    contents: list[Content]
    check: PublicInstall


def publish(root: Path, port: int, version: str = "1.2.3", **changes: Any) -> Published:
    kit = make(root, version, **{"install": ELSEWHERE, "tests": TestRules(bootstrap="bookworm"), **changes})
    paths, url = kit.release.paths, f"http://127.0.0.1:{port}"
    folder = Folder(DirStore(name="site", url=url), root / "published")
    made = online_scripts(kit.release, f"{url}/{{tag}}", paths.state / "online/local/site")
    files = (*paths.packages.glob("*.tar.gz"), *paths.installers.iterdir(), *made)
    contents = [put(folder, paths.root, path, f"v{version}") for path in files]
    site = Site(environment="local", root=root, outputs=paths.root, stores={"site": folder})
    found = plan_public(kit.release, Environment(name="local"), site.stores, {"site": contents})
    (check,) = (each for each in found if isinstance(each, PublicInstall))
    return Published(site, folder.root, url, contents, check)


def put(folder: Folder, outputs: Path, path: Path, tag: str) -> Content:
    content = Content(
        name=f"{tag}/{path.name}",
        path=path.relative_to(outputs).as_posix(),
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        media_type="application/octet-stream",
    )
    folder.put(content, path, lambda _: None)
    return content


@pytest.mark.req("S0-11", "S2-11")
def test_what_installs_passes_and_is_not_tried_again(engine: Engine, base_image: str, tmp_path: Path) -> None:
    made = publish(tmp_path, 18431)
    assert made.check.architectures == ("amd64", "arm64")
    assert made.check.script.file == "online-install.sh"
    assert made.check.probe(made.site).state is State.ABSENT
    made.site.done[made.check.key] = made.check.apply(made.site)
    assert made.check.probe(made.site).state is State.SAME
    (made.folder / made.check.script.name).write_bytes(b"#!/bin/sh\n")
    made.site.refresh()
    assert made.check.probe(made.site).state is State.ABSENT


# what somebody does to the published folder, and what is said of it
FAULTS = {
    "another archive": ("sha256 of",),
    "no archive": ("could not be downloaded",),
    "a script that does nothing": ("hello --version",),
    "a script that fails": ("exit code 9",),
    "half a script": (),
    "a web page in place of the script": (),
    "no script": ("online-install.sh",),
    "a program that is of another version": ("says of itself", "1.2.2"),
    "a program that does not run": ("exit code 1", "nothing is installed"),
}


def spoil(made: Published, case: str) -> None:
    archive = made.folder / f"v1.2.3/hello-1.2.3-{machine()}-complete.tar.gz"
    script = made.folder / made.check.script.name
    match case:
        case "another archive":
            archive.write_bytes(archive.read_bytes()[::-1])
        case "no archive":
            archive.unlink()
        case "a script that does nothing":
            script.write_text("#!/bin/sh\nexit 0\n")
        case "a script that fails":
            script.write_text("#!/bin/sh\necho no luck\nexit 9\n")
        case "half a script":
            script.write_bytes(script.read_bytes()[:20000])
        case "a web page in place of the script":
            script.write_text("<!DOCTYPE html>\n<html><body>Not found</body></html>\n")
        case "no script":
            script.unlink()


@pytest.mark.parametrize("case", FAULTS)
def test_what_does_not_install_is_found(engine: Engine, base_image: str, tmp_path: Path, case: str) -> None:
    said = {"a program that is of another version": "echo hello 1.2.2", "a program that does not run": "echo oh; exit 3"}
    files = {"bin/hello": (0o755, f"#!/bin/sh\n{said[case]}\n")} if case in said else {}
    made = publish(tmp_path, 18432, files=files)
    spoil(made, case)
    kind = VerificationError if case not in ("no archive", "no script") else Exception
    with pytest.raises(kind) as caught:
        made.check.apply(made.site)
    assert "hint: " in str(caught.value)
    for word in FAULTS[case]:
        assert word in str(caught.value), caught.value


def test_a_machine_that_cannot_run_the_release_is_told_so_before_anything_is_written(engine: Engine, tmp_path: Path) -> None:
    made = publish(tmp_path, 18434)
    check = replace(made.check, architectures=("s390x",), image="localhost/no-such-image:none", bootstrap="")
    probe = check.probe(made.site)
    assert "could not be tried: the image localhost/no-such-image:none for linux/s390x is not here" in probe.refusal
    assert probe.hint


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """`python -m http.server`, as anybody would serve a folder."""
    folder = tmp_path / "published"
    folder.mkdir()
    words = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "18433", "--directory", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(["curl", "-fs", "-o", "/dev/null", "http://127.0.0.1:18433/"], check=False).returncode == 0:
                break
            time.sleep(0.1)
        yield folder, "http://127.0.0.1:18433"
    finally:
        server.terminate()
        server.wait()


@pytest.mark.req("S0-11")
def test_the_line_at_the_top_installs_what_it_leads_to(
    engine: Engine, base_image: str, tmp_path: Path, web: tuple[Path, str]
) -> None:
    """Two versions, the pointer moved forward and back: the same line installs the one, then the other."""
    folder, url = web
    older = {"bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.2.2\n")}
    made = [
        publish(tmp_path / "before", 18433, "1.2.2", files=older),
        publish(tmp_path / "now", 18433),
    ]
    for each in made:
        for content in each.contents:
            target = folder / content.name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((each.folder / content.name).read_bytes())
    store, said = Folder(DirStore(name="site", url=url), folder), []
    for version in ("1.2.2", "1.2.3", "1.2.2"):
        to = Pointed(target=f"v{version}/online-install.sh", version=version)
        store.point("install.sh", "copy", to, store.pointed("install.sh", "copy"))
        said.append(installed(engine, base_image, f"{url}/install.sh"))
    assert said == ["hello --version 1.2.2", "hello --version 1.2.3", "hello --version 1.2.2"]


def installed(engine: Engine, image: str, url: str) -> str:
    """What the program says of itself in a clean container, once the documented line has installed it."""
    with Container(engine, image, network="host") as box:
        box.exec("apt-get update -qq && apt-get install -y -qq --no-install-recommends curl", check=True)
        done = box.exec(f"curl -fsSL {url} | sh && hello --version")
        assert done.code == 0, done.output
        return done.output.strip().splitlines()[-1]
