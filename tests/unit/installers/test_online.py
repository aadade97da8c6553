from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import installer_lab
import pytest
from installer_lab import EVERY_SHELL, Kit, Ran, make, run
from powershell_reader import below, read, text_of

import sample
from slipway.errors import ConfigError, SlipwayError, VerificationError
from slipway.installers.online import online_scripts
from slipway.installers.validate import check_shell_script
from slipway.installers.windows import plan_windows_installers
from slipway.model import InstallRules, Release
from slipway.platforms import PLATFORMS
from slipway.version import Version

OTHER = {"bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.1.0\n")}
ELSEWHERE = InstallRules(health=("hello", "--version"), download_url="https://hello.invalid/releases/{tag}")

CHECKS = ("syntax", "shellcheck", "checkbashisms")


class Server:
    """A plain web server, as `python -m http.server` is one, with what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *words: Any) -> None:
                asked.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("published"))
    thread = Thread(target=made.http.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def publish(server: Server, kit: Kit) -> Kit:
    """Lay a release out as a store does: all files of a version flat in a folder, and the script at the top a copy of one."""
    release = kit.release
    folder = server.folder / f"v{release.version}"
    folder.mkdir()
    made = online_scripts(release, f"{server.url}/{{tag}}", release.paths.state / "online/local/site")
    for path in (*release.paths.packages.glob("*.tar.gz"), *release.paths.installers.iterdir(), *made):
        (folder / path.name).write_bytes(path.read_bytes())
    (server.folder / "install.sh").write_bytes((folder / "online-install.sh").read_bytes())
    return kit


@pytest.fixture(scope="module")
def kit(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    publish(server, make(tmp_path_factory.mktemp("older"), "1.1.0", files=OTHER, install=ELSEWHERE))
    return publish(server, make(tmp_path_factory.mktemp("kit"), install=ELSEWHERE))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (made := tmp_path / "a home").mkdir()
    return made


def piped(server: Server, home: Path, *arguments: str, **environment: str) -> Ran:
    """What the line `curl -fsSL ADDRESS | sh` does, for one user."""
    got = subprocess.run(["curl", "-fsSL", f"{server.url}/install.sh"], capture_output=True, check=True, timeout=60)
    env = {"HELLO_USER": "1", "HELLO_RETRIES": "0", **environment}
    return run(None, "-s", "--", *arguments, home=home, stdin=got.stdout, env=env)


@pytest.mark.req("S0-11")
def test_the_line_with_the_pipe_installs_from_where_the_script_came(server: Server, kit: Kit, home: Path) -> None:
    ran = piped(server, home)
    assert (ran.code, ran.err) == (0, "")
    assert run(home / ".local/bin/hello", "you", home=home, shell=()).out == "hello you 1.2.3\n"
    assert f"/v1.2.3/{kit.archive().name}" in server.asked


@pytest.mark.parametrize("shell", EVERY_SHELL)
def test_each_shell_takes_the_line(server: Server, kit: Kit, home: Path, tmp_path: Path, shell: tuple[str, ...]) -> None:
    (made,) = online_scripts(kit.release, f"{server.url}/{{tag}}", tmp_path)
    ran = run(made, "--user", "--retries", "0", home=home, shell=shell)
    assert (ran.code, ran.err) == (0, "")
    assert run(home / ".local/bin/hello", home=home, shell=()).out == "hello world 1.2.3\n"


def test_another_version_is_found_beside_this_one(server: Server, kit: Kit, home: Path) -> None:
    ran = piped(server, home, "--version", "1.1.0")
    assert (ran.code, ran.err) == (0, "")
    assert run(home / ".local/bin/hello", home=home, shell=()).out == "hello world 1.1.0\n"


@pytest.mark.parametrize("how", ["an option", "the environment"])
def test_what_the_user_says_goes_before_it(server: Server, kit: Kit, home: Path, tmp_path: Path, how: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / kit.archive().name).write_bytes(kit.archive().read_bytes())
    del server.asked[:]
    said = (f"--base-url={elsewhere}",) if how == "an option" else ()
    ran = piped(server, home, *said, **({} if said else {"HELLO_BASE_URL": str(elsewhere)}))
    assert (ran.code, ran.err) == (0, "")
    assert server.asked == ["/install.sh"]


def test_the_script_is_the_published_one_but_for_a_line(server: Server, kit: Kit, tmp_path: Path) -> None:
    before = kit.install.read_bytes()
    (made,) = online_scripts(kit.release, f"{server.url}/{{tag}}", tmp_path / "one")
    assert made == tmp_path / "one/online-install.sh"
    lines, more = kit.install.read_text().splitlines(), made.read_text().splitlines()
    (added,) = (line for line in more if line not in lines)
    more.remove(added)
    assert more == lines
    assert added.count(server.url) == 1
    assert made.stat().st_mode & 0o777 == 0o755
    (again,) = online_scripts(kit.release, f"{server.url}/{{tag}}", tmp_path / "two")
    assert again.read_bytes() == made.read_bytes()
    assert kit.install.read_bytes() == before


@pytest.mark.slow
@pytest.mark.req("S0-37")
def test_every_shell_and_shellcheck_can_read_it(server: Server, kit: Kit, tmp_path: Path) -> None:
    (made,) = online_scripts(kit.release, f"{server.url}/{{tag}}", tmp_path)
    assert {one.check: one.outcome for one in check_shell_script(made)} == dict.fromkeys(CHECKS, "passed")


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("https://hello.invalid/releases/{tag}", "https://hello.invalid/releases/{tag}"),
        ("https://hello.invalid/releases/{tag}/", "https://hello.invalid/releases/v{version}"),
        ("https://hello.invalid/{version}/{file}", "https://hello.invalid/1.2.3/"),
    ],
)
def test_nothing_is_made_where_the_installers_know_the_place(kit: Kit, tmp_path: Path, said: str, url: str) -> None:
    project = replace(kit.release.project, install=replace(ELSEWHERE, download_url=said))
    assert online_scripts(replace(kit.release, project=project), url, tmp_path / "made") == ()
    assert not (tmp_path / "made").exists()
    assert online_scripts(replace(kit.release, project=project), f"{url}/more", tmp_path / "made") != ()


REFUSED = {
    "http beyond this machine": ("http://hello.example/{tag}", "only https://"),
    "no address": ("/srv/releases/{tag}", "names no server"),
    "a password": ("https://me:sesame@hello.example/{tag}", "everybody could read"),
    "a space": ("https://hello.example/my releases/{tag}", "%-escapes"),
    "a line break": ("https://hello.example/{tag}\nrm -rf", "%-escapes"),
    "letters beyond ASCII": ("https://hello.example/\u00e4/{tag}", "%-escapes"),
    "words that installers do not know": ("https://hello.example/{minor}/{tag}", "{tag} and {version}"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_address_from_which_nobody_could_install_is_refused(kit: Kit, tmp_path: Path, case: str) -> None:
    url, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        online_scripts(kit.release, url, tmp_path)
    assert words in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert not list(tmp_path.glob("*.sh"))


def test_an_address_is_quoted_for_the_shell(kit: Kit, home: Path, tmp_path: Path) -> None:
    odd = "https://hello.invalid/$(touch${IFS}seen)/it's/`id`/{tag}"
    with pytest.raises(ConfigError, match="braces"):
        online_scripts(kit.release, odd, tmp_path)
    (made,) = online_scripts(kit.release, odd.replace("${IFS}", ";"), tmp_path / "made")
    ran = run(made, "--user", "--retries", "0", home=home, env={"https_proxy": "http://127.0.0.1:1"})
    assert ran.code == 42
    assert "https://hello.invalid/$(touch;seen)/it's/`id`/v1.2.3/" in ran.out
    assert not list(tmp_path.rglob("seen"))


def test_a_script_that_is_left_of_another_version_is_not_served(kit: Kit, tmp_path: Path) -> None:
    other = replace(kit.release, version=Version("1.2.4"))
    with pytest.raises(VerificationError, match=r"hello-1\.2\.4"):
        online_scripts(other, "https://hello.example/{tag}", tmp_path)


def test_a_project_s_own_template_has_to_take_the_address(tmp_path: Path) -> None:
    own = tmp_path / "project/installers/unix/install.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\n# Install {{ name }}.\necho nothing\n")
    kit = make(tmp_path)
    with pytest.raises(SlipwayError, match="HELLO_BASE_URL"):
        online_scripts(kit.release, "https://hello.example/{tag}", tmp_path / "made")


def for_windows(tmp_path: Path) -> Release:
    release = sample.release(tmp_path, platforms=(PLATFORMS["windows-amd64"],))
    for cell in release.cells:
        sample.stage(release, cell)
        name = f"{release.name_of(cell)}.zip"
        installer_lab.put_record(release, cell, name, size=1000, sha256="0" * 64)
    for step in plan_windows_installers(release):
        step.run()
    return release


def test_powershell_reads_the_line_behind_the_parameters(tmp_path: Path) -> None:
    release = for_windows(tmp_path)
    (made,) = online_scripts(release, "https://hello.example/o'hara/{tag}", tmp_path / "made")
    script = read(text := made.read_text())
    assert script.faults == []
    assert text.isascii()
    # The parameters stay the first thing that is no comment: PowerShell would not take them elsewhere.
    (parameters, *_) = below(script.root, "param_block")
    first = next(node for node in below(script.root, "param_block", "statement_list", "if_statement"))
    assert first == parameters
    (line,) = (each for each in text.splitlines() if "o''hara" in each)
    assert line == ("if (-not $BaseUrl -and -not $env:HELLO_BASE_URL) { $BaseUrl = 'https://hello.example/o''hara/{tag}' }")
    after = [text_of(node) for node in below(script.root, "if_statement")]
    assert after[0] == line
    assert list(script.unknown_variables()) == []
