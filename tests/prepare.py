"""Install what the tests need from Debian, npm and Go, or say how: tests never skip because something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import prism
import s3_server

# program, or file where there is none: the Debian package that brings it
PROGRAMS = {
    "cc": "gcc",
    "curl": "curl",
    "git": "git",
    "openssl": "openssl",
    "node": "nodejs",
    "npm": "npm",
    "llvm-readobj": "llvm",
    "readelf": "binutils",
    "wget": "wget",
    "rpmkeys": "rpm",
    "debsig-verify": "debsig-verify",
    "osslsigncode": "osslsigncode",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "rsync": "rsync",
    "minisign": "minisign",
    "gpg": "gnupg",
    "gpgv": "gpgv",
    "dockerd": "docker.io",
    "docker-compose": "docker-compose",
    "mmdebstrap": "mmdebstrap",
    "dpkg-gencontrol": "dpkg-dev",
    "lintian": "lintian",
    "rpmbuild": "rpm",
    "rpm2cpio": "rpm2cpio",
    "rpmlint": "rpmlint",
    "cpio": "cpio",
    "shellcheck": "shellcheck",
    "shfmt": "shfmt",
    "checkbashisms": "devscripts",
    "strace": "strace",
    "busybox": "busybox-static",
    "dash": "dash",
    "ksh93": "ksh",
    "mksh": "mksh",
    "posh": "posh",
    "yash": "yash",
    "zsh": "zsh",
    "fish": "fish",
    "tcsh": "tcsh",
    "elvish": "elvish",
    "xonsh": "xonsh",
    "xz": "xz-utils",
    "zstd": "zstd",
    "brotli": "brotli",
    "7z": "p7zip-full",
    "unzip": "unzip",
    "zip": "zip",
    "bsdtar": "libarchive-tools",
    "systemd-analyze": "systemd",
    "ps": "procps",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "qemu-aarch64-static": "qemu-user-static",
    "wixl": "wixl",
    "msibuild": "msitools",
    "wine": "wine",
    "/usr/lib/wine/wine64": "wine64",
    "/usr/aarch64-linux-gnu/lib/libc.so.6": "libc6-arm64-cross",
    "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1": "libgcc-s1-arm64-cross",
}
OTHERS = {
    "cargo": "Rust with cargo is needed: see https://rustup.rs",
    "go": "Go 1.26 or newer is needed, which builds an S3 server: see https://go.dev/dl",
}


def main() -> int:
    """Return 0 when everything is there."""
    for program, advice in OTHERS.items():
        if not shutil.which(program):
            print(f"{program} is not installed. {advice}", file=sys.stderr)
            return 1
    if (code := _debian()) == 0:
        prism.installed()
        s3_server.program()
    return code


def _debian() -> int:
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in PROGRAMS.items() if not _is_there(program, path)})
    if not missing:
        return 0
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        print(f"the tests need more programs; on Debian and Ubuntu: sudo {' '.join(install)}", file=sys.stderr)
        return 1
    print(f"installing {' '.join(missing)}", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], env=quiet, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(install, env=quiet, stdout=subprocess.DEVNULL, check=True)
    return 0


def _is_there(name: str, path: str) -> bool:
    return Path(name).exists() if name.startswith("/") else shutil.which(name, path=path) is not None


if __name__ == "__main__":
    sys.exit(main())
