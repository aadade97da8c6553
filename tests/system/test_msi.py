"""Packages for Windows Installer: made by wixl, read by msitools and 7-Zip, installed under Wine."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.manifest import Manifest
from slipway.model import Cell, InstallRules, Release, Service
from slipway.packagers.msi import plan_msis
from slipway.rules import MsiRules
from slipway.verify.msi import msi_faults
from slipway.version import Version

pytestmark = pytest.mark.slow
# With two words it adds the second to the file that the first one names, and fails: nobody is to mind.
HELLO = """\
#include <stdio.h>
int main(int count, char **words) {
    if (count < 3) { printf("hello %s\\n", count > 1 ? words[1] : "world"); return 0; }
    FILE *file = fopen(words[1], "a");
    fprintf(file, "%s\\n", words[2]);
    fclose(file);
    return 7;
}
"""
# The least that a program has to do in order to be a service.
SERVER = """\
#include <windows.h>
static SERVICE_STATUS_HANDLE handle;
static SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, SERVICE_RUNNING, SERVICE_ACCEPT_STOP};
static HANDLE stop;
static void tell(DWORD state) { status.dwCurrentState = state; SetServiceStatus(handle, &status); }
static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *more) {
    if (code == SERVICE_CONTROL_STOP) { tell(SERVICE_STOP_PENDING); SetEvent(stop); }
    return NO_ERROR;
}
static void WINAPI serve(DWORD count, LPSTR *words) {
    stop = CreateEventA(0, 1, 0, 0);
    handle = RegisterServiceCtrlHandlerExA("hello-server", control, 0);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stop, INFINITE);
    tell(SERVICE_STOPPED);
}
int main(void) {
    SERVICE_TABLE_ENTRYA table[] = {{"hello-server", serve}, {0, 0}};
    return StartServiceCtrlDispatcherA(table) ? 0 : 1;
}
"""
UNINSTALL = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall"
MACHINE = r"HKLM\System\CurrentControlSet\Control\Session Manager\Environment"
SERVICE = r"HKLM\System\CurrentControlSet\Services\hello-server"


def say(*words: str | Path, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*words], capture_output=True, text=True, errors="replace", check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Real programs for Windows, by their place in the distribution."""
    folder = tmp_path_factory.mktemp("programs")
    found = {}
    for name, text in (("hello", HELLO), ("hello-server", SERVER)):
        (folder / f"{name}.c").write_text(text)
        compiler = (sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu", "-O2", "-s")
        say(*compiler, "-o", folder / f"{name}.exe", folder / f"{name}.c", "-ladvapi32")
        found[f"bin/{name}.exe"] = (folder / f"{name}.exe").read_bytes()
    return found


def stage(made: Release, cell: Cell, files: Mapping[str, bytes], *, whole: bool = False) -> Contents:
    """Lay out a distribution; these files come in the place of the sample's, or are the `whole` of it."""
    contents = sample.stage(made, cell)
    known = {} if whole else {file.path: file for file in contents.files}
    for path, data in files.items():
        place = made.staged(cell) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        known[path] = File(path=path, mode=0o644, size=len(data), sha256=sha256, md5=md5)
    contents = replace(contents, files=tuple(sorted(known.values(), key=lambda file: file.path)))
    made.contents(cell).write_bytes(contents.dump())
    return contents


def pack(root: Path, programs: Mapping[str, bytes], version: str = "2.0.5", **changes: Any) -> dict[str, Path]:
    """The packages of both variants and scopes, by what stands behind the platform in their names."""
    rules = changes.pop("msi", MsiRules(scopes=("machine", "user")))
    project = sample.project(root / "project", msi=rules, **changes)
    made = sample.release(root, project=project, version=Version(version))
    for cell in made.cells:
        if cell.platform.msi:
            stage(made, cell, programs)
    for step in plan_msis(made):
        step.run()
    return {step.outputs[0].stem.partition("-amd64-")[2]: step.outputs[0] for step in plan_msis(made)}


def table(path: Path, name: str) -> list[dict[str, str]]:
    """The rows of a table as msiinfo exports them."""
    columns, _, _, *rows = (line.split("\t") for line in say("msiinfo", "export", path, name).splitlines())
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, programs: Mapping[str, bytes]) -> Mapping[str, Path]:
    """The packages of one release."""
    return pack(tmp_path_factory.mktemp("release"), programs)


@pytest.mark.req("S0-50", "S0-54")
def test_the_tables_as_msitools_reads_them(packages: Mapping[str, Path]) -> None:
    path = packages["complete"]
    said = {row["Property"]: row["Value"] for row in table(path, "Property")}
    assert said["ProductName"] == "hello"
    assert said["ProductVersion"] == "2.0.5"
    assert said["Manufacturer"] == "Hello Makers"
    assert said["ALLUSERS"] == "1"
    assert said["ARPURLINFOABOUT"] == "https://hello.example"
    names = {row["FileName"].rpartition("|")[2] for row in table(path, "File")}
    assert names == {"hello.exe", "hello-server.exe", "hello.toml", "greetings.txt", "start.md", "README.md", "LICENSE"}
    (service,) = table(path, "ServiceInstall")
    assert service["Arguments"] == r'--config "[INSTALLDIR]etc\hello\hello.toml"'
    (control,) = table(path, "ServiceControl")
    assert int(control["Event"]) == 0x1 | 0x2 | 0x20 | 0x80
    assert [row["Name"] for row in table(path, "Environment")] == ["=-*PATH"]
    assert sorted(int(row["Attributes"]) for row in table(path, "Upgrade")) == [0x2, 0x300]
    assert sum(row["Attributes"] == str(0x100 | 0x80 | 0x10) for row in table(path, "Component")) == 1
    sequence = {row["Action"]: int(row["Sequence"]) for row in table(path, "InstallExecuteSequence")}
    assert sequence["InstallInitialize"] < sequence["RemoveExistingProducts"] < sequence["ProcessComponents"]
    summary = say("msiinfo", "suminfo", path, env={**os.environ, "TZ": "UTC"})
    assert "Template: x64;1033" in summary
    assert "Created: Thu Jan  1 00:00:00 2026" in summary


def test_a_users_package_has_no_services(packages: Mapping[str, Path]) -> None:
    path = packages["complete-user"]
    assert "ALLUSERS" not in {row["Property"] for row in table(path, "Property")}
    assert [row["Name"] for row in table(path, "Environment")] == ["=-PATH"]
    assert table(path, "ServiceInstall") == []
    # Bit 3 of the word count: no administrator is asked for.
    assert "Source: 10" in say("msiinfo", "suminfo", path)


def test_others_unpack_the_same_bytes(packages: Mapping[str, Path], programs: Mapping[str, bytes], tmp_path: Path) -> None:
    say("msiextract", "-C", tmp_path, packages["complete"])
    found = {path.relative_to(tmp_path / "hello").as_posix(): path for path in (tmp_path / "hello").rglob("*") if path.is_file()}
    assert found["bin/hello.exe"].read_bytes() == programs["bin/hello.exe"]
    assert len(found) == 7
    assert "Everything is Ok" in say("7z", "t", packages["complete"])


def test_the_same_bytes_on_another_day_in_another_folder(
    packages: Mapping[str, Path], programs: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("HOME", str(tmp_path))
    time.sleep(1.1)  # the compilers count in seconds
    before = os.umask(0o077)
    try:
        again = pack(tmp_path / "a folder" / "b", programs)
    finally:
        os.umask(before)
    assert {name: path.read_bytes() for name, path in again.items()} == {n: p.read_bytes() for n, p in packages.items()}
    assert str(tmp_path).encode() not in again["complete"].read_bytes()


def faults(path: Path, contents: Contents | None, version: str) -> list[str]:
    try:
        return list(msi_faults(path, contents, Manifest(name="hello", version=version, epoch=0, artifacts=())))
    except VerificationError as error:
        return [error.message]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("UPDATE `Component` SET `Attributes` = 256", "would be overwritten by an upgrade"),
        ("DELETE FROM `FeatureComponents` WHERE `Component_` = 'c.state'", "the component c.state belongs to no feature"),
        ("UPDATE `File` SET `FileSize` = 1 WHERE `Sequence` = 1", "and its table says 1"),
        ("UPDATE `File` SET `Sequence` = 9 WHERE `Sequence` = 1", "are not numbered"),
        ("UPDATE `Component` SET `Directory_` = 'TARGETDIR'", "is not below INSTALLDIR"),
        ("UPDATE `ServiceInstall` SET `Component_` = 'none'", "names none, which is not in Component"),
        ("UPDATE `Property` SET `Value` = '1.2' WHERE `Property` = 'ProductVersion'", "its ProductVersion is not one"),
        ("UPDATE `Property` SET `Value` = '9' WHERE `Property` = 'RELEASEVERSION'", "its release is 9, not 2.0.5"),
        ("DELETE FROM `InstallExecuteSequence` WHERE `Action` = 'StartServices'", "never runs StartServices"),
    ],
)
def test_faults_that_others_wrote_into_the_tables(packages: Mapping[str, Path], tmp_path: Path, query: str, fault: str) -> None:
    path = tmp_path / packages["complete"].name
    shutil.copy(packages["complete"], path)
    dist = packages["complete"].parents[2] / "dist"
    contents = Contents.load(dist / f"{path.stem}.contents.json")
    assert faults(path, contents, "2.0.5") == []
    say("msibuild", path, "-q", query)
    assert any(fault in each for each in faults(path, contents, "2.0.5"))


@dataclass(frozen=True)
class Windows:
    """A Windows that forgets everything with the test."""

    prefix: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", "DISPLAY": ""}

    @property
    def folder(self) -> Path:
        return self.prefix / "drive_c/Program Files/hello"

    def code(self, *words: str | Path) -> int:
        return subprocess.run(["wine", *words], env=self.environment, capture_output=True, check=False).returncode

    def ask(self, *words: str | Path) -> str:
        return say("wine", *words, env=self.environment)

    def install(self, path: Path) -> int:
        return self.code("msiexec", "/i", path, "/qn")

    def remove(self, path: Path) -> int:
        return self.code("msiexec", "/x", path, "/qn")

    def installed(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")} if self.folder.exists() else set()

    def path(self, key: str = MACHINE) -> list[str]:
        lines = [line.split(None, 2) for line in self.ask("reg", "query", key).splitlines() if line.split()[:1] == ["PATH"]]
        return [part for part in lines[0][2].strip().split(";") if part] if lines else []


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix of Wine that has just been made."""
    prefix = tmp_path_factory.mktemp("wine") / "prefix"
    environment = Windows(prefix).environment
    subprocess.run(["wineboot", "--init"], env=environment, check=True, capture_output=True)
    subprocess.run(["wineserver", "--wait"], env=environment, check=True)
    return prefix


@pytest.fixture
def windows(template: Path, tmp_path: Path) -> Iterator[Windows]:
    """A fresh copy of it."""
    subprocess.run(["cp", "-a", "--reflink=auto", template, tmp_path / "prefix"], check=True)
    found = Windows(tmp_path / "prefix")
    yield found
    subprocess.run(["wineserver", "--kill", "--wait"], env=found.environment, check=False)
    shutil.rmtree(found.prefix)


@pytest.mark.req("S0-54", "S0-58")
def test_install_upgrade_and_remove(
    packages: Mapping[str, Path], programs: Mapping[str, bytes], windows: Windows, tmp_path: Path
) -> None:
    newer = pack(tmp_path / "newer", programs, "2.1.0")
    before = windows.path()
    assert windows.install(packages["complete"]) == 0
    assert {"bin/hello.exe", "etc/hello/hello.toml", "lib/hello/greetings.txt", "share/doc/hello/LICENSE"} < windows.installed()
    assert windows.path() == [*before, r"C:\Program Files\hello\bin"]
    assert windows.ask("cmd", "/c", "hello.exe you").strip() == "hello you"
    assert "RUNNING" in windows.ask("sc", "query", "hello-server")
    said = windows.ask("reg", "query", SERVICE)
    assert r'hello-server.exe --config "C:\Program Files\hello\etc\hello\hello.toml"' in said
    assert r"HELLO_STATE=C:\ProgramData\hello" in said

    config, state = windows.folder / "etc/hello/hello.toml", windows.prefix / "drive_c/ProgramData/hello"
    config.write_text("edited")
    (state / "data").write_text("mine")
    assert windows.install(newer["complete"]) == 0
    assert config.read_text() == "edited"
    assert "RUNNING" in windows.ask("sc", "query", "hello-server")
    shown = windows.ask("reg", "query", UNINSTALL, "/s")
    assert shown.count("DisplayName") == 1
    assert "2.1.0" in shown

    assert windows.install(packages["complete"]) != 0, "a newer release is not replaced by an older one"
    assert "2.1.0" in windows.ask("reg", "query", UNINSTALL, "/s")

    assert windows.remove(newer["complete"]) == 0
    assert windows.installed() == {"etc", "etc/hello", "etc/hello/hello.toml"}
    assert config.read_text() == "edited"
    assert [path.name for path in state.iterdir()] == ["data"]
    assert windows.path() == before
    assert windows.code("reg", "query", SERVICE) != 0


def test_one_variant_takes_the_place_of_the_other(packages: Mapping[str, Path], windows: Windows) -> None:
    assert windows.install(packages["complete"]) == 0
    assert windows.install(packages["minimal"]) == 0
    assert "bin/hello.exe" in windows.installed()
    assert not {"lib", "lib/hello/greetings.txt"} & windows.installed()
    assert windows.ask("reg", "query", UNINSTALL, "/s").count("DisplayName") == 1
    assert windows.remove(packages["minimal"]) == 0
    assert windows.installed() == {"etc", "etc/hello", "etc/hello/hello.toml"}


def test_a_release_takes_the_place_of_its_candidate(programs: Mapping[str, bytes], windows: Windows, tmp_path: Path) -> None:
    for version in ("3.0.0-rc.1", "3.0.0-rc.2", "3.0.0"):
        assert windows.install(pack(tmp_path / version, programs, version, msi=MsiRules())["complete"]) == 0
        shown = windows.ask("reg", "query", UNINSTALL, "/s")
        assert shown.count("DisplayName") == 1
        assert f"Version {version}." in shown


def test_a_package_for_one_user(packages: Mapping[str, Path], windows: Windows) -> None:
    before = windows.path()
    assert windows.install(packages["complete-user"]) == 0
    (folder,) = (windows.prefix / "drive_c/users").glob("*/AppData/Local/Programs/hello")
    assert (folder / "bin/hello.exe").is_file()
    assert windows.ask("cmd", "/c", "hello.exe").strip() == "hello world"
    assert windows.path("HKCU\\Environment")[0].endswith(r"AppData\Local\Programs\hello\bin")
    assert windows.path() == before
    assert windows.remove(packages["complete-user"]) == 0
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert left == {"etc", "etc/hello", "etc/hello/hello.toml"}
    assert windows.path("HKCU\\Environment") == []
    assert windows.installed() == set()


@pytest.mark.req("S0-54")
@pytest.mark.parametrize(("name", "place"), [("complete", "ProgramData/hello"), ("complete-user", "users/*/AppData/Local/hello")])
def test_the_first_configuration_runs_once(
    programs: Mapping[str, bytes], windows: Windows, tmp_path: Path, name: str, place: str
) -> None:
    def packed(version: str) -> Path:
        install = InstallRules(configure=("hello", "{config}/made by $init^.txt", f"{{state}}/x {version}"))
        services = (Service(name="hello-server", binary="hello-server", summary="Serves", logs=True),)
        return pack(tmp_path / version, programs, version, install=install, services=services)[name]

    older, newer = packed("2.0.5"), packed("2.1.0")
    assert windows.install(older) == 0
    (made,) = (windows.prefix / "drive_c").rglob("made by $init^.txt")
    assert made.parent.parts[-2:] == ("etc", "hello")
    (line,) = made.read_text().splitlines()
    assert Path(line.removeprefix("C:").replace("\\", "/")).match(f"{place}/x 2.0.5")
    if name == "complete":
        assert (windows.prefix / "drive_c/ProgramData/hello/logs").is_dir()
    assert windows.install(newer) == 0
    assert len(made.read_text().splitlines()) == 1
    assert windows.remove(newer) == 0
    assert windows.install(newer) == 0
    assert "2.1.0" in made.read_text().splitlines()[1]


ODD = (
    "a b.txt",
    "ä ö ü.txt",
    "日本語 😀.txt",
    "$(env.HOME).txt",
    "$$x$y^5e;",
    "[b]r{a}ck.txt",
    "o'q.txt",
    "am&p;%PATH%.txt",
    "n" * 200 + ".txt",
    ".hidden",
    "a.b.c.d",
    "+x,=;.t t",
)


def test_odd_names_and_texts(programs: Mapping[str, bytes], windows: Windows, tmp_path: Path) -> None:
    texts = {"maintainer": "Größe & 日本 <a@b.example>", "summary": 'Grüßt <"alle"> $(env.HOME) \'s ^ [x] {y}', "services": ()}
    project = sample.project(tmp_path / "project", msi=MsiRules(icon="hello.ico"), **texts)
    (project.root / "hello.ico").write_bytes(b"\0\0\1\0\0\0")
    made = sample.release(tmp_path, project=project)
    cell = sample.cell(made, "windows-amd64-complete")
    files = {**programs, "lib/empty": b"", **{f"lib/hello/{name}": name.encode() for name in ODD}}
    contents = stage(made, cell, files, whole=True)
    step = plan_msis(made)[0]
    step.run()
    assert faults(step.outputs[0], contents, "1.2.3") == []
    said = {row["Property"]: row["Value"] for row in table(step.outputs[0], "Property")}
    assert said["Manufacturer"] == "Größe & 日本"
    assert said["ARPCOMMENTS"] == f"{texts['summary']}. Version 1.2.3."
    assert said["ARPPRODUCTICON"] == "product.ico"
    assert windows.install(step.outputs[0]) == 0
    assert {path: (windows.folder / path).read_bytes() for path in files} == files
    assert windows.remove(step.outputs[0]) == 0
    assert windows.installed() == set()


def test_five_thousand_files(programs: Mapping[str, bytes], tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", services=()))
    cell = sample.cell(made, "windows-amd64-complete")
    files = {f"lib/hello/{at % 50}/file number {at}.txt": b"%d\n" % at for at in range(5000)}
    contents = stage(made, cell, files, whole=True)
    step = plan_msis(made)[0]
    begun = time.monotonic()
    step.run()
    assert time.monotonic() - begun < 60
    assert faults(step.outputs[0], contents, "1.2.3") == []


def test_a_package_whose_list_of_sectors_does_not_fit_its_header(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", services=()))
    cell = sample.cell(made, "windows-amd64-complete")
    contents = stage(made, cell, {"lib/big": random.Random(1).randbytes(9_000_000)}, whole=True)
    step = plan_msis(made)[0]
    step.run()
    path = step.outputs[0]
    assert faults(path, contents, "1.2.3") == []
    assert "Created: Thu Jan  1 00:00:00 2026" in say("msiinfo", "suminfo", path, env={**os.environ, "TZ": "UTC"})
    data = bytearray(path.read_bytes())
    data[5_000_000] ^= 1
    path.write_bytes(data)
    assert "another checksum" in faults(path, contents, "1.2.3")[0]


def test_a_signed_package_is_still_the_same(packages: Mapping[str, Path], tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=Hello Makers")
    say("openssl", "req", "-x509", *made)
    path = tmp_path / packages["complete"].name
    say("osslsigncode", "sign", "-certs", certificate, "-key", key, "-in", packages["complete"], "-out", path)
    dist = packages["complete"].parents[2] / "dist"
    assert faults(path, Contents.load(dist / f"{path.stem}.contents.json"), "2.0.5") == []


def test_a_file_that_changed_since_it_was_staged(programs: Mapping[str, bytes], tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    cell = sample.cell(made, "windows-amd64-complete")
    stage(made, cell, programs)
    (made.staged(cell) / "bin/hello.exe").write_bytes(b"other")
    step = plan_msis(made)[0]
    with pytest.raises(VerificationError, match="has changed"):
        step.run()
    assert not [path for path in made.paths.packages.rglob("*") if path.is_file()]
