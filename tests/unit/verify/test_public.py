"""What the public gets, checked against real web servers: sound releases pass, and everything that was tampered with is found."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keys
import pytest
import web
from forge_gitea import gitea
from forge_github import github
from forge_gitlab import gitlab
from web import Answer, Web

import sample
from slipway import containers
from slipway.actions.action import Action, State
from slipway.actions.journal import Journal
from slipway.actions.perform import Performance
from slipway.actions.plan import Plan, load_plan
from slipway.actions.retries import Retries
from slipway.actions.site import Site
from slipway.actions.store import Content, HostRelease, Pointed
from slipway.environments import DirStore, Environment, ForgeStore, GiteaStore, GithubStore, GitlabStore
from slipway.errors import GateError, NetworkError, TransientError, VerificationError
from slipway.files import digest_file
from slipway.model import Release
from slipway.platforms import PLATFORMS
from slipway.publish.contents import ReadBack, Upload
from slipway.publish.dir import Folder
from slipway.publish.forge import open_releases
from slipway.publish.pointers import MovePointer
from slipway.rules import SignRules
from slipway.verify.public import ACTIONS, plan_public, plan_public_pointers
from slipway.verify.public.files import PublicFile
from slipway.verify.public.install import PublicInstall
from slipway.verify.public.pointers import PublicPointer
from slipway.verify.public.signatures import PublicSignatures

DATA = b"hello, world\n" * 1000
NAME = "v1.2.3/hello.tar.gz"
ONCE = Retries(count=0)
EVERY: tuple[type[Any], ...] = (*ACTIONS, Upload, ReadBack, MovePointer)
KINDS = {each.KIND: each for each in EVERY}


@dataclass
class Place:
    """A folder store with its site; what is published lies in the outputs too."""

    site: Site
    root: Path

    def put(self, name: str, data: bytes) -> Content:
        """Publish a file."""
        content = Content(
            name=name,
            path=f"packages/{name.rpartition('/')[2]}",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            media_type="application/gzip",
        )
        path = self.site.outputs / content.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.site.store("site").put(content, path, lambda _: None)
        self.site.forget("site", content.folder)
        return content

    def do(self, action: Action) -> None:
        """Do an Action and remember its receipt, as the engine does."""
        self.site.done[action.key] = action.apply(self.site)


def place(tmp_path: Path, url: str) -> Place:
    folder = Folder(DirStore(name="site", url=url), tmp_path / "published")
    site = Site(environment="local", root=tmp_path, outputs=tmp_path / "out", stores={"site": folder})
    return Place(site, folder.root)


@pytest.fixture
def asked() -> Iterator[Web]:
    """A server that says what it is told to, and 404 else."""
    with web.serving() as server:
        yield server


@pytest.fixture
def odd(asked: Web, tmp_path: Path) -> Place:
    """A store behind that server."""
    return place(tmp_path, asked.url)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Place]:
    """A store that a plain web server serves."""
    handler = partial(_Quiet, directory=str(tmp_path / "published"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield place(tmp_path, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        """Be silent."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_as_it_was_published_passes_and_is_not_asked_for_again(served: Place) -> None:
    check = PublicFile(store="site", content=served.put(NAME, DATA))
    assert check.probe(served.site).state is State.ABSENT
    served.do(check)
    assert served.site.meter.done == len(DATA)
    assert check.probe(served.site).state is State.SAME
    assert served.site.done[check.key].digest == check.content.sha256


def test_what_changed_since_or_is_served_elsewhere_now_is_checked_again(served: Place) -> None:
    check = PublicFile(store="site", content=served.put(NAME, DATA))
    served.do(check)
    store = served.site.stores["site"]
    assert isinstance(store, Folder)
    elsewhere = replace(served.site, stores={"site": Folder(replace(store.rules, url="https://other.example"), store.root)})
    assert check.probe(elsewhere).state is State.ABSENT
    (served.root / NAME).write_bytes(DATA[:-1] + b"!")
    served.site.forget("site", "v1.2.3")
    assert check.probe(served.site).state is State.ABSENT
    with pytest.raises(VerificationError, match="its SHA-256 is"):
        check.apply(served.site)


FAULTS: dict[str, tuple[list[Answer], type[Exception], str]] = {
    "other bytes of the same size": ([Answer(DATA[::-1])], VerificationError, "its SHA-256 is"),
    "a truncated file": ([Answer(DATA[:-5])], VerificationError, f"it has {len(DATA) - 5} bytes and not {len(DATA)}"),
    "nothing at all": ([Answer(b"")], VerificationError, "it has 0 bytes"),
    "something behind it": ([Answer(DATA + b"x")], VerificationError, f"it has {len(DATA) + 1} bytes"),
    "a web page where a file is missing": (
        [Answer(b"<html>all is well</html>", 200, {"Content-Type": "text/html; charset=utf-8"})],
        VerificationError,
        "it is a web page",
    ),
    "a redirect to such a page": (
        [Answer(b"", 302, {"Location": "/page"})],
        VerificationError,
        "it is a web page",
    ),
    "forbidden": ([Answer(b"", 403)], VerificationError, "not given to the public (403)"),
    "a login": ([Answer(b"", 401)], VerificationError, "not given to the public (401)"),
    "not there yet": ([], TransientError, "is not there (404)"),
    "out of order": ([Answer(b"", 500)], TransientError, "500"),
    "busy": ([Answer(b"", 503, {"Retry-After": "7"})], TransientError, "503"),
    "a transfer that is cut short": ([Answer(DATA, cut=100)], TransientError, ""),
    "a redirect away from this machine": (
        [Answer(b"", 302, {"Location": "http://hello.example/"})],
        NetworkError,
        "not https://",
    ),
    "a redirect in a circle": ([Answer(b"", 302, {"Location": f"/{NAME}"})], NetworkError, "redirects too often"),
}


@pytest.mark.req("S2-11")
@pytest.mark.parametrize("case", FAULTS)
def test_whatever_the_public_gets_in_its_place_is_found(odd: Place, asked: Web, case: str) -> None:
    answers, kind, words = FAULTS[case]
    asked.say("/page", Answer(b"<html></html>", 200, {"Content-Type": "text/html"}))
    asked.answers[f"/{NAME}"] = answers
    check = PublicFile(store="site", content=odd.put(NAME, DATA))
    with pytest.raises(kind) as caught:
        check.apply(odd.site)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert NAME in str(caught.value) or "/page" in str(caught.value)
    assert "hint: " in str(caught.value) or kind is not VerificationError
    # What did not count is not counted.
    assert odd.site.meter.done == 0


def test_a_file_that_was_taken_away_is_not_waited_for(odd: Place, asked: Web) -> None:
    check = PublicFile(store="site", content=odd.put(NAME, DATA))
    (odd.root / NAME).unlink()
    odd.site.refresh()
    with pytest.raises(VerificationError, match=r"v1\.2\.3/hello\.tar\.gz is no longer in site"):
        check.apply(odd.site)
    assert asked.asked == []


def test_a_server_that_says_when_is_believed(odd: Place, asked: Web) -> None:
    asked.answers[f"/{NAME}"] = [Answer(b"", 503, {"Retry-After": "7"})]
    check = PublicFile(store="site", content=odd.put(NAME, DATA))
    with pytest.raises(TransientError) as caught:
        check.apply(odd.site)
    assert caught.value.wait == 7.0


def test_what_comes_a_little_later_is_waited_for(odd: Place, asked: Web) -> None:
    asked.say(f"/{NAME}", Answer(b"", 404), Answer(b"", 502), Answer(DATA, cut=7), DATA)
    check = PublicFile(store="site", content=odd.put(NAME, DATA))
    pauses: list[float] = []
    Retries(count=3, delay=1, sleep=pauses.append).run("check", lambda: odd.do(check))
    assert len(pauses) == 3
    assert odd.site.meter.done == len(DATA)
    assert [headers["accept-encoding"] for _, headers in asked.asked] == ["identity"] * 4
    assert not [name for _, headers in asked.asked for name in headers if name in ("authorization", "cookie")]


def test_bytes_are_compared_as_they_are_sent(odd: Place, asked: Web) -> None:
    """A file that is stored compressed, and said to be so, stays compressed."""
    asked.say(f"/{NAME}", Answer(DATA, 200, {"Content-Encoding": "gzip"}))
    PublicFile(store="site", content=odd.put(NAME, DATA)).apply(odd.site)


FORGES: dict[str, Callable[[], AbstractContextManager[Any]]] = {"github": github, "gitlab": gitlab, "gitea": gitea}


def forge_rules(kind: str, fake: Any) -> ForgeStore:
    if kind == "gitlab":
        return GitlabStore(name="site", repository=fake.project, api=fake.api)
    rules = GithubStore if kind == "github" else GiteaStore
    return rules(name="site", repository=fake.repository, api=fake.api)


@pytest.mark.parametrize("kind", FORGES)
def test_a_forge_is_asked_as_anybody_asks_it(kind: str, tmp_path: Path) -> None:
    """What lies in a draft is not public yet, whoever has the token."""
    with FORGES[kind]() as fake:
        store = open_releases(forge_rules(kind, fake), fake.token)
        fake.tags["v1.2.3"] = "c0ffee" * 6 + "c0ff"
        here = Place(Site(environment="x", root=tmp_path, outputs=tmp_path, stores={"site": store}), tmp_path)
        shown = HostRelease(tag="v1.2.3", commit="c0ffee" * 6 + "c0ff", title="hello", notes="new")
        if store.drafts:
            store.open(shown)
        contents = [here.put(f"v1.2.3/{name}", DATA + name.encode()) for name in ("hello.tar.gz", "SHA256SUMS", "install.sh")]
        found = plan_public(release(tmp_path, "linux-amd64"), Environment(name="x"), here.site.stores, {"site": contents})
        checks = [each for each in found if isinstance(each, PublicFile)]
        assert [each.content for each in checks] == contents
        for check in checks:
            with pytest.raises(TransientError, match="is not there"):
                check.apply(here.site)
        store.publish(shown, tuple(each.name for each in contents), latest=False)
        here.site.refresh()
        for check in checks:
            here.do(check)
            assert check.probe(here.site).state is State.SAME


# ---- a folder of this machine that nobody serves ------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "/releases/hello"])
def test_a_folder_that_nobody_serves_is_served_for_the_check(tmp_path: Path, below: str) -> None:
    here = place(tmp_path, f"http://localhost:{(port := free_port())}{below}/")
    checks = [PublicFile(store="site", content=here.put(f"v1.2.3/file {n}", DATA + bytes([n]))) for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(here.do, checks))) == 20
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_who_already_serves_there_is_asked(odd: Place, asked: Web) -> None:
    """And not stepped over: it is what the public of this machine gets."""
    check = PublicFile(store="site", content=odd.put(NAME, DATA))
    with pytest.raises(TransientError, match="is not there"):
        check.apply(odd.site)
    assert [path for path, _ in asked.asked] == [f"/{NAME}"]


# ---- signatures --------------------------------------------------------------------------------------------------------


def minisigned(folder: Path, data: bytes, key: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    (folder / "signed").write_bytes(data)
    keys.say("minisign", "-S", "-W", "-s", key, "-m", folder / "signed", "-x", folder / "made")
    return (folder / "made").read_bytes()


@dataclass
class Keys:
    """Two keys, of which the project names the first."""

    ours: Path
    theirs: Path
    rules: SignRules


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    public, ours = keys.minisign(tmp_path_factory.mktemp("ours"))
    _, theirs = keys.minisign(tmp_path_factory.mktemp("theirs"))
    return Keys(ours, theirs, SignRules(minisign=public, minisign_file=str(ours)))


def signature_check(here: Place, rules: SignRules, signature: bytes, data: bytes = DATA) -> PublicSignatures:
    contents = [here.put(NAME, data), here.put(f"{NAME}.minisig", signature)]
    made = sample.release(here.site.root, project=sample.project(here.site.root / "project", sign=rules))
    environment = Environment(name="local", install=False)
    (found,) = (
        each
        for each in plan_public(made, environment, here.site.stores, {"site": contents})
        if isinstance(each, PublicSignatures)
    )
    return found


@pytest.mark.parametrize("here_too", [True, False], ids=["signed files are here", "they are not"])
def test_good_signatures_pass_and_are_not_checked_again(served: Place, pair: Keys, tmp_path: Path, here_too: bool) -> None:
    check = signature_check(served, pair.rules, minisigned(tmp_path / "sign", DATA, pair.ours))
    if not here_too:
        (served.site.outputs / "packages/hello.tar.gz").unlink()
    assert check.probe(served.site).state is State.ABSENT
    served.do(check)
    assert check.probe(served.site).state is State.SAME
    (served.root / f"{NAME}.minisig").write_bytes(b"")
    served.site.forget("site", "v1.2.3")
    assert check.probe(served.site).state is State.ABSENT


@pytest.mark.req("S0-64")
@pytest.mark.parametrize("case", ["another key", "other bytes", "no signature", "put there since"])
def test_a_signature_that_is_not_good_is_found(served: Place, pair: Keys, tmp_path: Path, case: str) -> None:
    good, bad = (minisigned(tmp_path / "sign", DATA, key) for key in (pair.ours, pair.theirs))
    made = {"another key": bad, "other bytes": minisigned(tmp_path / "sign", b"other", pair.ours), "no signature": b"trust me\n"}
    check = signature_check(served, pair.rules, made.get(case, good))
    if case == "put there since":
        (served.root / f"{NAME}.minisig").write_bytes(bad)
    with pytest.raises(VerificationError) as caught:
        check.apply(served.site)
    assert f"\n  {NAME}.minisig: it is " in str(caught.value)
    assert "hint: " in str(caught.value)


def test_a_signature_that_nobody_here_can_judge_does_not_pass(served: Place, pair: Keys, tmp_path: Path) -> None:
    check = signature_check(served, SignRules(), minisigned(tmp_path / "sign", DATA, pair.ours))
    with pytest.raises(GateError, match="no public key for minisign") as caught:
        check.apply(served.site)
    assert "public-keys" in str(caught.value)


def test_a_plan_knows_no_secret_key(served: Place, pair: Keys, tmp_path: Path) -> None:
    rules = replace(pair.rules, gpg_file="/secret/gpg", ssh_file="/secret/ssh", authenticode_file="/secret/code")
    plan = plan_of(signature_check(served, rules, minisigned(tmp_path / "sign", DATA, pair.ours)))
    assert b"secret" not in plan.dump()
    assert str(pair.ours).encode() not in plan.dump()
    assert load_plan(plan.dump(), KINDS, where="the plan") == plan


# ---- pointers ----------------------------------------------------------------------------------------------------------


def plan_of(*actions: Action) -> Plan:
    return Plan.of(actions, verb="publish", product="hello", version="1.2.3", environment="local")


def pointer(here: Place, name: str, form: str, to: str, patience: float = 0.0) -> PublicPointer:
    move = MovePointer(store="site", name=name, form=form, to=to, version="1.2.3", scheme="semver")  # type: ignore[arg-type]
    (check,) = plan_public_pointers(here.site.stores, [move])
    assert isinstance(check, PublicPointer)
    assert check.patience == 180
    return replace(check, patience=patience)


@pytest.mark.parametrize(
    ("name", "form", "to"),
    [("install.sh", "copy", NAME), ("install.sh", "symlink", NAME), ("latest", "symlink", "v1.2.3/"), ("a/b", "copy", NAME)],
)
def test_a_pointer_that_moved_is_seen(served: Place, name: str, form: Any, to: str) -> None:
    old, _ = served.put("v1.2.2/hello.tar.gz", b"old"), served.put(NAME, DATA)
    served.put("v1.2.3/hello.txt", b"now")
    store = served.site.pointing("site")
    before = store.point(name, form, Pointed(target="v1.2.2/" if to.endswith("/") else old.name, version="1.2.2"), None)
    check = pointer(served, name, form, to)
    assert check.probe(served.site).state is State.ABSENT
    with pytest.raises(VerificationError, match="the public does not see that"):
        check.apply(served.site)
    store.point(name, form, Pointed(target=to, version="1.2.3"), before)
    assert check.apply(served.site).after == {"target": to}
    assert check.probe(served.site).state is State.SAME


# what the server says, one answer after the other; form, target, and whether it comes right
ASKED: dict[str, tuple[list[Answer], str, str, bool]] = {
    "at once": ([Answer(DATA)], "copy", NAME, True),
    "a cache that is behind": ([Answer(b"old"), Answer(b"old"), Answer(DATA)], "copy", NAME, True),
    "trouble on the way": ([Answer(b"", 404), Answer(b"", 502), Answer(DATA, cut=3), Answer(DATA)], "copy", NAME, True),
    "a cache that keeps the old one": ([Answer(b"old")], "copy", NAME, False),
    "nothing": ([Answer(b"", 404)], "copy", NAME, False),
    "forbidden": ([Answer(b"", 403)], "copy", NAME, False),
    "a redirect to the file": ([Answer(b"", 301, {"Location": f"/{NAME}"})], "redirect", NAME, True),
    "a redirect to another file": ([Answer(b"", 301, {"Location": "/v1.2.2/old"})], "redirect", NAME, False),
    "a page in place of a redirect to a file": (
        [Answer(f'<a href="/{NAME}">'.encode(), 200, {"Content-Type": "text/html"})],
        "redirect",
        NAME,
        False,
    ),
    "a redirect to the folder": ([Answer(b"", 302, {"Location": "/base/v1.2.3/"})], "redirect", "v1.2.3/", True),
    "a redirect to another folder": ([Answer(b"", 302, {"Location": "/v1.2.2/"})], "redirect", "v1.2.3/", False),
    "a page that leads to the folder": ([Answer(b'<a href="/v1.2.3/">1.2.3</a>')], "redirect", "v1.2.3/", True),
    "a page that leads elsewhere": ([Answer(b'<a href="/v1.2.2/">1.2.2</a>')], "redirect", "v1.2.3/", False),
}


@pytest.mark.parametrize("case", ASKED)
def test_the_public_address_is_asked_until_it_is_right(
    odd: Place, asked: Web, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    answers, form, to, good = ASKED[case]
    odd.put(NAME, DATA)
    asked.answers |= {"/current": answers, f"/{NAME}": [Answer(DATA)], "/v1.2.2/old": [Answer(b"old")]}
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    check = pointer(odd, "current", form, to, patience=180.0)
    if good:
        assert check.apply(odd.site).after == {"target": to}
    else:
        with pytest.raises(VerificationError, match="the public does not see that"):
            check.apply(odd.site)
        assert 160 < clock[0] - 100 <= 180


def test_pointers_that_have_no_address_are_not_checked(tmp_path: Path) -> None:
    hidden, shown = place(tmp_path / "one", ""), place(tmp_path / "two", "https://hello.example")
    for here, form, count in ((hidden, "copy", 0), (shown, "copy", 1), (shown, "ref", 0)):
        move = MovePointer(store="site", name="x", form=form, to=NAME, version="1", scheme="semver")  # type: ignore[arg-type]
        assert len(plan_public_pointers(here.site.stores, [move])) == count


# ---- plans --------------------------------------------------------------------------------------------------------------


def release(tmp_path: Path, *platforms: str) -> Release:
    return sample.release(tmp_path, platforms=tuple(PLATFORMS[each] for each in platforms))


def test_what_is_planned_for_a_store(tmp_path: Path) -> None:
    here = place(tmp_path, "https://hello.example")
    names = ("hello.tar.gz", "hello.tar.gz.asc", "SHA256SUMS", "SHA256SUMS.minisig", "other.sig")
    contents = [here.put(f"v1.2.3/{name}", name.encode()) for name in (*names, "install.sh", "online-install.sh")]
    made = release(tmp_path, "linux-amd64", "linux-arm64-musl", "macos-arm64")
    found = plan_public(made, Environment(name="local"), here.site.stores, {"site": contents})
    assert [each.content for each in found if isinstance(each, PublicFile)] == contents
    (signatures,) = (each for each in found if isinstance(each, PublicSignatures))
    assert [(each.signature.file, each.signed.file) for each in signatures.pairs] == [
        ("SHA256SUMS.minisig", "SHA256SUMS"),
        ("hello.tar.gz.asc", "hello.tar.gz"),
    ]
    (install,) = (each for each in found if isinstance(each, PublicInstall))
    assert (install.script.file, install.architectures) == ("online-install.sh", ("amd64", "arm64"))
    assert (install.health, install.version) == (("hello", "--version"), "1.2.3")
    plan = plan_of(*found)
    assert {each.phase for each in plan.actions} == {"check"}
    assert load_plan(plan.dump(), KINDS, where="the plan") == plan


LEFT_OUT: dict[str, tuple[str, dict[str, Any], tuple[str, ...], set[str]]] = {
    "no public address": ("", {}, ("linux-amd64",), set()),
    "a backup": ("https://hello.example", {"backups": ("site",)}, ("linux-amd64",), set()),
    "no installation wanted": ("https://hello.example", {"install": False}, ("linux-amd64",), {"public-file"}),
    "nothing for Linux": ("https://hello.example", {}, ("macos-arm64", "windows-amd64"), {"public-file"}),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    url, said, platforms, kinds = LEFT_OUT[case]
    here = place(tmp_path, url)
    contents = [here.put("v1.2.3/install.sh", b"#!/bin/sh\n")]
    found = plan_public(release(tmp_path, *platforms), Environment(name="local", **said), here.site.stores, {"site": contents})
    assert {each.KIND for each in found} == kinds
    assert ("site has no public address" in capsys.readouterr().err) == (case == "no public address")


def test_a_machine_without_containers_is_told_so_before_anything_is_written(
    served: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    containers.engine.cache_clear()
    content = served.put("v1.2.3/install.sh", b"#!/bin/sh\n")
    (check,) = (
        each
        for each in plan_public(release(tmp_path, "linux-amd64"), Environment(name="x"), served.site.stores, {"site": [content]})
        if isinstance(each, PublicInstall)
    )
    upload = Upload(store="site", content=replace(content, name="v1.2.3/more"))
    performance = Performance(
        plan=plan_of(check, upload), site=served.site, journal=Journal.open(tmp_path / "state"), retries=ONCE
    )
    with pytest.raises(GateError, match="no container engine answers"):
        performance.run()
    assert not (served.root / "v1.2.3/more").exists()
    assert performance.journal.records == []


# ---- the whole of it, as the engine runs it -----------------------------------------------------------------------------


def whole(here: Place, files: dict[str, bytes]) -> Plan:
    contents = []
    for name, data in files.items():
        path = here.site.outputs / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        contents.append(
            Content(
                name=f"v1.2.3/{name}",
                path=f"packages/{name}",
                size=len(data),
                sha256=digest_file(path),
                media_type="text/plain",
            )
        )
    made = release(here.site.root, "linux-amd64")
    move = MovePointer(store="site", name="hello.txt", form="copy", to="v1.2.3/hello.txt", version="1.2.3", scheme="semver")
    return plan_of(
        *plan_public(made, Environment(name="local", install=False), here.site.stores, {"site": contents}),
        *(Upload(store="site", content=each) for each in contents),
        *(ReadBack(store="site", content=each) for each in contents),
        move,
        *(
            replace(each, patience=2.0)
            for each in plan_public_pointers(here.site.stores, [move])
            if isinstance(each, PublicPointer)
        ),
    )


def perform(here: Place, plan: Plan, journal: Path) -> Performance:
    opened = Journal.open(journal)
    here.site.refresh()
    here.site.done.update(opened.done())
    made = Performance(plan=plan, site=here.site, journal=opened, retries=ONCE)
    made.run()
    return made


@pytest.mark.req("S2-5")
def test_a_second_run_has_nothing_to_do(served: Place, tmp_path: Path) -> None:
    plan = whole(served, {"hello.txt": b"hello\n", "more.txt": b"more\n"})
    first = perform(served, plan, tmp_path / "state")
    assert len(first.outcome.done) == len(plan.actions)
    assert first.outcome.done[-2:] == ["point/site/hello.txt", "point/site/hello.txt (public)"]
    second = perform(served, plan, tmp_path / "state")
    assert (second.outcome.done, len(second.outcome.same)) == ([], len(plan.actions))


TAMPERING: dict[str, Callable[[Path], object]] = {
    "changed": lambda path: path.write_bytes(b"hellO\n"),
    "truncated": lambda path: path.write_bytes(b"hel"),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_no_pointer_moves_to_what_somebody_changed_behind_our_back(served: Place, tmp_path: Path, case: str) -> None:
    plan = whole(served, {"hello.txt": b"hello\n"})
    site, tampered = served.site, threading.Event()

    def strike() -> None:
        if "read-back/site/v1.2.3/hello.txt" in site.done and not tampered.is_set():
            tampered.set()
            TAMPERING[case](served.root / "v1.2.3/hello.txt")

    performance = Performance(plan=plan, site=site, journal=Journal.open(tmp_path / "state"), retries=ONCE, require=strike)
    with pytest.raises((VerificationError, NetworkError)) as caught:
        performance.run()
    assert tampered.is_set()
    assert "v1.2.3/hello.txt" in str(caught.value)
    assert not (served.root / "hello.txt").exists()
    (served.root / "v1.2.3/hello.txt").unlink(missing_ok=True)
    perform(served, plan, tmp_path / "state")
    assert (served.root / "hello.txt").read_bytes() == b"hello\n"
