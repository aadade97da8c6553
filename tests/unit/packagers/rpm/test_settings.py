"""What slipway.toml may say in [rpm]."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError
from slipway.rules import RpmRules

START = """\
[project]
name = "hello"
summary = "Greet"
[component.hello]
kind = "command"
command = ["true"]
outputs = { "bin/hello" = "hello" }
[rpm]
"""


def load(tmp_path: Path, text: str) -> RpmRules:
    (tmp_path / "VERSION").write_text("1.0.0\n")
    file = tmp_path / "slipway.toml"
    file.write_text(f"{START}{text}\n[version]\nsource = 'file'\n")
    return load_project(file).rpm


def test_everything_is_read(tmp_path: Path) -> None:
    text = """\
package = "Hello_tool"
release = "2.el9"
epoch = 1
requires = ["ca-certificates", "openssl-libs >= 1:3.0", "perl(Foo::Bar)", "/usr/sbin/useradd", "libssl.so.3()(64bit)"]
provides = ["greeter = 1.0-1"]
capabilities = { "bin/hello" = "cap_net_bind_service,cap_net_raw=ep cap_sys_nice+i" }
compression = "xz:9"
"""
    rules = load(tmp_path, text)
    assert rules.requires[1] == "openssl-libs >= 1:3.0"
    assert rules.capabilities == {"bin/hello": "cap_net_bind_service,cap_net_raw=ep cap_sys_nice+i"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('package = "a b"', "must be letters, digits"),
        ('release = "1-2"', "must be a release such as"),
        ('release = ""', "must be a release such as"),
        ("epoch = -1", "rpm.epoch"),
        ('requires = ["a > "]', "must be a relation such as"),
        ('requires = ["a, b"]', "must be a relation such as"),
        ('requires = ["a>=1"]', "must be a relation such as"),
        ('requires = ["a\\nb"]', "must be a relation such as"),
        ('capabilities = { "bin/hello" = "everything" }', "must be capabilities such as"),
        ('capabilities = { "bin/hallo" = "cap_chown=ep" }', "no component makes bin/hallo"),
        ('capabilities = { "README.md" = "cap_chown=ep" }', "README.md is no program"),
        ('compression = "lzma"', "'lzma' is not possible here"),
    ],
)
def test_what_rpm_would_not_understand_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, text)
