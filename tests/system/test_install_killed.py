"""Scripts that are killed before any of their changes: what is left can be taken up again, and can be taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from installer_lab import SHELLS, Picture, make, picture, run

from slipway.model import Variant

pytestmark = pytest.mark.slow
# The programs by which the scripts change anything.
CHANGING = ("mkdir", "mv", "cp", "rm", "ln", "chmod", "rmdir")
# Few files of each kind: every one of them takes several changes.
FEW: dict[str, tuple[int, str] | None] = {
    "README.md": None,
    "LICENSE": None,
    "bin/hello-server": None,
    "share/doc/hello/user/start.md": None,
}
NEW: dict[str, tuple[int, str] | None] = {
    "bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.3.0\n"),
    "lib/hello/greetings.txt": None,
    "lib/hello/farewells.txt": (0o644, "good bye\n"),
    "etc/hello/hello.toml": (0o644, 'name = "everybody"\n'),
}
Command = tuple[Path | str, ...]


@dataclass(frozen=True)
class Story:
    """What had been done before, and what is killed."""

    before: tuple[Command, ...]
    killed: Command


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Story]:
    root = tmp_path_factory.mktemp("kits")
    few = (Variant(name="complete", components=("programs", "config")),)
    old, new = make(root / "old", files=FEW, variants=few), make(root / "new", "1.3.0", {**FEW, **NEW}, variants=few)
    first, second = (old.install, "--user"), (new.install, "--user")
    return {
        "install": Story((), first),
        "upgrade": Story((first,), second),
        "rollback": Story((first, second), (new.install, "--user", "--rollback")),
        "rollback by the uninstaller": Story((first, second), (new.uninstall, "--user", "--rollback")),
        "uninstall": Story((first, second), (new.uninstall, "--user")),
    }


@dataclass(frozen=True)
class Stage:
    """A home that can be set back, and programs that kill whoever calls one of them for the n-th time."""

    home: Path
    folder: Path
    shell: tuple[str, ...]

    def play(self, command: Command, path: str = "/usr/bin:/bin") -> int:
        done = run(command[0], *command[1:], home=self.home, shell=self.shell, path=path, env={"LC_ALL": "C.UTF-8"})
        assert done.code == 0, (command, done)
        return done.code

    def kill(self, command: Command, at: int) -> bool:
        """Run a command that dies, with all that it began, before its `at`-th change; false when it ends before that."""
        count = self.folder / "count"
        count.write_text("0\n")
        (self.folder / "at").write_text(f"{at}\n")
        done = subprocess.run(
            [*self.shell, *map(str, command)],
            env={"HOME": str(self.home), "PATH": f"{self.folder}/shims:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            start_new_session=True,
            cwd=self.home,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, -9), done
        return done.returncode == -9

    def keep(self, name: str) -> None:
        shutil.copytree(self.home, self.folder / name, symlinks=True)

    def set_back(self, name: str) -> None:
        shutil.rmtree(self.home)
        shutil.copytree(self.folder / name, self.home, symlinks=True)

    def forget(self, name: str) -> None:
        shutil.rmtree(self.folder / name)


@pytest.fixture
def stage_of(tmp_path: Path) -> Iterator[Callable[[tuple[str, ...]], Stage]]:
    def build(shell: tuple[str, ...]) -> Stage:
        home = tmp_path / "a home"
        home.mkdir()
        (home / ".profile").write_text("umask 022")
        shims = tmp_path / "shims"
        shims.mkdir()
        for name in CHANGING:
            program = shims / name
            program.write_text(
                f"#!/bin/sh\nread -r n <{tmp_path}/count\nread -r at <{tmp_path}/at\n"
                f"echo $((n + 1)) >{tmp_path}/count\n"
                f'[ $((n + 1)) -ne "$at" ] || kill -9 0\nexec /bin/{name} "$@"\n'
            )
            program.chmod(0o755)
        return Stage(home, tmp_path, shell)

    yield build


def killed_at_every(stage: Stage, story: Story, step: int, start: int = 1) -> int:
    """Kill it before each `step`-th change; then it is repeated, and from the same ruins everything is removed."""
    bare = picture(stage.home)
    for command in story.before:
        stage.play(command)
    stage.keep("before")
    stage.play(story.killed)
    ended = picture(stage.home)
    at = start
    while True:
        stage.set_back("before")
        if not stage.kill(story.killed, at):
            break
        stage.keep("ruins")
        stage.play(story.killed)
        same(picture(stage.home), ended, f"repeated after it was killed at {at}")
        stage.set_back("ruins")
        stage.forget("ruins")
        stage.play((Path(story.killed[0]).parent / "uninstall-hello.sh", "--user"))
        same(picture(stage.home), bare, f"removed after it was killed at {at}")
        at += step
    return at


def same(found: Picture, wanted: Picture, when: str) -> None:
    strange = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
    assert strange == set(), when


@pytest.mark.req("S0-24", "S0-58")
@pytest.mark.parametrize("what", ["install", "upgrade", "rollback", "rollback by the uninstaller", "uninstall"])
def test_a_run_killed_before_any_change_can_be_repeated_and_removed(
    stories: dict[str, Story], stage_of: Callable[[tuple[str, ...]], Stage], what: str
) -> None:
    # Both scripts go back by the same lines.
    step = 4 if what == "rollback by the uninstaller" else 1
    assert killed_at_every(stage_of(("dash",)), stories[what], step) > 20


# busybox ash has a mkdir and an mv of its own, which it prefers to any on PATH, and so to the ones that kill.
@pytest.mark.parametrize("shell", [name for name in SHELLS if name not in ("dash", "busybox ash")])
def test_a_killed_upgrade_can_be_repeated_and_removed_in_any_shell(
    stories: dict[str, Story], stage_of: Callable[[tuple[str, ...]], Stage], shell: str
) -> None:
    start = 1 + list(SHELLS).index(shell)
    assert killed_at_every(stage_of(SHELLS[shell]), stories["upgrade"], 11, start) > 20


def test_a_run_that_lives_is_waited_for_wherever_its_notes_lie(
    stories: dict[str, Story], stage_of: Callable[[tuple[str, ...]], Stage]
) -> None:
    stage = stage_of(("sh",))
    for place in (stage.home, stage.home / ".local"):
        notes = place / ".hello-install"
        notes.mkdir(parents=True)
        (notes / "pid").write_text(f"{os.getpid()}\n")
        (notes / "prefix").write_text(f"{stage.home}/.local\n")
        refused = run(stories["install"].killed[0], "--user", home=stage.home)
        assert (refused.code, str(os.getpid()) in refused.err) == (3, True), refused
        assert notes.exists()
        shutil.rmtree(notes)


def test_notes_of_a_run_over_another_folder_are_left_alone(
    stories: dict[str, Story], stage_of: Callable[[tuple[str, ...]], Stage]
) -> None:
    stage = stage_of(("sh",))
    (stage.home / ".local").mkdir()
    notes = stage.home / ".hello-install"
    notes.mkdir()
    (notes / "pid").write_text("1\n")
    (notes / "prefix").write_text(f"{stage.home}/elsewhere\n")
    stage.play(stories["install"].killed)
    assert (notes / "pid").exists()
