"""The first configuration in the scripts of packages: once, at a first installation, and never a reason to fail."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import debs
import freebsds
import pytest
import rpmfile

import sample
from slipway.model import InstallRules
from slipway.packagers.rpm import plan_rpms
from slipway.platforms import PLATFORMS

CONFIGURE = ("hello", "init", "{config}/it's.toml")


def of_deb(root: Path, **changes: Any) -> str:
    return debs.pack(debs.linux(root, **changes)).control.get("postinst", b"").decode()


def of_rpm(root: Path, **changes: Any) -> str:
    made = sample.release(root, project=sample.project(root / "project", platforms=(PLATFORMS["linux-amd64"],), **changes))
    sample.stage(made, made.cells[0])
    step = plan_rpms(made)[0]
    step.run()
    with rpmfile.open(str(step.outputs[0])) as file:
        return str(file.headers.get("postin", b"").decode())


def of_freebsd(root: Path, **changes: Any) -> str:
    scripts = freebsds.pack(freebsds.freebsd(root, **changes)).whole.get("scripts", {})
    return unquote(scripts.get("post-install", ""))


# Its script, what it is called with the first time, and then: words and variables of the environment.
FORMATS: dict[str, tuple[Callable[..., str], tuple[str, ...], tuple[str, ...], dict[str, str]]] = {
    "deb": (of_deb, ("configure", ""), ("configure", "1.2.2"), {}),
    "rpm": (of_rpm, ("1",), ("2",), {}),
    "freebsd": (of_freebsd, ("hello-1.2.3",), ("hello-1.2.3",), {"PKG_UPGRADE": "true"}),
}


def run(script: str, program: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a program of ours in the place of the package's."""
    text = re.sub(r"'/usr/(local/)?bin/hello'", str(program), script)
    # Where the sample of a configuration would be copied is no place for a test.
    text = re.sub(r"^configure '.*$", "", text, flags=re.MULTILINE)
    env = {"PATH": "/nowhere", **variables}
    return subprocess.run(["/bin/sh", "-s", *words], input=text, env=env, capture_output=True, text=True, check=False)


@pytest.mark.req("S0-54")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("code", [0, 7])
def test_it_runs_at_a_first_installation_alone(tmp_path: Path, name: str, code: int) -> None:
    make, first, later, variables = FORMATS[name]
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/said\nread -r answer && exit 1\nexit {code}\n')
    program.chmod(0o755)
    script = make(tmp_path, install=InstallRules(configure=CONFIGURE), services=())
    done = run(script, program, *first)
    assert done.returncode == 0, done.stderr
    config = "/usr/local/etc/hello" if name == "freebsd" else "/etc/hello"
    assert (tmp_path / "said").read_text() == f"init\n{config}/it's.toml\n"
    assert ("hello: the first configuration failed; run it again: /usr/" in done.stderr) == bool(code)
    assert run(script, program, *later, **variables).returncode == 0
    assert (tmp_path / "said").read_text() == f"init\n{config}/it's.toml\n"


@pytest.mark.parametrize("name", FORMATS)
def test_another_root_and_a_variant_without_the_program_go_without_it(tmp_path: Path, name: str) -> None:
    make, first, _, _ = FORMATS[name]
    script = make(tmp_path / "a", install=InstallRules(configure=("other", "init")), services=())
    assert "first configuration" not in script
    if name != "rpm":  # rpm changes its root before a scriptlet runs.
        script = make(tmp_path / "b", install=InstallRules(configure=CONFIGURE), services=())
        variable = {"deb": "DPKG_ROOT", "freebsd": "PKG_ROOTDIR"}[name]
        done = run(script, tmp_path / "missing", *first, **{variable: str(tmp_path)})
        assert (done.returncode, done.stderr) == (0, "")


def purge(script: bytes, root: Path, action: str = "purge") -> None:
    subprocess.run(["/bin/sh", "-s", action], input=script, env={"DPKG_ROOT": str(root), "PATH": "/bin"}, check=True)


@pytest.mark.parametrize(("configure", "gone"), [(CONFIGURE, True), ((), False)])
def test_a_purge_takes_what_it_may_have_made(tmp_path: Path, configure: tuple[str, ...], gone: bool) -> None:
    deb = debs.pack(debs.linux(tmp_path, install=InstallRules(configure=configure), services=()))
    made = tmp_path / "root/etc/hello/it's.toml"
    made.parent.mkdir(parents=True)
    made.touch()
    for action in ("remove", "purge"):
        purge(deb.control.get("postrm", b""), tmp_path / "root", action)
        assert made.exists() != (gone and action == "purge")


def test_a_purge_leaves_what_another_variant_uses(tmp_path: Path) -> None:
    deb = debs.pack(debs.linux(tmp_path, install=InstallRules(configure=CONFIGURE), services=()))
    for path in ("etc/hello/mine", "usr/bin/hello"):
        (tmp_path / "root" / path).parent.mkdir(parents=True)
        (tmp_path / "root" / path).touch()
    purge(deb.control["postrm"], tmp_path / "root")
    assert (tmp_path / "root/etc/hello/mine").exists()
