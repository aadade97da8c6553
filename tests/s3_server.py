"""S3 for tests: moto in this process for the quick ones; a real server, which checks signatures, for the others.

`python tests/s3_server.py` builds the real one into slipway's cache, from sources whose digests stand in tests/versitygw/go.sum.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from beside import HOST, beside, free_port

from slipway.files import cache_dir

SOURCE = Path(__file__).with_name("versitygw")
PROGRAM = "github.com/versity/versitygw/cmd/versitygw"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class S3:
    """A running server: where it is, and who may do everything there."""

    endpoint: str
    key_id: str = "AKSLIPWAYTEST"
    secret: str = "a secret/of the+tests"
    region: str = "us-east-1"
    folder: Path | None = None  # below which the buckets are folders
    website: str = ""  # where a bucket is served to the public, to whoever names it as the Host

    def client(self, *, endpoint: str = "", secret: str = "", **config: Any) -> Any:
        """A client of boto3 that asks once."""
        from botocore.config import Config

        return _session().client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=secret or self.secret,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
        )

    def bucket(self, stem: str = "releases") -> str:
        """Make a bucket of its own for a test; returns its name."""
        name = f"{stem}-{os.getpid()}-{next(_numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def show(self, bucket: str) -> None:
        """Serve a bucket to the public, as a website."""
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        index = {"IndexDocument": {"Suffix": "index.html"}}
        self.client().put_bucket_policy(Bucket=bucket, Policy=policy)
        self.client().put_bucket_website(Bucket=bucket, WebsiteConfiguration=index)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """What a bucket holds."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@cache
def _session() -> Any:
    import boto3

    return boto3.Session()


@contextmanager
def moto() -> Iterator[S3]:
    """A server that knows the whole interface, but believes every signature; starts at once."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    server.start()
    try:
        yield S3(f"http://{HOST}:{server.get_host_and_port()[1]}")
    finally:
        server.stop()


@contextmanager
def gateway(folder: Path, *, tls: tuple[Path, Path] | None = None) -> Iterator[S3]:
    """The real server, over a folder; with `tls`, a certificate and its key, it speaks https alone."""
    root = folder / "buckets"
    root.mkdir(parents=True)
    answer = S3(f"{'https' if tls else 'http'}://{HOST}:0", folder=root)
    secure = ("--cert", tls[0], "--key", tls[1]) if tls else ()
    environment = {"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": answer.key_id, "ROOT_SECRET_KEY": answer.secret}

    website = f"{HOST}:{free_port()}"

    def command(port: int) -> tuple[str | Path, ...]:
        public = ("--website", website, "--website-no-tls")
        return (program(), "--quiet", "--keep-alive", "--port", f"{HOST}:{port}", *public, *secure, "posix", root)

    with beside(command, folder / "s3.log", environment) as port:
        yield S3(answer.endpoint.replace(":0", f":{port}"), folder=root, website=f"http://{website}")


def program() -> Path:
    """The real server; builds it when that has not been done."""
    pins = b"".join((SOURCE / name).read_bytes() for name in ("go.mod", "go.sum"))
    path = cache_dir() / "tests" / f"versitygw-{hashlib.sha256(pins).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_suffix(".part")
            words = ["go", "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(part), PROGRAM]
            subprocess.run(words, cwd=SOURCE, check=True)
            part.rename(path)
    return path


if __name__ == "__main__":
    print(program())
    sys.exit(0)
