"""The one door to git: real repositories, and servers on loopback that answer, refuse and break."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from beside import free_port
from repositories import START, Ground, bare, git_daemon

from slipway import console
from slipway.errors import ChangedError, GateError, NetworkError, SlipwayError, TransientError
from slipway.git import Repository, Tag, Update


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path / "work")
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.org")
    return made


def of(ground: Ground) -> Repository:
    return Repository(ground.root)


def test_what_a_repository_holds(ground: Ground) -> None:
    first = ground.commit("one", {"a.txt": "1"})
    ground.tag("v1.0.0")
    second = ground.commit("two", {"b.txt": "2"})
    ground.tag("v1.1.0", light=True)
    here = of(ground)
    assert (here.head(), here.branch(), here.dirty()) == (second, "main", ())
    assert here.commit_of("v1.0.0") == first
    assert here.object_of("refs/tags/v1.0.0") not in {"", first}
    assert (here.commit_of("v9"), here.object_of("-x")) == ("", "")
    assert here.tags() == (
        Tag("v1.0.0", first, START + 2 * 3600, annotated=True),
        Tag("v1.1.0", second, START + 3 * 3600, annotated=False),
    )
    assert [tag.name for tag in here.tags(merged=first)] == ["v1.0.0"]
    assert here.tags("x*") == ()
    assert here.is_ancestor(first, second)
    assert not here.is_ancestor(second, first)
    assert here.describe("v1.0*") == f"v1.0.0-1-g{second[:10]}"
    assert (here.time_of(), here.top, here.is_readable) == (START + 3 * 3600, ground.root, True)
    ground.git("checkout", "-q", first)
    assert here.branch() == ""


@pytest.mark.req("S1-29")
def test_what_is_not_committed(ground: Ground) -> None:
    ground.commit("one", {"a.txt": "1", "ö b.txt": "1", "old.txt": "1", "ours/x": "1"})
    (ground.root / "a.txt").write_text("2")
    (ground.root / "new\nline.txt").write_text("2")
    ground.git("mv", "old.txt", "moved.txt")
    (ground.root / "ö b.txt").unlink()
    (ground.root / "ours" / "y").write_text("made by us")
    here = of(ground)
    changed = {"a.txt", "ö b.txt", "old.txt", "moved.txt"}
    assert set(here.dirty()) == {*changed, "new\nline.txt", "ours/y"}
    assert set(here.dirty(untracked=False)) == changed
    assert "ours/y" not in here.dirty(aside=["ours"])


def test_a_folder_without_a_repository(tmp_path: Path) -> None:
    here = Repository(tmp_path)
    with pytest.raises(GateError, match="no git repository") as caught:
        here.head()
    assert "git init" in str(caught.value.hint)
    assert (here.branch(), here.commit_of("HEAD"), here.describe("v*"), here.time_of(), here.top) == ("", "", None, None, None)
    assert not here.is_readable


def test_a_repository_without_commits(ground: Ground) -> None:
    with pytest.raises(GateError, match="cannot read a commit") as caught:
        of(ground).head()
    assert caught.value.exit_code == 3


def test_a_repository_of_somebody_else(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.commit("one")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GateError, match="belongs to another user") as caught:
        of(ground).head()
    assert "safe.directory" in str(caught.value.hint)


def said(ground: Ground, form: str, paths: Sequence[str] = ()) -> str:
    return b"".join(of(ground).log(form, "HEAD", paths=paths)).decode()


def test_the_history_in_one_pass(ground: Ground) -> None:
    for number in range(3):
        ground.commit(f"number {number}\n\nwith a body\n", {f"f{number}": "x"})
    ground.tag("v1")
    text = said(ground, "%s|%D|%b")
    assert text == (
        "number 2|HEAD -> refs/heads/main, tag: refs/tags/v1|with a body\n\0number 1||with a body\n\0number 0||with a body\n\0"
    )
    assert said(ground, "%s", paths=["f1"]) == "number 1\0"
    with pytest.raises(GateError, match="no such commit or tag"):
        list(of(ground).log("%s", "nowhere"))


def test_a_person_s_own_settings_change_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.commit("grüße")
    for setting in ("log.showSignature=true", "color.ui=always", "log.decorate=short", "format.pretty=oneline"):
        ground.git("config", *setting.split("="))
    monkeypatch.setenv("LC_ALL", "de_DE.ISO-8859-1")
    assert said(ground, "%s %D") == "grüße HEAD -> refs/heads/main\0"


@pytest.mark.req("S1-5", "S1-6", "S1-7")
def test_a_release_beside_the_branch_and_back(ground: Ground) -> None:
    start = ground.commit("one", {"version": "dev\n"})
    here = of(ground)
    here.switch("HEAD", detach=True)
    (ground.root / "version").write_text("2.93.0\n")
    released = here.commit("release: 2.93.0", ground.root / "version")
    tagged = here.tag("2.93.0", "release 2.93.0\n")
    assert tagged not in {"", released}
    here.switch("main")
    merged = here.merge("2.93.0", "merge back", strategy="ours")
    assert (ground.root / "version").read_text() == "dev\n"
    assert ground.git("log", "-1", "--format=%P", merged).split() == [start, released]
    with pytest.raises(GateError, match="such a tag already") as caught:
        here.tag("2.93.0", "again")
    assert "higher version" in str(caught.value.hint)
    here.delete_tag("2.93.0")
    assert here.commit_of("refs/tags/2.93.0") == ""


def test_a_commit_takes_up_only_what_it_is_told(ground: Ground) -> None:
    ground.commit("one", {"gone.md": "1", "other": "1"})
    (ground.root / "gone.md").unlink()
    (ground.root / "notes.md").write_text("notes")
    (ground.root / "other").write_text("2")
    here = of(ground)
    here.commit("release notes", ground.root / "gone.md", ground.root / "notes.md")
    assert ground.git("show", "--format=", "--name-status", "HEAD").splitlines() == ["D\tgone.md", "A\tnotes.md"]
    assert here.dirty() == ("other",)


def test_a_merge_that_conflicts_is_taken_back(ground: Ground) -> None:
    ground.commit("one", {"a": "1"})
    ground.git("checkout", "-q", "-b", "side")
    ground.commit("side", {"a": "2"})
    ground.git("checkout", "-q", "main")
    ground.commit("main", {"a": "3"})
    with pytest.raises(SlipwayError, match="cannot merge side"):
        of(ground).merge("side", "merge")
    assert of(ground).dirty() == ()
    assert (ground.root / "a").read_text() == "3"


def test_nobody_s_commit(tmp_path: Path) -> None:
    made = Ground(tmp_path / "work")
    made.git("config", "user.useConfigOnly", "true")
    (made.root / "a").write_text("1")
    with pytest.raises(GateError, match="in whose name"):
        Repository(made.root).commit("one", made.root / "a")


def test_another_work_tree_for_a_moment(ground: Ground) -> None:
    first = ground.commit("one", {"a": "1"})
    ground.commit("two", {"a": "2"})
    with of(ground).worktree(first) as there:
        assert (there.root / "a").read_text() == "1"
        assert (there.head(), there.branch()) == (first, "")
    assert not there.root.exists()
    assert ground.git("worktree", "list").count("\n") == 0


@pytest.mark.req("S4-11")
def test_a_signed_tag_is_checked_with_the_keys_that_are_trusted(ground: Ground, tmp_path: Path) -> None:
    commit = ground.commit("one")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    trusted = tmp_path / "trusted"
    ground.git("config", "gpg.format", "ssh")
    ground.git("config", "gpg.ssh.allowedSignersFile", str(trusted))
    here = of(ground)
    here.tag("v1", "one", commit=commit, key=str(key))
    trusted.write_text("")
    assert not here.verify_tag("v1").good
    public = key.with_suffix(".pub").read_text()
    trusted.write_text(f"ada@example.org {public}")
    verdict = here.verify_tag("v1")
    assert verdict.good
    assert verdict.key.startswith("SHA256:")
    here.tag("v2", "unsigned")
    assert not here.verify_tag("v2").good


def refs(folder: Path) -> dict[str, str]:
    done = subprocess.run(["git", "-C", folder, "show-ref"], check=False, capture_output=True, text=True)
    return {ref: name for name, _, ref in (line.partition(" ") for line in done.stdout.splitlines())}


@contextmanager
def by_file(folder: Path) -> Iterator[str]:
    yield f"file://{folder}"


@pytest.mark.parametrize("served", [by_file, git_daemon], ids=["file", "daemon"])
def test_push_fetch_and_list(ground: Ground, tmp_path: Path, served: Callable[[Path], Iterator[str]]) -> None:
    server = bare(tmp_path / "served" / "one.git")
    first = ground.commit("one")
    ground.tag("v1")
    here = of(ground)
    with served(tmp_path / "served") as url:  # type: ignore[attr-defined]
        ground.git("remote", "add", "origin", f"{url}/one.git")
        assert here.remote_url() == f"{url}/one.git"
        assert here.ls_remote("origin") == {}
        tag = here.object_of("refs/tags/v1")
        here.push("origin", Update("main", "refs/heads/main"), Update("refs/tags/v1", "refs/tags/v1", expected=""))
        assert refs(server) == {"refs/heads/main": first, "refs/tags/v1": tag}
        assert here.ls_remote("origin", "refs/tags/*") == {"refs/tags/v1": tag, "refs/tags/v1^{}": first}
        here.push("origin", Update("main", "refs/heads/main"), Update("refs/tags/v1", "refs/tags/v1"))
        other = Ground(tmp_path / "other")
        Repository(other.root).fetch(f"{url}/one.git", "refs/heads/main:refs/heads/theirs", tags=True)
        assert other.git("rev-parse", "theirs", "v1^{commit}").split() == [first, first]


@pytest.mark.req("S2-16")
def test_a_server_s_branch_never_loses_a_commit(ground: Ground, tmp_path: Path) -> None:
    server = bare(tmp_path / "one.git")
    ground.git("remote", "add", "origin", str(server))
    first = ground.commit("one")
    here = of(ground)
    here.push("origin", Update("main", "refs/heads/main"))
    second = ground.commit("two")
    here.push("origin", Update(second, "refs/heads/main", expected=first))
    ground.git("checkout", "-q", "-b", "older", first)
    third = ground.commit("three")
    with pytest.raises(GateError, match="not in the history of") as caught:
        here.push("origin", Update(third, "refs/heads/main", expected=second))
    assert "never overwritten" in str(caught.value.hint)
    with pytest.raises(GateError, match="has commits that are not here"):
        here.push("origin", Update(third, "refs/heads/main"))
    with pytest.raises(ChangedError, match="somebody else"):
        here.push("origin", Update(third, "refs/heads/main", expected=first))
    with pytest.raises(ChangedError, match="somebody else"):
        here.push("origin", Update(third, "refs/heads/new"), Update(third, "refs/heads/main", expected=""))
    assert refs(server) == {"refs/heads/main": second}


def test_a_server_s_tag_is_never_moved(ground: Ground, tmp_path: Path) -> None:
    server = bare(tmp_path / "one.git")
    ground.git("remote", "add", "origin", str(server))
    ground.commit("one")
    ground.tag("v1")
    here = of(ground)
    here.push("origin", Update("refs/tags/v1", "refs/tags/v1", expected=""))
    before = refs(server)
    ground.commit("two")
    ground.git("tag", "-f", "-a", "-m", "again", "v1")
    for expected in (None, ""):
        with pytest.raises(GateError) as caught:
            here.push("origin", Update("refs/tags/v1", "refs/tags/v1", expected=expected))
        assert caught.value.hint
    with pytest.raises(GateError, match="such a tag already"):
        here.push("origin", Update("refs/tags/v1", "refs/tags/v1"))
    assert refs(server) == before


def test_a_server_with_rules_of_its_own(ground: Ground, tmp_path: Path) -> None:
    server = bare(tmp_path / "one.git")
    hook = server / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    ground.commit("one")
    with pytest.raises(GateError, match=r"own rules refuse it[\s\S]*main is protected"):
        of(ground).push(str(server), Update("main", "refs/heads/main"))


class Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        if self.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def http_server(status: int) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Answers,), {"status": status}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/one.git"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "later"), [(500, True), (502, True), (503, True), (429, True), (401, False), (403, False), (404, False)]
)
def test_what_a_server_answers_says_whether_a_later_try_can_help(ground: Ground, status: int, later: bool) -> None:
    with http_server(status) as url, pytest.raises(NetworkError) as caught:
        of(ground).ls_remote(url)
    assert isinstance(caught.value, TransientError) is later
    assert caught.value.exit_code == 42
    assert caught.value.hint


def test_nobody_is_asked_for_a_password(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    window = tmp_path / "window"
    window.write_text(f"#!/bin/sh\ntouch '{asked}'\nsleep 60\n")
    window.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(window))
    monkeypatch.setenv("DISPLAY", ":0")
    with http_server(401) as url, pytest.raises(NetworkError, match="does not let us in"):
        of(ground).ls_remote(url)
    assert not asked.exists()


def test_a_server_that_is_not_there(ground: Ground) -> None:
    url = f"git://127.0.0.1:{free_port()}/one.git"
    with pytest.raises(TransientError, match="not reached"):
        of(ground).fetch(url, "main")
    with pytest.raises(TransientError, match="not reached"):
        of(ground).ls_remote("http://nowhere.invalid/one.git")


def test_a_server_that_breaks_off(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            talk, _ = listener.accept()
            talk.recv(1000)
            talk.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(TransientError):
            of(ground).ls_remote(f"git://127.0.0.1:{listener.getsockname()[1]}/one.git")
        thread.join()


def test_a_repository_that_is_not_there(ground: Ground, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no such repository") as caught:
        of(ground).ls_remote(str(tmp_path / "nowhere.git"))
    assert not isinstance(caught.value, TransientError)
    bare(tmp_path / "one.git")
    with pytest.raises(NetworkError, match="no such repository or ref"):
        of(ground).fetch(str(tmp_path / "one.git"), "refs/heads/gone")


def test_a_password_in_a_url_is_nowhere_shown(ground: Ground, tmp_path: Path) -> None:
    ground.git("remote", "add", "origin", f"http://ada:s3cr3t-word@127.0.0.1:{free_port()}/one.git")
    log = tmp_path / "build.log"
    with console.logging_to(log), pytest.raises(TransientError) as caught:
        of(ground).ls_remote("origin")
    assert "s3cr3t-word" not in str(caught.value) + log.read_text()
    token = "ghp_0123456789abcdefghij"
    with pytest.raises(TransientError) as caught:
        of(ground).ls_remote(f"http://{token}@127.0.0.1:{free_port()}/one.git")
    assert token not in str(caught.value)


def test_ssh_keeps_the_user_s_own_command(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" > '{said}'\necho 'ada@h: Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}{os.pathsep}{os.environ['PATH']}")
    for own in ("", "ssh -i mine"):
        ground.git("config", "core.sshCommand", own or "ssh")
        with pytest.raises(NetworkError, match="does not let us in") as caught:
            of(ground).ls_remote("ssh://git@host.invalid/one.git")
        assert not isinstance(caught.value, TransientError)
        assert "BatchMode=yes" in said.read_text()
        assert ("-i mine" in said.read_text()) is bool(own)
