"""Each fragment of install.sh alone, in every shell: its functions get a table of cases and are asked for their answers."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from installer_lab import EVERY_SHELL, Ran, run

from slipway.installers.options import rows
from slipway.render import render

START = "set -u\nset -f\nname=hello version=1.2.3 me=test dry_run=0 d_bin='/a b/bin' d_share=/share\n"
UTF8 = {"LC_ALL": "C.UTF-8"}
CONTEXT: dict[str, Any] = {
    "cells": [],
    "completions": ["_hello"],
    "health": (),
    "commands": ["hello"],
    "options": rows("hello"),
    "env": "HELLO",
    "script": "install.sh",
}
TEXTS = (
    "",
    "a",
    "a b",
    "it's",
    'say "hi"',
    "back\\slash\\",
    "$HOME `id` $(id)",
    "*?[a]",
    "ü€",
    "a&b;c|d",
    "-n",
    "\\n",
    "%s%%",
    "tab\there",
)

every_shell = pytest.mark.parametrize("shell", EVERY_SHELL)


def ask(shell: tuple[str, ...], fragments: str, body: str, *arguments: str, home: Path) -> str:
    """Let a shell read some fragments and run a body with arguments; returns what it printed."""
    ran = attempt(shell, fragments, body, *arguments, home=home)
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out


def attempt(shell: tuple[str, ...], fragments: str, body: str, *arguments: str, home: Path) -> Ran:
    texts = [render(f"installers/unix/_{name}.sh.j2", **CONTEXT) for name in fragments.split()]
    silent = "" if "report" in fragments else "report_json() { :; }\n"
    script = "\n".join((START, silent, *texts, body))
    return run("-c", script, "test", *arguments, shell=shell, home=home, env=UTF8)


@every_shell
def test_replace_takes_texts_as_they_are(shell: tuple[str, ...], tmp_path: Path) -> None:
    cases = [
        ("a,b,c", ",", ";"),
        ("no match", "x", "y"),
        ("", "x", "y"),
        ("aaa", "a", "aa"),
        ("a*b", "*", "?"),
        ("[x]", "[x]", "y"),
        ("a\\b\\\\c", "\\", "/"),
        ("&&", "&", "\\&"),
        ("one\ntwo\n", "\n", " "),
        ("it's", "'", "'\\''"),
        ("ünü", "ü", "ue"),
        ("%", "%", "%%"),
    ]
    body = 'while [ $# -gt 0 ]; do replace "$1" "$2" "$3"; printf "%s\\036" "$replaced"; shift 3; done'
    said = ask(shell, "say", body, *(word for case in cases for word in case), home=tmp_path)
    assert said.split("\036")[:-1] == [text.replace(old, new) for text, old, new in cases]


@every_shell
def test_quoted_and_spoken_words_are_read_back_by_a_shell(shell: tuple[str, ...], tmp_path: Path) -> None:
    words = [*TEXTS, "two\nlines"]
    body = 'for each; do quoted "$each"; eval "back=$replaced"; printf "%s\\036" "$back"; done'
    assert ask(shell, "say", body, *words, home=tmp_path).split("\036")[:-1] == words
    spoken = ask(shell, "say folders privilege", 'speak "$@"; printf %s "$spoken"', *words, home=tmp_path)
    assert shlex.split(spoken) == words


@every_shell
def test_texts_and_lists_are_json(shell: tuple[str, ...], tmp_path: Path) -> None:
    words = [*TEXTS, "two\nlines", "\r", "\033[31mred"]
    body = 'for each; do json_text "$each"; echo; done; json_list "a b$NL\\$c$NL"; echo; json_list ""'
    said = [json.loads(line) for line in ask(shell, "say report", body, *words, home=tmp_path).splitlines()]
    assert said == [*words, ["a b", "$c"], []]


@every_shell
def test_absolute_folders(shell: tuple[str, ...], tmp_path: Path) -> None:
    here = str(tmp_path)
    cases = {
        "/": None,
        "/.": None,
        "/opt/": "/opt",
        "/opt/./": "/opt",
        "/opt/a b//": "/opt/a b",
        "~": here,
        "~/x": f"{here}/x",
        "x": f"{here}/x",
        ".": here,
        "./-x": f"{here}/./-x",
        "a\tb": None,
        "a\nb": None,
    }
    body = 'for each; do (absolute "$each" 2>/dev/null && printf %s "$full"); printf "%s\\036" "$?"; done'
    said = ask(shell, "say folders", body, *cases, home=tmp_path).split("\036")[:-1]
    assert said == ["2" if full is None else f"{full}0" for full in cases.values()]


@every_shell
def test_digests_of_files_with_odd_names(shell: tuple[str, ...], tmp_path: Path) -> None:
    names = ("plain", "a b", "-n", "it's", "back\\slash")
    for name in names:
        (tmp_path / name).write_text(name)
    body = 'for each; do digest_of "./$each"; echo "$digest"; done; digest_of /nowhere 2>/dev/null; echo "$digest"'
    said = ask(shell, "say digest", body, *names, home=tmp_path).splitlines()
    assert said == [*(hashlib.sha256(name.encode()).hexdigest() for name in names), "unknown"]


@every_shell
def test_yes_and_no_in_the_environment(shell: tuple[str, ...], tmp_path: Path) -> None:
    body = 'for each; do (flag A_FLAG "$each" 2>/dev/null); printf "%s " "$?"; done'
    said = ask(shell, "say options", body, "1", "yes", "true", "on", "", "0", "no", "false", "off", "perhaps", home=tmp_path)
    assert said.split() == ["0"] * 4 + ["1"] * 5 + ["2"]


@every_shell
def test_a_block_is_added_and_cut_out_again(shell: tuple[str, ...], tmp_path: Path) -> None:
    heads = (b"", b"\n", b"export A=1", b"export A=1\n", b"a\\b\n  c\n\n", "é\n".encode(), b"# >>> hello >>>\n")
    body = """for each; do
how=appended
if ends_open "$each"; then how=joined; fi
[ -s "$each" ] || how=created
add_block $how "$each" && has_block "$each" && cp "$each" "$each.with" && cut_block $how "$each" || echo "$each"
done"""
    files = [tmp_path / f"{place}.profile" for place in range(len(heads))]
    for file, head in zip(files, heads, strict=True):
        file.write_bytes(head)
    assert ask(shell, "say folders path", body, *map(str, files), home=tmp_path) == ""
    for file, head in zip(files[1:-1], heads[1:-1], strict=True):
        assert b"PATH='/a b/bin':$PATH" in Path(f"{file}.with").read_bytes()
        assert file.read_bytes() == head
    assert not files[0].exists()


@every_shell
def test_the_mount_that_a_folder_lies_on(shell: tuple[str, ...], tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(
        "/dev/a / ext4 rw 0 0\n/dev/b /home ext4 rw,nodev 0 0\n"
        "tmpfs /home/my\\040disk tmpfs rw,noexec 0 0\n/dev/c /home ext4 rw,again 0 0\n"
    )
    body = (
        f'mount_table={shlex.quote(str(table))}\nfor each; do mount_of "$each"; printf "%s %s|" "$mounted" "$mount_options"; done'
    )
    said = ask(shell, "say preflight", body, "/", "/homes", "/home/a", "/home/my disk/b", home=tmp_path)
    assert said == "/ rw|/ rw|/home rw,again|/home/my disk rw,noexec|"


@every_shell
def test_a_failure_has_its_code_and_its_hint_and_colours_only_when_forced(shell: tuple[str, ...], tmp_path: Path) -> None:
    ran = attempt(shell, "say", 'quiet=1; say no; warn "a b"; fail $E_SPACE "no room" "make some"', home=tmp_path)
    assert (ran.code, ran.out) == (7, "")
    assert ran.err == "test: warning: a b\ntest: error: no room\n  hint: make some\n"
    coloured = attempt(shell, "say", "CLICOLOR_FORCE=1 TERM=xterm; choose_colours; fail 1 x y", home=tmp_path).err
    assert coloured == "test: \033[31merror:\033[0m x\n  \033[1mhint:\033[0m y\n"
    assert (
        "\033"
        not in attempt(shell, "say", "CLICOLOR_FORCE=1 NO_COLOR=1 TERM=xterm; choose_colours; fail 1 x y", home=tmp_path).err
    )


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", "systemd=true"),
        ("4.4.0-19041-Microsoft", "wsl.exe --set-version Debian 2"),
        ("6.1.0-13-amd64", ""),
    ],
)
def test_windows_subsystem_for_linux_is_told_how_to_have_services(tmp_path: Path, release: str, said: str) -> None:
    (tmp_path / "osrelease").write_text(f"{release}\n")
    place = shlex.quote(str(tmp_path / "osrelease"))
    body = f"kernel_release={place} services=x want_services=1 scope=none WSL_DISTRO_NAME=Debian; hint_wsl"
    answer = ask(("sh",), "say preflight", body, home=tmp_path)
    assert said in answer if said else answer == ""


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("run/ostree-booted", "", "images (ostree)"),
        ("etc/NIXOS", "", "NixOS"),
        ("etc/os-release", "NAME=SteamOS\nID=steamos\n", "SteamOS"),
        ("etc/os-release", "ID=debian\n", "--prefix DIR"),
    ],
)
def test_systems_that_keep_their_folders_closed_are_known(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(text)
    body = f"system_root={shlex.quote(str(tmp_path))}; advice_for /usr/local"
    assert said in ask(("sh",), "say folders", body, home=tmp_path)
