from __future__ import annotations

from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError

PROJECT = """\
[project]
name = "hello"
summary = "Greet"
[version]
source = "value"
value = "1.2.3"
[component.files]
kind = "tree"
path = "files"
to = ""
"""


def load(root: Path, table: str):  # type: ignore[no-untyped-def]
    (root / "files").mkdir()
    (root / "slipway.toml").write_text(f"{PROJECT}[container]\n{table}")
    return load_project(root / "slipway.toml").container


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    said = load(
        tmp_path,
        f"""\
image = "registry.example:5000/team/hello:{{version}}"
digest = "{digest}"
command = ["hello-server", "--port", "8080"]
environment = {{ HELLO_LOG = "info $x" }}
ports = ["8080", "127.0.0.1:9090:9090", "53:5353/udp", "[::1]:1:2"]
volumes = {{ state = "/var/lib/hello" }}
health-path = "/health?full=1"
health-port = 9090
health-timeout = 5
""",
    )
    assert (said.image, said.digest) == ("registry.example:5000/team/hello:{version}", digest)
    assert (said.ports[2], said.volumes["state"], said.health_port) == ("53:5353/udp", "/var/lib/hello", 9090)


FAULTS = {
    "no image": ('ports = ["80"]', "container.ports: is not read without image"),
    "a word": ('image = "hello:{verison}"', "{verison} stands for nothing"),
    "capitals": ('image = "Team/hello"', "has lower-case letters only"),
    "a digest in it": ('image = "hello@sha256:00"', "must be the name of an image"),
    "no port": ('image = "hello"\nports = ["http"]', "must be a port such as"),
    "a port beyond": ('image = "hello"\nports = ["127.0.0.1:99999:80"]', "is no port"),
    "twice": ('image = "hello"\nports = ["80", "80"]', "names '80' twice"),
    "ports of the host": ('image = "hello"\nports = ["80"]\nnetwork = "host"', "are not passed on when network is 'host'"),
    "a volume twice": ('image = "hello"\nvolumes = { a = "/x", b = "/x" }', "/x is the volume a already"),
    "a volume nowhere": ('image = "hello"\nvolumes = { a = "x" }', "must be a folder in the container"),
    "two checks": ('image = "hello"\nports = ["80"]\nhealth = ["x"]\nhealth-path = "/"', "is a second way to ask"),
    "no port to ask": ('image = "hello"\nhealth-path = "/"', "there is no port to ask"),
    "a closed port": (
        'image = "hello"\nports = ["80"]\nhealth-path = "/"\nhealth-port = 81',
        "81 is not among the ports",
    ),
    "no network": ('image = "hello"\nnetwork = "none"\nhealth-port = 80', "without a network nothing answers"),
    "a variable": ('image = "hello"\nenvironment = { "A B" = "" }', "must be the name of a variable"),
    "lines": ('image = "hello"\nenvironment = { A = "x\\ny" }', "must be one line"),
    "no time": ('image = "hello"\nhealth-timeout = 0', "must be at least 1, not 0"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_does_not_fit_is_told(case: str, tmp_path: Path) -> None:
    table, message = FAULTS[case]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, table + "\n")
    assert message in f"{caught.value.key}: {caught.value.message}"
