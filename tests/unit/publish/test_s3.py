"""Buckets as stores: on a server that knows everything, and on those that know less."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy, fault_proxy
from s3_server import S3, moto
from store_life import SCENARIOS, content, pointers_move, put, what_somebody_made_by_hand_is_no_pointer

from slipway.actions.store import Pointed, Pointing, StateFiles, Store
from slipway.environments import Credential, Form, S3Store
from slipway.errors import ChangedError, GateError, SlipwayError, TransientError
from slipway.publish.s3 import Bucket

pytestmark = pytest.mark.slow

CONDITIONS = ("if-none-match", "if-match")


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with moto() as running:
        yield running


@pytest.fixture
def login(server: S3, monkeypatch: pytest.MonkeyPatch) -> Credential:
    monkeypatch.setenv("TEST_S3", f"{server.key_id}:{server.secret}")
    return Credential(env="TEST_S3")


@pytest.fixture
def rules(server: S3, login: Credential) -> S3Store:
    return S3Store(name="site", bucket=server.bucket(), prefix="my project/", endpoint=server.endpoint, credential=login)


@pytest.fixture
def proxy(server: S3) -> Iterator[FaultProxy]:
    with fault_proxy(server.endpoint) as running:
        yield running


def through(rules: S3Store, proxy: FaultProxy) -> Bucket:
    return Bucket(replace(rules, endpoint=proxy.url))


@pytest.fixture(params=["heeds conditions", "says 501 to conditions", "is deaf to conditions", "is told to do without"])
def store(request: pytest.FixtureRequest, rules: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr("slipway.publish.s3_writing.SETTLE", 0.01)
    if request.param == "says 501 to conditions":
        proxy.unknown = CONDITIONS
    elif request.param == "is deaf to conditions":
        proxy.deaf = CONDITIONS
    elif request.param == "is told to do without":
        rules = replace(rules, conditional="off")
    return through(rules, proxy)


# Who writes at the same moment is only found out by a server that heeds conditions; elsewhere the lease has to keep them away.
WRITING = ("bytes never change", "state changes only from what was seen")


@pytest.mark.parametrize("scenario", WRITING)
def test_what_a_server_does_not_know_is_done_without(scenario: str, store: Bucket, tmp_path: Path) -> None:
    SCENARIOS[scenario](store, tmp_path)


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in WRITING])
def test_a_bucket_is_a_store(scenario: str, rules: S3Store, tmp_path: Path) -> None:
    SCENARIOS[scenario](Bucket(rules), tmp_path)


def test_a_bucket_keeps_pointers_and_state(rules: S3Store) -> None:
    bucket: object = Bucket(rules)
    for kind in (Store, Pointing, StateFiles):
        assert isinstance(bucket, kind)


FORMS: dict[str, tuple[Form, str, dict[str, str]]] = {
    "redirect to a folder": ("redirect", "latest", {"v1.0.0/": "1.0.0", "v1.1.0/": "1.1.0"}),
    "redirect to a file": ("redirect", "install.sh", {"v1.0.0/install.sh": "1.0.0", "v1.1.0/a b.sh": "1.1.0"}),
    "copy of a file": ("copy", "install.sh", {"v1.0.0/install.sh": "1.0.0", "v1.1.0/a b.sh": "1.1.0"}),
}


@pytest.mark.parametrize(("form", "name", "targets"), FORMS.values(), ids=FORMS)
def test_pointers_move(form: Form, name: str, targets: dict[str, str], store: Bucket, tmp_path: Path) -> None:
    pointers_move(store, tmp_path, form, name, targets)


@pytest.mark.parametrize("form", ["redirect", "copy"])
def test_what_somebody_made_by_hand_is_no_pointer(form: Form, server: S3, rules: S3Store) -> None:
    def make() -> None:
        server.client().put_object(Bucket=rules.bucket, Key="my project/latest", Body=b"hello")

    what_somebody_made_by_hand_is_no_pointer(Bucket(rules), form, make)


def test_a_redirect_that_somebody_turned_is_not_moved(server: S3, rules: S3Store) -> None:
    store = Bucket(rules)
    seen = store.point("latest", "redirect", Pointed(target="v1.0.0/", version="1.0.0"), None)
    head = server.client().head_object(Bucket=rules.bucket, Key="my project/latest")
    server.client().put_object(
        Bucket=rules.bucket, Key="my project/latest", WebsiteRedirectLocation="/elsewhere/", Metadata=head["Metadata"]
    )
    with pytest.raises(GateError, match="leads to /elsewhere/"):
        store.point("latest", "redirect", Pointed(target="v1.1.0/", version="1.1.0"), seen)


@pytest.mark.parametrize("form", ["symlink", "ref", "latest"])
def test_other_forms_are_refused(form: Form, rules: S3Store) -> None:
    with pytest.raises(GateError, match="knows no"):
        Bucket(rules).pointed("latest", form)


def test_a_folder_cannot_be_copied(rules: S3Store, tmp_path: Path) -> None:
    store = Bucket(rules)
    put(store, tmp_path, "v1.0.0/a", b"a")
    with pytest.raises(GateError, match="only a file can be copied"):
        store.point("latest", "copy", Pointed(target="v1.0.0/", version="1.0.0"), None)


def test_what_browsers_and_caches_are_told(server: S3, rules: S3Store, tmp_path: Path) -> None:
    store = Bucket(replace(rules, url="https://downloads.example/hello"))
    page = content(tmp_path, "v1.0.0/index.html", b"squeezed", "text/html; charset=utf-8", "br")
    store.put(page, tmp_path / page.path, lambda _: None)
    store.point("latest", "redirect", Pointed(target="v1.0.0/", version="1.0.0"), None)
    store.point("index.html", "copy", Pointed(target="v1.0.0/index.html", version="1.0.0"), None)
    client = server.client()
    for_ever, moving, same = (
        client.head_object(Bucket=rules.bucket, Key=f"my project/{name}")
        for name in ("v1.0.0/index.html", "latest", "index.html")
    )
    assert for_ever["CacheControl"] == "public, max-age=31536000, immutable"
    assert (for_ever["ContentType"], for_ever["ContentEncoding"]) == ("text/html; charset=utf-8", "br")
    assert for_ever["Metadata"] == {"sha256": page.sha256}
    assert moving["CacheControl"].startswith("public, max-age=60")
    assert moving["WebsiteRedirectLocation"] == "/hello/v1.0.0/"
    assert (same["ContentType"], same["ContentEncoding"]) == (for_ever["ContentType"], "br")
    assert same["CacheControl"].startswith("public, max-age=60")
    assert store.url("v1.0.0/two words") == "https://downloads.example/hello/v1.0.0/two%20words"
    assert Bucket(rules).url("v1.0.0/a") == ""


@pytest.mark.parametrize("checksums", ["when_required", "when_supported"])
@pytest.mark.parametrize("unknown", [(), CONDITIONS])
def test_a_big_file_goes_up_in_parts(
    checksums: str, unknown: tuple[str, ...], rules: S3Store, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.publish.s3_writing.PART", 5 << 20)
    proxy.unknown = unknown
    store = through(replace(rules, checksums=checksums), proxy)
    data = os.urandom((10 << 20) + 3)
    made = put(store, tmp_path, "v1.0.0/big", data)
    assert store.digest("v1.0.0/big") == store.reread("v1.0.0/big") == made.sha256
    put(store, tmp_path, "v1.0.0/big", data)
    assert store.api.call("list_multipart_uploads").get("Uploads", []) == []


def test_parts_that_a_killed_run_left_are_removed(
    server: S3, rules: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.publish.s3_writing.PART", 5 << 20)
    client = server.client()
    for name in ("big", "bigger"):
        client.create_multipart_upload(Bucket=rules.bucket, Key=f"my project/v1.0.0/{name}")
    put(Bucket(rules), tmp_path, "v1.0.0/big", bytes(6 << 20))
    left = client.list_multipart_uploads(Bucket=rules.bucket)["Uploads"]
    assert [each["Key"] for each in left] == ["my project/v1.0.0/bigger"]


def test_parts_are_removed_when_one_fails(
    rules: S3Store, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.publish.s3_writing.PART", 5 << 20)
    store = through(rules, proxy)
    proxy.script(Fault("503", "PUT", "partNumber=2"))
    with pytest.raises(TransientError):
        put(store, tmp_path, "v1.0.0/big", bytes(16 << 20))
    assert store.api.call("list_multipart_uploads").get("Uploads", []) == []
    assert store.listing("v1.0.0") == {}


LATER = {
    "hung up before": Fault("reset-before"),
    "hung up after": Fault("reset-after"),
    "overloaded": Fault("503", retry_after=7),
    "too many requests": Fault("429", retry_after=7),
    "broken": Fault("500"),
}


@pytest.mark.parametrize(
    ("verb", "fault"),
    [
        *(pytest.param("PUT", fault, id=name) for name, fault in LATER.items()),
        *(("GET", LATER["overloaded"]), ("HEAD", LATER["broken"])),
    ],
)
def test_what_may_work_later_is_said_so_and_works_then(
    fault: Fault, verb: str, rules: S3Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    store = through(rules, proxy)
    store.save("warm", b"", None)
    work: dict[str, Callable[[], object]] = {
        "PUT": lambda: put(store, tmp_path, "v1.0.0/a", b"data" * 1000),
        "GET": lambda: store.listing("v1.0.0"),
        "HEAD": lambda: store.digest("v1.0.0/a"),
    }
    proxy.script(replace(fault, method=verb))
    with pytest.raises(TransientError) as caught:
        work[verb]()
    if fault.retry_after and verb != "HEAD":
        assert caught.value.wait == 7
    work[verb]()
    put(store, tmp_path, "v1.0.0/a", b"data" * 1000)


def test_a_body_that_breaks_off_may_work_later(rules: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    store = through(rules, proxy)
    made = put(store, tmp_path, "v1.0.0/a", b"data" * 100_000)
    for read in (lambda: store.reread("v1.0.0/a"), lambda: store.copy("v1.0.0/a", tmp_path / "back")):
        proxy.script(Fault("cut", "GET"))
        with pytest.raises(TransientError):
            read()
        read()
    assert hashlib.sha256((tmp_path / "back").read_bytes()).hexdigest() == made.sha256


def test_a_lease_is_got_although_the_answer_was_lost(rules: S3Store, proxy: FaultProxy) -> None:
    store = through(rules, proxy)
    proxy.script(Fault("reset-after", "PUT", "lease.json"))
    token = store.save("lease.json", b"mine", None)
    proxy.script(Fault("reset-after", "PUT", "lease.json"))
    assert store.load("lease.json") == (b"mine", token)
    newer = store.save("lease.json", b"mine, longer", token)
    assert store.load("lease.json") == (b"mine, longer", newer)


def test_a_server_that_is_not_there_may_come_back(rules: S3Store) -> None:
    with pytest.raises(TransientError, match="site: list objects"):
        Bucket(replace(rules, endpoint="http://127.0.0.1:1")).listing("v1")


FINAL: dict[str, tuple[dict[str, str], str, str]] = {
    "no such bucket": ({"bucket": "there-is-none"}, "NoSuchBucket", "make the bucket"),
    "a bucket that is no name": ({"bucket": "a//b?"}, "site", "slipway.toml"),
    "an endpoint that is no address": ({"endpoint": "s3.example"}, "site", "slipway.toml"),
}


@pytest.mark.parametrize(("change", "said", "hint"), FINAL.values(), ids=FINAL)
def test_what_will_not_work_later_is_final(change: dict[str, str], said: str, hint: str, rules: S3Store) -> None:
    with pytest.raises(GateError, match=said) as caught:
        Bucket(replace(rules, **change)).check(0)  # type: ignore[arg-type]
    assert hint in str(caught.value)


def test_a_secret_without_its_key_is_refused(rules: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3", "only-a-secret")
    with pytest.raises(GateError, match="not the key that it belongs to") as caught:
        Bucket(rules).check(0)
    assert "only-a-secret" not in str(caught.value)


def test_no_login_at_all_is_refused(rules: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(GateError, match="there is no login"):
        Bucket(replace(rules, credential=Credential())).check(0)


@pytest.mark.req("S1-2")
def test_a_profile_of_aws_is_a_login(server: S3, rules: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text(f"[releases]\naws_access_key_id = {server.key_id}\naws_secret_access_key = {server.secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    Bucket(replace(rules, credential=Credential(profile="releases"))).check(0)
    with pytest.raises(SlipwayError, match="no-such-profile"):
        Bucket(replace(rules, credential=Credential(profile="no-such-profile"))).check(0)


def test_looking_writes_nothing(rules: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    put(Bucket(rules), tmp_path, "v1.0.0/a", b"a")
    store = through(rules, proxy)
    store.check(10)
    store.listing("v1.0.0")
    store.digest("v1.0.0/a")
    store.reread("v1.0.0/a")
    store.pointed("latest", "redirect")
    store.load("lease.json")
    assert len(proxy.seen) == 6
    assert proxy.writes == []


def test_a_folder_of_many_files_is_listed_in_pages_and_nothing_else_is_asked(
    server: S3, rules: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.publish.s3.PAGE", 10)
    client = server.client()
    for number in range(25):
        client.put_object(Bucket=rules.bucket, Key=f"my project/v1.0.0/file-{number:04}", Body=b"x")
    assert len(through(rules, proxy).listing("v1.0.0")) == 25
    assert len(proxy.seen) == 3


def test_putting_a_file_is_one_request(rules: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    store = through(rules, proxy)
    put(store, tmp_path, "v1.0.0/first", b"1")
    proxy.forget()
    for number in range(5):
        put(store, tmp_path, f"v1.0.0/{number}", b"1")
    assert [each.method for each in proxy.seen] == ["PUT"] * 5


def test_a_changed_object_has_another_token(server: S3, rules: S3Store, tmp_path: Path) -> None:
    store = Bucket(rules)
    made = put(store, tmp_path, "v1.0.0/a", b"good")
    before = store.listing("v1.0.0")[made.name]
    server.client().put_object(Bucket=rules.bucket, Key=f"my project/{made.name}", Body=b"evil", Metadata={"sha256": made.sha256})
    after = store.listing("v1.0.0")[made.name]
    assert (after.size, after.token != before.token) == (before.size, True)
    assert store.reread(made.name) != made.sha256


def test_a_server_that_drops_redirects_is_found_out(rules: S3Store, proxy: FaultProxy) -> None:
    proxy.deaf = ("x-amz-website-redirect-location",)
    with pytest.raises(GateError, match="does not keep redirects"):
        through(rules, proxy).point("latest", "redirect", Pointed(target="v1.0.0/", version="1.0.0"), None)


def test_who_writes_at_the_same_moment_is_found_out_without_conditions(
    server: S3, rules: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Bucket(replace(rules, conditional="off"))
    key = "my project/.slipway/lease.json"

    def other(_: float) -> None:
        server.client().put_object(Bucket=rules.bucket, Key=key, Body=b"somebody else's")

    monkeypatch.setattr("time.sleep", other)
    with pytest.raises(ChangedError):
        store.save("lease.json", b"mine", None)
