"""Pointers in a bucket: objects that redirect (where it is served as a website), and copies of a file of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from slipway.actions.store import Pointed
from slipway.environments import Form
from slipway.errors import ChangedError, GateError
from slipway.publish.s3_writing import Writer

# How long somebody may be led to where a pointer led before.
FOR_A_MINUTE: Final = "public, max-age=60, must-revalidate"
TARGET, VERSION = "slipway-target", "slipway-version"
_KEPT: Final = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage")
_BY_HAND: Final = "nothing is moved until it is clear what users get now; mend or remove it by hand, then run slipway resume"


@dataclass(frozen=True, slots=True)
class Pointers:
    """The pointers of a store below a prefix; what an object leads to and which version that is stands in its metadata."""

    writer: Writer
    prefix: str
    url: str

    def pointed(self, name: str, form: Form) -> Pointed | None:
        """Where a pointer leads; fails closed on an object that slipway did not make."""
        self._require_known(form)
        head = self.writer.head(self.prefix + name)
        if head is None:
            return None
        said = head.get("Metadata", {})
        target, version = unquote(said.get(TARGET, "")), said.get(VERSION, "")
        leads = head.get("WebsiteRedirectLocation", "")
        if not (target and version) or leads != (self._location(target) if form == "redirect" else ""):
            how = f"leads to {leads}" if leads else "is an object of its own"
            raise GateError(f"{name} in {self._store} {how}, and slipway did not make it so", hint=_BY_HAND)
        return Pointed(target=target, version=version, token=head["ETag"].strip('"'))

    def point(self, name: str, form: Form, to: Pointed, seen: Pointed | None) -> Pointed:
        """Write the object, and read it again."""
        now = self._require_seen(name, form, seen)
        write = self._redirect if form == "redirect" else self._copy
        fields = {"Metadata": {TARGET: quote(to.target), VERSION: to.version}, "CacheControl": FOR_A_MINUTE}
        key = self.prefix + name
        self.writer.replace(key, now.token if now else None, lambda condition: write(key, to, {**fields, **condition}))
        after = self.pointed(name, form)
        if after is None or (after.target, after.version) != (to.target, to.version):
            raise ChangedError(f"{name} in {self._store} was moved by somebody else meanwhile", hint="run slipway status")
        return after

    def unpoint(self, name: str, form: Form, seen: Pointed) -> None:
        """Delete the object."""
        self._require_seen(name, form, seen)
        self.writer.api.call("delete_object", Key=self.prefix + name)

    def _redirect(self, key: str, to: Pointed, fields: Mapping[str, Any]) -> None:
        """For those who read it where nothing redirects, its body is a page that leads there."""
        location = self._location(to.target)
        page = f'<!doctype html><meta http-equiv="refresh" content="0; url={location}"><a href="{location}">{to.version}</a>\n'
        html = "text/html; charset=utf-8"
        self.writer.api.put(key, page.encode(), ContentType=html, WebsiteRedirectLocation=location, **fields)
        if (self.writer.head(key) or {}).get("WebsiteRedirectLocation") != location:
            raise GateError(
                f"{self._store} does not keep redirects: {key} leads nowhere",
                hint='use `form = "copy"` for its pointers, and remove this one by hand',
            )

    def _copy(self, key: str, to: Pointed, fields: Mapping[str, Any]) -> None:
        source = self.writer.head(self.prefix + to.target)
        if source is None:
            raise GateError(
                f"{to.target} in {self._store} is no file, and only a file can be copied",
                hint='let the pointer lead to one file, such as `to = "{folder}/install.sh"`, or use `form = "redirect"`',
            )
        kept = {name: source[name] for name in _KEPT if source.get(name)}
        metadata = {**source.get("Metadata", {}), **fields["Metadata"]}
        self.writer.api.call(
            "copy_object",
            Key=key,
            CopySource={"Bucket": self.writer.api.rules.bucket, "Key": self.prefix + to.target},
            CopySourceIfMatch=source["ETag"],
            MetadataDirective="REPLACE",
            **{**fields, **kept, "Metadata": metadata},
        )

    def _location(self, target: str) -> str:
        """The address within the website: S3 wants it to begin with a slash."""
        return f"{urlsplit(self.url).path.rstrip('/')}/{quote(target)}" if self.url else f"/{quote(self.prefix + target)}"

    def _require_seen(self, name: str, form: Form, seen: Pointed | None) -> Pointed | None:
        now = self.pointed(name, form)
        if (now and (now.target, now.version)) != (seen and (seen.target, seen.version)):
            leads = now.target if now else "nothing"
            raise ChangedError(f"{name} in {self._store} leads to {leads} meanwhile", hint="run slipway status")
        return now

    def _require_known(self, form: Form) -> None:
        if form not in ("redirect", "copy"):
            raise GateError(f"{self._store} is a bucket and knows no {form}", hint="use `redirect` or `copy`")

    @property
    def _store(self) -> str:
        return self.writer.api.rules.name
