"""Every shell goes through the whole life of an installation; the table in the manual says how it went."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from installer_lab import SHELLS, Kit, Picture, Ran, make, picture, run

PAGE = Path(__file__).parents[2] / "docs/reference/installer-matrix.md"
NEW = {
    "bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.3.0\n"),
    "lib/hello/greetings.txt": None,
    "lib/hello/farewells.txt": (0o644, "good bye\n"),
}


class Life:
    """One shell and one scope, and a home to live in."""

    def __init__(self, kits: tuple[Kit, Kit], shell: str, scope: str, home: Path) -> None:
        self.old, self.new = kits
        self.shell = SHELLS[shell]
        self.home = home
        self.prefix = home / (".local" if scope == "user" else "system root")
        self.scope = ["--user"] if scope == "user" else ["--system", "--prefix", str(self.prefix)]
        self.before = picture(home)

    def run(self, script: Path, *options: str) -> Ran:
        return run(script, *self.scope, *options, home=self.home, shell=self.shell, env={"LC_ALL": "C.UTF-8"})

    def good(self, script: Path, *options: str) -> Ran:
        ran = self.run(script, *options)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran

    @property
    def config(self) -> Path:
        return self.home / ".config/hello/hello.toml" if self.scope == ["--user"] else self.prefix / "etc/hello/hello.toml"

    def version(self) -> str:
        done = run(self.prefix / "bin/hello", home=self.home, shell=())
        return done.out.split()[-1]


def install(life: Life) -> str:
    life.good(life.old.install)
    assert life.version() == "1.2.3"
    return "installed"


def install_again(life: Life) -> str:
    before = picture(life.home)
    assert "nothing to do" in life.good(life.old.install).out
    assert picture(life.home) == before
    return "nothing to do"


def upgrade(life: Life) -> str:
    life.config.write_text("mine\n")
    life.good(life.new.install, "--upgrade")
    assert life.version() == "1.3.0"
    assert sorted(path.name for path in (life.prefix / "lib/hello").iterdir()) == ["farewells.txt"]
    return "upgraded"


def downgrade(life: Life) -> str:
    before = picture(life.home)
    ran = life.run(life.old.install)
    assert ran.code == 3, ran
    assert "  hint: " in ran.err
    assert picture(life.home) == before
    return "refused, code 3"


def roll_back(life: Life) -> str:
    life.good(life.new.install, "--rollback")
    assert life.version() == "1.2.3"
    assert (life.prefix / "lib/hello/greetings.txt").exists()
    assert life.config.read_text() == "mine\n"
    return "back to the version before"


def uninstall(life: Life) -> str:
    life.good(life.prefix / "share/hello/uninstall.sh")
    assert [path for path in changed(life.before, picture(life.home)) if path.is_file()] == [life.config]
    return "removed, changed configuration kept"


def purge(life: Life) -> str:
    life.good(life.old.install)
    life.good(life.old.uninstall, "--purge")
    assert [path for path in changed(life.before, picture(life.home)) if path.is_file()] == []
    return "removed, nothing left"


def reinstall(life: Life) -> str:
    life.good(life.new.install)
    assert life.version() == "1.3.0"
    life.good(life.new.install, "--uninstall", "--purge")
    assert [path for path in changed(life.before, picture(life.home)) if path.is_file()] == []
    return "installed and removed"


def changed(before: Picture, after: Picture) -> list[Path]:
    """What is not as it was."""
    return [Path(name) for name in {**before, **after} if before.get(name) != after.get(name)]


SCENARIOS: dict[str, Callable[[Life], str]] = {
    "install": install,
    "re-run": install_again,
    "upgrade": upgrade,
    "downgrade": downgrade,
    "rollback": roll_back,
    "uninstall": uninstall,
    "purge": purge,
    "reinstall": reinstall,
}
SCOPES = ("user", "system")


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kit, Kit]:
    return make(tmp_path_factory.mktemp("old")), make(tmp_path_factory.mktemp("new"), "1.3.0", NEW)


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, str], dict[str, str]]:
    """How each scenario ended, by shell and scope."""
    return {}


@pytest.mark.slow
@pytest.mark.req("S0-10", "S0-24", "S0-58")
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_goes_through_the_whole_life(
    kits: tuple[Kit, Kit], results: dict[tuple[str, str], dict[str, str]], tmp_path: Path, shell: str, scope: str
) -> None:
    home = tmp_path / "a home, 'quoted' & odd"
    home.mkdir()
    (home / ".profile").write_text("umask 022\n")
    (home / ".bashrc").write_bytes(b"alias ll=ls")
    life = Life(kits, shell, scope, home)
    results[shell, scope] = {name: scenario(life) for name, scenario in SCENARIOS.items()}


@pytest.mark.slow
def test_the_page_is_what_was_seen(results: dict[tuple[str, str], dict[str, str]]) -> None:
    if len(results) < len(SHELLS) * len(SCOPES):
        pytest.fail("this test tells of those before it: run the whole file in one process")
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(page(results))
    assert PAGE.read_text() == page(results)


def test_the_page_names_all_shells_and_scenarios() -> None:
    text = PAGE.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [name for name in SCENARIOS if f" {name} |" not in rows[0]] == []
    assert [shell for shell in SHELLS if f"| {shell} | " not in text] == []
    assert len(rows) == 1 + len(SHELLS) * len(SCOPES)


def page(results: dict[tuple[str, str], dict[str, str]]) -> str:
    """The manual's table."""
    rows = [f"| {shell} | {scope} | {' | '.join(said.values())} |" for (shell, scope), said in results.items()]
    return "\n".join(
        (
            "# The installer in every shell",
            "",
            "`tests/system/test_install_matrix.py` writes this page: each row is a run of the real `install.sh` and",
            "`uninstall.sh` in that shell, from the left to the right, in a home with odd letters in its name.",
            "`system` stands for `--system` below a prefix.",
            "",
            f"| shell | scope | {' | '.join(SCENARIOS)} |",
            f"|{'---|' * (len(SCENARIOS) + 2)}",
            *rows,
            "",
        )
    )
