"""What [deb] may say of suites, architectures, triggers and overrides, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError
from slipway.rules import DebRules, DebSuite

Write = Callable[[str], Path]
PROJECT = '[project]\nname = "hello"\nsummary = "Greet"\n[component.hello]\nkind = "cargo"\n[deb]\n'


@pytest.mark.req("S4-25")
def test_suites_and_architectures_have_needs_of_their_own(write: Write) -> None:
    text = """\
revision = "2"
suites = ["bookworm", "trixie", "acme"]
triggers = ["activate-noawait update-hello"]
architecture-all = true
compression = "xz:9"

[deb.overrides]
"embedded-library *" = "the library is changed"

[deb.suite.trixie]
depends = ["libssl3t64"]

[deb.suite.acme]
version = "~acme3"

[deb.architecture.arm64]
depends = ["libatomic1"]
"""
    assert load_project(write(PROJECT + text)).deb == DebRules(
        revision="2",
        suites=("bookworm", "trixie", "acme"),
        triggers=("activate-noawait update-hello",),
        architecture_all=True,
        compression="xz:9",
        overrides={"embedded-library *": "the library is changed"},
        suite={"trixie": DebSuite(depends=("libssl3t64",)), "acme": DebSuite(version="~acme3")},
        architecture={"arm64": ("libatomic1",)},
    )


@pytest.mark.parametrize(
    ("text", "key", "message", "hint"),
    [
        ("revision = '1-1'", "deb.revision", "must be letters, digits", ""),
        ("suites = ['Bookworm']", "deb.suites[1]", "must be the name of a suite", ""),
        ("suites = ['bokworm']", "deb.suites[1]", "does not know the suite bokworm", "did you mean bookworm"),
        ("suites = ['trixie']\nsuite.trixie.version = 'x'", "deb.suite.trixie.version", "must be '~' or '+'", ""),
        ("suites = ['unstable', 'a']\nsuite.a.version = '~deb12u1'\nsuite.b = {}", "deb.suite.b", "not among the suites", "a"),
        ("suites = ['bookworm', 'a']\nsuite.a.version = '~deb12u1'", "deb.suites", "two suites end alike", "`version`"),
        ("architecture.arm = {}", "deb.architecture.arm", "no platform of the project has Debian's architecture arm", "amd64"),
        ("suite.a = { suggests = ['b'] }", "deb.suite.a.suggests", "unknown key", ""),
        ("triggers = ['wait /x']", "deb.triggers[1]", "must be a trigger", ""),
        ("overrides = { 'Tag' = 'why' }", "deb.overrides.Tag", "must be a tag of lintian", ""),
        ("overrides = { 'tag' = '' }", "deb.overrides.tag", "must not be empty", ""),
        ("compression = 'brotli'", "deb.compression", "'brotli' is not possible here", "gzip"),
    ],
)
def test_faults_are_named(write: Write, text: str, key: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(PROJECT + text))
    assert caught.value.key == key
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
