"""The door to container engines, with a real engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.containers import Container, Engine, systemd_image
from slipway.errors import SlipwayError

pytestmark = pytest.mark.slow


def _left(engine: Engine) -> str | None:
    return engine.ask("ps", "-aq", "--filter", f"label=slipway.pid={os.getpid()}")


@pytest.mark.req("S0-61")
def test_commands_files_and_users_in_a_container(engine: Engine, base_image: str, tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/run").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "tree/deep/run").chmod(0o755)
    with Container(engine, base_image) as box:
        assert box.exec(["printf", "%s|", "a b", "$HOME"]).output == "a b|$HOME|"
        done = box.exec("cat; id -un; pwd; echo $SAID; exit 3", user="nobody", cwd="/opt", env={"SAID": "it's so"}, stdin="in\n")
        assert (done.code, done.output) == (3, "in\nnobody\n/opt\nit's so\n")
        box.copy_in(tmp_path / "tree", "/work/new")
        box.copy_in(tmp_path / "tree/deep/run", "/work/other/name")
        assert box.exec("/work/new/deep/run && /work/other/name").output == "ran\nran\n"
        with pytest.raises(SlipwayError, match="failed with exit code 5"):
            box.exec("exit 5", check=True)
        assert "lo" in box.exec("ls /sys/class/net").output.split()
    assert _left(engine) == ""


def test_container_is_removed_after_a_failure(engine: Engine, base_image: str) -> None:
    with pytest.raises(ZeroDivisionError), Container(engine, base_image) as box:
        box.exec("sleep 100 >/dev/null 2>&1 &")
        raise ZeroDivisionError
    assert _left(engine) == ""


def test_image_that_is_nowhere_is_named(engine: Engine) -> None:
    with pytest.raises(SlipwayError, match=r"registry\.invalid/none:1 for linux"):
        engine.ensure_image("registry.invalid/none:1")


@pytest.mark.req("S0-54")
def test_services_can_run_in_a_container_with_systemd(engine: Engine, base_image: str) -> None:
    image = systemd_image(engine, base_image)
    assert systemd_image(engine, base_image) == image
    service = "[Service]\nExecStart=/bin/sleep 1000\nDynamicUser=yes\nStateDirectory=hello\nProtectSystem=strict\n"
    unit = f"{service}[Install]\nWantedBy=multi-user.target\n"
    with Container(engine, image, init=True) as box:
        box.exec("cat >/etc/systemd/system/hello.service", stdin=unit, check=True)
        box.exec("systemctl daemon-reload && systemctl enable --now hello", check=True)
        assert box.exec("systemctl is-active hello").output == "active\n"
        assert int(box.exec("ps -o uid= -C sleep").output) >= 61184  # the first of systemd's dynamic users
        assert box.exec("test -d /var/lib/private/hello").code == 0
    assert _left(engine) == ""


SHARE = """
import sys
from pathlib import Path
from slipway.containers import engine
print(engine().env["DOCKER_HOST"], flush=True)
sys.stdin.read()
"""


def test_processes_share_one_engine_of_our_own_until_the_last_ends(tmp_path: Path) -> None:
    # Where an engine answers, this address hides it: docker.io's daemon is what this test starts.
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/nobody", "SLIPWAY_ENGINE": "docker"}

    def start() -> tuple[subprocess.Popen[str], str]:
        child = subprocess.Popen([sys.executable, "-c", SHARE], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        return child, child.stdout.readline().strip()

    def end(child: subprocess.Popen[str]) -> None:
        child.communicate("")
        assert child.returncode == 0

    (first, address), (second, other) = start(), start()
    assert address == other
    end(first)
    version = ["docker", "-H", address, "version"]
    assert subprocess.run(version, capture_output=True, check=False).returncode == 0
    end(second)
    third, anew = start()
    assert anew != address
    assert subprocess.run(version, capture_output=True, check=False).returncode != 0
    end(third)
