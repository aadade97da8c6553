"""Signatures that install.sh checks: each program that can, a wrong one, none at all, and what the policy makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keys
import pytest
from fault_server import TOOLS, Site, programs, serving
from installer_lab import SHELLS, Kit, Ran, make, only, picture, run, shim

from slipway.files import digest_file
from slipway.model import InstallRules
from slipway.rules import SignRules
from slipway.signing.signers import signers

pytestmark = pytest.mark.slow
# Which program checks: the kind of key that it needs, and what else has to be there.
CHECKERS = {
    "minisign": ("minisign", ("minisign",)),
    "openssl": ("minisign", ("openssl", "base64")),
    "ssh-keygen": ("ssh", ("ssh-keygen",)),
    "gpg": ("gpg", ("gpg", "gpgconf")),
    "gpgv": ("gpg", ("gpgv", "base64")),
}
SUFFIXES = {"minisign": ".minisig", "ssh": ".sshsig", "gpg": ".sig"}


@dataclass(frozen=True)
class Signed:
    """A release whose archives and lists are signed by keys of all kinds; its scripts know one kind or all."""

    kit: Kit
    folder: Path
    rules: SignRules


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignRules]:
    folder, home = tmp_path_factory.mktemp("keys"), keys.Home()
    gpg = home.make("release")
    (folder / "gpg.key").write_text(home.secret(gpg))
    (folder / "gpg.key").chmod(0o600)
    minisign, minisign_file = keys.minisign(folder)
    ssh, ssh_file = keys.ssh(folder)
    yield SignRules(
        gpg=gpg,
        gpg_file=str(folder / "gpg.key"),
        minisign=minisign,
        minisign_file=str(minisign_file),
        ssh=ssh,
        ssh_file=str(ssh_file),
        public_keys=(str(home.public(gpg, folder / "gpg.asc")),),
    )
    home.close()


@pytest.fixture(scope="module")
def signed(rules: SignRules, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signed]:
    """One release for each kind of key alone, and one for all."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("GPG", "MINISIGN", "SSH"):
            patch.setenv(f"SLIPWAY_{kind}_PASSPHRASE", keys.PASSPHRASE)
        every = {kind: alone(rules, kind) for kind in SUFFIXES} | {"all": rules}
        return {kind: sign(tmp_path_factory.mktemp(kind), said) for kind, said in every.items()}


def alone(rules: SignRules, kind: str) -> SignRules:
    said = {name: getattr(rules, name) if name == kind else "" for name in SUFFIXES}
    return replace(rules, gpg=said["gpg"], minisign=said["minisign"], ssh=said["ssh"])


def sign(root: Path, rules: SignRules, policy: str = "auto", url: str = "", version: str = "1.2.3") -> Signed:
    """Make a release, and sign its archives, its list and its scripts in one flat folder as a store would have them."""
    install = InstallRules(health=("hello", "--version"), signature=policy, download_url=url)
    kit, folder = make(root, version, sign=rules, install=install), root / "store"
    folder.mkdir()
    files = [kit.archive(), kit.install, kit.install.with_name(f"install-hello-{version}.sh")]
    for path in files:
        shutil.copy(path, folder)
    (folder / "SHA256SUMS").write_text("".join(f"{digest_file(path)}  packages/{path.name}\n" for path in files))
    for path in sorted(folder.iterdir()):
        for key in signers(kit.release):
            for suffix, data in key.signatures(path).items():
                (folder / f"{path.name}{suffix}").write_bytes(data)
    return Signed(kit, folder, rules)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home"
    made.mkdir()
    return made


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for temporary files that is to be empty afterwards."""
    made = tmp_path / "temporary files"
    made.mkdir()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "a store"


def install(store: Path, home: Path, *arguments: str, tools: tuple[str, ...] = (), shell: str = "dash") -> Ran:
    """Run install.sh where the archive and its signatures lie, with these tools besides the usual ones."""
    few = home.parent / f"with {' '.join(tools)}"
    path = str(few) if few.exists() else only(few, *TOOLS, *tools)
    env = {"HELLO_USER": "1", "HELLO_RETRIES": "0", "TMPDIR": str(home.parent / "temporary files")}
    program, *words = SHELLS[shell]
    words = [shutil.which(program) or program, *words]
    return run(store / "install.sh", "--verbose", *arguments, home=home, shell=words, path=path, env=env)


def laid(signed: Signed, store: Path, *endings: str) -> Path:
    """Copy an archive, its script and those files beside it that have these endings; returns the archive."""
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    for path in signed.folder.iterdir():
        if path.name in {signed.kit.archive().name, "install.sh"} or path.name.endswith(endings or ("no such",)):
            shutil.copy(path, store)
    return store / signed.kit.archive().name


def good(ran: Ran, words: str) -> None:
    assert (ran.code, ran.err) == (0, ""), ran
    assert words in ran.out, ran


def failed(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err, ran


@pytest.mark.req("S0-7", "S0-58")
@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("policy", ["auto", "require"])
def test_each_program_finds_a_right_signature_right(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path, checker: str, policy: str
) -> None:
    kind, tools = CHECKERS[checker]
    archive = laid(signed[kind], store, f".tar.gz{SUFFIXES[kind]}")
    ran = install(store, home, "--signature", policy, tools=tools)
    good(ran, f"the signature of {archive.name} is right (by {checker})")
    assert picture(temporary) == {}


def damages(kind: str, path: Path) -> Iterator[bytes]:
    """A signature of other bytes, by another key, with another comment, cut short, and none."""
    data = path.read_bytes()
    yield b""
    yield b"<html>not found</html>\n"
    yield data[: len(data) // 2]
    for place in (len(data) // 2, len(data) - 40):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    if kind == "minisign":
        yield data.replace(b"\tfile:", b"\tfold:")
        lines = data.splitlines(keepends=True)
        yield lines[0] + lines[1] + lines[2] + lines[1]


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("policy", ["auto", "require"])
def test_each_program_finds_a_wrong_signature_wrong(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path, checker: str, policy: str
) -> None:
    kind, tools = CHECKERS[checker]
    archive = laid(signed[kind], store, f".tar.gz{SUFFIXES[kind]}")
    signature, before = archive.with_name(archive.name + SUFFIXES[kind]), picture(home)
    other = signed[kind].folder / f"install.sh{SUFFIXES[kind]}"
    for bad in (*damages(kind, signature), other.read_bytes()):
        signature.write_bytes(bad)
        failed(install(store, home, "--signature", policy, tools=tools), 4, f"{signature.name} is not a signature of")
        assert (picture(home), picture(temporary)) == (before, {})
    good(install(store, home, "--signature", "off", tools=tools), "is not checked")


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_signature_by_another_key_is_wrong(
    signed: dict[str, Signed], rules: SignRules, home: Path, store: Path, tmp_path: Path, temporary: Path, checker: str
) -> None:
    kind, tools = CHECKERS[checker]
    archive = laid(signed[kind], store)
    folder, strange = tmp_path / "strange keys", archive.with_name(archive.name + SUFFIXES[kind])
    folder.mkdir()
    if kind == "minisign":
        keys.say("minisign", "-S", "-s", keys.minisign(folder)[1], "-x", strange, "-m", archive, stdin=f"{keys.PASSPHRASE}\n")
    elif kind == "ssh":
        words = ("-Y", "sign", "-n", "file", "-P", keys.PASSPHRASE, "-f", keys.ssh(folder)[1])
        keys.say("ssh-keygen", *words, archive)
        archive.with_name(f"{archive.name}.sig").rename(strange)
    else:
        stranger = keys.Home()
        stranger.make("release")
        secret = ("--pinentry-mode", "loopback", "--passphrase", keys.PASSPHRASE)
        stranger.gpg(*secret, "--output", strange, "--detach-sign", archive)
        stranger.close()
    failed(install(store, home, tools=tools), 4, f"{strange.name} is not a signature of")


@pytest.mark.parametrize("checker", CHECKERS)
def test_one_signed_list_vouches_for_all(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path, checker: str
) -> None:
    kind, tools = CHECKERS[checker]
    archive = laid(signed[kind], store, "SHA256SUMS", f"SHA256SUMS{SUFFIXES[kind]}")
    good(install(store, home, "--signature", "require", tools=tools), f"SHA256SUMS is right (by {checker})")
    listed = store / "SHA256SUMS"
    listed.write_text(listed.read_text().replace(archive.name, "another.tar.gz"))
    failed(install(store, home, "--force", tools=tools), 4, f"SHA256SUMS{SUFFIXES[kind]} is not a signature of")
    assert picture(temporary) == {}


def test_where_no_program_can_check_the_policy_decides(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path
) -> None:
    laid(signed["all"], store, *SUFFIXES.values())
    failed(install(store, home, "--signature", "require"), 4, "could not be checked", "minisign", "ssh", "gpg")
    assert picture(home) == {}
    good(install(store, home), "no program here checks signatures by minisign; no program here checks signatures by ssh")


def test_where_there_is_no_signature_the_policy_decides(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path
) -> None:
    laid(signed["all"], store)
    tools = ("minisign", "ssh-keygen")
    failed(install(store, home, "--signature", "require", tools=tools), 4, "could not be checked")
    good(install(store, home, tools=tools), "is not checked: there is no ")
    laid(signed["all"], store, ".tar.gz.sshsig")
    good(install(store, home, "--force", "--signature", "require", tools=tools), "is right (by ssh-keygen)")


def test_the_project_may_require_signatures(rules: SignRules, home: Path, store: Path, tmp_path: Path, temporary: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)
        made = sign(tmp_path / "kit", alone(rules, "ssh"), "require")
    laid(made, store)
    failed(install(store, home, tools=("ssh-keygen",)), 4, "could not be checked")
    good(install(store, home, "--signature", "auto", tools=("ssh-keygen",)), "is not checked")
    laid(made, store, ".sshsig")
    good(install(store, home, "--force", tools=("ssh-keygen",)), "is right")


@pytest.mark.parametrize(
    ("program", "says"),
    [("ssh-keygen", "ssh-keygen: unknown option -- Y"), ("openssl", "LibreSSL 3.3.6"), ("openssl", "pkeyutl: -rawin unknown")],
)
def test_a_program_that_is_too_old_is_passed_over(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path, program: str, says: str
) -> None:
    laid(signed["all"], store, ".minisig", ".sshsig")
    few = home.parent / "with base64"
    only(few, *TOOLS, "base64")
    shim(few, program, f"case $* in 'dgst -sha256') exit 1 ;; esac\necho '{says}' >&2\nexit 1")
    good(install(store, home, tools=("base64",)), "no program here checks signatures by minisign")


def test_a_dry_run_only_says_so(signed: dict[str, Signed], home: Path, store: Path, temporary: Path) -> None:
    laid(signed["minisign"], store, ".minisig")
    good(install(store, home, "--dry-run", tools=("minisign",)), "would install")
    assert picture(home) == {}
    assert picture(temporary) == {}


def test_the_keyring_of_the_user_is_left_alone(signed: dict[str, Signed], home: Path, store: Path, temporary: Path) -> None:
    laid(signed["gpg"], store, ".sig")
    good(install(store, home, "--signature", "require", tools=("gpg",)), "is right (by gpg)")
    assert not (home / ".gnupg").exists()


# Busybox prefers its own programs to those of others.
@pytest.mark.parametrize("shell", [name for name in SHELLS if name not in {"dash", "busybox ash"}])
@pytest.mark.parametrize("checker", ["openssl", "gpgv", "ssh-keygen"])
def test_every_shell_checks(
    signed: dict[str, Signed], home: Path, store: Path, temporary: Path, shell: str, checker: str
) -> None:
    # Not every shell has these built in.
    kind, tools = CHECKERS[checker][0], (*CHECKERS[checker][1], "printf", "test", "[", "true", "false", "echo")
    archive = laid(signed[kind], store, f".tar.gz{SUFFIXES[kind]}")
    good(install(store, home, "--signature", "require", tools=tools, shell=shell), f"is right (by {checker})")
    signature = archive.with_name(archive.name + SUFFIXES[kind])
    signature.write_bytes((signed[kind].folder / f"install.sh{SUFFIXES[kind]}").read_bytes())
    failed(install(store, home, "--force", tools=tools, shell=shell), 4, "is not a signature of")


@pytest.fixture(scope="module")
def the_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("certificates")) as site:
        yield site


@pytest.mark.parametrize("client", ["curl", "wget", "busybox"])
def test_signatures_are_fetched_from_where_the_archive_was(
    the_site: Site, rules: SignRules, home: Path, tmp_path: Path, temporary: Path, client: str
) -> None:
    the_site.cheer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_MINISIGN_PASSPHRASE", keys.PASSPHRASE)
        url = f"{the_site.url}/{client}/v{{version}}"
        made = sign(tmp_path / "kit", alone(rules, "minisign"), url=url)
        older = sign(tmp_path / "older", alone(rules, "minisign"), url=url, version="1.1.0")
    for each, version in ((made, "1.2.3"), (older, "1.1.0")):
        shutil.copytree(each.folder, the_site.folder / client / f"v{version}")
    script = shutil.copy(made.kit.install, tmp_path / "install.sh")
    path = programs(tmp_path / "few", client, "minisign")
    env = {**the_site.trust, "HELLO_RETRIES": "0", "TMPDIR": str(temporary)}

    def go(*words: str) -> Ran:
        return run(Path(script), "--verbose", *words, home=home, shell=("/bin/sh",), path=path, env=env)

    good(go("--signature", "require"), "is right (by minisign)")
    assert [name.rsplit("/")[-1] for name in the_site.asked] == [made.kit.archive().name, f"{made.kit.archive().name}.minisig"]
    good(go("--version", "1.1.0", "--force", "--signature", "require"), "the signature of install.sh is right (by minisign)")
    store = the_site.folder / client
    good(go("--force", "--signature", "require"), "is right")
    (store / "v1.1.0/install.sh").write_bytes((store / "v1.1.0/install.sh").read_bytes() + b"\n")
    failed(go("--version", "1.1.0", "--force"), 4, "install.sh.minisig is not a signature of")
    (store / f"v1.2.3/{made.kit.archive().name}.minisig").unlink()
    good(go("--force", "--signature", "require"), "SHA256SUMS is right (by minisign)")
    (store / "v1.2.3/SHA256SUMS").unlink()
    failed(go("--force", "--signature", "require"), 4, "could not be checked", "(404)")
    good(go("--force"), "is not checked: ")
    assert picture(temporary) == {}
