"""install.sh as users fetch it: piped into a shell from an https server of our own, with every program that downloads."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import FETCH, HIDDEN, Site, programs, proxying, serving
from installer_lab import Kit, Ran, make, picture, put_record, run, shim

from slipway.files import digest_file
from slipway.installers import plan_installers
from slipway.model import InstallRules, PlatformSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def the_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("certificates")) as site:
        yield site


@pytest.fixture
def site(the_site: Site) -> Site:
    """The server in a good mood, with nothing asked yet."""
    the_site.cheer()
    return the_site


def publish(site: Site, root: Path, url: str, place: str) -> Kit:
    """Make a release that is downloaded from `url`, and let the site have it at `place`."""
    made = make(root, install=InstallRules(health=("hello", "--version"), download_url=url))
    shutil.copytree(made.release.paths.packages, site.folder / place)
    shutil.copy(made.install, site.folder / place)
    return made


@pytest.fixture(scope="module")
def kit(the_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return publish(the_site, tmp_path_factory.mktemp("kit"), f"{the_site.url}/releases/{{tag}}", "releases/v1.2.3")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home"
    made.mkdir()
    (made / ".profile").write_text("umask 022\n")
    return made


def pipe(site: Site, kit: Kit, client: str, home: Path, *arguments: str | Path, **options: Any) -> Ran:
    """Run install.sh for one user, as the documentation of a project would say it; root's own choice is the whole machine."""
    path = options.pop("path", None) or programs(home.parent / f"with-{client}", client)
    url = options.pop("url", f"{site.url}/releases/v1.2.3/install.sh")
    line = f'{FETCH[client]} {url} | sh -s -- --user "$@"'
    return run("-c", line, "sh", *arguments, home=home, shell=("/bin/sh",), path=path, **{"env": site.trust, **options})


def says(home: Path) -> str:
    return subprocess.run([home / ".local/bin/hello"], capture_output=True, text=True, check=True).stdout


def failed(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err, ran


@pytest.mark.req("S0-10", "S0-11", "S0-58")
@pytest.mark.parametrize("client", FETCH)
def test_one_line_installs_with_each_program_alone(site: Site, kit: Kit, home: Path, client: str) -> None:
    before = picture(home)
    ran = pipe(site, kit, client, home)
    assert ran.code == 0, ran
    assert says(home) == "hello world 1.2.3\n"
    assert site.asked == ["/releases/v1.2.3/install.sh", f"/releases/v1.2.3/{kit.archive().name}"]
    again = pipe(site, kit, client, home, "--prefix", home / "tree")
    assert (again.code, (home / "tree/bin/hello").exists()) == (0, True), again
    for words in ((), ("--prefix", home / "tree")):
        assert pipe(site, kit, client, home, "--uninstall", *words).code == 0
    assert picture(home) == before
    assert len(site.asked) == 6, "removing needs no archive"


def test_a_piped_curl_needs_no_arguments(site: Site, kit: Kit, home: Path) -> None:
    line = f"curl -fsSL {site.url}/releases/v1.2.3/install.sh | sh"
    ran = run("-c", line, home=home, shell=("/bin/sh",), path=programs(home.parent / "few", "curl"), env=site.trust)
    assert (ran.code, ran.err) == (0, ""), ran
    assert says(home) == "hello world 1.2.3\n"


@pytest.mark.parametrize("client", FETCH)
@pytest.mark.parametrize(
    ("mood", "code", "words"),
    [
        ("damaged", 4, ("sha256",)),
        ("missing", 42, ("404", "could not be downloaded")),
        ("short", 42, ("could not be downloaded",)),
        ("reset", 42, ("could not be downloaded",)),
        ("busy", 42, ("503",)),
    ],
)
def test_a_bad_answer_leaves_nothing(
    site: Site, kit: Kit, home: Path, client: str, mood: str, code: int, words: tuple[str, ...]
) -> None:
    before, site.mood = picture(home), mood
    ran = pipe(site, kit, client, home)
    failed(ran, code, *words)
    assert picture(home) == before


@pytest.mark.parametrize("client", ["curl", "wget"])
@pytest.mark.parametrize("mood", ["short", "reset"])
def test_a_broken_transfer_is_tried_again(site: Site, kit: Kit, home: Path, client: str, mood: str) -> None:
    site.mood, site.bad_answers = mood, 2
    ran = pipe(site, kit, client, home)
    assert ran.code == 0, ran
    assert says(home) == "hello world 1.2.3\n"
    assert len(site.asked) == 4


def test_a_busy_server_is_asked_again_by_curl(site: Site, kit: Kit, home: Path) -> None:
    site.mood, site.bad_answers = "busy", 2
    assert pipe(site, kit, "curl", home).code == 0
    assert says(home) == "hello world 1.2.3\n"


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_a_redirection_may_lead_elsewhere_but_not_to_plain_http(site: Site, kit: Kit, home: Path, client: str) -> None:
    before, site.mood = picture(home), "plain"
    failed(pipe(site, kit, client, home), 42, "http")
    assert picture(home) == before
    assert client == "wget" or site.asked_plainly == []
    site.mood = "moved"
    assert pipe(site, kit, client, home).code == 0
    assert says(home) == "hello world 1.2.3\n"


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_a_silent_server_is_given_up_and_a_slow_one_is_not(site: Site, kit: Kit, home: Path, client: str) -> None:
    # The real program, with less patience: half a minute becomes a second, three more tries become one.
    path = programs(home.parent / "few", client)
    real = shutil.which(client)
    (Path(path) / client).unlink()
    shorter = (
        'for word; do shift; case $word in 3 | 30) word=1 ;; --timeout=30) word=--timeout=1 ;; esac; set -- "$@" "$word"; done'
    )
    shim(Path(path), client, f'{shorter}\nexec {real} "$@"')
    before, site.mood = picture(home), "silent"
    start = time.monotonic()
    failed(pipe(site, kit, client, home, path=path), 42, "could not be downloaded")
    assert time.monotonic() - start < 60
    assert picture(home) == before
    site.mood = "slow"
    assert pipe(site, kit, client, home, path=path).code == 0
    assert says(home) == "hello world 1.2.3\n"


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_a_server_that_nobody_vouches_for_is_refused(site: Site, kit: Kit, home: Path, client: str) -> None:
    before = picture(home)
    path = programs(home.parent / "few", client)
    ran = run(alone(kit, home.parent), "--user", home=home, shell=("/bin/sh",), path=path)
    failed(ran, 42, "certificate")
    assert [path for path in site.asked if ".tar" in path] == []
    assert picture(home) == before


def alone(kit: Kit, folder: Path) -> Path:
    """A copy of install.sh with nothing beside it."""
    return Path(shutil.copy(kit.install, folder / "install.sh"))


def test_without_a_program_that_downloads_there_is_advice(site: Site, kit: Kit, home: Path) -> None:
    before = picture(home)
    path = programs(home.parent / "few", "")
    ran = run(alone(kit, home.parent), "--user", home=home, shell=("/bin/sh",), path=path)
    failed(ran, 42, "neither curl nor wget", "beside this script")
    assert picture(home) == before


def test_a_wget_without_https_says_so(site: Site, kit: Kit, home: Path) -> None:
    before = picture(home)
    path = programs(home.parent / "few", "")
    shim(Path(path), "wget", 'for url; do :; done\necho "wget: not an http or ftp url: $url" >&2\nexit 1')
    ran = run(alone(kit, home.parent), "--user", home=home, shell=("/bin/sh",), path=path)
    failed(ran, 42, "not an http or ftp url", "could not be downloaded", "beside this script")
    assert picture(home) == before


def test_a_freebsd_has_a_fetch_of_its_own(site: Site, kit: Kit, home: Path) -> None:
    path = programs(home.parent / "few", "")
    (Path(path) / "uname").unlink()
    shim(Path(path), "uname", "case $1 in -s) echo FreeBSD ;; *) echo amd64 ;; esac")
    shim(Path(path), "fetch", f'echo "$*" >{home.parent}/asked\nwhile [ "$1" != -o ]; do shift; done\ncp {kit.archive()} "$2"')
    platform = {"HELLO_PLATFORM": kit.archive().name.split("1.2.3-")[1].removesuffix("-complete.tar.gz")}
    ran = run(alone(kit, home.parent), "--user", home=home, shell=("/bin/sh",), path=path, env=platform)
    assert (ran.code, ran.err) == (0, ""), ran
    assert f"{site.url}/releases/v1.2.3/{kit.archive().name}" in (home.parent / "asked").read_text()


def test_an_archive_beside_the_script_is_preferred_to_a_download(site: Site, kit: Kit, home: Path) -> None:
    folder = home.parent / "beside"
    folder.mkdir()
    shutil.copy(kit.archive(), folder)
    path = programs(home.parent / "few", "curl")
    ran = run(alone(kit, folder), "--user", home=home, shell=("/bin/sh",), path=path, env=site.trust)
    assert (ran.code, ran.err, site.asked) == (0, "", []), ran
    assert says(home) == "hello world 1.2.3\n"


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_the_proxy_of_the_environment_is_used(site: Site, home: Path, tmp_path: Path, client: str) -> None:
    kit = publish(site, tmp_path / "kit", f"https://{HIDDEN}/{client}/{{version}}/get?{{file}}", f"{client}/1.2.3")
    shutil.copy(kit.archive(), site.folder / f"{client}/1.2.3/get?{kit.archive().name}")
    url = f"https://{HIDDEN}/{client}/1.2.3/install.sh"
    with proxying(site) as (proxy, connected):
        environment = site.trust | {"https_proxy": proxy}
        ran = pipe(site, kit, client, home, env=environment, url=url)
        assert ran.code == 0, ran
        assert says(home) == "hello world 1.2.3\n"
        assert connected == [f"{HIDDEN}:443"] * 2
        assert site.asked == [f"/{client}/1.2.3/install.sh", f"/{client}/1.2.3/get?{kit.archive().name}"]
        failed(run(alone(kit, tmp_path), "--user", "--force", home=home, env=site.trust), 42, HIDDEN, "proxy")


@pytest.mark.parametrize(("suffix", "tool"), [("tar.xz", "xz"), ("tar.zst", "zstd")])
def test_other_archives_need_their_program(site: Site, home: Path, tmp_path: Path, suffix: str, tool: str) -> None:
    rules = InstallRules(download_url=f"{site.url}/{tool}")
    formats = PlatformSettings(archives=(suffix,))
    made = make(tmp_path / "kit", files={}, install=rules)
    release = made.release
    project = release.project
    object.__setattr__(project, "settings", {platform.id: formats for platform in project.platforms})
    for cell in release.cells:
        old = release.paths.packages / f"{release.name_of(cell)}.tar.gz"
        new = old.with_name(f"{release.name_of(cell)}.{suffix}")
        subprocess.run(f"gzip -dc '{old}' | {tool} -qc >'{new}'", shell=True, check=True)
        put_record(release, cell, new.name, size=new.stat().st_size, sha256=digest_file(new))
        old.unlink()
    for step in plan_installers(release):
        step.run()
    shutil.copytree(release.paths.packages, site.folder / tool)
    url = f"{site.url}/{tool}/installers/install.sh"
    before = picture(home)
    ran = pipe(site, made, "curl", home, url=url)
    failed(ran, 6, f"the programs tar and {tool}")
    assert [path for path in site.asked if suffix in path] == [], "nothing is downloaded that cannot be unpacked"
    assert picture(home) == before
    real = shutil.which(tool)
    assert real
    (home.parent / f"with-curl/{tool}").symlink_to(real)
    ran = pipe(site, made, "curl", home, url=url, path=str(home.parent / "with-curl"))
    assert ran.code == 0, ran
    assert says(home) == "hello world 1.2.3\n"
