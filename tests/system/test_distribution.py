"""Real installs in clean containers: sound packages pass, every kind of fault is caught and named."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import packed
import pytest
from installer_lab import machine, make

import sample
from slipway.containers import Container, Engine
from slipway.errors import VerificationError
from slipway.files import cache_dir
from slipway.model import Cell, Release, TestRules
from slipway.verify import bench
from slipway.verify.distribution import plan_tests
from slipway.verify.snapshot import compare
from slipway.verify.watch import Watch

pytestmark = pytest.mark.slow
CELL = "linux-amd64-complete"
RULES: dict[str, Any] = {"bootstrap": "bookworm", "basic": ("hello",), "integration": ("test -f data/name && touch $HOME/seen",)}


def build(tmp_path: Path, cell: str = CELL, **tests: Any) -> tuple[Release, Cell]:
    files = tmp_path / "tests"
    (files / "data").mkdir(parents=True)
    (files / "data/name").write_text("world\n")
    rules = TestRules(**(RULES | {"complete": ("test -f $HOME/seen", "hello $SLIPWAY_VARIANT"), "files": files} | tests))
    made = packed.release(tmp_path, tests=rules)
    found = sample.cell(made, cell)
    packed.pack(made, found)
    return made, found


def run(made: Release, cell: Cell, **options: Any) -> dict[str, Any]:
    """Run the test of one cell; returns the report whether it failed or not, with the error's text."""
    (step,) = (step for step in plan_tests(made, **options) if step.key == cell.id)
    error = ""
    try:
        step.run()
    except VerificationError as caught:
        error = str(caught)
    (output,) = step.outputs
    failed = output.with_suffix(".failed.json")
    assert output.exists() != failed.exists()
    assert failed.exists() == bool(error)
    return {**json.loads((failed if error else output).read_bytes()), "error": error}


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in report["checks"]}


@pytest.mark.req("S0-11", "S0-21", "S0-60", "S0-61")
def test_sound_packages_pass_every_way_of_installing(engine: Engine, base_image: str, tmp_path: Path) -> None:
    made, cell = build(tmp_path)
    deb = packed.pack_deb(made, cell)
    report = run(made, cell)
    assert report["error"] == ""
    assert report["how"] == "container"
    found = outcomes(report)
    assert set(found.values()) == {"passed"}
    for way in ("install.sh", "install.sh --user", deb.name):
        assert {f"{way}: installs", f"{way}: files", f"{way}: version", f"{way}: nothing remains"} <= found.keys()
    for way in ("install.sh", deb.name):
        assert f"{way}: complete: hello $SLIPWAY_VARIANT" in found
    assert {"install.sh: a dry run changes nothing", "install.sh: an upgrade to itself"} <= found.keys()
    assert {"install.sh: a second time", "install.sh: receipt", "install.sh --user: nothing outside the home"} <= found.keys()


@pytest.mark.req("S0-38")
def test_other_variant_and_chosen_levels(engine: Engine, base_image: str, tmp_path: Path) -> None:
    made, cell = build(tmp_path, "linux-amd64-minimal", variants={"minimal": ("basic",)}, integration=("false",))
    report = run(made, cell, levels=("basic", "integration"))
    assert report["error"] == ""
    found = outcomes(report)
    assert found["install.sh: basic: hello"] == "passed"
    assert found["install.sh: integration"] == "skipped"
    assert not any("complete" in name for name in found if not name.startswith(("record", "archive")))


@pytest.mark.req("S0-21", "S0-65")
def test_the_version_before_is_come_back_to_where_it_lies_beside(engine: Engine, base_image: str, tmp_path: Path) -> None:
    changes = {"bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.2.2\n")}
    rules = TestRules(bootstrap="bookworm", basic=("hello",))
    before = make(tmp_path / "before", "1.2.2", files=changes, tests=rules)
    kit = make(tmp_path / "now", tests=rules)
    for path in (before.archive(), *before.release.paths.installers.glob("install-hello-*.sh")):
        target = kit.release.paths.packages / path.relative_to(before.release.paths.packages)
        shutil.copy(path, target)
    report = run(kit.release, sample.cell(kit.release, f"{machine()}-complete"))
    assert report["error"] == ""
    found = outcomes(report)
    assert found["install.sh: back to the version before"] == "passed"
    assert found["install.sh --user: back to the version before"] == "passed"
    assert found["install.sh: nothing remains"] == "passed"


FAULTS = {
    "a file left behind": ("install", "set -eu\n", "set -eu\ntouch /var/tmp/forgotten\n", "left behind: /var/tmp/forgotten"),
    "a wrong mode": (
        "install",
        'cp -p "$tree',
        'chmod 600 "$tree/$file"; cp -p "$tree',
        "hello.toml has the mode 0600 and not 0644",
    ),
    "changed contents": (
        "install",
        'cp -p "$tree',
        'echo more >>"$tree/$file"; cp -p "$tree',
        "other contents than lib/hello/greetings.txt",
    ),
    "a file not installed": ("install", "| sort)", "| sort | grep -v greet)", "/usr/local/lib/hello/greetings.txt is missing"),
    "no receipt": ("install", 'cat "$list" >"$receipt"', 'cat "$list" >/work/receipt', "left no receipt"),
    "a second run that fails": ("install", 'echo "nothing to do" && exit', "exit 7", "failed with exit code 7"),
    "a dry run that does something": (
        "install",
        "--dry-run) exit ;;",
        "--dry-run) mkdir -p /opt/rehearsed && exit ;;",
        "/opt/rehearsed",
    ),
    "an upgrade that is refused": ("install", "--dry-run) exit ;;", "--dry-run) exit ;; --upgrade) exit 6 ;;", "exit code 6"),
    "another's file changed": (
        "install",
        "set -eu\n",
        "set -eu\n[ ! -w / ] || echo >>/etc/profile\n",
        "changed: /etc/profile (contents)",
    ),
    "a command that is not on PATH": (
        "install",
        "./bin/*",
        "./bin/hello) to=$prefix/sbin/hello ;; ./bin/*",
        "hello is not on PATH",
    ),
    "an uninstaller that fails": ("uninstall", "set -eu\n", "set -eu\nexit 3\n", "failed with exit code 3"),
    "too much removed": ("uninstall", "set -eu\n", "set -eu\nrm -f /etc/issue.net\n", "lost: /etc/issue.net (file)"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.req("S0-60", "S0-61")
def test_faults_of_installers_are_caught(fault: str, engine: Engine, base_image: str, tmp_path: Path) -> None:
    which, old, new, said = FAULTS[fault]
    texts = {"install": packed.INSTALL, "uninstall": packed.UNINSTALL}
    assert old in texts[which]
    made, cell = build(tmp_path)
    packed.write_installers(made, **(texts | {which: texts[which].replace(old, new)}))
    report = run(made, cell, levels=("basic",))
    assert said in report["error"]
    assert engine.ask("ps", "-aq", "--filter", f"label=slipway.pid={os.getpid()}") == ""


@pytest.mark.req("S0-60")
def test_failing_level_is_named_with_its_command_and_output(engine: Engine, base_image: str, tmp_path: Path) -> None:
    made, cell = build(tmp_path, complete=("hello first", "echo no server >&2; exit 9"))
    error = run(made, cell)["error"]
    assert "install.sh: complete: echo no server >&2; exit 9" in error
    assert "exit code 9\n    no server" in error
    assert "hello first" not in error


@pytest.mark.req("S0-61")
def test_a_command_that_hangs_is_stopped_and_the_rest_goes_on(
    engine: Engine, base_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LIMIT", 3.0)
    made, cell = build(tmp_path, basic=("echo begun; sleep 4321",), integration=("! grep -lz '[4]321' /proc/[0-9]*/cmdline",))
    report = run(made, cell)
    found = outcomes(report)
    assert found["install.sh: basic: echo begun; sleep 4321"] == "failed"
    assert "still ran after 3 seconds and was stopped" in report["error"]
    assert found["install.sh: integration: ! grep -lz '[4]321' /proc/[0-9]*/cmdline"] == "passed"
    assert found["install.sh: nothing remains"] == "passed"


def test_traces_of_a_debian_package_are_caught(engine: Engine, base_image: str, tmp_path: Path) -> None:
    made, cell = build(tmp_path)
    deb = packed.pack_deb(made, cell, afterwards="mkdir /opt/hello-cache")
    error = run(made, cell, levels=("basic",))["error"]
    assert f"{deb.name}: nothing remains: left behind: /opt/hello-cache (folder)" in error
    assert "install.sh" not in error


@pytest.mark.req("S0-38")
def test_container_is_kept_and_named_when_cleanup_is_off(
    engine: Engine, base_image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, cell = build(tmp_path, basic=("false",))
    report = run(made, cell, levels=("basic",), cleanup=False)
    said = capsys.readouterr().err
    name = said.partition("kept the container ")[2].partition(";")[0]
    try:
        assert "basic: false" in report["error"]
        assert engine.ask("inspect", "--format", "{{.State.Running}}", name) == "true"
        assert f"exec -it {name} sh" in said
    finally:
        engine.run("rm", "-f", name)
        if engine.home is not None:
            (engine.home / "keep").unlink()


HIDE = (
    "touch -r /etc/issue /work/old; tr a-z A-Z </etc/issue >/work/new; cat /work/new >/etc/issue; touch -r /work/old /etc/issue"
)
CHANGES = (
    HIDE,
    "mkdir /opt/some && ln -s x /opt/some/link",
    "chmod 600 /etc/profile",
    "chown 7:7 /etc/profile",
    "rm -r /etc/skel",
)


@pytest.mark.req("S0-61")
def test_looks_that_read_only_changes_see_what_whole_exports_see(engine: Engine, base_image: str) -> None:
    with Container(engine, base_image) as quick, Container(engine, base_image) as whole:
        whole.exec("rm /usr/bin/find", check=True)
        watches = (Watch(quick), Watch(whole))
        before = [watch.look() for watch in watches]
        for box in (quick, whole):
            box.exec("; ".join(CHANGES), check=True)
        found, exported = (compare(old, watch.look()) for old, watch in zip(before, watches, strict=True))
    assert found == exported
    assert "changed: /etc/issue (contents)" in found
    assert "left behind: /opt/some/link (link)" in found
    assert "changed: /etc/profile (mode 0644 became 0600, owner 0:0 became 7:7)" in found
    assert "lost: /etc/skel (folder)" in found


KILLED = """
import sys
from pathlib import Path
import packed, sample
from slipway.model import TestRules
from slipway.verify.distribution import plan_tests
made = packed.release(Path(sys.argv[1]), tests=TestRules(bootstrap="bookworm", basic=("touch /work/reached; sleep 100",)))
packed.pack(made, sample.cell(made, "linux-amd64-complete"))
next(step for step in plan_tests(made, levels=("basic",)) if step.key == "linux-amd64-complete").run()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ended_run_leaves_neither_container_nor_engine(how: int, engine: Engine, base_image: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    if (images := cache_dir() / "images").is_dir():
        (cache / "slipway").mkdir(parents=True)
        (cache / "slipway/images").symlink_to(images)
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(Path(packed.__file__).parent)}
    child = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "work"], env=env, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: _sleeps(cache), 120)
    finally:
        child.send_signal(how)
    assert child.wait(30) != 0
    _wait(lambda: not _sleeps(cache) and not _processes(str(cache)), 30)
    assert engine.ask("ps", "-aq", "--filter", f"label=slipway.pid={child.pid}") == ""


def _sleeps(cache: Path) -> bool:
    return bool(_processes("touch /work/reached"))


def _processes(words: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and KILLED.splitlines()[1] not in line:
            found.append(line)
    return found


def _wait(ready: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.1)
