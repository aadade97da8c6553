"""Keys for tests of signatures, made by the programs that people make theirs with."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

PASSPHRASE = "open sesame"


def say(*words: str | Path, stdin: str = "", folder: Path | None = None) -> str:
    """Run a program that must not fail; returns what it says."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


class Home:
    """A folder of gpg's with keys; its name is short enough for the sockets of gpg's agent."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gpg-"))

    def make(
        self, name: str, kind: str = "ed25519", *, use: str = "sign", made: str = "20250101T000000", until: str = "0"
    ) -> str:
        """Make a key at a time, and return its fingerprint."""
        words = ("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE, "--faked-system-time", made)
        self.gpg(*words, "--quick-gen-key", f"{name} <{name}@hello.example>", kind, use, until)
        lines = self.gpg("--with-colons", "--list-secret-keys", name).splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def secret(self, key: str) -> str:
        """The armoured secret key."""
        return self.gpg("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE, "--armor", "--export-secret-keys", key)

    def public(self, key: str, path: Path) -> Path:
        """Write the armoured public key to a file."""
        path.write_text(self.gpg("--armor", "--export", key))
        return path

    def revoke(self, key: str) -> None:
        """Import the certificate of revocation that gpg made along with the key."""
        text = (self.path / "openpgp-revocs.d" / f"{key}.rev").read_text()
        self.gpg("--import", stdin=text[text.index(":-----BEGIN") + 1 :])

    def gpg(self, *words: str | Path, stdin: str = "") -> str:
        """Run gpg with these keys."""
        return say("gpg", "--homedir", self.path, "--batch", "--yes", *words, stdin=stdin)

    def close(self) -> None:
        """End gpg's agent and remove the folder."""
        subprocess.run(["gpgconf", "--homedir", self.path, "--kill", "all"], check=False)
        subprocess.run(["rm", "-rf", self.path], check=True)


def minisign(folder: Path, *, locked: bool = False) -> tuple[str, Path]:
    """A key of minisign's: the line that is public, and the file of the secret key; to unlock one takes seconds."""
    secret, public = folder / "minisign.key", folder / "minisign.pub"
    say("minisign", "-G", *([] if locked else ["-W"]), "-p", public, "-s", secret, stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    secret.chmod(0o600)
    return public.read_text().splitlines()[1], secret


def ssh(folder: Path, kind: str = "ed25519") -> tuple[str, Path]:
    """An SSH key: the public line, and the file of the secret key."""
    secret = folder / f"ssh-{kind}"
    say("ssh-keygen", "-q", "-t", kind, "-N", PASSPHRASE, "-C", "release", "-f", secret)
    return (folder / f"{secret.name}.pub").read_text().strip(), secret


def certificates(folder: Path) -> Path:
    """An authority, a certificate for signing code below it, and one for timestamps; returns the folder.

    `chain.pem` has the certificates, `code.key` and `code.p12` the secret key, `tsa.cnf` says how `openssl ts` answers.
    """
    say(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=CA",
        folder=folder,
    )
    for name, use in (("code", "codeSigning"), ("tsa", "critical,timeStamping")):
        (folder / "ext").write_text(f"basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={use}\n")
        locked = ("-passout", f"pass:{PASSPHRASE}") if name == "code" else ("-nodes",)
        subject = ("-subj", f"/CN=Hello {name}")
        say("openssl", "req", "-newkey", "rsa:2048", *locked, "-keyout", f"{name}.key", "-out", "csr", *subject, folder=folder)
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext", "-days", "365")
        say("openssl", "x509", "-req", "-in", "csr", *signed, "-out", f"{name}.crt", folder=folder)
    (folder / "chain.pem").write_text((folder / "code.crt").read_text() + (folder / "ca.crt").read_text())
    both = ("-passin", f"pass:{PASSPHRASE}", "-passout", f"pass:{PASSPHRASE}")
    say("openssl", "pkcs12", "-export", "-in", "code.crt", "-inkey", "code.key", *both, "-out", "code.p12", folder=folder)
    for name in ("code.key", "code.p12"):
        (folder / name).chmod(0o600)
    (folder / "tsa.cnf").write_text(_TSA.format(folder=folder))
    (folder / "serial").write_text("01\n")
    return folder


_TSA = """\
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.crt
certs = {folder}/ca.crt
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
