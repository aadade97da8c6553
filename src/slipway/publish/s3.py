"""A bucket of S3 as a store, on Amazon's server or on one that only looks like it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from slipway.actions.store import Content, Found, Pointed, Sent
from slipway.environments import Form, S3Store
from slipway.errors import ChangedError, TransientError, VerificationError
from slipway.files import CHUNK, HashingWriter, Sink
from slipway.publish.s3_client import Api, MissingError, sorted_errors
from slipway.publish.s3_pointers import Pointers
from slipway.publish.s3_writing import Writer

OWN: Final = ".slipway/"
PAGE: Final = 1000
# A published name never changes its bytes.
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(slots=True)
class Bucket:
    """A store in a bucket."""

    rules: S3Store
    api: Api = field(init=False)
    writer: Writer = field(init=False)
    pointers: Pointers = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(self.rules)
        self.writer = Writer(self.api, self._key(OWN))
        self.pointers = Pointers(self.writer, self._key(""), self.rules.url)

    @property
    def name(self) -> str:
        """The store's name in slipway.toml."""
        return self.rules.name

    def check(self, size: int) -> None:
        """Raise GateError when the bucket cannot be listed; whether it can be written shows with the first, small, write."""
        del size
        self.api.call("list_objects_v2", Prefix=self._key(""), MaxKeys=1)

    def served(self, name: str) -> str:
        """A bucket serves every name as it is."""
        return name

    def listing(self, folder: str) -> Mapping[str, Found]:
        """The objects right in a folder; what stands for the bytes is the ETag, which is no digest of them."""
        prefix = self._key(f"{folder}/" if folder else "")
        start = len(self._key(""))
        return {
            each["Key"][start:]: Found(size=each["Size"], token=each["ETag"].strip('"'))
            for each in self._objects(prefix)
            if each["Key"] != prefix
        }

    def put(self, content: Content, source: Path, sent: Sent) -> Found:
        """Upload a file whose digest is known, with it, where there is none."""
        headers = {"ContentType": content.media_type, "CacheControl": FOR_EVER}
        if content.encoding:
            headers["ContentEncoding"] = content.encoding
        try:
            return self.writer.create(self._key(content.name), source, content.size, content.sha256, headers, sent)
        except ChangedError:
            return self._existing(content)

    def digest(self, name: str) -> str:
        """The SHA-256 that the server keeps of the whole object, or that was put beside it; else the object is read."""
        head = self.writer.head(self._key(name))
        return "" if head is None else _known_digest(head) or self.reread(name)

    def reread(self, name: str) -> str:
        """Download the object and hash it."""
        digest = _Hash()
        try:
            self._download(name, digest)
        except MissingError:
            return ""
        return digest.hash.hexdigest()

    def copy(self, name: str, target: Path) -> None:
        """Download the object."""
        with HashingWriter(target) as out:
            self._download(name, out)

    def url(self, name: str) -> str:
        """The address below the store's own; empty where slipway.toml says none."""
        return f"{self.rules.url.rstrip('/')}/{quote(name)}" if self.rules.url else ""

    def pointed(self, name: str, form: Form) -> Pointed | None:
        """Where an object leads, or of what it is a copy."""
        return self.pointers.pointed(name, form)

    def point(self, name: str, form: Form, to: Pointed, seen: Pointed | None) -> Pointed:
        """Write the object that leads there in one request."""
        return self.pointers.point(name, form, to, seen)

    def unpoint(self, name: str, form: Form, seen: Pointed) -> None:
        """Delete the object that leads."""
        self.pointers.unpoint(name, form, seen)

    def load(self, name: str) -> tuple[bytes, str] | None:
        """A small object of slipway's own, and its ETag."""
        try:
            answer = self.api.call("get_object", Key=self._key(OWN + name))
        except MissingError:
            return None
        with sorted_errors(f"{self.name}: read {name}", self.rules):
            return answer["Body"].read(), answer["ETag"].strip('"')

    def save(self, name: str, data: bytes, seen: str | None) -> str:
        """Write it under the condition that it is as it was seen; an answer that was lost is looked for."""
        key = self._key(OWN + name)
        lost: TransientError | None = None
        try:
            self.writer.replace(key, seen, lambda condition: self._write_own(key, data, condition))
        except TransientError as error:
            lost = error
        except ChangedError:
            # The write of a try before this one, whose answer was lost, is ours too.
            lost = None
        found = self.load(name)
        if found is not None and found[0] == data:
            return found[1]
        raise lost or ChangedError(f"{name} in {self.name} was changed by somebody else", hint="run slipway status")

    def _write_own(self, key: str, data: bytes, condition: Mapping[str, str]) -> None:
        self.api.put(key, data, CacheControl="no-store", ContentType="application/json", **condition)

    def _key(self, name: str) -> str:
        return f"{self.rules.prefix.strip('/')}/{name}".lstrip("/")

    def _objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = self.api.call("list_objects_v2", Prefix=prefix, Delimiter="/", MaxKeys=PAGE, **more)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _existing(self, content: Content) -> Found:
        head = self.writer.head(self._key(content.name)) or {}
        if head.get("ContentLength") == content.size and self.digest(content.name) == content.sha256:
            return Found(size=content.size, sha256=content.sha256, token=head["ETag"].strip('"'))
        raise VerificationError(
            f"{content.name} is in {self.name} with other bytes, and what is published never changes",
            hint="publish what was built from the same commit, or give the release a new version",
        )

    def _download(self, name: str, out: Sink) -> None:
        answer = self.api.call("get_object", Key=self._key(name))
        with sorted_errors(f"{self.name}: read {name}", self.rules):
            for chunk in answer["Body"].iter_chunks(CHUNK):
                out.write(chunk)


class _Hash:
    """Takes bytes and keeps only their SHA-256."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def write(self, data: bytes | memoryview, /) -> None:
        self.hash.update(data)


def _known_digest(head: Mapping[str, Any]) -> str:
    """The digest that a server says; that of an object in parts is one of the parts' digests, and useless."""
    said = str(head.get("ChecksumSHA256", ""))
    in_parts = "-" in said + str(head["ETag"]) or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT"
    if said and not in_parts:
        return base64.b64decode(said).hex()
    return str(head.get("Metadata", {}).get("sha256", ""))
