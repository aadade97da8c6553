"""Writing objects of S3: only where there is none, or only over what was seen, however much of that a server knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slipway.actions.store import Found, Sent
from slipway.errors import ChangedError, GateError, SlipwayError
from slipway.publish.s3_client import Api, MissingError, UnsupportedError

PART: Final = 16 << 20
PART_THREADS: Final = 4
MOST_PARTS: Final = 10_000
# How long another writer's object is given to show up, on a server that knows no conditions.
SETTLE: Final = 0.5
_ASKED: Final = "conditional"
_QUESTION: Final = b"Slipway writes this object again and again to learn whether the server heeds If-None-Match and If-Match.\n"
_NO_SUCH_ETAG: Final = '"00000000000000000000000000000000"'


@dataclass(slots=True)
class Conditions:
    """Whether the server heeds conditions: some say 501, and some do as if there were none, so each is tried once.

    What is tried is to write an object of slipway's own anew with the same bytes; nothing else is touched.
    """

    api: Api
    key: str
    _known: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def exclusive(self) -> bool:
        """Whether `If-None-Match: *` keeps what is there."""
        return self._try("exclusive", {"IfNoneMatch": "*"}, times=2)

    def matching(self) -> bool:
        """Whether `If-Match` keeps what is another."""
        return self._try("matching", {"IfMatch": _NO_SUCH_ETAG}, times=1)

    def _try(self, name: str, condition: Mapping[str, str], *, times: int) -> bool:
        if self.api.rules.conditional == "off":
            return False
        with self._lock:
            if name not in self._known:
                self._known[name] = self._is_heeded(condition, times)
            return self._known[name]

    def _is_heeded(self, condition: Mapping[str, str], times: int) -> bool:
        try:
            for _ in range(times):
                self.api.put(self.key, _QUESTION, ContentType="text/plain", **condition)
        except (ChangedError, MissingError):
            return True
        except UnsupportedError:
            return False
        return False


@dataclass(slots=True)
class Writer:
    """Writes objects; `own` is where slipway keeps its own below the store's prefix."""

    api: Api
    own: str
    conditions: Conditions = field(init=False)

    def __post_init__(self) -> None:
        self.conditions = Conditions(self.api, f"{self.own}{_ASKED}")

    def head(self, key: str) -> dict[str, Any] | None:
        """What the server says of an object; None when there is none."""
        with suppress(MissingError):
            return self.api.call("head_object", Key=key, ChecksumMode="ENABLED")
        return None

    def create(self, key: str, source: Path, size: int, sha256: str, headers: Mapping[str, Any], sent: Sent) -> Found:
        """Write an object that is not there, from a file; raises ChangedError when it is there."""
        fields = {**headers, "Metadata": {"sha256": sha256}}
        if size > PART:
            etag = self._create_in_parts(key, source, size, fields, sent)
        else:
            etag = self._create_at_once(key, source.read_bytes(), sha256, fields)
            sent(size)
        return Found(size=size, sha256=sha256, token=etag)

    def _create_at_once(self, key: str, data: bytes, sha256: str, fields: Mapping[str, Any]) -> str:
        if self.conditions.exclusive():
            return _etag(self.api.put(key, data, sha256=sha256, IfNoneMatch="*", **fields))
        self._require_absent(key)
        self.api.put(key, data, sha256=sha256, **fields)
        return self._require_written(key, len(data), sha256)

    def _create_in_parts(self, key: str, source: Path, size: int, fields: Mapping[str, Any], sent: Sent) -> str:
        self._require_absent(key)
        self._forget_parts(key)
        upload = self._begin(key, fields)
        try:
            parts = self._send_parts(upload, source, size, sent)
            self._complete(upload, parts)
        except BaseException:
            with suppress(SlipwayError):
                self.api.call("abort_multipart_upload", **upload)
            raise
        return self._require_written(key, size, fields["Metadata"]["sha256"])

    def _begin(self, key: str, fields: Mapping[str, Any]) -> dict[str, str]:
        checked = {"ChecksumAlgorithm": "SHA256"} if self.api.takes_checksums else {}
        answer = self.api.call("create_multipart_upload", Key=key, **checked, **fields)
        return {"Key": key, "UploadId": answer["UploadId"]}

    def _send_parts(self, upload: Mapping[str, str], source: Path, size: int, sent: Sent) -> list[dict[str, Any]]:
        part_size = max(PART, -(-size // MOST_PARTS))

        def send(number: int) -> dict[str, Any]:
            with source.open("rb") as file:
                file.seek((number - 1) * part_size)
                data = file.read(part_size)
            checked = self.api.checked(data)
            answer = self.api.call("upload_part", PartNumber=number, Body=data, **checked, **upload)
            sent(len(data))
            return {"PartNumber": number, "ETag": answer["ETag"], **checked}

        pool = ThreadPoolExecutor(PART_THREADS)
        try:
            return list(pool.map(send, range(1, -(-size // part_size) + 1)))
        finally:
            pool.shutdown(cancel_futures=True)

    def _complete(self, upload: Mapping[str, str], parts: list[dict[str, Any]]) -> None:
        asked = {**upload, "MultipartUpload": {"Parts": parts}}
        if self.conditions.exclusive():
            with suppress(UnsupportedError):
                self.api.call("complete_multipart_upload", IfNoneMatch="*", **asked)
                return
        self.api.call("complete_multipart_upload", **asked)

    def _forget_parts(self, key: str) -> None:
        """Give back the room of the parts that a run left which did not end well; the lease keeps other runs away."""
        with suppress(UnsupportedError, GateError):
            for left in self.api.call("list_multipart_uploads", Prefix=key).get("Uploads", ()):
                if left["Key"] == key:
                    self.api.call("abort_multipart_upload", Key=key, UploadId=left["UploadId"])

    def replace(self, key: str, seen: str | None, write: Callable[[Mapping[str, str]], Any]) -> None:
        """Write an object over what was seen (an ETag), or where there was none (None).

        `write` does it under a condition. Raises ChangedError when the object is no longer as it was seen. A server that knows
        no conditions is asked before; whoever wrote at the same moment is then found out by the caller, who reads it again.
        """
        heeded = self.conditions.exclusive() if seen is None else self.conditions.matching()
        if heeded:
            try:
                write({"IfNoneMatch": "*"} if seen is None else {"IfMatch": f'"{seen}"'})
            except (ChangedError, MissingError) as error:
                # Some servers refuse even the right ETag.
                if seen is None or self.etag(key) != seen:
                    raise _changed(self.api, key) from error
            except UnsupportedError:
                pass
            else:
                return
        if self.etag(key) != seen:
            raise _changed(self.api, key)
        write({})
        time.sleep(SETTLE)

    def etag(self, key: str) -> str | None:
        """What stands for an object's bytes; None when there is none."""
        head = self.head(key)
        return None if head is None else _etag(head)

    def _require_absent(self, key: str) -> None:
        if self.head(key) is not None:
            raise ChangedError(f"{self.api.rules.name}: {key} is there already")

    def _require_written(self, key: str, size: int, sha256: str) -> str:
        head = self.head(key)
        if head is None or head["ContentLength"] != size or head.get("Metadata", {}).get("sha256") != sha256:
            raise ChangedError(f"{self.api.rules.name}: {key} is not what was just written there", hint="who else writes there?")
        return _etag(head)


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _changed(api: Api, key: str) -> ChangedError:
    return ChangedError(f"{api.rules.name}: {key} was changed by somebody else meanwhile", hint="run slipway status")
