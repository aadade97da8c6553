"""What install.sh gets over the network: every fault that servers have, with every program that downloads."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import HOST, Site, programs, proxying, serving
from installer_lab import Kit, Ran, make, only, picture, run, shim

from slipway.files import digest_file
from slipway.installers import plan_installers
from slipway.model import InstallRules

pytestmark = pytest.mark.slow
CLIENTS = ("curl", "wget", "busybox")
# Some of it cannot be packed small, so that archives have some KiB.
NOISE = random.Random(5).randbytes(4 << 10).hex()
FOLDER = "releases/v1.2.3"


@pytest.fixture(scope="module")
def the_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("certificates")) as site:
        yield site


@pytest.fixture
def site(the_site: Site) -> Site:
    """The server in a good mood, with nothing asked yet."""
    the_site.cheer()
    return the_site


def publish(site: Site, root: Path, version: str = "1.2.3", **changes: Any) -> Kit:
    """Make a release that says it is at the site, and lay it there as a flat folder, with a list of checksums."""
    rules = InstallRules(health=("hello", "--version"), download_url=f"{site.url}/releases/{{tag}}")
    files = {"lib/hello/noise.txt": (0o644, NOISE)}
    made = make(root, version, files, **{"install": rules, **changes})
    folder = site.folder / f"releases/v{version}"
    for path in (*made.release.paths.packages.glob("*.tar.gz"), *made.release.paths.installers.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)
    listed = [f"{digest_file(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(listed))
    return made


@pytest.fixture(scope="module")
def kit(the_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return publish(the_site, tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def older(the_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return publish(the_site, tmp_path_factory.mktemp("older"), "1.1.0")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home"
    made.mkdir()
    (made / ".profile").write_text("umask 022\n")
    return made


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for temporary files that is to be empty afterwards."""
    made = tmp_path / "temporary files"
    made.mkdir()
    return made


def get(site: Site, kit: Kit, home: Path, *arguments: str | Path, client: str = "curl", **options: Any) -> Ran:
    """Run install.sh with nothing beside it; without --retries, one try is all."""
    script = home.parent / "alone/install.sh"
    script.parent.mkdir(exist_ok=True)
    shutil.copy(kit.install, script)
    path = options.pop("path", None) or programs(home.parent / f"with {client}", client, *options.pop("more", ()))
    env = {**site.trust, "HELLO_RETRIES": "0", **options.pop("env", {})}
    return run(script, *arguments, home=home, shell=("/bin/sh",), path=path, env=env, **options)


def good(ran: Ran, home: Path) -> Ran:
    assert ran.code == 0, ran
    assert ran.err == "", ran
    assert (home / ".local/share/hello/install-receipt").is_file()
    assert (home / ".local/lib/hello/noise.txt").read_text() == NOISE
    return ran


def failed(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err, ran


# mood, how many answers are bad, retries, exit code, words, how often the archive is asked for
FAULTS = {
    "not there": ("missing", 9, 2, 42, ("(404)", "--base-url"), 1),
    "500 once": ("broken", 1, 1, 0, (), 2),
    "500 for ever": ("broken", 9, 1, 42, ("(500)", "--mirror"), 2),
    "503 once": ("busy", 1, 1, 0, (), 2),
    "cut off once": ("short", 1, 1, 0, (), None),
    "cut off for ever": ("short", 9, 1, 42, ("broke off",), None),
    "reset once": ("reset", 1, 1, 0, (), None),
    "damaged": ("damaged", 9, 2, 4, ("sha256",), 1),
    "moved": ("moved", 9, 0, 0, (), 1),
    "moved nearby": ("near", 9, 0, 0, (), 1),
    "moved in a circle": ("circling", 30, 0, 42, ("could not be downloaded",), None),
}


@pytest.mark.req("S0-58")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_answer(site: Site, kit: Kit, home: Path, client: str, fault: str) -> None:
    site.mood, site.bad_answers, retries, code, words, asked = FAULTS[fault]
    before = picture(home)
    ran = get(site, kit, home, "--retries", str(retries), client=client)
    if code:
        failed(ran, code, *words)
        assert picture(home) == before
    else:
        good(ran, home)
    assert asked is None or len([path for path in site.archives if "elsewhere" not in path]) == asked


@pytest.mark.parametrize("client", ["curl", "wget", "busybox"])
def test_a_server_that_says_when_is_waited_for(site: Site, kit: Kit, home: Path, client: str) -> None:
    site.mood, site.bad_answers = "patient", 1
    start = time.monotonic()
    good(get(site, kit, home, "--retries", "1", client=client), home)
    # A BusyBox does not tell what the server said of time.
    assert time.monotonic() - start >= (1 if client == "busybox" else 3)


@pytest.mark.parametrize(
    ("client", "mood"), [("curl", "silent"), ("wget", "silent"), ("curl", "trickling"), ("wget", "trickling")]
)
def test_a_server_that_takes_for_ever_is_given_up(site: Site, kit: Kit, home: Path, client: str, mood: str) -> None:
    site.mood, before = mood, picture(home)
    start = time.monotonic()
    ran = get(site, kit, home, "--timeout", "2", client=client, more=("timeout", "true"))
    # GNU's wget does not tell silence from the end of a connection.
    failed(ran, 42, *(("broke off",) if (client, mood) == ("wget", "silent") else ("too long", "--timeout")))
    # So long would a line of 100 bytes a second need.
    assert time.monotonic() - start < 20 + kit.archive().stat().st_size / 100
    assert picture(home) == before


def pieces(kit: Kit) -> list[int]:
    return list(range(1 << 10, kit.archive().stat().st_size, 1 << 10))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("ranges", [True, False], ids=["resumed", "begun again"])
def test_a_transfer_that_breaks_off_goes_on(site: Site, kit: Kit, home: Path, client: str, ranges: bool) -> None:
    every = pieces(kit)
    assert len(every) >= 4
    for cut in every if client == "curl" and ranges else (every[0], every[-1]):
        site.cheer()
        site.mood, site.bad_answers, site.cut, site.ranges = "short", 1, cut, ranges
        good(get(site, kit, home, "--force", "--retries", "1", client=client), home)
        assert site.asked_ranges[:1] == [f"bytes={cut}-"]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_resumed_wrongly_is_fetched_once_more(site: Site, kit: Kit, home: Path, client: str) -> None:
    site.mood, site.bad_answers, site.cut, site.ranges = "spoiled", 1, 1000, True
    good(get(site, kit, home, "--retries", "1", client=client), home)
    assert site.asked_ranges == ["bytes=1000-"]
    assert len(site.archives) == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_a_redirection_to_plain_http_is_the_end(site: Site, kit: Kit, home: Path, client: str) -> None:
    site.mood, before = "plain", picture(home)
    failed(get(site, kit, home, "--mirror", f"{site.url}/elsewhere/{FOLDER}", client=client), 42, "not https")
    assert picture(home) == before
    # A BusyBox cannot be kept from following; what it brings is thrown away.
    assert client == "busybox" or site.asked_plainly == []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mood", ["missing", "broken", "damaged", "short"])
def test_a_mirror_takes_over(site: Site, kit: Kit, home: Path, client: str, mood: str) -> None:
    site.mood = mood
    mirrors = f"https://{HOST}:1/nothing,{site.url}/elsewhere/{{file}}?no {site.url}/elsewhere/releases/{{tag}}"
    ran = good(get(site, kit, home, "--mirror", mirrors, client=client), home)
    assert f"downloading {site.url}/elsewhere/{FOLDER}/{kit.archive().name}\n" in ran.out


def test_the_mirrors_of_the_project_are_asked_unless_another_place_is_named(site: Site, home: Path, tmp_path: Path) -> None:
    rules = InstallRules(download_url=f"{site.url}/gone/{{tag}}", mirrors=(f"{site.url}/elsewhere/mirror/{{version}}",))
    made = publish(site, tmp_path / "kit", "1.4.0", install=rules)
    shutil.copytree(made.release.paths.packages, site.folder / "mirror/1.4.0")
    good(get(site, made, home), home)
    site.cheer()
    failed(get(site, made, home, "--force", "--base-url", f"{site.url}/gone/too"), 42, "(404)")
    assert site.asked == [f"/gone/too/{made.archive().name}"]


def test_where_all_bring_something_else_it_is_a_wrong_checksum(site: Site, kit: Kit, home: Path) -> None:
    site.mood = "damaged"
    failed(get(site, kit, home, "--mirror", f"{site.url}/elsewhere/nowhere"), 4, "sha256", "(404)")


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_a_proxy_is_used(site: Site, kit: Kit, home: Path, client: str) -> None:
    with proxying(site) as (proxy, connected):
        good(get(site, kit, home, "--proxy", proxy, client=client), home)
        assert connected == [f"{HOST}:{site.port}"]
    failed(get(site, kit, home, "--force", "--proxy", proxy, client=client), 42, "could not be downloaded")
    with proxying(site, refuses=True) as (proxy, connected):
        failed(get(site, kit, home, "--force", "--proxy", proxy, client=client), 42, "the proxy does not lead to")
    assert len(connected) == 1


def test_the_wget_of_busybox_refuses_what_it_cannot_do(site: Site, kit: Kit, home: Path) -> None:
    failed(get(site, kit, home, "--proxy", f"http://{HOST}:1", client="busybox"), 2, "proxy", "install curl")
    failed(get(site, kit, home, "--ca-file", site.certificate, client="busybox"), 2, "--ca-file", "install curl")
    assert site.asked == []


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_certificates_are_checked_and_can_be_named(site: Site, kit: Kit, home: Path, client: str) -> None:
    nobody = {"CURL_CA_BUNDLE": "", "WGETRC": ""}
    before = picture(home)
    failed(get(site, kit, home, client=client, env=nobody), 42, "certificate", "--ca-file")
    assert site.asked == []
    assert picture(home) == before
    good(get(site, kit, home, "--ca-file", site.certificate, client=client, env=nobody), home)


# the address, exit code, words
ADDRESSES = {
    "http elsewhere": ("http://hello.example/x", 2, "not an https address"),
    "a name that begins like this machine": ("http://127.0.0.1.hello.example/x", 2, "not an https address"),
    "a password that looks like this machine": ("http://localhost:80@hello.example/x", 2, "not an https address"),
    "ftp": ("ftp://hello.example/x", 2, "not an https address"),
    "a name that nobody knows": ("https://packages.invalid/x", 42, "the name packages.invalid is not known"),
    "nobody listens": (f"https://{HOST}:1/x", 42, f"{HOST}:1 does not answer"),
    "a folder that is not there": ("/nowhere/at/all", 42, "is not there"),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_each_bad_address_is_told(site: Site, kit: Kit, home: Path, client: str, address: str) -> None:
    url, code, words = ADDRESSES[address]
    if client == "busybox" and code == 42 and "https" in url:
        words = "could not be downloaded"  # it tells why in words that change
    before = picture(home)
    failed(get(site, kit, home, "--base-url", url, client=client), code, words)
    assert picture(home) == before


@pytest.mark.parametrize("client", CLIENTS)
def test_this_machine_may_speak_plainly(site: Site, kit: Kit, home: Path, client: str) -> None:
    good(get(site, kit, home, "--base-url", f"{site.plain_url}/{FOLDER}", client=client), home)
    assert site.asked == []


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/{{file}}", "../a folder"])
def test_a_folder_is_a_place_too(site: Site, kit: Kit, home: Path, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "a folder"
    shutil.copytree(site.folder / FOLDER, folder)
    good(get(site, kit, home, "--base-url", form.format(folder), client=""), home)
    assert site.asked == []


def test_without_a_program_that_downloads_a_folder_may_help(site: Site, kit: Kit, home: Path) -> None:
    failed(get(site, kit, home, client=""), 42, "neither curl nor wget", "beside this script")
    good(get(site, kit, home, "--mirror", site.folder / FOLDER, client=""), home)


@pytest.mark.parametrize("option", ["--timeout", "--retries"])
@pytest.mark.parametrize("value", ["soon", "-1", "1.5"])
def test_numbers_are_numbers(site: Site, kit: Kit, home: Path, option: str, value: str) -> None:
    failed(get(site, kit, home, f"{option}={value}"), 2, option, value)


def test_nothing_but_the_installation_is_left(site: Site, kit: Kit, home: Path, temporary: Path) -> None:
    for client in CLIENTS:
        before = picture(home)
        good(get(site, kit, home, client=client, env={"TMPDIR": str(temporary)}), home)
        assert run(home / ".local/share/hello/uninstall.sh", "--user", home=home).code == 0
        assert picture(home) == before
    assert picture(temporary) == {}


@pytest.mark.parametrize("client", ["curl", "wget"])
@pytest.mark.parametrize("said", ["1.1.0", "v1.1.0"])
def test_another_version_is_installed_by_its_own_installer(
    site: Site, kit: Kit, older: Kit, home: Path, temporary: Path, client: str, said: str
) -> None:
    ran = get(site, kit, home, "--version", said, "--variant=minimal", client=client, env={"TMPDIR": str(temporary)})
    assert (ran.code, ran.err) == (0, ""), ran
    receipt = (home / ".local/share/hello/install-receipt").read_text()
    assert "version=1.1.0\n" in receipt
    assert "variant=minimal\n" in receipt
    assert site.asked[0] == "/releases/v1.1.0/install.sh"
    assert picture(temporary) == {}


def test_the_version_may_be_in_the_environment_or_be_this_one(site: Site, kit: Kit, older: Kit, home: Path) -> None:
    good(get(site, kit, home, env={"HELLO_VERSION": "1.1.0"}), home)
    assert "version=1.1.0\n" in (home / ".local/share/hello/install-receipt").read_text()
    good(get(site, kit, home, "--version=1.2.3"), home)
    assert "version=1.2.3\n" in (home / ".local/share/hello/install-receipt").read_text()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_version_that_is_not_there(site: Site, kit: Kit, home: Path, temporary: Path, client: str) -> None:
    before = picture(home)
    ran = get(site, kit, home, "--version", "0.0.1", client=client, env={"TMPDIR": str(temporary)})
    failed(ran, 42, "the installer of hello 0.0.1", "(404)")
    failed(get(site, kit, home, "--version", "../../x"), 2, "../../x")
    assert (picture(home), picture(temporary)) == (before, {})


def test_an_installer_that_is_not_that_of_the_list_or_the_version_is_not_run(
    site: Site, kit: Kit, home: Path, tmp_path: Path, temporary: Path
) -> None:
    publish(site, tmp_path / "kit", "1.0.0")
    folder, before = site.folder / "releases/v1.0.0", picture(home)
    script = (folder / "install.sh").read_bytes()
    (folder / "install.sh").write_bytes(script + b"\n")
    failed(get(site, kit, home, "--version", "1.0.0", env={"TMPDIR": str(temporary)}), 4, "SHA256SUMS")
    shutil.copy(kit.install, folder / "install.sh")
    (folder / "SHA256SUMS").unlink()
    failed(get(site, kit, home, "--version", "1.0.0", env={"TMPDIR": str(temporary)}), 6, "not the installer of hello 1.0.0")
    (folder / "install.sh").write_bytes(script)
    failed(get(site, kit, home, "--version", "1.0.0", client="busybox"), 4, "certificates")
    assert (picture(home), picture(temporary)) == (before, {})
    good(get(site, kit, home, "--version", "1.0.0"), home)


def test_another_version_from_a_folder(site: Site, kit: Kit, older: Kit, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    shutil.copytree(site.folder / "releases/v1.1.0", folder)
    good(get(site, kit, home, "--version", "1.1.0", "--from", folder, client=""), home)
    assert site.asked == []
    assert "version=1.1.0\n" in (home / ".local/share/hello/install-receipt").read_text()
    failed(get(site, kit, home, "--version", "1.0.9", "--from", folder, client=""), 6, "install-hello-1.0.9.sh is not in")


def test_a_freebsd_fetch_is_told_what_it_needs_and_read(site: Site, kit: Kit, home: Path, tmp_path: Path) -> None:
    # This program is FreeBSD's alone: what stands here says what its source says.
    path = programs(tmp_path / "with fetch", "")
    (Path(path) / "uname").unlink()
    shim(Path(path), "uname", "case $1 in -s) echo FreeBSD ;; *) echo amd64 ;; esac")
    env = {"HELLO_PLATFORM": kit.archive().name.split("1.2.3-")[1].removesuffix("-complete.tar.gz")}
    for says, code, word in (
        ("fetch: x: Not Found", 42, "(404)"),
        ("fetch: x: Service Unavailable", 42, "cannot serve"),
        ("requesting http://hello.example/x", 42, "not https"),
    ):
        shim(Path(path), "fetch", f"echo '{says}' >&2\nexit 1")
        failed(get(site, kit, home, path=path, env=env), code, word)
    shim(Path(path), "fetch", f'echo "$*" >{tmp_path}/asked\nwhile [ "$1" != -o ]; do shift; done\ncp "{kit.archive()}" "$2"')
    good(get(site, kit, home, "--ca-file", site.certificate, "--timeout", "7", path=path, env=env), home)
    assert f"--ca-cert={site.certificate} -v -T 7 -o " in (tmp_path / "asked").read_text()


def test_the_installer_can_be_rendered_without_a_place(tmp_path: Path, home: Path) -> None:
    made = make(tmp_path / "kit")
    for step in plan_installers(made.release):
        step.run()
    script = shutil.copy(made.install, tmp_path / "install.sh")
    path = only(tmp_path / "few", "sh", "id", "uname", "getconf", "cat", "expr", "sha256sum", "gzip", "tar")
    failed(run(Path(script), "--user", home=home, path=path), 6, "--from FILE or --base-url URL")
