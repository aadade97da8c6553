"""Buckets of a real server, which checks every signature and digest: over http, over https, and through a bad network."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fault_proxy import fault_proxy
from fault_server import certify
from s3_server import S3, gateway
from store_life import SCENARIOS, content, pointers_move, put

from slipway.actions.retries import Retries
from slipway.actions.store import Pointed
from slipway.environments import Credential, Form, S3Store
from slipway.errors import GateError, NetworkError, VerificationError
from slipway.publish.s3 import Bucket

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority, and the certificate of a site with its key."""
    return certify(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with gateway(tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificates: tuple[Path, Path]) -> Iterator[S3]:
    chain = certificates[1]
    with gateway(tmp_path_factory.mktemp("secure"), tls=(chain, chain)) as running:
        yield running


@pytest.fixture
def rules(plain: S3, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    monkeypatch.setenv("TEST_S3", f"{plain.key_id}:{plain.secret}")
    return S3Store(
        name="site", bucket=plain.bucket(), prefix="hello", endpoint=plain.endpoint, credential=Credential(env="TEST_S3")
    )


@pytest.fixture(params=["http", "https", "https, with checksums", "http, with checksums"])
def store(
    request: pytest.FixtureRequest, rules: S3Store, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    checksums = "when_supported" if "checksums" in request.param else "auto"
    if not request.param.startswith("https"):
        return Bucket(replace(rules, checksums=checksums))
    server: S3 = request.getfixturevalue("secure")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates[0]))
    return Bucket(replace(rules, checksums=checksums, endpoint=server.endpoint, bucket=server.bucket()))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_bucket_is_a_store(scenario: str, store: Bucket, tmp_path: Path) -> None:
    SCENARIOS[scenario](store, tmp_path)


FORMS: dict[str, tuple[Form, str, dict[str, str]]] = {
    "redirect to a folder": ("redirect", "latest", {"v1.0.0/": "1.0.0", "v1.1.0/": "1.1.0"}),
    "copy of a file": ("copy", "install.sh", {"v1.0.0/install.sh": "1.0.0", "v1.1.0/a b.sh": "1.1.0"}),
}


@pytest.mark.parametrize(("form", "name", "targets"), FORMS.values(), ids=FORMS)
def test_pointers_move(form: Form, name: str, targets: dict[str, str], store: Bucket, tmp_path: Path) -> None:
    pointers_move(store, tmp_path, form, name, targets)


def test_a_big_file_goes_up_in_parts_and_comes_back(store: Bucket, tmp_path: Path) -> None:
    made = put(store, tmp_path, "v1.0.0/big", os.urandom((40 << 20) + 3))
    assert store.digest("v1.0.0/big") == store.reread("v1.0.0/big") == made.sha256
    put(store, tmp_path, "v1.0.0/big", (tmp_path / made.path).read_bytes())
    with pytest.raises(VerificationError):
        put(store, tmp_path, "v1.0.0/big", bytes(40 << 20))
    assert store.api.call("list_multipart_uploads").get("Uploads", []) == []


REFUSED = {
    "another secret": ("AKSLIPWAYTEST:not the secret", "SignatureDoesNotMatch", "the secret is not the one of this key"),
    "another key": ("AKNOBODY:a secret/of the+tests", "No user exists", "the server does not know the key"),
}


@pytest.mark.parametrize(("login", "said", "hint"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_login_is_refused_before_anything_is_written(
    login: str, said: str, hint: str, rules: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_S3", login)
    with pytest.raises(GateError, match=said) as caught:
        Bucket(rules).check(1)
    assert hint in str(caught.value)
    assert login.partition(":")[2] not in str(caught.value)


def test_a_clock_that_is_wrong_is_named(rules: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_: datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(GateError, match="RequestTimeTooSkewed") as caught:
        Bucket(rules).check(1)
    assert "the clock of this machine" in str(caught.value)


def test_a_server_whose_certificate_nobody_signed_is_not_trusted(secure: S3, rules: S3Store) -> None:
    with pytest.raises(NetworkError, match="not secure") as caught:
        Bucket(replace(rules, endpoint=secure.endpoint)).check(1)
    assert caught.value.__class__ is NetworkError


def test_bytes_that_somebody_changed_on_the_server_are_found_by_reading_them(plain: S3, rules: S3Store, tmp_path: Path) -> None:
    store = Bucket(rules)
    made = put(store, tmp_path, "v1.0.0/a", b"good" * 1000)
    assert plain.folder is not None
    path = plain.folder / rules.bucket / "hello" / made.name
    path.write_bytes(b"evil" * 1000)
    assert store.reread(made.name) == hashlib.sha256(b"evil" * 1000).hexdigest()


@pytest.mark.parametrize("seed", range(6))
def test_nothing_goes_wrong_in_a_bad_network(seed: int, plain: S3, rules: S3Store, tmp_path: Path) -> None:
    """One call in ten fails in one way or another; what is there in the end is what would be there without."""
    retries = Retries(count=12, delay=0.001)
    with fault_proxy(plain.endpoint, rate=0.1, seed=seed) as proxy:
        store = Bucket(replace(rules, endpoint=proxy.url))
        made = [content(tmp_path, f"v1.0.0/file-{number}", os.urandom(3000)) for number in range(40)]
        made.append(content(tmp_path, "v1.0.0/big", os.urandom(20 << 20)))
        token = retries.run("lease", lambda: store.save("lease.json", b"mine", None))
        for each in made:
            retries.run(each.name, partial(store.put, each, tmp_path / each.path, lambda _: None))
        read = [retries.run(each.name, partial(store.reread, each.name)) for each in made]
        to = Pointed(target="v1.0.0/", version="1.0.0")
        retries.run("point", lambda: store.point("latest", "redirect", to, store.pointed("latest", "redirect")))
        retries.run("lease", lambda: store.save("lease.json", b"released", token))
        assert proxy.faults
    clean = Bucket(rules)
    assert read == [each.sha256 for each in made] == [clean.reread(each.name) for each in made]
    assert set(clean.listing("v1.0.0")) == {each.name for each in made}
    seen = clean.pointed("latest", "redirect")
    assert seen is not None and seen.target == "v1.0.0/"
    assert (clean.load("lease.json") or (b"",))[0] == b"released"
    assert clean.api.call("list_multipart_uploads").get("Uploads", []) == []


def test_encodings_are_kept_as_they_are(store: Bucket, tmp_path: Path) -> None:
    """Some servers add `aws-chunked` to them when a checksum follows the data."""
    page = content(tmp_path, "v1.0.0/index.html", b"squeezed", "text/html; charset=utf-8", "br")
    store.put(page, tmp_path / page.path, lambda _: None)
    store.point("index.html", "copy", Pointed(target=page.name, version="1.0.0"), None)
    for name in (page.name, "index.html"):
        head = store.api.call("head_object", Key=f"hello/{name}")
        assert (head["ContentEncoding"], head["ContentType"]) == ("br", "text/html; charset=utf-8")


def test_another_run_begins_anew_where_one_was_killed(plain: S3, rules: S3Store, tmp_path: Path) -> None:
    """In the middle of a large file: nothing is there, and the parts are gone when the next run is through."""
    made = content(tmp_path, "v1.0.0/big", os.urandom(80 << 20))
    (tmp_path / "upload.py").write_text(
        "import pickle, sys\n"
        "from slipway.publish.s3 import Bucket\n"
        "rules, made, source = pickle.load(open(sys.argv[1], 'rb'))\n"
        "Bucket(rules).put(made, source, lambda _: None)\n"
    )
    with fault_proxy(plain.endpoint) as proxy:
        slow = replace(rules, endpoint=proxy.url)
        (tmp_path / "what").write_bytes(pickle.dumps((slow, made, tmp_path / made.path)))
        child = subprocess.Popen([sys.executable, tmp_path / "upload.py", tmp_path / "what"])
        proxy.watch = lambda seen: child.kill() if "partNumber=4" in seen.path else None
        assert child.wait(60) == -signal.SIGKILL
    store = Bucket(rules)
    assert store.listing("v1.0.0") == {}
    assert len(store.api.call("list_multipart_uploads")["Uploads"]) == 1
    put(store, tmp_path, made.name, (tmp_path / made.path).read_bytes())
    assert store.reread(made.name) == made.sha256
    assert store.api.call("list_multipart_uploads").get("Uploads", []) == []


def test_the_public_is_led_where_the_pointer_leads(plain: S3, rules: S3Store, tmp_path: Path) -> None:
    """As a browser sees it, through the bucket's website."""
    plain.show(rules.bucket)
    store = Bucket(rules)
    seen = None
    for version in ("1.0.0", "1.1.0"):
        put(store, tmp_path, f"v{version}/index.html", f"this is {version}".encode())
        seen = store.point("latest", "redirect", Pointed(target=f"v{version}/", version=version), seen)
        first = _get(plain, rules.bucket, "/hello/latest")
        assert (first.status, first.headers["Location"]) == (301, f"/hello/v{version}/")
        assert _get(plain, rules.bucket, first.headers["Location"]).read() == f"this is {version}".encode()


def _get(server: S3, bucket: str, path: str) -> HTTPResponse:
    there = HTTPConnection(urlsplit(server.website).netloc, timeout=10)
    there.request("GET", path, headers={"Host": bucket, "Connection": "close"})
    return there.getresponse()
