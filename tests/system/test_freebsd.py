"""FreeBSD packages as others see them: libarchive, which pkg is built on, shells, shellcheck, and a real FreeBSD program."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from freebsds import freebsd, hold, pack

from slipway.model import InstallRules, Service
from slipway.rules import FreebsdRules

pytestmark = pytest.mark.slow
SHELLS = ("dash", "busybox sh", "mksh", "bash --posix")


def say(*words: str | Path, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run([*words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("compression", ["zstd", "xz"])
def test_libarchive_lists_and_unpacks_it(tmp_path: Path, compression: str) -> None:
    made = freebsd(tmp_path, freebsd=FreebsdRules(compression=compression))
    long = f"lib/hello/{'x' * 200}/grüße {'y' * 90}"
    hold(made, long, 0o640, b"long\n")
    found = pack(made)
    env = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
    lines = say("bsdtar", "-tvPf", found.path, env=env).splitlines()
    assert lines[2].split(None, 4)[:4] == ["-rwxr-xr-x", "0", "root", "wheel"]
    assert [line.split(None, 8)[8].rstrip("/") for line in lines] == found.names
    assert f"/usr/local/{long}" in found.names
    (tmp_path / "root").mkdir()
    say("bsdtar", "-xpf", found.path, "-C", tmp_path / "root", env=env)
    for name, facts in json.loads((tmp_path / "root/+MANIFEST").read_bytes())["files"].items():
        file = tmp_path / "root" / name.replace("%c3%bc%c3%9f", "üß")[1:]
        assert facts["sum"] == f"1${hashlib.sha256(file.read_bytes()).hexdigest()}"
        assert facts["perm"] == f"{file.stat().st_mode & 0o7777:04o}"


def services() -> tuple[Service, ...]:
    """Two services: one with everything that a script can hold, one with nothing."""
    odd = {"HELLO_GREETING": "it's $HOME"}
    full = Service(
        name="hello-server",
        binary="hello-server",
        summary='It\'s a "server"',
        arguments=("--config", "{config}/hello.toml", "two words"),
        environment=odd,
        after=("postgresql",),
    )
    return full, replace(full, name="hello", arguments=(), environment={}, user="root", state=False, after=())


def test_shells_and_shellcheck_find_nothing_in_the_scripts(tmp_path: Path) -> None:
    found = pack(freebsd(tmp_path, services=services(), install=InstallRules(configure=("hello", "it's", "{config}"))))
    texts = {name: "#!/bin/sh\n" + found.script(name) for name in found.whole["scripts"]}
    texts |= {Path(name).name: data.decode() for name, (_, data) in found.members.items() if "/rc.d/" in name}
    assert set(texts) == {"pre-install", "post-install", "pre-deinstall", "hello_server", "hello"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        # Words are quoted twice: rc.subr evaluates them once more. That such quotes look odd is only worth an info.
        say("shellcheck", "--shell=sh", "--severity=warning", tmp_path / name)
        for shell in SHELLS:
            say(*shell.split(), "-n", tmp_path / name)


def test_a_real_program_says_which_freebsd_it_needs(tmp_path: Path) -> None:
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
    say(sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-freebsd", "-O2", "-s", source, "-o", tmp_path / "program")
    made = freebsd(tmp_path, services=())
    hold(made, "bin/hello", 0o755, (tmp_path / "program").read_bytes())
    whole = pack(made).whole
    assert (whole["abi"], whole["arch"]) == ("FreeBSD:14:amd64", "freebsd:14:x86:64")
    assert whole["annotations"] == {"FreeBSD_version": "1400000"}
    assert "shlibs_required" not in whole
