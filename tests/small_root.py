"""A small root folder in which scripts run as on another system: busybox, dash, and programs that are played by others."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SmallRoot:
    """The folder; what is played may write down what it was asked for in `/calls`."""

    root: Path

    @classmethod
    def made(cls, root: Path, played: Mapping[str, str]) -> SmallRoot:
        """Make one; `played` are the texts of programs, by name, that stand before those of busybox."""
        for name in ("usr/bin", "usr/sbin", "bin", "dev", "tmp"):
            (root / name).mkdir(parents=True)
        busybox, dash = shutil.which("busybox"), shutil.which("dash")
        assert busybox
        assert dash
        shutil.copy(busybox, root / "bin/busybox")
        for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            # busybox' own shell would run its own programs in the place of those that are played.
            if name not in {"busybox", "sh", *played}:
                (root / "bin" / name).symlink_to("busybox")
        shutil.copy(dash, root / "bin/sh")
        listed = subprocess.run(["ldd", dash], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+)(?: \(0x)", listed):
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / library[1:])
        for name, text in played.items():
            (root / "usr/bin" / name).write_text(text)
            (root / "usr/bin" / name).chmod(0o755)
        (root / "dev/null").touch(mode=0o666)
        return cls(root)

    def sh(self, *words: str, status: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Run a shell with these words inside, as root; returns all that it says."""
        inside = ["unshare", "--map-root-user", "--root", str(self.root), "--wd", "/", "/bin/sh", *words]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, env=env)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def calls(self) -> list[str]:
        """What was asked for since the last time."""
        path = self.root / "calls"
        found = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return found
