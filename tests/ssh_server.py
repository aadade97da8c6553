"""An OpenSSH server for tests: an ordinary process with keys, settings and a port of its own, for the user who runs the tests."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from beside import HOST, beside

SETTINGS = """\
ListenAddress {host}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
LogLevel VERBOSE
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PrintMotd no
MaxStartups 100
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True)
class Ssh:
    """A running server: its port, its user, and the files by which a client trusts it and is trusted."""

    port: int
    user: str
    key: Path  # the client's private key
    known_hosts: Path
    home: Path  # an empty folder to work in
    log: Path

    @property
    def destination(self) -> str:
        """USER@HOST."""
        return f"{self.user}@{HOST}"

    @property
    def options(self) -> tuple[str, ...]:
        """What ssh has to be told to get in without a question."""
        told = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
        }
        said = tuple(word for name, value in told.items() for word in ("-o", f"{name}={value}"))
        return ("-F", os.devnull, "-i", str(self.key), "-p", str(self.port), *said)

    @property
    def git_environment(self) -> dict[str, str]:
        """Variables by which git reaches `url(path)`."""
        return {"GIT_SSH_COMMAND": shlex.join(("ssh", *self.options)), "GIT_SSH_VARIANT": "ssh"}

    def url(self, path: Path) -> str:
        """How git calls a folder behind this server."""
        return f"ssh://{self.destination}:{self.port}{path}"

    @property
    def logins(self) -> int:
        """How often somebody has logged in."""
        return self.log.read_text(errors="replace").count("Accepted publickey")


@contextmanager
def ssh_server(folder: Path, *, path: str = "") -> Iterator[Ssh]:
    """A server as long as the block runs; `path`, if given, is the PATH of its sessions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host_key", "user_key"):
        _keygen(folder / name)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    (folder / "home").mkdir()
    # As root, sshd insists on this folder of its own, which a package's service would make.
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def command(port: int) -> tuple[str | Path, ...]:
        settings = SETTINGS.format(host=HOST, port=port, folder=folder)
        own_path = f'"PATH={path}"' if path else f'"PATH={os.environ["PATH"]}"'
        # bash reads the user's own settings in a session of SSH, but not in a shell within a shell.
        (folder / "sshd_config").write_text(f"{settings}SetEnv SHLVL=2 {own_path}\n")
        return (_sshd(), "-D", "-e", "-f", folder / "sshd_config")

    with beside(command, folder / "sshd.log") as port:
        known = folder / "known_hosts"
        known.write_text(f"[{HOST}]:{port} {(folder / 'host_key.pub').read_text()}")
        yield Ssh(port, getpass.getuser(), folder / "user_key", known, folder / "home", folder / "sshd.log")


def _keygen(path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "slipway tests", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def _sshd() -> str:
    """sshd's whole path: it starts itself anew for each connection, and must be called by that."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert found, "sshd is not installed: tests/prepare.py says how"
    return found
