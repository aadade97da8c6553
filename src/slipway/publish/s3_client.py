"""The one door to boto3: a client for a bucket, and what a server's refusals mean."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import slipway
from slipway import credentials
from slipway.credentials import Login
from slipway.environments import S3Store
from slipway.errors import ChangedError, GateError, NetworkError, SlipwayError, TransientError

CONNECTIONS: Final = 32
_TRANSIENT: Final = frozenset(
    (
        *("RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"),
        *("InternalError", "ServiceUnavailable", "ConditionalRequestConflict", "OperationAborted", "NoSuchUpload"),
        *("BadDigest", "InvalidDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
    )
)
_UNKNOWN: Final = frozenset(("NotImplemented", "XNotImplemented", "MethodNotAllowed", "UnsupportedOperation"))
_HINTS: Final = {
    "InvalidAccessKeyId": "the server does not know the key: is it the key of this environment?",
    "XAdminUserNotFound": "the server does not know the key: is it the key of this environment?",
    "SignatureDoesNotMatch": "the secret is not the one of this key",
    "AccessDenied": "the key may not do this: it needs to list the bucket, and to read and write objects",
    "ExpiredToken": "get a new key: this one has ended",
    "InvalidToken": "the session token does not belong to the key",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it, then run again",
    "NoSuchBucket": "make the bucket, or mend `bucket` in slipway.toml: slipway makes none",
    "PermanentRedirect": "the bucket lies in another region: set `region` of the store in slipway.toml",
    "AuthorizationHeaderMalformed": "the bucket lies in another region: set `region` of the store in slipway.toml",
    "MissingContentLength": 'this server wants plain bodies: set `checksums = "when_required"` of the store in slipway.toml',
    "EntityTooLarge": "the server takes no file of this size",
}


class MissingError(SlipwayError):
    """There is no such object."""


class UnsupportedError(SlipwayError):
    """The server does not know what was asked of it."""


@dataclass(slots=True)
class Api:
    """The server of one bucket; connects when it is first asked, and asks once: trying again is the engine's."""

    rules: S3Store
    _client: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Ask the server; raises MissingError, ChangedError or UnsupportedError where that is the answer."""
        what = f"{self.rules.name}: {operation.replace('_', ' ')} {arguments.get('Key', '')}".rstrip()
        with sorted_errors(what, self.rules):
            answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.rules.bucket, **arguments)
            return answer

    def put(self, key: str, data: bytes, *, sha256: str = "", **arguments: Any) -> dict[str, Any]:
        """Write an object."""
        return self.call("put_object", Key=key, Body=data, **self.checked(data, sha256), **arguments)

    def checked(self, data: bytes, sha256: str = "") -> dict[str, str]:
        """The checksum that is sent beside some data, where the server takes any.

        It is said beforehand: boto3's own way is to send it after the data, in pieces, and some servers then keep
        `aws-chunked` as the object's encoding, or hang up when they refuse the object.
        """
        if not self.takes_checksums:
            return {}
        digest = bytes.fromhex(sha256) if sha256 else hashlib.sha256(data).digest()
        return {"ChecksumSHA256": base64.b64encode(digest).decode()}

    @property
    def client(self) -> Any:
        """The client of boto3."""
        with self._lock:
            if self._client is None:
                self._client = _connect(self.rules)
            return self._client

    @property
    def takes_checksums(self) -> bool:
        """Whether checksums are sent beside the data; those who only look like S3 often know none."""
        chosen = self.rules.checksums
        return chosen == "when_supported" or (chosen == "auto" and not self.rules.endpoint)


def _connect(rules: S3Store) -> Any:
    login = credentials.ask(rules.credential)
    if login is not None:
        login.require_lasting()
    from botocore.config import Config

    custom = bool(rules.endpoint)
    checksums = rules.checksums if rules.checksums != "auto" else ("when_required" if custom else "when_supported")
    addressing = rules.addressing if rules.addressing != "auto" else ("path" if custom else "auto")
    config = Config(
        s3={"addressing_style": addressing},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        connect_timeout=15,
        read_timeout=60,
        tcp_keepalive=True,
        user_agent_extra=f"slipway/{slipway.__version__}",
    )
    with sorted_errors(rules.name, rules):
        session = _session(rules)
        region = session.region_name or "us-east-1"
        secrets = _secrets(login, rules)
        return session.client("s3", endpoint_url=rules.endpoint or None, region_name=region, config=config, **secrets)


def _session(rules: S3Store) -> Any:
    import boto3
    from botocore.session import Session

    plain = Session(profile=rules.credential.profile or None)
    plain.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=plain, region_name=rules.region or None)


@cache
def _loader() -> Any:
    """What reads the descriptions of Amazon's services, some megabytes, and keeps them for the next client."""
    from botocore.loaders import create_loader

    return create_loader()


def _secrets(login: Login | None, rules: S3Store) -> dict[str, str]:
    if login is None:
        return {}
    pair = credentials.paired(login)
    if not pair.name:
        raise GateError(
            f"{rules.name}: {pair.source} has a secret, but not the key that it belongs to",
            hint="give both: KEY:SECRET, two lines, or JSON; docs/publishing/credentials.md shows how",
        )
    found = {"aws_access_key_id": pair.name, "aws_secret_access_key": pair.secret}
    return found | ({"aws_session_token": pair.session} if pair.session else {})


@contextmanager
def sorted_errors(what: str, rules: S3Store) -> Iterator[None]:
    """Turn what boto3 raises into what the engine understands: again later, changed meanwhile, or final."""
    from botocore import exceptions as known

    try:
        yield
    except known.ClientError as error:
        raise _answered(what, error) from error
    except (known.NoCredentialsError, known.PartialCredentialsError, known.ProfileNotFound) as error:
        hint = f"give the store {rules.name} a `credential` in slipway.toml, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise GateError(f"{what}: there is no login: {error}", hint=hint) from error
    except known.SSLError as error:
        raise _insecure(what, error) from error
    except (known.HTTPClientError, known.ConnectionError, known.ResponseStreamingError, known.IncompleteReadError) as error:
        raise TransientError(f"{what}: {error}", hint="is the endpoint right, and does the network work?") from error
    except (known.BotoCoreError, ValueError) as error:
        raise GateError(f"{what}: {error}", hint=f"check the store {rules.name} in slipway.toml") from error


def _insecure(what: str, error: Exception) -> NetworkError:
    """A certificate that is not trusted stays so; a connection that only broke off is another matter."""
    message = f"{what}: the connection is not secure: {error}"
    if "CERTIFICATE" in str(error).upper():
        return NetworkError(message, hint="is the endpoint right? AWS_CA_BUNDLE names a file of certificates to trust")
    return TransientError(message, hint="is the endpoint one that speaks https?")


def _answered(what: str, error: Any) -> SlipwayError:
    meta = error.response.get("ResponseMetadata", {})
    code, status = str(error.response.get("Error", {}).get("Code", "")), int(meta.get("HTTPStatusCode", 0))
    said = error.response.get("Error", {}).get("Message") or code or f"status {status}"
    message = f"{what}: the server says {status} {code}: {said}" if said != code else f"{what}: the server says {status} {code}"
    if status == 412:
        return ChangedError(message, hint="somebody else writes there too; see how it stands: slipway status")
    if status == 501 or code in _UNKNOWN:
        return UnsupportedError(message)
    if code in _TRANSIENT or status in (408, 425, 429) or status >= 500:
        return TransientError(message, wait=_wait(meta))
    if status == 404 and code in ("NoSuchKey", "404", "NotFound", ""):
        return MissingError(message)
    return GateError(message, hint=_HINTS.get(code) or _HINTS["AccessDenied" if status in (401, 403) else "NoSuchBucket"])


def _wait(meta: dict[str, Any]) -> float | None:
    said = str(meta.get("HTTPHeaders", {}).get("retry-after", ""))
    return float(said) if said.isdigit() else None
