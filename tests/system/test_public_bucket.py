"""A bucket as the public sees it: nothing as long as it is closed, then every file and what the pointers lead to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from s3_server import S3, moto
from store_life import NAMES, put

from slipway.actions.site import Site
from slipway.actions.store import Pointed
from slipway.environments import Credential, S3Store
from slipway.errors import VerificationError
from slipway.publish.pointers import MovePointer
from slipway.publish.s3 import Bucket
from slipway.verify.public import plan_public_pointers
from slipway.verify.public.files import PublicFile
from slipway.verify.public.pointers import PublicPointer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with moto() as running:
        yield running


@pytest.fixture
def site(server: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("TEST_S3", f"{server.key_id}:{server.secret}")
    name = server.bucket("public")
    rules = S3Store(
        name="site",
        bucket=name,
        prefix="my project/",
        endpoint=server.endpoint,
        url=f"{server.endpoint}/{name}/my%20project",
        credential=Credential(env="TEST_S3"),
    )
    return Site(environment="x", root=tmp_path, outputs=tmp_path, stores={"site": Bucket(rules)})


def open_to_all(server: S3, site: Site) -> None:
    store: Any = site.stores["site"]
    resource = f"arn:aws:s3:::{store.rules.bucket}/*"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    server.client().put_bucket_policy(Bucket=store.rules.bucket, Policy=policy)


def test_a_bucket_that_is_closed_to_the_public_does_not_pass(server: S3, site: Site, tmp_path: Path) -> None:
    check = PublicFile(store="site", content=put(site.stores["site"], tmp_path, NAMES[0], b"hello\n"))
    with pytest.raises(VerificationError, match=r"is not given to the public \(403\)"):
        check.apply(site)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_its_address(server: S3, site: Site, tmp_path: Path, name: str) -> None:
    open_to_all(server, site)
    check = PublicFile(store="site", content=put(site.stores["site"], tmp_path, name, f"this is {name}\n".encode()))
    check.apply(site)
    server.client().put_object(Bucket=site.stores["site"].rules.bucket, Key=f"my project/{name}", Body=b"other")  # type: ignore[attr-defined]
    with pytest.raises(VerificationError, match="it has 5 bytes"):
        check.apply(site)


@pytest.mark.parametrize(
    ("form", "to", "right"),
    [("copy", "v1.0.0/install.sh", True), ("redirect", "v1.0.0/", True), ("redirect", "v1.0.0/install.sh", False)],
)
def test_pointers_lead_where_they_should(server: S3, site: Site, tmp_path: Path, form: Any, to: str, right: bool) -> None:
    """Here nothing redirects: a browser is led to a folder by a page, and a script that is such a page is none."""
    open_to_all(server, site)
    put(site.stores["site"], tmp_path, "v1.0.0/install.sh", b"#!/bin/sh\n")
    site.pointing("site").point("current", form, Pointed(target=to, version="1.0.0"), None)
    move = MovePointer(store="site", name="current", form=form, to=to, version="1.0.0", scheme="semver")
    (check,) = plan_public_pointers(site.stores, [move])
    assert isinstance(check, PublicPointer)
    if right:
        replace(check, patience=0.0).apply(site)
    else:
        with pytest.raises(VerificationError, match="does not serve v1"):
            replace(check, patience=0.0).apply(site)
