"""Tables that say where files come from that were built elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components import CargoComponent, CommandComponent, Prebuilt, PrebuiltComponent
from slipway.config.load import load_project
from slipway.errors import ConfigError

Write = Callable[[str], Path]
DIGEST = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
START = """\
[project]
name = "hello"
summary = "Greet"
[component.hello]
kind = "cargo"
"""
TABLE = "[component.hello.prebuilt.macos-arm64]"


def test_sources_are_read_for_every_kind_and_any_name_of_a_platform(write: Write, root: Path) -> None:
    text = f"""
[component.hello.prebuilt.darwin-arm64]
source = "ci/{{version}}"
[component.made]
kind = "command"
command = ["make"]
outputs = {{ "lib/x.so" = "x.so" }}
prebuilt.linux-amd64 = {{ source = "x.zip", sha256 = "{DIGEST}", files = {{ "lib/x.so" = "**/x-{{arch}}.so" }} }}
[component.helper]
kind = "prebuilt"
prebuilt.linux-amd64 = {{ source = "http://localhost:8000/helper", sha256 = "{DIGEST.upper()}" }}
"""
    hello, made, helper = load_project(write(START + text)).components
    assert isinstance(hello, CargoComponent)
    assert hello.prebuilt == {"macos-arm64": Prebuilt(source="ci/{version}")}
    assert isinstance(made, CommandComponent)
    assert made.prebuilt["linux-amd64"].files == {"lib/x.so": "**/x-{arch}.so"}
    assert isinstance(helper, PrebuiltComponent)
    assert (helper.binaries, helper.programs, helper.path) == (("helper",), ("helper",), root)


CASES = {
    "no source": (f"{TABLE}\nfiles = {{ hello = 'x' }}", 6, f"{TABLE[1:-1]}.source", "is missing", "A folder, an archive"),
    "unknown key": (f"{TABLE}\nsource = 'x'\nsha = ''", 8, f"{TABLE[1:-1]}.sha", "unknown key", "did you mean sha256?"),
    "a text": ("prebuilt.macos-arm64 = 'x'", 6, "component.hello.prebuilt.macos-arm64", "must be a table", ""),
    "digest": (f"{TABLE}\nsource = 'x'\nsha256 = 'abc'", 8, f"{TABLE[1:-1]}.sha256", "must be 64 hexadecimal digits", ""),
    "url without a digest": (f"{TABLE}\nsource = 'https://a.example/x'", 6, TABLE[1:-1], "sha256 is missing", "sha256sum"),
    "archive without a digest": (f"{TABLE}\nsource = 'x-{{tag}}.tar.gz'", 6, TABLE[1:-1], "sha256 is missing", "sha256sum"),
    "http": (
        f"{TABLE}\nsource = 'http://me:secret@a.example/x?token=1'\nsha256 = '{DIGEST}'",
        7,
        f"{TABLE[1:-1]}.source",
        "http://a.example/x?… is refused",
        "https://",
    ),
    "another scheme": (f"{TABLE}\nsource = 's3://x/y'\nsha256 = '{DIGEST}'", 7, f"{TABLE[1:-1]}.source", "is refused", "https"),
    "no such binary": (
        f"{TABLE}\nsource = 'x'\nfiles = {{ helo = 'y' }}",
        8,
        f"{TABLE[1:-1]}.files.helo",
        "the component makes nothing that is called 'helo'",
        "did you mean hello?",
    ),
    "unknown word": (
        f"{TABLE}\nsource = 'x-{{verson}}'",
        7,
        f"{TABLE[1:-1]}.source",
        "{verson} stands for nothing",
        "did you mean version?",
    ),
    "unknown word in a pattern": (
        f"{TABLE}\nsource = 'x'\nfiles = {{ hello = '{{out}}/x' }}",
        8,
        f"{TABLE[1:-1]}.files.hello",
        "{out} stands for nothing",
        "known here: version",
    ),
    "unknown platform": (
        "[component.hello.prebuilt.macos-arm46]\nsource = 'x'",
        6,
        "component.hello.prebuilt.macos-arm46",
        "unknown platform",
        "macos-arm64",
    ),
    "platform twice": (
        f"{TABLE}\nsource = 'x'\n[component.hello.prebuilt.darwin-arm64]\nsource = 'y'",
        8,
        "component.hello.prebuilt.darwin-arm64",
        "are the same platform",
        "leave one",
    ),
    "kind without sources": (
        "[component.helper]\nkind = 'prebuilt'",
        6,
        "component.helper.prebuilt",
        "is missing",
        "Where the binaries",
    ),
    "kind with empty sources": (
        "[component.helper]\nkind = 'prebuilt'\nprebuilt = {}",
        8,
        "component.helper.prebuilt",
        "must not be empty",
        "",
    ),
    "a tree cannot be prebuilt": (
        "[component.a]\nkind = 'tree'\npath = 'docs'\nto = ''\n[component.a.prebuilt.linux-amd64]\nsource = 'x'",
        10,
        "component.a.prebuilt",
        "unknown key",
        "",
    ),
    "binary twice": (
        "[component.b]\nkind = 'prebuilt'\nbinaries = ['hello']\nprebuilt.linux-amd64.source = 'x'",
        8,
        "component.b.binaries",
        "also made by component hello",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_names_its_line_and_key_and_says_what_to_do(write: Write, case: str) -> None:
    text, line, key, message, hint = CASES[case]
    file = write(START + text)
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    error = caught.value
    assert (error.file, error.line, error.key) == (file, line, key), str(error)
    assert message in error.message
    assert hint in (error.hint or "")
    assert "secret" not in str(error)
