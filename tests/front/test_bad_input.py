"""What goes wrong for users: one clear message, the documented exit code, nothing half-made, and the next run mends it."""

from __future__ import annotations

import hashlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow
LINUX = "PLATFORMS=linux-amd64"
MINIMAL = "VARIANTS=minimal"
# Root may read and write everything; without these two capabilities it is held back by modes like everybody else.
_HELD_BACK = "-dac_override,-dac_read_search"
PLAIN = ("setpriv", f"--bounding-set={_HELD_BACK}", f"--inh-caps={_HELD_BACK}") if os.geteuid() == 0 else ()
OWN_MOUNTS = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return hello.write(tmp_path / "hello")


def doit(folder: Path, *words: str, before: tuple[str, ...] = (), **environment: str) -> Done:
    """Run doit; `before` are the words of a program that starts it."""
    return subprocess.run(
        [*before, str(hello.BIN / "doit"), *words],
        cwd=folder,
        env={**os.environ, "PATH": f"{hello.BIN}:{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def refused(done: Done, code: int, *says: str) -> None:
    """The run ended with the documented code and one message that a user can act on."""
    assert done.returncode == code, done.stderr
    for word in says:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "SLIPWAY_DEBUG" not in done.stderr, done.stderr
    assert done.stderr.count("hint: ") == 1, done.stderr


def parts(folder: Path) -> list[Path]:
    """What was begun and not finished."""
    return [path for path in folder.rglob("*") if path.is_file() and any(part.endswith(".part") for part in path.parts)]


def whole(folder: Path, *words: str) -> None:
    """Everything can be made now, and what is made is right."""
    done = doit(folder, "all", "validate-package", LINUX, *words)
    assert done.returncode == 0, done.stderr
    sums = subprocess.run(["sha256sum", "-c", "packages/checksums.sha256"], cwd=folder, capture_output=True, check=False)
    assert sums.returncode == 0
    assert not parts(folder)


def change(project: Path, old: str, new: str) -> None:
    file = project / "slipway.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("folder", ["dist", "packages", ".slipway"])
def test_a_full_disk(project: Path, folder: str) -> None:
    (project / "lib/noise").write_bytes(random.Random(1).randbytes(300_000))
    (project / folder).mkdir()
    size = "16k" if folder == ".slipway" else "128k"
    command = shlex.join([str(hello.BIN / "doit"), "create-archives", LINUX])
    script = (
        f"mount -t tmpfs -o size={size} tmpfs {folder} && {{ {command}; code=$?; find {folder} -name '*complete*'; exit $code; }}"
    )
    done = subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", script], cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    refused(done, 1, "disk is full", folder)
    assert done.stdout == ""
    whole(project)


@pytest.mark.parametrize("folder", ["dist", "packages", ".slipway", "."])
def test_a_folder_that_may_not_be_written(project: Path, folder: str) -> None:
    (project / folder).mkdir(exist_ok=True)
    (project / folder).chmod(0o555)
    done = doit(project, "create-archives", LINUX, before=PLAIN)
    (project / folder).chmod(0o755)
    refused(done, 1, "this user may not write there", str((project / folder).resolve()))
    assert not list(project.glob("packages/*"))
    assert not parts(project)
    whole(project)


@pytest.mark.parametrize("name", ["dist", "packages", ".slipway", "build.log"])
def test_something_else_of_that_name_is_in_the_way(project: Path, name: str) -> None:
    if name == "build.log":
        (project / name).mkdir()
    else:
        (project / name).write_text("mine\n")
    refused(doit(project, "create-archives", LINUX), 1, name)
    assert name == "build.log" or (project / name).read_text() == "mine\n"
    (project / name).rmdir() if name == "build.log" else (project / name).unlink()
    whole(project)


def test_an_input_that_may_not_be_read(project: Path) -> None:
    (project / "lib/greetings.txt").chmod(0)
    refused(doit(project, "create-archives", LINUX, before=PLAIN), 4, "lib/greetings.txt cannot be read")
    assert not list(project.glob("packages/*complete*"))
    (project / "lib/greetings.txt").chmod(0o644)
    whole(project)


def test_an_input_folder_that_may_not_be_read(project: Path) -> None:
    (project / "docs/user").chmod(0)
    done = doit(project, "create-archives", LINUX, before=PLAIN)
    (project / "docs/user").chmod(0o755)
    refused(done, 1, "cannot read", "docs/user")
    assert not list(project.glob("packages/*"))
    whole(project)


def test_links_that_go_round_in_circles(project: Path) -> None:
    (project / "lib/one").symlink_to("two")
    (project / "lib/two").symlink_to("one")
    (project / "lib/here").symlink_to(".")
    refused(doit(project, "create-archives", LINUX), 4, "lib/one ", "lib/two ", "lib/here ")
    assert not list(project.glob("packages/*complete*"))
    for name in ("one", "two", "here"):
        (project / "lib" / name).unlink()
    whole(project)


def test_two_components_that_put_a_file_in_one_place(project: Path) -> None:
    (project / "docs/greetings.txt").write_text("other\n")
    change(project, 'to = "share/doc/hello"', 'to = "lib/hello"')
    refused(doit(project, "create-archives", LINUX), 2, "library", "docs", "lib/hello/greetings.txt")
    assert not list(project.glob("packages/*complete*"))
    assert not (project / "dist/hello-1.2.3-linux-amd64-complete").exists()
    (project / "docs/greetings.txt").unlink()
    whole(project)


def test_two_files_that_windows_cannot_tell_apart(project: Path) -> None:
    (project / "lib/Greetings.TXT").write_text("other\n")
    refused(doit(project, "create-archives", "PLATFORMS=windows"), 2, "lib/hello/greetings.txt", "windows")
    assert not list(project.glob("packages/*complete*"))
    whole(project)


def test_two_components_that_make_one_program(project: Path) -> None:
    more = '[component.more]\nkind = "command"\npath = "src"\ncommand = ["true"]\noutputs = { "bin/hello" = "hello" }\n\n'
    change(project, "[variant.complete]", f"{more}[variant.complete]")
    refused(doit(project, "create-archives", LINUX), 2, "slipway.toml:", "hello")
    assert not (project / "dist").exists()
    change(project, more, "")
    whole(project)


def test_a_command_that_does_not_make_its_output(project: Path) -> None:
    change(project, '"bin/hello-server" = "hello-server" }', '"bin/hello-server" = "hello-daemon" }')
    refused(doit(project, "create-archives", LINUX), 1, "component programs", "hello-daemon", "component.programs.outputs")
    assert not list(project.glob("dist/platform/*/*"))
    change(project, "hello-daemon", "hello-server")
    whole(project)


@pytest.mark.parametrize("program", ["no-such-program", "./greetings.txt"])
def test_a_command_that_cannot_be_started(project: Path, program: str) -> None:
    command = 'command = ["sh", "-c", "cp hello hello-server \\"$SLIPWAY_OUT\\""]'
    change(project, command, f'command = ["{program}"]')
    (project / "src/greetings.txt").write_text("no program\n")
    refused(doit(project, "create-archives", LINUX), 1, program)
    assert not list(project.glob("dist/platform/*/*"))
    change(project, f'command = ["{program}"]', command)
    whole(project)


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_file_that_is_touched_between_layout_and_packing(project: Path, harm: str) -> None:
    assert doit(project, "dist-generate", LINUX).returncode == 0
    victim = project / "dist/hello-1.2.3-linux-amd64-complete/lib/hello/greetings.txt"
    victim.unlink() if harm == "gone" else victim.write_text("good riddance\n")
    done = doit(project, "create-archives", LINUX)
    refused(done, 4, str(victim), f"{'is gone' if harm == 'gone' else 'has changed'} since the distribution was laid out")
    assert not (project / "packages/hello-1.2.3-linux-amd64-complete.tar.gz").exists()
    assert not parts(project)
    assert doit(project, "clean-dist").returncode == 0
    whole(project)


@pytest.mark.parametrize("name", ["checksums.sha256", "SHA256SUMS", "manifest.json"])
def test_a_list_that_was_tampered_with(project: Path, name: str) -> None:
    whole(project, MINIMAL)
    file = project / "packages" / name
    data = file.read_text()
    digest = hashlib.sha256((project / "packages/hello-1.2.3-linux-amd64-minimal.tar.gz").read_bytes()).hexdigest()
    assert digest in data
    file.write_text(data.replace(digest, "0" * 64))
    named = name if name != "manifest.json" else "linux-amd64-minimal"
    refused(doit(project, "validate-package", LINUX, MINIMAL), 4, named, "doit clean-dist, then doit all")
    assert doit(project, "clean-dist").returncode == 0
    whole(project, MINIMAL)
    assert file.read_text() == data


@pytest.mark.parametrize("data", [b"not a database" * 100, b""])
def test_a_broken_memory_of_doit(project: Path, data: bytes) -> None:
    whole(project, MINIMAL)
    (project / ".slipway/doit.db").write_bytes(data)
    done = doit(project, "all", LINUX, MINIMAL)
    assert "Traceback" not in done.stderr
    if done.returncode:
        refused(done, 1, "doit.db")
        (project / ".slipway/doit.db").unlink()
    whole(project, MINIMAL)


def test_a_broken_record(project: Path) -> None:
    whole(project, MINIMAL)
    (record,) = (project / ".slipway/artifacts").glob("*.tar.gz.json")
    record.write_text("{")
    (project / "packages/manifest.json").unlink()
    done = doit(project, "all", LINUX, MINIMAL)
    refused(done, 4, str(record), f"remove {record}")
    record.unlink()
    whole(project, MINIMAL)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"latest\n", "semver"),
        (b"", "no version"),
        (b"\n1.0.0\n", "no version"),
        (b"\xff\xfe1\0", "cannot be read"),
        (None, "VERSION"),
    ],
)
def test_a_version_file_that_no_scheme_reads(project: Path, data: bytes | None, says: str) -> None:
    change(project, 'source = "value"\nvalue = "1.2.3"', 'source = "file"')
    if data is not None:
        (project / "VERSION").write_bytes(data)
    refused(doit(project, "create-archives", LINUX), 2, "VERSION", says)
    assert not (project / "dist").exists()
    (project / "VERSION").write_text("2.0.0\n")
    whole(project)
    assert (project / "packages/hello-2.0.0-linux-amd64-complete.tar.gz").is_file()


@pytest.mark.parametrize("text", ["../../etc", "1.2.3/../../x", "1.2", "1.2.3 4", "v", "1.2.3-", "$(touch x)", "-a"])
def test_a_version_that_is_none(project: Path, text: str) -> None:
    refused(doit(project, "create-archives", LINUX, f"VERSION={text}"), 2, text, "semver")
    assert not (project / "dist").exists()


@pytest.mark.parametrize("text", ["yesterday", "-1", "1e9", "12.5", "٣", "99999999999999999999", str(1 << 40)])
def test_a_time_that_is_none(project: Path, text: str) -> None:
    refused(doit(project, "create-archives", LINUX, SOURCE_DATE_EPOCH=text), 2, f"SOURCE_DATE_EPOCH={text}")
    assert not (project / "dist").exists()


@pytest.mark.parametrize("text", ["0", "1", "253402300799"])
def test_the_ends_of_time(project: Path, text: str) -> None:
    done = doit(project, "create-archives", "package-binaries", SOURCE_DATE_EPOCH=text)
    if int(text) > 1 << 32:
        refused(done, 2, f"SOURCE_DATE_EPOCH={text}")
    else:
        assert done.returncode == 0, done.stderr


def test_a_folder_with_blanks_and_other_letters(tmp_path: Path) -> None:
    project = hello.write(tmp_path / 'l\'été à 東京 $HOME "q" [x] {y} 100%')
    whole(project)
    program = project / "packages/installers/install.sh"
    for target in ("install", "uninstall"):
        done = doit(project, target, f"PREFIX={project}/my prefix", HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert (project / "my prefix/bin/hello").exists() == (target == "install")
    assert str(project).encode() not in program.read_bytes()
    assert "nothing to do" in doit(project, "all", LINUX).stderr


def test_a_name_with_dots_and_plus(tmp_path: Path) -> None:
    name = "hello.c++2"
    toml = hello.TOML.replace('name = "hello"', f'name = "{name}"')
    toml = toml.replace('"lib/hello"', f'"lib/{name}"').replace('"etc/hello"', f'"etc/{name}"')
    project = hello.write(tmp_path / "project", toml=toml)
    whole(project)
    made = {path.name for path in (project / "packages").rglob("*") if path.is_file()}
    expected = {f"{name}-1.2.3-linux-amd64-complete.tar.gz", f"install-{name}-1.2.3.sh", f"uninstall-{name}.sh"}
    assert expected <= made
    (deb, *_) = sorted((project / "packages").rglob("*.deb"))
    asked = subprocess.run(["dpkg-deb", "--field", deb, "Package"], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith(name)
    for target in ("install", "uninstall"):
        done = doit(project, target, f"PREFIX={tmp_path}/prefix", HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"prefix/lib/{name}/greetings.txt").exists() == (target == "install")


def test_a_run_that_is_killed_while_it_packs(project: Path) -> None:
    (project / "lib/noise").write_bytes(random.Random(1).randbytes(16 << 20))
    words = ["create-archives", "PLATFORMS=freebsd", "VARIANTS=complete"]
    assert doit(project, "dist-generate", *words[1:]).returncode == 0
    with subprocess.Popen([hello.BIN / "doit", *words], cwd=project, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while not parts(project / "packages") and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert [path.suffix for path in (project / "packages").iterdir()] == [".part"]
    assert doit(project, *words).returncode == 0
    archive = project / "packages/hello-1.2.3-freebsd-amd64-complete.tar.xz"
    listed = subprocess.run(["tar", "-tJf", archive], capture_output=True, text=True, check=True)
    assert f"{archive.name.removesuffix('.tar.xz')}/lib/hello/noise" in listed.stdout.splitlines()
    assert doit(project, "validate-package", *words[1:]).returncode == 0
    assert doit(project, "clean").returncode == 0
    assert not (project / "packages").exists()


TINY = '[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2021"\n'
BIN = '[[bin]]\nname = "{}"\npath = "src/main.rs"\n'
BIG = "[features]\nbig = []\n"
CARGO = """
[component.rust]
kind = "cargo"
path = "rust"
package = "tiny"
binaries = ["tiny"]
"""


def _rust(project: Path) -> Path:
    folder = project / "rust"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(TINY)
    (folder / "Cargo.lock").write_text('version = 3\n[[package]]\nname = "tiny"\nversion = "1.0.0"\n')
    (folder / "src/main.rs").write_text("fn main() {}\n")
    change(project, "[variant.complete]", f"{CARGO}\n[variant.complete]")
    return folder


@pytest.mark.parametrize(
    ("file", "text", "code", "says"),
    [
        ("Cargo.toml", "[package\n", 1, "rust/Cargo.toml"),
        ("Cargo.toml", TINY.replace("tiny", "other"), 2, "no package tiny"),
        ("Cargo.toml", TINY + BIN.format("small"), 2, "makes no binary tiny"),
        ("Cargo.toml", TINY + BIG + BIN.format("tiny") + 'required-features = ["big"]\n', 1, "tiny"),
        ("Cargo.lock", "version = 99\n", 1, "Cargo.lock"),
        ("src/main.rs", "fn main() { nonsense }\n", 1, "nonsense"),
    ],
)
def test_a_fault_in_the_rust_sources(project: Path, file: str, text: str, code: int, says: str) -> None:
    path = _rust(project) / file
    right = path.read_text()
    path.write_text(text)
    refused(doit(project, "compile-platform", LINUX), code, says)
    assert not (project / "dist/platform/linux-amd64/tiny").exists()
    path.write_text(right)
    done = doit(project, "compile-platform", LINUX)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("harm", ["the folder", "Cargo.toml"])
def test_rust_sources_that_are_not_there(project: Path, harm: str) -> None:
    folder = _rust(project)
    shutil.rmtree(folder) if harm == "the folder" else (folder / "Cargo.toml").unlink()
    refused(doit(project, "compile-platform", LINUX), 2, "rust")
    assert not (project / "dist/platform/linux-amd64/tiny").exists()
