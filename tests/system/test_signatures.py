"""Signatures as others see them: gpg, minisign, ssh-keygen, osslsigncode, debsig-verify and rpm judge what slipway signed."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keys
import lief
import pes
import pytest

import hello
import sample
from slipway.build.accept import Delivery, accept
from slipway.build.rule import Rule
from slipway.build.sealing import sealing
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.files import digest_file
from slipway.manifest import Manifest, load_built
from slipway.model import Release
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.deb import plan_debs
from slipway.packagers.msi import plan_msis
from slipway.packagers.rpm import plan_rpms
from slipway.packagers.signatures import plan_signatures
from slipway.platforms import PLATFORMS
from slipway.rules import SignRules
from slipway.signing.authenticode import Authenticode
from slipway.signing.minisign import Minisign
from slipway.signing.openpgp import Gpg
from slipway.signing.sshsig import Ssh
from slipway.steps import Step, require_needs
from slipway.verify.embedded import embedded_faults
from slipway.verify.package import inspect
from slipway.verify.signatures import Keyring

pytestmark = pytest.mark.slow
ARCHIVE = "hello-1.2.3-linux-amd64-complete.tar.gz"
NOW = 1_795_000_000


@pytest.fixture(scope="module")
def home() -> Iterator[keys.Home]:
    made = keys.Home()
    yield made
    made.close()


@pytest.fixture(scope="module")
def key(home: keys.Home) -> str:
    return home.make("release")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keys.certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def _secrets(monkeypatch: pytest.MonkeyPatch, home: keys.Home, key: str) -> None:
    """What CI would have in its environment."""
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(key))
    for kind in ("GPG", "MINISIGN", "SSH", "AUTHENTICODE"):
        monkeypatch.setenv(f"SLIPWAY_{kind}_PASSPHRASE", keys.PASSPHRASE)


def planned(root: Path, rules: SignRules, *platforms: str) -> tuple[Release, tuple[Step, ...]]:
    """The sample release, laid out for some platforms, and all Steps that pack, sign and list it."""
    made: Release = sample.release(root, project=sample.project(root / "project", sign=rules))
    rows = tuple(PLATFORMS[name] for name in platforms)
    made = replace(made, platforms=rows, variants=made.variants[:1])
    for cell in made.cells:
        sample.stage(made, cell)
    packed = (*plan_archives(made), *plan_debs(made), *plan_rpms(made))
    signed = plan_signatures(made, packed)
    return made, (*packed, *signed, plan_checksums(made, "all", (*packed, *signed)))


def run(steps: tuple[Step, ...]) -> None:
    require_needs(steps)
    for step in steps:
        step.run()


@pytest.mark.req("S0-7", "S0-8", "S0-9", "S0-51")
@pytest.mark.usefixtures("_secrets")
def test_what_is_signed_satisfies_the_programs_of_others(
    tmp_path: Path, home: keys.Home, key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mini, mini_file = keys.minisign(folder)
    ssh, ssh_file = keys.ssh(folder)
    monkeypatch.setenv("SLIPWAY_MINISIGN_KEY", mini_file.read_text())
    rules = SignRules(
        gpg=key, minisign=mini, ssh=ssh, ssh_file=str(ssh_file), public_keys=(str(home.public(key, folder / "gpg.asc")),)
    )
    made, steps = planned(tmp_path, rules, "linux-amd64")
    run(steps)
    packages = made.paths.packages
    for name in (ARCHIVE, "binaries/hello_1.2.3_amd64.deb", "SHA256SUMS"):
        file = packages / name
        home.gpg("--verify", f"{file}.sig", file)
        home.gpg("--verify", f"{file}.asc", file)
        keys.say("minisign", "-V", "-q", "-P", mini, "-x", f"{file}.minisig", "-m", file)
        (folder / "allowed").write_text(f"me {ssh}\n")
        verify = ("-Y", "verify", "-f", folder / "allowed", "-I", "me", "-n", "file", "-s", f"{file}.sshsig")
        with file.open("rb") as data:
            assert subprocess.run(["ssh-keygen", *verify], stdin=data, capture_output=True, check=False).returncode == 0
    assert "FAILED" not in keys.say("sha256sum", "-c", "packages/checksums.sha256", folder=made.paths.root)

    found = inspect(packages, keys=Keyring.of(rules, tmp_path))
    assert found.findings == ()
    assert {each.result for each in found.files} == {"passed"}
    listed = {each.name: each.signs for each in Manifest.load(packages / "manifest.json").artifacts}
    assert listed[f"{ARCHIVE}.sshsig"] == ARCHIVE
    assert listed["SHA256SUMS.minisig"] == "SHA256SUMS"

    before = {path: path.read_bytes() for path in packages.rglob("*") if path.is_file()}
    run(steps)
    assert {path: path.read_bytes() for path in packages.rglob("*") if path.is_file()} == before

    spoil(packages / ARCHIVE)
    faults = [str(each) for each in inspect(packages, keys=Keyring.of(rules, tmp_path)).findings]
    for suffix in ("sig", "asc", "minisig", "sshsig"):
        assert any(text.startswith(f"{ARCHIVE}.{suffix}: ") for text in faults), (suffix, faults)


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.req("S0-51")
@pytest.mark.usefixtures("_secrets")
def test_packages_are_signed_inside(tmp_path: Path, home: keys.Home, key: str) -> None:
    rules = SignRules(gpg=key, what=("packages",), public_keys=(str(home.public(key, tmp_path / "gpg.asc")),))
    made, steps = planned(tmp_path, rules, "linux-amd64")
    run(steps)
    binaries = made.paths.packages / "binaries"
    (rpm,) = binaries.glob("*.rpm")
    (deb,) = binaries.glob("*.deb")
    assert not list(made.paths.packages.rglob("*.sig"))
    database = ("--dbpath", tmp_path / "rpmdb")
    keys.say("rpmkeys", *database, "--import", tmp_path / "gpg.asc")
    assert "signatures OK" in keys.say("rpmkeys", *database, "--checksig", rpm)
    policies(tmp_path, home, key)
    keys.say("debsig-verify", "--policies-dir", tmp_path / "policies", "--keyrings-dir", tmp_path / "keyrings", deb)

    trusted = Keyring.of(rules, tmp_path)
    assert inspect(made.paths.packages, keys=trusted).findings == ()
    stranger = home.make("stranger-inside")
    with_other = Keyring.of(SignRules(), tmp_path, (home.public(stranger, tmp_path / "other.asc"),))
    assert "none of those that are trusted" in "".join(map(str, inspect(binaries, keys=with_other).findings))
    unsigned, more = planned(tmp_path / "unsigned", SignRules(), "linux-amd64")
    for step in more:
        if step.stage != "sign":
            step.run()
    faults = [each.message for each in inspect(unsigned.paths.packages, keys=trusted).findings]
    assert faults == ["there is no signature inside"] * 2


def policies(root: Path, home: keys.Home, key: str) -> None:
    """What debsig-verify wants: a policy and a keyring in folders that are named by the key's number."""
    number = key[-16:]
    (root / "keyrings" / number).mkdir(parents=True)
    home.gpg("--output", root / "keyrings" / number / "keys.gpg", "--export", key)
    (root / "policies" / number).mkdir(parents=True)
    (root / "policies" / number / "hello.pol").write_text(
        f"""<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="Hello" id="{number}" Description="Hello"/>
  <Selection><Required Type="origin" File="keys.gpg" id="{number}"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="keys.gpg" id="{number}"/></Verification>
</Policy>
"""
    )


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "nistp256"])
def test_signatures_tell_the_time_of_the_release_and_are_the_same_again(
    home: keys.Home, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = home.make(f"again-{kind}", kind)
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(key))
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    gpg = Gpg(key=key, epoch=NOW)
    made = gpg.sign([b"one ", b"two"])
    assert made == gpg.sign([b"one two"])
    (tmp_path / "file").write_bytes(b"one two")
    (tmp_path / "file.sig").write_bytes(made)
    assert f" {NOW} " in home.gpg("--status-fd", "1", "--verify", tmp_path / "file.sig", tmp_path / "file")


@pytest.mark.usefixtures("_secrets")
def test_a_key_that_is_younger_than_the_release_signs_at_the_time_it_was_made(
    home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_GPG_KEY")
    key = home.make("young", made="20260801T000000")
    made = Gpg(key=key, epoch=1_000_000_000, home=str(home.path)).sign([b"x"])
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "x.sig").write_bytes(made)
    home.gpg("--verify", tmp_path / "x.sig", tmp_path / "x")


@pytest.mark.usefixtures("_secrets")
def test_what_cannot_be_read_to_its_end_is_not_signed(home: keys.Home, key: str) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise VerificationError("a file has changed")

    with pytest.raises(VerificationError, match="a file has changed"):
        Gpg(key=key, epoch=NOW, home=str(home.path)).sign(broken())


@pytest.mark.usefixtures("_secrets")
def test_no_secret_is_in_a_log_or_on_a_command_line(
    home: keys.Home, key: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("slipway.console.log", seen.append)
    mini, mini_file = keys.minisign(tmp_path, locked=True)
    ssh, ssh_file = keys.ssh(tmp_path)
    file = tmp_path / "file"
    file.write_bytes(b"data")
    Gpg(key=key, epoch=NOW).signatures(file)
    Minisign(key=mini, epoch=NOW, file=str(mini_file)).signatures(file)
    Ssh(key=ssh, file=str(ssh_file)).signatures(file)
    file.write_bytes(pes.pe())
    Authenticode(certificates=str(folder / "chain.pem"), epoch=NOW, file=str(folder / "code.key")).sign(file)
    text = "\n".join(seen)
    assert "gpg" in text
    assert keys.PASSPHRASE not in text
    assert "PRIVATE" not in text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("expired", "has expired"),
        ("revoked", "is revoked"),
        ("certifier", "is not for signing"),
        ("stub", "without its secret part"),
        ("nobody", "there is no secret OpenPGP key"),
        ("twin", "there are 2 OpenPGP keys"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_before_any_work(home: keys.Home, name: str, says: str) -> None:
    if name == "expired":
        home.make("expired", made="20200101T000000", until="1y")
    elif name == "revoked":
        home.revoke(home.make("revoked"))
    elif name == "certifier":
        home.make("certifier", use="cert")
    elif name == "twin":
        home.make("twin")
        home.make("twin2")
    elif name == "stub":
        stub(home)
    with pytest.raises(GateError, match=says):
        Gpg(key=name, epoch=NOW, home=str(home.path)).require()


def stub(home: keys.Home) -> None:
    """Leave only the public part of a key, as when the secret one is on a card elsewhere."""
    key = home.make("stub")
    grip = home.gpg("--with-colons", "--with-keygrip", "--list-secret-keys", key)
    lines = [line.split(":")[9] for line in grip.splitlines() if line.startswith("grp:")]
    text = home.gpg("--armor", "--export", key)
    home.gpg("--pinentry-mode", "loopback", "--passphrase", keys.PASSPHRASE, "--quick-add-key", key, "cv25519", "encr", "0")
    assert text
    for line in lines:
        (home.path / "private-keys-v1.d" / f"{line}.key").unlink()


def test_a_wrong_passphrase_is_told_before_any_work(
    home: keys.Home, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A passphrase that was right once is kept by gpg's agent for the key's folder: this is a key that was not used yet.
    key = home.make("locked")
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(key))
    mini, mini_file = keys.minisign(tmp_path, locked=True)
    ssh, ssh_file = keys.ssh(tmp_path, "ecdsa")
    signers: tuple[Any, ...] = (
        Gpg(key=key, epoch=NOW),
        Minisign(key=mini, epoch=NOW, file=str(mini_file)),
        Ssh(key=ssh, file=str(ssh_file)),
        Authenticode(certificates=str(folder / "chain.pem"), epoch=NOW, file=str(folder / "code.p12")),
    )
    for name in ("GPG", "MINISIGN", "SSH", "AUTHENTICODE"):
        monkeypatch.setenv(f"SLIPWAY_{name}_PASSPHRASE", "a guess")
    for signer in signers:
        with pytest.raises(GateError) as caught:
            signer.require()
        assert "PASSPHRASE" in (caught.value.hint or "")
        assert "a guess" not in caught.value.message


def test_another_secret_key_than_the_one_named_is_refused(
    home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (mini, _), (_, other_mini) = keys.minisign(tmp_path), keys.minisign(tmp_path / "other")
    (ssh, _), (_, other_ssh) = keys.ssh(tmp_path), keys.ssh(tmp_path / "other")
    for name in ("MINISIGN", "SSH"):
        monkeypatch.setenv(f"SLIPWAY_{name}_PASSPHRASE", keys.PASSPHRASE)
    for signer in (Minisign(key=mini, epoch=NOW, file=str(other_mini)), Ssh(key=ssh, file=str(other_ssh))):
        with pytest.raises(GateError, match="is not the secret key of"):
            signer.require()


@pytest.mark.parametrize(
    ("name", "says"), [("expired", "has expired"), ("revoked", "is revoked"), ("other", "none of those that are trusted")]
)
@pytest.mark.req("S0-39")
def test_a_signature_by_a_key_that_does_not_count_is_a_fault(home: keys.Home, tmp_path: Path, name: str, says: str) -> None:
    key = home.make(f"bad-{name}", made="20200101T000000", until="1y" if name == "expired" else "0")
    archive = tmp_path / "hello.sh"
    archive.write_text("#!/bin/sh\n")
    archive.chmod(0o755)
    sign = ("--pinentry-mode", "loopback", "--passphrase", keys.PASSPHRASE, "--faked-system-time", "20200601T000000")
    home.gpg(*sign, "--local-user", key, "--detach-sign", archive)
    if name == "revoked":
        home.revoke(key)
    trusted = home.make("trusted-instead") if name == "other" else key
    public = home.public(trusted, tmp_path / "key.pub")
    found = inspect(tmp_path, keys=Keyring.of(SignRules(), tmp_path, (public,)))
    assert [each for each in found.findings if says in each.message and each.path == "hello.sh.sig"], found.findings
    with pytest.raises(VerificationError):
        found.conclude()


@pytest.mark.req("S0-39")
def test_a_signature_whose_key_nobody_gave_fails_closed(
    home: keys.Home, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir(mode=0o700)
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  nothing\n")
    made = Gpg(key=key, epoch=NOW, home=str(home.path))
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    (folder / "SHA256SUMS.asc").write_bytes(made.signatures(folder / "SHA256SUMS")[".asc"])
    (outcome,) = (each for each in inspect(folder).files if each.path == "SHA256SUMS.asc")
    assert outcome.result == "unchecked"
    with pytest.raises(SlipwayError) as caught:
        replace(inspect(folder), files=(outcome,)).conclude()
    assert caught.value.exit_code == 3


@pytest.fixture
def timestamps(folder: Path) -> Iterator[str]:
    """The address of a service that answers as RFC 3161 says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            words = ("openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "query")
            answer = subprocess.run(words, capture_output=True, check=True).stdout
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.req("S0-51")
@pytest.mark.usefixtures("_secrets")
@pytest.mark.parametrize("secret", ["code.key", "code.p12"])
def test_windows_programs_are_sealed_with_the_certificate(folder: Path, tmp_path: Path, secret: str) -> None:
    certificate = Authenticode(certificates=str(folder / "chain.pem"), epoch=NOW, file=str(folder / secret), name="hello")
    certificate.require()
    program = tmp_path / "hello.exe"
    program.write_bytes(pes.pe(["KERNEL32.dll"]))
    results = []
    for _ in range(2):
        with sealing({"bin/hello": program}, PLATFORMS["windows-amd64"], certificate) as files:
            results.append(files["bin/hello"].read_bytes())
    assert results[0] == results[1]
    (tmp_path / "signed.exe").write_bytes(results[0])
    keys.say("osslsigncode", "verify", "-CAfile", folder / "ca.crt", "-in", tmp_path / "signed.exe")
    found = lief.PE.parse(str(tmp_path / "signed.exe"))
    assert found is not None
    assert found.verify_signature() == lief.PE.Signature.VERIFICATION_FLAGS.OK
    with sealing({"bin/hello": tmp_path / "signed.exe"}, PLATFORMS["windows-amd64"], certificate) as files:
        assert files["bin/hello"] == tmp_path / "signed.exe"


@pytest.mark.req("S0-51")
@pytest.mark.usefixtures("_secrets")
def test_what_is_built_for_windows_gets_its_place_with_the_signature(folder: Path, tmp_path: Path) -> None:
    certificate = Authenticode(certificates=str(folder / "chain.pem"), epoch=NOW, file=str(folder / "code.key"), name="hello")
    row = PLATFORMS["windows-amd64"]
    built = {"bin/hello": tmp_path / "hello.exe", "lib/hello/more.dll": tmp_path / "more.dll", "lib/hello/x.txt": tmp_path / "x"}
    for to, path in built.items():
        path.write_bytes(pes.pe(["KERNEL32.dll"]) if to != "lib/hello/x.txt" else b"x")
    delivery = Delivery.of(sample.release(tmp_path), row, "programs", built)
    accept(built, (delivery,), Rule(platform=row, certificate=certificate))
    for to in ("bin/hello", "lib/hello/more.dll"):
        keys.say("osslsigncode", "verify", "-CAfile", folder / "ca.crt", "-in", delivery.places[to])
        assert built[to].read_bytes() == pes.pe(["KERNEL32.dll"])
    assert delivery.places["lib/hello/x.txt"].read_bytes() == b"x"
    # What is recorded is the program as it is given out.
    recorded = {each.path: each.sha256 for each in load_built(delivery.record).binaries}
    assert recorded == {
        "bin/hello.exe": digest_file(delivery.places["bin/hello"]),
        "lib/hello/more.dll": digest_file(delivery.places["lib/hello/more.dll"]),
    }


@pytest.mark.req("S0-51")
@pytest.mark.usefixtures("_secrets")
def test_packages_for_windows_are_signed_and_their_time_is_confirmed(folder: Path, tmp_path: Path, timestamps: str) -> None:
    chain = str(folder / "chain.pem")
    rules = SignRules(authenticode=chain, authenticode_file=str(folder / "code.p12"), timestamp=timestamps)
    made: Release = sample.release(tmp_path, project=sample.project(tmp_path / "project", sign=rules, services=()))
    made = replace(made, platforms=(PLATFORMS["windows-amd64"],), variants=made.variants[:1])
    for cell in made.cells:
        sample.stage(made, cell)
    run(steps := plan_msis(made))
    run((plan_checksums(made, "all", steps),))
    msi = steps[0].outputs[0]
    said = keys.say("osslsigncode", "verify", "-CAfile", folder / "ca.crt", "-TSA-CAfile", folder / "ca.crt", "-in", msi)
    assert "Timestamp" in said
    trusted = Keyring.of(rules, tmp_path)
    assert inspect(msi.parent, keys=trusted).findings == ()
    data = bytearray(msi.read_bytes())
    data[data.index(b"MSCF") + 40] ^= 1
    msi.write_bytes(bytes(data))
    assert "its signature is not good" in "".join(embedded_faults(msi, trusted))
    assert inspect(msi.parent, keys=trusted).result == "failed"


@pytest.mark.req("S0-7", "S0-9", "S0-39")
def test_from_the_command_line_to_what_a_user_checks(home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, old = home.make("maker"), home.make("old", made="20200101T000000", until="1y")
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    hello.write(tmp_path)
    toml = (tmp_path / "slipway.toml").read_text()
    home.public(key, tmp_path / "maker.asc")

    def run_with(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "slipway.toml").write_text(f'{toml}\n[sign]\ngpg = "{name}"\npublic-keys = ["maker.asc"]\n')
        monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(name))
        done: subprocess.CompletedProcess[str] = hello.run(tmp_path, "slipway", *words)
        return done

    refused = run_with(old, "create-archives", "PLATFORMS=linux-amd64")
    assert refused.returncode == 3, refused.stderr
    assert "has expired" in refused.stderr
    assert not (tmp_path / "packages").exists()

    done = run_with(key, "create-archives", "PLATFORMS=linux-amd64")
    assert done.returncode == 0, done.stderr
    for name in (f"{ARCHIVE}.sig", "SHA256SUMS.asc"):
        # As people type it: gpg finds the file that is signed by its name.
        keys.say("gpg", "--homedir", home.path, "--verify", tmp_path / "packages" / name)
    assert "nothing to do" in run_with(key, "create-archives", "PLATFORMS=linux-amd64").stderr
    for words in ("init -q", "add -A", "-c user.name=t -c user.email=t@hello.example commit -qm all"):
        keys.say("git", *words.split(), folder=tmp_path)
    done = run_with(key, "run", "package-binaries", "PLATFORMS=linux-amd64", "PACKAGE_FORMATS=source")
    assert done.returncode == 0, done.stderr
    keys.say("gpg", "--homedir", home.path, "--verify", tmp_path / "packages/hello-1.2.3.tar.gz.sig")
    assert run_with(key, "validate-package").returncode == 0
    (tmp_path / f"packages/{ARCHIVE}.sig").write_bytes((tmp_path / "packages/SHA256SUMS.sig").read_bytes())
    spoilt = run_with(key, "validate-package", "packages")
    assert spoilt.returncode == 4
    assert f"{ARCHIVE}.sig: " in spoilt.stderr
    assert keys.PASSPHRASE not in (tmp_path / "build.log").read_text()
