"""The texts of a Debian package: what changed, under which licence, what lintian need not say."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from debs import linux, pack
from elves import elf

import sample
from slipway.packagers.deb.copyright import alternatives
from slipway.packagers.deb.papers import changes_of
from slipway.rules import DebRules

KEPT = """\
# Changelog

## [Unreleased]

- later

## [2.1.0] - 2026-11-21

Better than [before](https://hello.example).

### Added

- A `first` thing that is so long that it has to be wrapped, since a line of a
  changelog has no more than eighty characters.
  - Within it

### Fixed
* All

## [2.0.0]

- old
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            KEPT,
            (
                "  * Better than before.",
                "  * Added:",
                "    - A `first` thing that is so long that it has to be wrapped, since a line",
                "      of a changelog has no more than eighty characters.",
                "    - Within it",
                "  * Fixed:",
                "    - All",
            ),
        ),
        ("# 2.1.0\nOne\n# 2.1.1\nTwo\n", ("  * One",)),
        ("## v2.1.0 (today)\n\n- One\n\n## Other\n", ("  * One",)),
        ("## 2.1.0-rc.1\n- no\n## 12.1.0\n- no\n## 2.1.01\n- no\n", ()),
        ("2.1.0\n- One\n", ()),
        ("## 2.1.0\n", ()),
        (
            "## 2.1.0\n- " + "x" * 200 + "\n",
            tuple(f"{'  * ' if n == 0 else '    '}{'x' * (74 if n < 2 else 52)}" for n in range(3)),
        ),
    ],
)
def test_the_changes_of_a_version(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(text)
    assert changes_of([tmp_path / "README.md", path], "2.1.0") == expected


@pytest.mark.req("S4-7")
@pytest.mark.parametrize(
    ("rules", "name", "first"),
    [
        (DebRules(), "changelog.gz", "hello (1.2.3) unstable; urgency=medium"),
        (DebRules(revision="2"), "changelog.Debian.gz", "hello (1.2.3-2) unstable; urgency=medium"),
        (DebRules(suites=("trixie",)), "changelog.Debian.gz", "hello (1.2.3-1~deb13u1) trixie; urgency=medium"),
    ],
)
def test_the_changelog_names_the_version_and_the_suite(tmp_path: Path, rules: DebRules, name: str, first: str) -> None:
    changes = tmp_path / "CHANGES"
    changes.write_text("## 1.2.3\n\n- New\n")
    files = pack(linux(tmp_path, deb=rules, documents=(changes,))).files
    assert {path for path in files if "changelog" in path} == {f"usr/share/doc/hello/{each}" for each in (name, "changelog.gz")}
    if name != "changelog.gz":
        assert gzip.decompress(files["usr/share/doc/hello/changelog.gz"][1]) == changes.read_bytes(), "the project's own"
    assert gzip.decompress(files[f"usr/share/doc/hello/{name}"][1]).decode().splitlines()[:3] == [first, "", "  * New"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", (("MIT",),)),
        ("MIT OR Apache-2.0", (("MIT",), ("Apache-2.0",))),
        ("MIT/Apache-2.0", (("MIT",), ("Apache-2.0",))),
        ("A AND (B OR C)", (("A", "B"), ("A", "C"))),
        ("(A OR B) AND (C OR D) AND A", (("A", "C"), ("A", "D"), ("B", "C", "A"), ("B", "D", "A"))),
        ("A with X or B", (("A with X",), ("B",))),
        ("", (("unnamed",),)),
        ("(((", (("unnamed",),)),
        ("MIT MIT )", (("MIT",),)),
    ],
)
def test_what_a_licence_lets_one_choose(expression: str, expected: tuple[tuple[str, ...], ...]) -> None:
    assert alternatives(expression) == expected


def test_an_exception_is_said_as_dep_5_says_it(tmp_path: Path) -> None:
    made = linux(tmp_path, license="GPL-2.0-only WITH Classpath-exception-2.0")
    said = pack(made).files["usr/share/doc/hello/copyright"][1].decode()
    paragraph = "License: GPL-2.0-only with Classpath-exception-2.0 exception\n"
    assert said.count(paragraph) == 2
    assert f"\n{paragraph} On Debian systems, the full text of this license is in\n /usr/share/common-licenses/GPL-2.\n" in said


def test_overrides_say_why(tmp_path: Path, stage_tree: object) -> None:
    assert callable(stage_tree)
    made = linux(tmp_path, services=(), deb=DebRules(revision="1", overrides={"embedded-library *": "zlib is changed"}))
    tree = {
        "bin/hello": (0o755, elf()),
        "bin/told": (0o755, b"#!/bin/sh\n"),
        "share/man/man1/told.1": (0o644, b".TH TOLD 1\n"),
        "share/hello/run.nu": (0o755, b"#!/usr/bin/env nu\n"),
        "share/doc/hello/examples/run.nu": (0o755, b"#!/usr/bin/env nu\n"),
    }
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), tree)
    said = pack(made).files["usr/share/lintian/overrides/hello"][1].decode().splitlines()
    assert [line for line in said if not line.startswith("#")] == [
        "hello: no-manual-page [usr/bin/hello]",
        "hello: example-unusual-interpreter nu [usr/share/doc/hello/examples/run.nu]",
        "hello: unusual-interpreter nu [usr/share/hello/run.nu]",
        "hello: shared-library-lacks-prerequisites [usr/bin/hello]",
        "hello: initial-upload-closes-no-bugs *",
        "hello: embedded-library *",
    ]
    assert said[-2] == "# zlib is changed"


def test_without_anything_to_override_there_is_no_file(tmp_path: Path, stage_tree: object) -> None:
    assert callable(stage_tree)
    made = linux(tmp_path, services=())
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), {"share/hello/x": (0o644, b"x")})
    assert not [name for name in pack(made).files if "lintian" in name]
