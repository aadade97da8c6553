"""RPM packages as rpm's world sees them: rpm, rpmlint, gpg's signatures, and a system on which rpm and dnf install them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rpm_host import rpm_image

import sample
from slipway.components import CommandComponent, TreeComponent
from slipway.containers import Container, Engine
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.model import InstallRules, Release, Service, Variant
from slipway.packagers.rpm import plan_rpms
from slipway.packagers.rpm.items import listed
from slipway.platforms import PLATFORMS
from slipway.rules import RpmRules, SignRules
from slipway.verify.rpm import rpm_faults
from slipway.verify.snapshot import PACKAGE_MANAGER, compare
from slipway.verify.watch import Watch
from slipway.version import Version

pytestmark = pytest.mark.slow
OLD, NEW = "2.0.5", "2.1.0"
# What rpm and dnf keep for themselves, and what systemd makes for itself.
OWN = (
    *PACKAGE_MANAGER,
    *("/var/lib/rpm", "/var/lib/dnf", "/var/cache", "/root", "/etc/.pwd.lock", "/var/tmp", "/tmp"),
    *("/var/lib/private", "/var/lib/systemd", "/etc/machine-id"),
)
# With two words it adds the second to the file that the first one names, and fails: nobody is to mind.
PROGRAM = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    if (strstr(words[0], "hello-")) { for (;;) pause(); }
    if (count == 3) {
        FILE *file = fopen(words[1], "a");
        fprintf(file, "%s\\n", words[2]);
        return 7;
    }
    printf("hello %s\\n", VERSION);
    return 0;
}
"""
SERVICES = (
    Service(name="hello-server", binary="hello-server", summary="Greets over the network", state=False),
    Service(name="hello-worker", binary="hello-worker", summary="Works", user="greeter"),
)
VARIANTS = (
    Variant(name="complete", components=("programs", "worker", "files")),
    Variant(name="minimal", components=("programs", "files")),
)
Tree = dict[str, tuple[int, bytes]]


def say(*words: str | Path, code: int = 0, **options: Any) -> str:
    done = subprocess.run([*words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == code, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A program of each version, compiled as distributions do."""
    folder, made = tmp_path_factory.mktemp("programs"), {}
    (folder / "hello.c").write_text(PROGRAM)
    for version in (OLD, NEW):
        flags = ("-O2", "-s", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", f'-DVERSION="{version}"')
        say("cc", *flags, "-o", folder / version, folder / "hello.c")
        made[version] = (folder / version).read_bytes()
    return made


def tree_of(version: str, program: bytes) -> Tree:
    manual = ".TH {0} {1}\n.SH NAME\n{0} \\- greet\n"
    return {
        "bin/hello": (0o755, program),
        "bin/hello-server": (0o755, program),
        "bin/hello-worker": (0o755, program),
        "lib/hello/greetings.txt": (0o644, b"good morning\n"),
        "share/man/man1/hello.1": (0o644, manual.format("hello", 1).encode()),
        "share/man/man8/hello-server.8": (0o644, manual.format("hello-server", 8).encode()),
        "share/man/man8/hello-worker.8": (0o644, manual.format("hello-worker", 8).encode()),
        "share/hello/a 'quoted' größe": (0o644, b"x"),
        "etc/hello/hello.toml": (0o644, f"# Change me.\nmade-for = '{version}'\n".encode()),
        "README.md": (0o644, b"# hello\n"),
        "LICENSE": (0o644, b"Apache-2.0\n"),
    }


def release(root: Path, version: str, **changes: Any) -> Release:
    outputs = {"bin/hello": "hello", "bin/hello-server": "hello-server"}
    parts = (
        CommandComponent(name="programs", path=root, command=("true",), outputs=outputs),
        CommandComponent(name="worker", path=root, command=("true",), outputs={"bin/hello-worker": "hello-worker"}),
        TreeComponent(name="files", path=root, to=""),
    )
    values = {"components": parts, "variants": VARIANTS, "services": SERVICES} | changes
    made = sample.release(root, project=sample.project(root / "project", **values), version=Version(version))
    return replace(made, platforms=(PLATFORMS["linux-amd64"],))


def stage(made: Release, variant: str, tree: Tree) -> None:
    cell = next(cell for cell in made.cells if cell.variant.name == variant)
    files = []
    for name, (mode, data) in sorted(tree.items()):
        path = made.staged(cell) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        files.append(File(path=name, mode=mode, size=len(data), sha256=sha256, md5=md5))
    contents = Contents(name=made.name_of(cell), platform=cell.platform.id, variant=variant, files=tuple(files))
    made.contents(cell).parent.mkdir(parents=True, exist_ok=True)
    made.contents(cell).write_bytes(contents.dump())


def pack(root: Path, version: str, program: bytes, **changes: Any) -> dict[str, Path]:
    """The packages of both variants, by variant."""
    made, tree = release(root, version, **changes), tree_of(version, program)
    stage(made, "complete", tree)
    stage(made, "minimal", {name: value for name, value in tree.items() if "worker" not in name})
    for step in plan_rpms(made):
        step.run()
    return {step.key.removesuffix(".rpm").rpartition("-")[2]: step.outputs[0] for step in plan_rpms(made)}


@pytest.mark.req("S0-50", "S0-61")
@pytest.mark.parametrize("codec", ["gzip", "xz", "zstd"])
def test_rpm_reads_exactly_what_was_written(tmp_path: Path, programs: dict[str, bytes], codec: str) -> None:
    rules = RpmRules(compression=codec, epoch=3, capabilities={"bin/hello": "cap_net_bind_service=ep"})
    path = pack(tmp_path, NEW, programs[NEW], rpm=rules)["complete"]
    said = say("rpm", "-Kv", "--dbpath", tmp_path / "db", path)
    assert said.count(": OK") == 4, said
    rows = [line.rsplit(" ", 10) for line in say("rpm", "-qp", "--dump", path).splitlines()]
    found = {name: (int(size), digest, mode, config, doc) for name, size, _, digest, mode, _, _, config, doc, _, _ in rows}
    assert {(time, owner, group) for _, _, time, _, _, owner, group, *_ in rows} == {(str(sample.EPOCH), "root", "root")}
    for name, (mode, data) in tree_of(NEW, programs[NEW]).items():
        place = f"/{name}" if name.startswith("etc/") else f"/usr/{name}"
        if name.startswith(("bin/", "lib/", "share/hello", "etc/")):
            config = "1" if place.startswith("/etc/") else "0"
            assert found[place] == (len(data), hashlib.sha256(data).hexdigest(), f"0100{mode:03o}", config, "0")
    assert {
        "/usr/share/man/man1/hello.1.gz",
        "/usr/share/licenses/hello/LICENSE",
        "/usr/share/doc/hello/README.md",
    } < found.keys()
    assert say("rpm", "-qp", "--licensefiles", path) == "/usr/share/licenses/hello/LICENSE\n"
    assert say("rpm", "-qp", "--qf", "[%{FILENAMES}=%{FILECAPS}\n]", path).count("=cap_net_bind_service=ep\n") == 1
    assert say("rpm", "-qp", "--qf", "%{EVR} %{BUILDHOST} %{BUILDTIME}", path) == f"3:2.1.0-1 reproducible {sample.EPOCH}"
    needs = say("rpm", "-qp", "--requires", path).splitlines()
    program = tmp_path / "out/dist/hello-2.1.0-linux-amd64-complete/bin/hello"
    own = sorted(say("/usr/lib/rpm/elfdeps", "-R", program).split())
    assert [line for line in needs if line.startswith(("libc.so", "rtld"))] == own


@pytest.mark.parametrize("codec", ["gzip", "xz", "zstd"])
def test_others_unpack_it(tmp_path: Path, programs: dict[str, bytes], codec: str) -> None:
    path = pack(tmp_path, NEW, programs[NEW], rpm=RpmRules(compression=codec))["complete"]
    (tmp_path / "there").mkdir()
    archive = subprocess.run(["rpm2cpio", path], capture_output=True, check=True).stdout
    subprocess.run(["cpio", "-id", "--quiet"], input=archive, cwd=tmp_path / "there", check=True)
    assert (tmp_path / "there/usr/bin/hello").read_bytes() == programs[NEW]
    assert say(tmp_path / "there/usr/bin/hello") == "hello 2.1.0\n"


def keyed(home: Path, kind: str) -> tuple[str, Path]:
    """A new key: its fingerprint, and the public key's file."""
    env = {**os.environ, "GNUPGHOME": str(home)}
    home.mkdir(mode=0o700)
    words = ("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    say(*words, "--quick-gen-key", "Hello Makers <makers@hello.example>", kind, "sign", "1y", env=env)
    listed = say("gpg", "--list-keys", "--with-colons", env=env).splitlines()
    fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
    public = home / "public.asc"
    public.write_text(say("gpg", "--armor", "--export", fingerprint, env=env))
    return fingerprint, public


@dataclass(frozen=True)
class Signed:
    """A key and packages that it signed."""

    public: Path
    packages: dict[str, dict[str, Path]]


@pytest.fixture(scope="module", params=["ed25519", "rsa3072"])
def signed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, programs: dict[str, bytes]
) -> Iterator[Signed]:
    yield from signed_with(request.param, tmp_path_factory.mktemp("signed"), programs)


def signed_with(kind: str, root: Path, programs: dict[str, bytes]) -> Iterator[Signed]:
    home = root / "gnupg"
    fingerprint, public = keyed(home, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(home))
        rules = {"sign": SignRules(gpg=fingerprint), "rpm": RpmRules(capabilities={"bin/hello": "cap_net_bind_service=ep"})}
        made = {version: pack(root / version, version, programs[version], **rules) for version in (OLD, NEW)}
    yield Signed(public, made)
    subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": str(home)}, check=False)


@pytest.mark.req("S0-51")
def test_rpm_accepts_the_signature_and_no_other_package_under_it(tmp_path: Path, signed: Signed) -> None:
    path, database = signed.packages[NEW]["complete"], ("--dbpath", str(tmp_path / "db"))
    assert "SIGNATURES NOT OK" in say("rpm", *database, "-K", path, code=1), "nobody trusts a key that was not imported"
    say("rpm", *database, "--import", signed.public)
    assert say("rpm", *database, "-K", path) == f"{path}: digests signatures OK\n"
    assert "Header V4 " in say("rpm", *database, "-Kv", path)
    assert list(rpm_faults(path, None, None)) == []
    data = path.read_bytes()
    for place in (data.index(b"Greet whoever asks"), len(data) - 100):
        other = tmp_path / path.name
        other.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert "NOT OK" in say("rpm", *database, "-K", other, code=1)


def test_rpmlint_finds_no_error(tmp_path: Path, signed: Signed) -> None:
    # Here rpm and what asks it keep what they know below the user's folder.
    env = {**os.environ, "HOME": str(tmp_path)}
    say("rpm", "--import", signed.public, env=env)
    for path in signed.packages[NEW].values():
        assert "0 errors" in say("rpmlint", path, env=env)


def test_a_ghost_belongs_to_the_package_and_is_not_in_it(
    tmp_path: Path, programs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = listed
    monkeypatch.setattr("slipway.packagers.rpm.listed", lambda files, **more: plain(files, ("/var/log/hello/hello.log",), **more))
    path = pack(tmp_path, NEW, programs[NEW])["complete"]
    said = say("rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", path).splitlines()
    assert {"/var/log/hello ", "/var/log/hello/hello.log g"} < set(said)
    assert found(path) == []


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=20)


@settings(max_examples=12, deadline=None)
@given(
    names=st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=6, unique=True),
    data=st.binary(max_size=60),
)
def test_rpm_finds_every_name(tmp_path_factory: pytest.TempPathFactory, names: list[str], data: bytes) -> None:
    root = tmp_path_factory.mktemp("names")
    made = release(root, NEW, services=())
    stage(made, "complete", {f"share/hello/{name}": (0o644, data) for name in names})
    step = plan_rpms(made)[0]
    step.run()
    listed = say("rpm", "-qp", "--qf", "[%{FILENAMES}\n]", step.outputs[0]).splitlines()
    assert {f"/usr/share/hello/{name}" for name in names} < set(listed)
    assert say("rpm", "-K", "--dbpath", root / "db", step.outputs[0]).endswith(": digests OK\n")
    shutil.rmtree(root)


@pytest.mark.parametrize("seed", range(6))
def test_what_rpm_refuses_the_reader_refuses(tmp_path: Path, programs: dict[str, bytes], seed: int) -> None:
    path = pack(tmp_path, NEW, programs[NEW])["minimal"]
    data, other = path.read_bytes(), tmp_path / path.name
    for step in range(8):
        place = (seed * 8 + step) * 97 % 4000 if step % 2 else (seed * 8 + step) * 7919 % len(data)
        other.write_bytes(data[:place] + bytes([data[place] ^ 1 << seed]) + data[place + 1 :])
        done = subprocess.run(["rpm", "-K", "--dbpath", tmp_path / "db", other], capture_output=True, text=True, check=False)
        if done.returncode:
            assert found(other), f"rpm says: {done.stdout}{done.stderr}"


def found(path: Path) -> list[str]:
    try:
        return list(rpm_faults(path, None, None))
    except VerificationError as error:
        return [error.message]


SPEC = """Name: other
Version: 1.0
Release: 2
Summary: Somebody else's package
License: MIT
Source0: other
%description
It has all that slipway's own have not.
%install
mkdir -p %{buildroot}/etc %{buildroot}/usr/bin %{buildroot}/var/log %{buildroot}/usr/lib/other
echo one >%{buildroot}/etc/other.conf
printf '#!/bin/sh\n' >%{buildroot}/usr/bin/other
ln %{buildroot}/usr/bin/other %{buildroot}/usr/bin/another
ln -s other %{buildroot}/usr/bin/link
touch %{buildroot}/var/log/other.log
mkfifo %{buildroot}/usr/lib/other/fifo
%post
echo installed
%files
%config(noreplace) /etc/other.conf
%attr(4755, root, daemon) /usr/bin/other
/usr/bin/another
/usr/bin/link
/usr/lib/other
%ghost /var/log/other.log
"""


@pytest.mark.parametrize("compression", ["w9.gzdio", "w6.xzdio", "w19.zstdio"])
def test_packages_of_rpm_itself_have_no_faults_until_they_are_damaged(tmp_path: Path, compression: str) -> None:
    (tmp_path / "other.spec").write_text(SPEC)
    defined = {"_topdir": tmp_path, "_sourcedir": tmp_path, "_binary_payload": compression, "_build_id_links": "none"}
    words = [word for name, value in defined.items() for word in ("--define", f"{name} {value}")]
    (tmp_path / "other").touch()
    say("rpmbuild", "-bb", "--quiet", *words, tmp_path / "other.spec")
    (path,) = tmp_path.glob("RPMS/*/*.rpm")
    assert found(path) == []
    data = path.read_bytes()
    for place in range(len(data) - 300, len(data), 23):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert found(path), f"a flipped bit in byte {place}"
    path.write_bytes(data[:-1])
    assert found(path)


@dataclass(frozen=True)
class System:
    """A system with rpm and dnf on which the packages of both versions lie in a repository."""

    box: Container
    watch: Watch

    def do(self, command: str, code: int = 0) -> str:
        done = self.box.exec(command)
        assert done.code == code, f"{command}: {done.code}\n{done.output}\n{self.box.exec('journalctl -n 30 --no-pager').output}"
        return done.output

    def state(self, service: str) -> tuple[str, str]:
        """Whether a service is enabled, and whether it runs."""
        return tuple(self.box.exec(f"systemctl {ask} {service}").output.split("\n")[0] for ask in ("is-enabled", "is-active"))  # type: ignore[return-value]


REPOSITORY = """[hello]
name=hello
baseurl=file:///srv/repo
gpgcheck=1
gpgkey=file:///srv/key.asc
"""


@pytest.fixture
def system(
    engine: Engine, base_image: str, tmp_path_factory: pytest.TempPathFactory, programs: dict[str, bytes]
) -> Iterator[System]:
    (signed,) = [*signed_with("ed25519", tmp_path_factory.mktemp("system"), programs)]
    with Container(engine, rpm_image(engine, base_image), init=True) as box:
        for paths in signed.packages.values():
            for path in paths.values():
                box.copy_in(path, f"/srv/repo/{path.name}")
        box.copy_in(signed.public, "/srv/key.asc")
        box.exec("createrepo_c -q /srv/repo && rpm --import /srv/key.asc", check=True)
        box.exec(["tee", "/etc/yum.repos.d/hello.repo"], stdin=REPOSITORY, check=True)
        yield System(box, Watch(box))


FILE = "/srv/repo/hello-{}-1.x86_64.rpm"


@pytest.mark.req("S0-50", "S0-54", "S0-58")
def test_the_life_of_a_package_with_rpm(system: System) -> None:
    before = system.watch.look()
    assert system.do(f"rpm --force-debian -i {FILE.format(OLD)}") == ""
    assert system.do("hello") == "hello 2.0.5\n"
    assert system.do("rpm -V hello") == ""
    assert system.do("getcap /usr/bin/hello") == "/usr/bin/hello cap_net_bind_service=ep\n"
    assert system.state("hello-server") == ("disabled", "inactive"), "the system's presets decide, and they say no"
    assert system.do("getent passwd greeter").split(":")[5:] == ["/var/lib/hello", "/usr/sbin/nologin\n"]
    system.do("systemctl enable --now hello-server hello-worker 2>/dev/null")
    pid = system.do("systemctl show -P MainPID hello-server")
    system.do("echo '# mine' >>/etc/hello/hello.toml && touch /var/lib/hello/data")

    assert "rpmnew" in system.do(f"rpm --force-debian -U {FILE.format(NEW)}")
    assert system.do("hello") == "hello 2.1.0\n"
    assert system.do("tail -n 1 /etc/hello/hello.toml") == "# mine\n"
    assert "2.1.0" in system.do("cat /etc/hello/hello.toml.rpmnew")
    assert system.state("hello-server") == system.state("hello-worker") == ("enabled", "active")
    assert system.do("systemctl show -P MainPID hello-server") != pid, "what runs is the new version"
    system.do("rm /etc/hello/hello.toml.rpmnew && systemctl stop hello-worker")

    assert "which is newer" in system.do(f"rpm --force-debian -U {FILE.format(OLD)}", code=2)
    system.do(f"rpm --force-debian -U --oldpackage {FILE.format(OLD)}")
    assert system.do("hello") == "hello 2.0.5\n"
    assert system.state("hello-worker") == ("enabled", "inactive"), "what was stopped stays stopped"
    system.do("rm /etc/hello/hello.toml.rpmnew")

    assert "rpmsave" in system.do("rpm -e hello")
    assert system.do("systemctl --failed --no-legend; systemctl list-units --all --no-legend 'hello*'") == ""
    assert system.do("ls /proc/*/exe -l 2>/dev/null | grep hello || :") == ""
    left = set(compare(before, system.watch.look(), OWN))
    kept = (
        "/etc/hello (folder)",
        "/etc/hello/hello.toml.rpmsave (file)",
        "/var/lib/hello (folder)",
        "/var/lib/hello/data (file)",
    )
    assert left == {f"left behind: {each}" for each in kept}


@pytest.mark.req("S0-54", "S0-58")
def test_the_life_of_a_package_with_dnf(system: System) -> None:
    before = system.watch.look()
    system.do("dnf -y -q install hello-2.0.5")
    assert system.do("rpm -q hello") == "hello-2.0.5-1.x86_64\n"
    system.do("systemctl enable --now hello-server hello-worker 2>/dev/null")
    system.do("dnf -y -q upgrade")
    assert system.do("rpm -q hello; rpm -V hello") == "hello-2.1.0-1.x86_64\n", "an upgrade never changes the variant"
    system.do("dnf -y -q downgrade hello")
    assert system.do("hello") == "hello 2.0.5\n"
    assert system.state("hello-server") == ("enabled", "active")
    system.do("dnf -y -q remove hello")
    assert compare(before, system.watch.look(), OWN) == ()
    assert system.do("rpm -qa") == "base-system-12-1.noarch\ngpg-pubkey" + system.do("rpm -qa").partition("gpg-pubkey")[2]


@pytest.mark.req("S0-4", "S0-58")
def test_variants_are_swapped_with_their_services(system: System) -> None:
    before = system.watch.look()
    system.do("dnf -y -q install hello && systemctl enable --now hello-server hello-worker 2>/dev/null")
    system.do("echo '# mine' >>/etc/hello/hello.toml")
    assert "conflicts with" in system.do("rpm --force-debian -i /srv/repo/hello-minimal-2.1.0-1.x86_64.rpm 2>&1", code=1)
    system.do("dnf -y -q swap hello hello-minimal")
    assert "hello-minimal-2.1.0-1.x86_64" in system.do("rpm -qa")
    assert system.do("tail -n 1 /etc/hello/hello.toml") == "# mine\n"
    assert system.state("hello-server") == ("enabled", "active"), "the other variant serves it now"
    assert system.state("hello-worker")[1] == "inactive"
    assert system.do("ls /etc/systemd/system/multi-user.target.wants | grep hello") == "hello-server.service\n"
    system.do("systemctl disable --now hello-server && dnf -y -q swap hello-minimal hello")
    assert system.state("hello-server") == ("disabled", "inactive"), "what was switched off stays off"
    system.do("rpm -V hello", code=1)
    system.do("dnf -y -q remove hello && rm -r /etc/hello")
    assert compare(before, system.watch.look(), OWN) == ()


WAITING = (
    Service(name="hello-server", binary="hello-server", summary="Answers", user="greeter", sockets=("/run/hello",), state=False),
    Service(name="hello-sweeper", binary="hello", summary="Sweeps", user="greeter", schedule="daily", logs=True, state=False),
)


@pytest.mark.req("S0-54", "S0-58")
def test_what_waits_for_a_caller_or_its_time_and_what_is_configured_once(
    system: System, tmp_path: Path, programs: dict[str, bytes]
) -> None:
    install, files = InstallRules(configure=("hello", "{config}/made", "in {config}")), {}
    for version in (OLD, NEW):
        files[version] = pack(tmp_path / version, version, programs[version], services=WAITING, install=install)["complete"]
        system.box.copy_in(files[version], f"/work/{version}.rpm")
    before = system.watch.look()
    said = system.do(f"rpm --force-debian --nosignature -i /work/{OLD}.rpm 2>&1")
    assert "hello: the first configuration failed; run it again: /usr/bin/hello /etc/hello/made in /etc/hello" in said
    assert system.do("cat /etc/hello/made") == "in /etc/hello\n"
    assert system.do("stat -c %U /var/log/hello") == "greeter\n"
    assert system.state("hello-server.socket") == system.state("hello-sweeper.timer") == ("disabled", "inactive")
    system.do("systemctl enable --now hello-server.socket hello-sweeper.timer && systemctl start hello-server hello-sweeper")
    pid = system.do("systemctl show -P MainPID hello-server")
    system.do(f"rpm --force-debian --nosignature -U /work/{NEW}.rpm")
    assert system.do("systemctl show -P MainPID hello-server") != pid
    for unit in ("hello-server.socket", "hello-sweeper.timer"):
        assert system.state(unit) == ("enabled", "active")
    assert system.do("cat /etc/hello/made") == "in /etc/hello\n"
    system.do("rpm -e hello && rm -r /etc/hello")
    assert system.do("systemctl --failed --no-legend; systemctl list-units --all --no-legend 'hello*'") == ""
    assert compare(before, system.watch.look(), OWN) == ()


HELPER = """#!/bin/sh
echo "$@" >>/root/asked
case "$1" in
install-system-units) shift && systemctl --no-reload preset "$@" ;;
remove-system-units) shift && systemctl --no-reload disable --now "$@" ;;
mark-restart-system-units) shift && systemctl try-restart "$@" ;;
esac
exit 1
"""


def test_the_systems_own_helper_is_asked_where_there_is_one(system: System) -> None:
    system.box.exec(["tee", "/usr/lib/systemd/systemd-update-helper"], stdin=HELPER, check=True)
    system.do("chmod +x /usr/lib/systemd/systemd-update-helper")
    system.do(f"rpm --force-debian -i {FILE.format(OLD)} && systemctl enable --now hello-server")
    pid = system.do("systemctl show -P MainPID hello-server")
    system.do(f"rpm --force-debian -U {FILE.format(NEW)}")
    assert system.state("hello-server") == ("enabled", "active")
    assert system.do("systemctl show -P MainPID hello-server") != pid
    system.do("rpm -e hello")
    units = "hello-server.service hello-worker.service"
    asked = [f"{verb}-system-units {units}\n" for verb in ("install", "mark-restart", "remove")]
    assert system.do("cat /root/asked") == "".join(asked)
    assert (
        system.do(
            "systemctl list-units --all --no-legend 'hello*'; ls /etc/systemd/system/multi-user.target.wants | grep hello || :"
        )
        == ""
    )


def test_an_unsigned_or_damaged_package_is_not_installed(system: System, tmp_path: Path, programs: dict[str, bytes]) -> None:
    path = pack(tmp_path, "2.2.0", programs[NEW])["complete"]
    system.box.copy_in(path, f"/srv/repo/{path.name}")
    system.do("createrepo_c -q /srv/repo")
    assert "not signed" in system.do("dnf -y -q install hello 2>&1", code=1)
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)
    system.box.copy_in(path, "/root/damaged.rpm")
    assert "BAD" in system.do("rpm --force-debian -i /root/damaged.rpm 2>&1", code=1)
